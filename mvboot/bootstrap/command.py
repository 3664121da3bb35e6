"""A detector of somebody else: a command that learns from files and writes files.

One call is given labels and a list of pictures, learns from the labels, and writes what it finds
in the pictures, in any format of `mvboot.formats.detections`.
"""

import csv
import re
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mvboot.datasets import Capture, View
from mvboot.datasets.labels import labelled_pictures
from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.formats.detections import load_keypoints, respelled
from mvboot.formats.keypoints2d_table import write_keypoints2d
from mvboot.keypoints import Keypoints2D

FIELDS = ("labels", "pictures", "out", "model", "seed")
NEEDED = ("labels", "out")
LABELS, PICTURES, FOUND, OWN, LOG = (
    "labels.csv", "pictures.csv", "detections", "own", "detector.log",
)  # fmt: skip
_FIELD = re.compile(r"\{(\w*)\}")


@dataclass(frozen=True)
class CommandDetector:
    """Runs a command; see docs/bootstrap.md for what it is given.

    Parameters
    ----------
    command
        The words of the command, with ``{labels}``, ``{out}`` and, where wanted, ``{pictures}``,
        ``{model}`` and ``{seed}``.
    capture
        What was filmed.
    views
        Pictures that it must look at.
    seed
        What ``{seed}`` stands for.

    Raises
    ------
    InputError
        A command without a program, with an unknown field, or without one that is needed.
    """

    command: str
    capture: Capture
    views: Sequence[View]
    seed: int = 0

    def __post_init__(self) -> None:
        if not self._words:
            raise InputError("--detector-cmd names no program")
        named = set(_FIELD.findall(self.command))
        unknown = sorted(named - set(FIELDS))
        if unknown:
            raise InputError(
                f"--detector-cmd: there is no {{{unknown[0]}}}; there are "
                + ", ".join(f"{{{name}}}" for name in FIELDS)
            )
        absent = [name for name in NEEDED if name not in named]
        if absent:
            raise InputError(
                f"--detector-cmd needs {{{absent[0]}}}: "
                "'python my.py --labels {labels} --pictures {pictures} --out {out}'"
            )

    def train(self, labels: Keypoints2D, folder: Path, before: Path | None = None) -> None:
        """See `Detector.train`; the command detects in the same call, and starts as it likes.

        InputError where it fails, writes nothing or something that cannot be read, or does not
        know the keypoints and cameras of the labels.
        """
        folder = folder.resolve()
        write_keypoints2d(_labelled_frames(labels), folder / LABELS)
        write_pictures(self.capture, self.views, folder / PICTURES)
        (folder / FOUND).mkdir()
        (folder / OWN).mkdir()
        self._run(folder)
        self._read(folder, labels.keypoints)

    def detect(self, folder: Path, views: Sequence[View]) -> Keypoints2D:
        """See `Detector.detect`; ``views`` beyond those that the command was given are missing."""
        return self._read(folder, None)

    @property
    def _words(self) -> list[str]:
        try:
            return shlex.split(self.command)
        except ValueError as error:
            raise InputError(f"--detector-cmd {self.command!r}: {error}") from None

    def _run(self, folder: Path) -> None:
        places = {
            "labels": folder / LABELS,
            "pictures": folder / PICTURES,
            "out": folder / FOUND,
            "model": folder / OWN,
            "seed": self.seed,
        }
        words = [_FIELD.sub(lambda found: str(places[found[1]]), word) for word in self._words]
        with open(folder / LOG, "w", encoding="utf-8") as log:
            try:
                code = subprocess.run(
                    words, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                    check=False,
                ).returncode  # fmt: skip
            except OSError as error:
                raise InputError(
                    f"--detector-cmd: {words[0]} cannot be run ({error.strerror})"
                ) from None
        if code:
            said = (folder / LOG).read_text(encoding="utf-8", errors="replace").split("\n")
            last = next((line.strip() for line in reversed(said) if line.strip()), "nothing")
            raise InputError(
                f"the detector ended with exit code {code}; it last said: {last} (all of it is in "
                f"{folder / LOG})"
            )

    def _read(self, folder: Path, names: Sequence[str] | None) -> Keypoints2D:
        """Read what the command wrote; check it where ``names`` of keypoints are given."""
        found = _loaded(folder / FOUND)
        if len(found.individuals) > 1:
            raise InputError(
                f"the detector found {len(found.individuals)} individuals "
                f"({', '.join(found.individuals[:4])}); it must write one"
            )
        found = found.renamed(respelled(self.capture.stated.names, found.cameras))
        if names is None:
            return found
        if not found.present.any():
            raise InputError(
                "the detector found nothing in any picture: all x, y or confidence are empty"
            )
        _require("keypoint", names, found.keypoints)
        _require("camera", dict.fromkeys(view.camera for view in self.views), found.cameras)
        asked = {view.frame for view in self.views}
        if not asked & set(found.frames.tolist()):
            raise InputError(
                f"the detector wrote frames {found.frames[0]} to {found.frames[-1]}, but was "
                f"asked for {min(asked)} to {max(asked)}; it must keep the numbers of {PICTURES}"
            )
        strange = np.setdiff1d(found.frames, self.capture.frames)
        if len(strange):
            raise InputError(
                f"the detector wrote frame {strange[0]}, which the capture does not have; it must "
                f"keep the numbers of {PICTURES}"
            )
        return found


def write_pictures(capture: Capture, views: Sequence[View], path: Path) -> None:
    """Write a table of pictures: ``camera, frame, path, index``.

    ``index`` is the place in the video, from 0, where ``path`` is one; else it is empty.
    """
    with atomic_file(path) as partial, open(partial, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(("camera", "frame", "path", "index"))
        for view in views:
            file, index = capture.pictures[view.camera].source(view.frame)
            place = "" if index is None else index
            writer.writerow((view.camera, view.frame, file.resolve(), place))


def _labelled_frames(labels: Keypoints2D) -> Keypoints2D:
    """Return the labels of those frames that have any."""
    return labels.at_rows(np.flatnonzero(labelled_pictures(labels).any(0)))


def _loaded(folder: Path) -> Keypoints2D:
    entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    if not entries:
        raise InputError("the detector ended well but wrote nothing into {out}")
    source = entries[0] if len(entries) == 1 and entries[0].is_file() else folder
    try:
        return load_keypoints(source)
    except InputError as error:
        names = ", ".join(sorted(entry.name for entry in entries)[:4])
        raise InputError(
            f"what the detector wrote into {{out}} ({names}) is no keypoints: {error.message}"
        ) from None


def _require(what: str, wanted: Sequence[str] | dict[str, None], found: Sequence[str]) -> None:
    absent = [name for name in wanted if name not in found]
    if absent:
        raise InputError(
            f"the detector wrote nothing of {what} {', '.join(absent)}; it wrote {', '.join(found)}"
        )
