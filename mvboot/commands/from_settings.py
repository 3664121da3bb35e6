"""Commands made of settings: each field of a model is an option, declared once."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typer import Argument, Option

from mvboot.commands.meant import hinted
from mvboot.commands.options import (
    by_camera,
    crops,
    each,
    folders,
    frame_words,
    offsets,
    pairs,
    resolved,
)
from mvboot.errors import InputError
from mvboot.stages.output import Output
from mvboot.stages.settings.base import Typed

if TYPE_CHECKING:
    from mvboot.stages.stage import Stage

ModelT = TypeVar("ModelT", bound=BaseModel)
Words = list[str] | None
READERS: dict[Any, Callable[[Any, str, str], Any]] = {
    dict[str, int]: lambda words, option, form: offsets(words, option),
    dict[str, list[str]]: lambda words, option, form: by_camera(words, option),
    dict[str, Path]: lambda words, option, form: folders(words, option),
    dict[str, str]: lambda words, option, form: pairs(words, option, form),
    dict[str, tuple[float, float, float, float]]: lambda words, option, form: crops(words, option),
    list[str]: lambda words, option, form: each(words, option),
    tuple[str, ...]: lambda words, option, form: each(words, option),
    tuple[int, ...]: lambda words, option, form: frame_words(words),
}
"""How the words of options become values, by the type of the setting; others pydantic reads."""


@dataclass(frozen=True)
class Asked(Generic[ModelT]):
    """What was typed after a command."""

    command: str
    model: type[ModelT]
    given: Mapping[str, Any]
    overrides: list[str]
    config: Path | None
    overwrite: bool
    dry_run: bool
    say: Output

    def settings(self, model: type[ModelT] | None = None) -> ModelT:
        """Return all settings; InputError for what the model refuses, or nothing gave."""
        kind = model or self.model
        return resolved(kind, self.given, self.config, self.overrides, self.command, _first(kind))

    def run(self, stage: "Stage[Any, Any, Any]") -> None:
        """Run a stage, or say what it would do, and print the result where JSON is wanted."""
        settings = self.settings(stage.config)
        work = stage.dry_run if self.dry_run else stage.run
        self.say.result(work(settings, self.overwrite, self.say))

    @contextmanager
    def hints(self) -> Iterator[None]:
        """Add the command line that works to an InputError, where the typed one can be mended."""
        try:
            yield
        except InputError as error:
            better = hinted(error, self.command, self.given, self.overrides)
            if self.config or better is error:
                raise
            raise better from error


def _common() -> dict[str, Parameter]:
    found: dict[str, tuple[Any, Any]] = {
        "overrides": (
            Annotated[
                Words,
                Argument(
                    metavar="[KEY=VALUE]...", help="Any setting, as min_views=2; see config.yaml."
                ),
            ],
            None,
        ),
        "config": (
            Annotated[
                Path | None, Option(help="YAML file with any of these settings (see config.yaml).")
            ],
            None,
        ),
        "overwrite": (
            Annotated[bool, Option("--overwrite", help="Replace an earlier result.")],
            False,
        ),
        "dry_run": (
            Annotated[
                bool, Option("--dry-run", help="Say what would be read and written, and stop.")
            ],
            False,
        ),
        "as_json": (Annotated[bool, Option("--json", help="Print the summary as JSON.")], False),
    }
    return {
        name: Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (kind, default) in found.items()
    }


COMMON = _common()
"""Parameters of all commands that write a folder."""


def command(
    model: type[BaseModel], name: str, common: Iterable[str] = COMMON
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a command of a function of `Asked`, with an option for each field of the model.

    Further parameters of the function are options of their own. ``name`` is how the command is
    typed, as ``mvboot rig refine``; ``common`` are those of `COMMON` that it has.
    """
    fields = {key: _parameter(key, field) for key, field in model.model_fields.items()}
    shared = [COMMON[key] for key in common]

    def made(work: Callable[..., None]) -> Callable[..., None]:
        own = [
            one.replace(kind=Parameter.KEYWORD_ONLY)
            for one in list(signature(work).parameters.values())[1:]
        ]

        @wraps(work)
        def typed(**values: Any) -> None:
            values = _moved_on(values, _first(model))
            given = {key: _read(key, model.model_fields[key], values.pop(key)) for key in fields}
            asked = Asked(
                name,
                model,
                given,
                values.pop("overrides", None) or [],
                values.pop("config", None),
                values.pop("overwrite", False),
                values.pop("dry_run", False),
                Output(values.pop("as_json")),
            )
            work(asked, **values)

        parameters = [*fields.values(), *own, *shared]
        parameters.sort(key=lambda one: _place(one.name, model))
        typed.__signature__ = Signature(parameters)  # type: ignore[attr-defined]  # what Typer reads
        typed.__annotations__ = {one.name: one.annotation for one in parameters}
        return typed

    return made


