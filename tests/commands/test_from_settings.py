"""Options made of settings."""

from inspect import signature
from pathlib import Path
from typing import Annotated

import pytest
import typer
from pydantic import BaseModel, Field
from typer.testing import CliRunner

from mvboot.commands.from_settings import Asked, command
from mvboot.errors import InputError
from mvboot.frame_list import FrameList
from mvboot.stages.settings.base import Typed


class Settings(BaseModel):
    rig: Annotated[Path, Typed("RIG", first=True)] = Field(description="A rig.")
    out: Path = Field(description="A folder.")
    size: int = Field(32, ge=8, description="A size.")
    share: float | None = Field(None, description="A share. [default: all]")
    names: list[str] = Field(default=[], description="Names.")
    frames: FrameList | None = Field(None, description="Frames.")
    late: Annotated[dict[str, int], Typed("CAMERA=FRAMES", option="--delay")] = Field(
        default={}, description="Delays."
    )
    loud: bool = Field(False, description="Noise.")


seen = []


@command(Settings, "mvboot triangulate")
def triangulate(asked: Asked[Settings], fail_above: float | None = None) -> None:
    """Do a thing."""
    seen.append((asked.settings(), fail_above, asked.overwrite, asked.dry_run))


@pytest.fixture
def run():
    app = typer.Typer(rich_markup_mode=None)
    app.command()(triangulate)

    def typed(*words):
        seen.clear()
        found = CliRunner().invoke(app, list(words), catch_exceptions=True)
        if isinstance(found.exception, InputError):
            raise found.exception
        return found.output

    return typed


def test_every_setting_is_an_option_with_its_default_and_help(run):
    text = " ".join(run("--help").split())
    for words in (
        "A rig.", "--out <path> A folder.", "--size <int> A size. [default: 32]",
        "--share <float> A share. [default: all]", "--names", "--frames <str> Frames.",
        "--delay CAMERA=FRAMES Delays.", "--loud Noise.", "--fail-above", "--dry-run",
    ):  # fmt: skip
        assert words in text
    assert list(signature(triangulate).parameters)[:3] == ["rig", "overrides", "out"]


def test_words_become_values(run, tmp_path):
    run(
        "rig.yaml", "--out", str(tmp_path / "o"), "--size", "64", "--names", "a,b", "--names", "c",
        "--frames", "0..2,7", "--delay", "a=-1", "--loud", "--fail-above", "2", "--overwrite",
    )  # fmt: skip
    ((found, above, overwrite, dry),) = seen
    assert found == Settings(
        rig=Path("rig.yaml"), out=tmp_path / "o", size=64, names=["a", "b", "c"],
        frames=(0, 1, 2, 7), late={"a": -1}, loud=True,
    )  # fmt: skip
    assert (above, overwrite, dry) == (2.0, True, False)


def test_a_config_names_what_is_not_typed(run, tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text(f"rig: there.yaml\nout: {tmp_path / 'o'}\nsize: 16\nlate: {{b: 2}}\n")
    run("size=24", "--config", str(config))
    assert (seen[0][0].rig, seen[0][0].size, seen[0][0].late) == (Path("there.yaml"), 24, {"b": 2})


def test_what_is_missing_or_wrong_is_one_line(run, tmp_path):
    with pytest.raises(InputError, match=r"^RIG, --out is missing; see mvboot triangulate --help"):
        run()
    with pytest.raises(InputError, match=r"^size: Input should be greater than or equal to 8"):
        run("rig.yaml", "--out", str(tmp_path / "o"), "--size", "4")
    with pytest.raises(InputError, match=r"^--delay a=one: one is no whole number of frames"):
        run("rig.yaml", "--out", str(tmp_path / "o"), "--delay", "a=one")
