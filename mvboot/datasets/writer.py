"""Write a capture folder: all of it appears when it is complete, or nothing."""

import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from mvboot import __version__
from mvboot.config import dump_yaml
from mvboot.datasets.capture import Capture
from mvboot.datasets.footage import find_pictures
from mvboot.datasets.layout import (
    BOXES,
    CAPTURE,
    FIELDS,
    IMAGES,
    KEYPOINTS,
    KEYPOINTS3D,
    MASKS,
    RIG,
    RIG_TRUE,
    TEMPLATE,
    TRUTH,
    VIDEOS,
    CaptureFiles,
)
from mvboot.datasets.schema import CameraEntry, CaptureModel, Splits
from mvboot.files import atomic_folder
from mvboot.formats.keypoints2d_table import write_keypoints2d
from mvboot.formats.keypoints3d_table import write_keypoints3d
from mvboot.formats.rigs import save_rig
from mvboot.frame_list import frame_list
from mvboot.keypoints import Keypoints2D, Keypoints3D
from mvboot.rig import Rig
from mvboot.template import Template

POSE_TABLES = f"{Path(RIG).stem}.*.poses.csv"
"""Poses of moving cameras, which lie beside the rig."""
PARTS = (IMAGES, VIDEOS, MASKS, FIELDS, TRUTH, TEMPLATE, KEYPOINTS, "keypoints.csv", BOXES)


class CaptureWriter:
    """Write a capture; the folder appears when the ``with`` block ends well.

    Pictures, masks, fields and maps go through ``files`` (`CaptureFiles`), which may be handed to
    other processes; which frames there are is read from the folder at the end.

    Parameters
    ----------
    out
        Folder to write. InputError where it holds something, unless ``overwrite``: then the
        capture in it is replaced as a whole.
    rig
        The rig that the capture states.
    fps
        Nominal frame rate in Hz, or None.
    template
        Template of the fields: itself, which is stored beside them, or its topology hash, or
        None for a capture without fields.
    times
        Time of every frame number in s, for cameras that have timestamps.
    splits, labelled, seed, provenance
        As in ``capture.yaml``; ``labelled`` None: all pictures that have a field.
    """

    def __init__(
        self,
        out: str | Path,
        rig: Rig,
        *,
        fps: float | None = None,
        template: Template | str | None = None,
        times: Mapping[str, Mapping[int, float]] | None = None,
        splits: Splits | None = None,
        labelled: Sequence[int] | None = None,
        seed: int | None = None,
        provenance: Mapping[str, Any] | None = None,
        overwrite: bool = False,
    ) -> None:
        self.out = Path(out)
        self.rig = rig
        self.template = template
        self.times = times or {}
        self.overwrite = overwrite
        topology = template.topology if isinstance(template, Template) else template
        self.model = CaptureModel(
            schema=1,
            fps=fps,
            splits=splits,
            labelled=None if labelled is None else frame_list(list(labelled)),
            template=topology,
            seed=seed,
            provenance={"version": __version__, "rig": rig.fingerprint(), **(provenance or {})},
        )
        self._stack = ExitStack()

    def __enter__(self) -> "CaptureWriter":
        """Make the temporary folder; InputError where ``out`` is not free."""
        folder = self._stack.enter_context(atomic_folder(self.out, self.overwrite))
        sizes = {name: self.rig[name].size for name in self.rig.names}
        self.files = CaptureFiles(folder, sizes, self.model.template)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Keep the capture if nothing went wrong and it is sound, else leave nothing."""
        with self._stack:
            if kind is not None:
                self._stack.__exit__(kind, error, trace)
                return
            self._finish()
            old = (*PARTS, *(path.name for path in self.out.glob(POSE_TABLES)))
            stale = [part for part in old if not (self.files.folder / part).exists()]
        for part in stale if self.overwrite else ():
            _remove(self.out / part)

    def write_keypoints(self, keypoints: Keypoints2D) -> None:
        """Write the 2D keypoints of the cameras."""
        write_keypoints2d(keypoints, self.files.folder / KEYPOINTS)

    def write_keypoints3d(self, keypoints: Keypoints3D) -> None:
        """Write the true 3D keypoints."""
        write_keypoints3d(keypoints, self.files.truth_path(KEYPOINTS3D))

    def write_true_rig(self, rig: Rig) -> None:
        """Write the rig that the pictures were made with, where the stated one is disturbed."""
        save_rig(rig, self.files.truth_path(RIG_TRUE))

    def _finish(self) -> None:
        folder = self.files.folder
        save_rig(self.rig, folder / RIG)
        if isinstance(self.template, Template):
            self.template.save(folder / TEMPLATE)
        pictures = find_pictures(folder, self.model, self.rig)
        cameras = {
            name: self._entry(name, filmed.frames.tolist()) for name, filmed in pictures.items()
        }
        model = self.model.model_copy(update={"cameras": cameras})
        dump_yaml(model.plain(), folder / CAPTURE)
        Capture.open(folder)

    def _entry(self, name: str, frames: list[int]) -> CameraEntry:
        times = self.times.get(name)
        return CameraEntry(
            frames=tuple(frames),
            timestamps=None if times is None else [times[frame] for frame in frames],
        )


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
