"""Stages: what commands do, without a command line.

A stage has three parts. ``read`` opens and checks what a config names. ``compute`` makes results of
it and sees no config. ``write`` puts the results into a folder. All stages run and end in the same
way: `Stage.run`.
"""

import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from mvboot import __version__
from mvboot.config import dump_yaml, from_options
from mvboot.errors import InputError
from mvboot.files import atomic_folder, hash_file, require_free, write_json
from mvboot.reading import read_json
from mvboot.rig import Rig
from mvboot.stages.output import SILENT, Output
from mvboot.stages.settings.base import StageSettings

SUMMARY, CONFIG = "summary.json", "config.yaml"
Summary = dict[str, Any]


ConfigT = TypeVar("ConfigT", bound=StageSettings)
InputsT = TypeVar("InputsT")
ResultsT = TypeVar("ResultsT")


class Stage(ABC, Generic[ConfigT, InputsT, ResultsT]):
    """Reads, computes and writes."""

    config: type[ConfigT]
    """Everything that the stage can be told."""

    @abstractmethod
    def read(self, config: ConfigT, say: Output) -> InputsT:
        """Open the input and check it; InputError for what cannot be used."""

    @abstractmethod
    def compute(self, inputs: InputsT, say: Output) -> ResultsT:
        """Return the results; NothingUsable where there are none."""

    @abstractmethod
    def write(self, results: ResultsT, folder: Path) -> Summary:
        """Write the results into a folder and return the plain values of ``summary.json``."""

    @abstractmethod
    def plan(self, inputs: InputsT, say: Output) -> Summary:
        """Say what `run` would do with this input, and return it as plain values."""

    def describe(self, results: ResultsT, summary: Summary, say: Output) -> None:
        """Say what came out, after it was written."""

    def judge(self, results: ResultsT, summary: Summary) -> None:
        """Raise QualityMissed where what was written is not good enough."""

    def optional(self) -> Collection[str]:
        """Return the folders that a run may write or not: earlier ones must not stay."""
        return ()

    def run(self, config: ConfigT, overwrite: bool = False, say: Output = SILENT) -> Summary:
        """Read, compute, write into ``config.out``, and return the summary.

        The folder appears whole or not at all. What an earlier run wrote there and this one does
        not is removed. InputError and NothingUsable: nothing is written. QualityMissed: all is.
        """
        require_free(config.out, overwrite)
        inputs = self.read(config, say)
        earlier = _written_before(config.out)
        with atomic_folder(config.out, overwrite) as folder:
            results = self.compute(inputs, say)
            summary = self.write(results, folder)
            write_json(summary, folder / SUMMARY)
            dump_yaml(config.model_dump(mode="json", exclude_none=True), folder / CONFIG)
            names = written(folder)
        for name in earlier - set(names):
            (config.out / name).unlink(missing_ok=True)
        for name in self.optional():
            if f"{name}/" not in names:
                shutil.rmtree(config.out / name, ignore_errors=True)
        self.describe(results, summary, say)
        say.say(f"\nwrote {config.out}: {', '.join(names)}")
        self.judge(results, summary)
        return summary

    def dry_run(self, config: ConfigT, overwrite: bool = False, say: Output = SILENT) -> Summary:
        """Read the input and say what `run` would do (``--dry-run``)."""
        require_free(config.out, overwrite)
        return self.plan(self.read(config, say), say)


@dataclass(frozen=True)
class LimitedStage(Stage[ConfigT, InputsT, ResultsT]):
    """A stage whose error has a limit: ``fail_above`` in px, None for none (``--fail-above``)."""

    fail_above: float | None = None

    def __post_init__(self) -> None:
        if self.fail_above is not None and not self.fail_above > 0:
            raise InputError(f"--fail-above must be positive, got {self.fail_above}")


@contextmanager
def called(
    stage: Stage[ConfigT, InputsT, ResultsT],
    config: ConfigT | None,
    settings: Mapping[str, Any],
    overwrite: bool,
) -> Iterator[Path]:
    """Run a stage for Python, and yield the folder with what it wrote.

    The folder is ``out`` where that is given, else one that vanishes after the block. Settings
    by name replace those of the config.
    """
    given = {} if config is None else config.model_dump(exclude_unset=True)
    given |= settings
    with tempfile.TemporaryDirectory() as nowhere:
        out = given.pop("out", None)
        asked = from_options(
            {**given, "out": Path(nowhere) / "out" if out is None else out}, stage.config
        )
        stage.run(asked, overwrite)
        yield asked.out


def written(folder: Path) -> list[str]:
    """Return what a folder holds, with summary and config last and a slash after folders."""
    names = [f"{path.name}/" if path.is_dir() else path.name for path in sorted(folder.iterdir())]
    last = [name for name in (SUMMARY, CONFIG) if name in names]
    return [*(name for name in names if name not in last), *last]


def provenance(
    inputs: Mapping[str, str], rig: Rig | None = None, seed: int | None = None
) -> Summary:
    """Return what a result rests on. ``inputs``: hashes of files by their names."""
    return {
        "version": __version__,
        **({} if seed is None else {"seed": seed}),
        **({} if rig is None else {"rig_hash": rig.fingerprint()}),
        "inputs": dict(inputs),
    }


def hashes(*paths: Path | None) -> dict[str, str]:
    """Return the hashes of those paths that are files, by name."""
    return {path.name: hash_file(path) for path in paths if path is not None and path.is_file()}


def _written_before(out: Path) -> set[str]:
    """Return the files that the summary of an earlier run in ``out`` names."""
    if not (out / SUMMARY).is_file():
        return set()
    found = read_json(out / SUMMARY)
    files = found.get("files", []) if isinstance(found, dict) else []
    return {Path(str(name)).name for name in files if not str(name).endswith("/")}