def _first(model: type[BaseModel]) -> list[str]:
    """Return the settings that are typed by position."""
    return [name for name, field in model.model_fields.items() if _typed(field).first]


def _place(name: str, model: type[BaseModel]) -> int:
    """Return where an option stands in the help: positions, what is required, then the rest."""
    field = model.model_fields.get(name)
    if field is None:
        return 1 if name == "overrides" else 5
    if _typed(field).first:
        return 0
    if not field.is_required():
        return 4
    return 3 if name == "out" else 2


def _parameter(key: str, field: FieldInfo) -> Parameter:
    """Return the parameter of one setting; its default is None, which means not given."""
    how, kind = _typed(field), _kind(field)
    help_ = f"{field.description or ''}{_default(field)}"
    if kind is bool:
        flag = Option(_option(key, how), help=help_)
        return Parameter(
            key, Parameter.KEYWORD_ONLY, default=False, annotation=Annotated[bool, flag]
        )
    plain: Any = Words if kind in READERS and kind != tuple[int, ...] else str | None
    if kind in (int, float, Path):
        plain = kind | None
    option = (
        Argument(metavar=how.form or key.upper(), help=help_)
        if how.first
        else Option(_option(key, how), metavar=how.form, help=help_)
    )
    return Parameter(key, Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[plain, option])


def _read(key: str, field: FieldInfo, value: Any) -> Any:
    """Return the value of a setting from what was typed; None where nothing was."""
    kind, how = _kind(field), _typed(field)
    if kind is bool:
        return value or None
    reader = READERS.get(kind)
    if reader is None or value is None:
        return value
    return reader(value, _option(key, how), how.form or "KEY=VALUE")


def _moved_on(values: dict[str, Any], first: list[str]) -> dict[str, Any]:
    """Return what was typed, where the first word is KEY=VALUE: a config names the file then."""
    for key in first:
        word = values[key]
        if word is not None and "=" in str(word) and not Path(word).exists():
            rest = values.get("overrides") or []
            values = {**values, key: None, "overrides": [str(word), *rest]}
    return values


def _option(key: str, how: Typed) -> str:
    """Return the option of a setting, as --min-views."""
    return how.option or f"--{key.replace('_', '-')}"


def _typed(field: FieldInfo) -> Typed:
    return next((one for one in field.metadata if isinstance(one, Typed)), Typed())


def _kind(field: FieldInfo) -> Any:
    """Return the type of a setting without None and annotations."""
    kinds = [kind for kind in get_args(field.annotation) if kind is not NoneType]
    one = NoneType in get_args(field.annotation) and len(kinds) == 1
    kind = kinds[0] if one else field.annotation
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _default(field: FieldInfo) -> str:
    """Return the default for the help, where a value says it."""
    value = field.default
    if (
        field.is_required()
        or isinstance(value, bool)
        or value is None
        or (not value and value != 0)
    ):
        return ""
    if isinstance(value, list | tuple):
        value = ", ".join(map(str, value))
    if isinstance(value, dict) or "[default:" in (field.description or ""):
        return ""
    return f" [default: {value:g}]" if isinstance(value, float) else f" [default: {value}]"
