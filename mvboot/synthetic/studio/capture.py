"""Film a synthetic capture into a folder, with any number of processes and all of its truth."""

import multiprocessing
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mvboot.datasets import Capture, CaptureFiles, CaptureWriter, block_splits
from mvboot.datasets.conversion import truth
from mvboot.datasets.layout import HIDDEN, KEYPOINTS2D, POSES
from mvboot.datasets.schema import Splits
from mvboot.errors import InputError
from mvboot.fields import DenseField
from mvboot.files import atomic_file
from mvboot.formats.keypoints2d_table import write_keypoints2d
from mvboot.keypoints import Keypoints2D
from mvboot.mesh.raycast import whole_size
from mvboot.sides import left_right_pairs
from mvboot.synthetic.faults import disturbed_labels
from mvboot.synthetic.studio.rendering.views import View
from mvboot.synthetic.studio.settings import SynthSettings
from mvboot.synthetic.studio.studio import Studio

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

Progress = Callable[[Iterator[Any]], AbstractContextManager[Iterator[Any]]]

GAP = 2
"""Frames between those that train and those that validate."""


@dataclass(frozen=True)
class Seen:
    """Keypoints in one picture: pixels (I, K, 2), and which nothing hides (I, K)."""

    camera: str
    frame: int
    pixels: Floats
    visible: Bools


def synthesise(
    settings: SynthSettings,
    out: Path,
    overwrite: bool = False,
    processes: int = 1,
    progress: Progress = nullcontext,
    warn: Callable[[str], object] = warnings.warn,
) -> Capture:
    """Film a capture and return it, opened.

    Parameters
    ----------
    settings
        Decides everything: the same settings give the same files, byte for byte, whatever the
        number of processes.
    out
        Folder to write; see `CaptureWriter`.
    overwrite
        Replace a capture in it.
    processes
        How many work at once.
    progress
        Context manager around what is filmed, one item for each frame: something to watch.
    warn
        Is told what seems wrong with a rig file, before anything is filmed.

    Raises
    ------
    InputError
        Settings that cannot be filmed, or an ``out`` that is not free.
    """
    studio = Studio(settings)
    if studio.warning is not None:
        warn(studio.warning)
    splits, labelled = _splits(settings, studio)
    faults = {name: own.as_dict() for name, own in studio.faults.items()}
    with CaptureWriter(
        out,
        studio.stated,
        fps=settings.fps,
        template=studio.subjects.template,
        splits=splits,
        labelled=labelled,
        seed=settings.seed,
        provenance={"settings": settings.model_dump(mode="json"), "faults": faults},
        overwrite=overwrite,
    ) as writer:
        with ExitStack() as stack:
            filmed = _filmed(studio, writer.files, processes, stack)
            seen = [one for frame in stack.enter_context(progress(filmed)) for one in frame]
        exact, visible = _table(studio, seen)
        _write_keypoints(studio, writer, exact, visible)
        _write_truth(studio, writer)
    return Capture.open(out)


def film(studio: Studio, files: CaptureFiles, frame: int) -> list[Seen]:
    """Film one frame with all cameras that did not lose it, and write its truth."""
    seen = []
    for camera in studio.rig.names:
        if len(studio.filmed(camera, np.array([frame]))) == 0:
            continue
        eye = studio.eye(camera, frame)
        bodies = studio.bodies(studio.time(camera, frame))
        view = bodies.seen_by(eye)
        picture, exposure = studio.shot(camera, frame)
        files.write_picture(camera, frame, picture, f".{studio.settings.pictures}")
        files.write_mask(camera, frame, exposure.mask)
        files.write_field(_field(studio, view, camera, frame))
        files.write_maps(
            camera,
            frame,
            depth=view.depth.astype(np.float32),
            face=view.face.astype(np.int32),
            individual=view.individual.astype(np.int8),
        )
        pixels = eye.camera.project(bodies.keypoints())
        seen.append(Seen(camera, frame, pixels, bodies.visible(eye, studio.room.caster)))
    return seen


def _field(studio: Studio, view: View, camera: str, frame: int) -> DenseField:
    canonical = view.canonical(studio.subjects)
    topology = studio.subjects.template.topology
    if studio.settings.fields == "charts":
        assert canonical.part is not None and canonical.uv is not None  # the studio checked
        return DenseField.of_charts(canonical.part, canonical.uv, topology, camera, frame)
    assert canonical.embedding is not None
    return DenseField.of_embedding(canonical.embedding, topology, camera, frame)


# --- several processes --------------------------------------------------------------------------


class _Worker:
    """What a process of its own keeps from frame to frame."""

    studio: Studio
    files: CaptureFiles

    @classmethod
    def start(cls, settings: SynthSettings, files: CaptureFiles) -> None:
        cls.studio, cls.files = Studio(settings), files

    @classmethod
    def film(cls, frame: int) -> list[Seen]:
        return film(cls.studio, cls.files, frame)


def _filmed(
    studio: Studio, files: CaptureFiles, processes: int, stack: ExitStack
) -> Iterator[list[Seen]]:
    """Yield what is seen in each frame, in order; ``stack`` ends the processes."""
    frames = range(studio.settings.frames)
    if processes == 1:
        return (film(studio, files, frame) for frame in frames)
    pool = ProcessPoolExecutor(
        min(processes, len(frames)),
        multiprocessing.get_context("spawn"),
        _Worker.start,
        (studio.settings, files),
    )
    stack.callback(pool.shutdown, cancel_futures=True)  # who is interrupted waits for no more
    return pool.map(_Worker.film, frames)


# --- tables -------------------------------------------------------------------------------------


def _splits(settings: SynthSettings, studio: Studio) -> tuple[Splits, list[int] | None]:
    """Return the splits of what was filmed, and which frames count as labelled (None: all)."""
    cameras = studio.rig.names
    frames = [studio.filmed(name, np.arange(settings.frames)) for name in cameras]
    blind = [name for name, kept in zip(cameras, frames, strict=True) if not len(kept)]
    if blind:
        raise InputError(f"faults.dropped leaves camera {blind[0]} no frame; ask for more frames")
    held = settings.held_out_cameras
    unknown = sorted(set(held) - set(cameras))
    if unknown:
        raise InputError(
            f"held_out_cameras: no camera {unknown[0]}; there are {', '.join(cameras)}"
        )
    trains = [kept for name, kept in zip(cameras, frames, strict=True) if name not in held]
    if not trains:
        raise InputError("held_out_cameras: at least one camera must train")
    splits = _blocks(settings, np.unique(np.concatenate(trains)))
    if settings.labelled is None:
        return splits, None
    if settings.labelled > len(splits.train):
        raise InputError(
            f"labelled: {settings.labelled} frames wanted, only {len(splits.train)} train"
        )
    places = np.linspace(0, len(splits.train) - 1, settings.labelled).round().astype(int)
    return splits, [splits.train[place] for place in places]


def _blocks(settings: SynthSettings, frames: Ints) -> Splits:
    try:
        return block_splits(
            frames,
            settings.validating,
            blocks=max(1, min(3, settings.frames // 30)),
            gap=GAP if settings.validating else 0,
            held_out_cameras=settings.held_out_cameras,
            seed=int(settings.rng("splits").integers(2**31)),
        )
    except InputError:
        raise InputError(
            f"validation={settings.validating:g}: of {len(frames)} frames that leaves none to "
            f"train on, or none to validate, {GAP} frames apart; ask for more --frames, another "
            "share, or validation=0"
        ) from None


def _table(studio: Studio, seen: list[Seen]) -> tuple[Keypoints2D, Bools]:
    """Return the exact keypoints in the pictures, `HIDDEN` where hidden, and visibility."""
    template = studio.subjects.template
    names = tuple(member.name for member in studio.subjects.members)
    cameras, frames = studio.rig.names, np.arange(studio.settings.frames)
    shape = (len(cameras), len(frames), len(names), len(template.keypoints))
    xy, visible = np.full((*shape, 2), np.nan), np.zeros(shape, dtype=bool)
    for one in seen:
        place = cameras.index(one.camera), one.frame
        width, height = whole_size(studio.rig[one.camera])
        x, y = one.pixels[..., 0], one.pixels[..., 1]
        inside = (x > -0.5) & (x < width - 0.5) & (y > -0.5) & (y < height - 0.5)
        xy[place] = np.where(inside[..., None], one.pixels, np.nan)
        visible[place] = one.visible & inside
    known = np.isfinite(xy[..., 0])
    confidence = np.where(known, np.where(visible, 1.0, HIDDEN), np.nan)
    source = {"title": "synthetic truth"}
    exact = Keypoints2D(
        cameras, frames, names, tuple(template.keypoints), xy, confidence, source=source
    )
    return exact, visible


def _write_keypoints(
    studio: Studio, writer: CaptureWriter, exact: Keypoints2D, visible: Bools
) -> None:
    """Write what a detector says, or the labels; the exact ones go to the truth."""
    write_keypoints2d(exact, writer.files.truth_path(KEYPOINTS2D))
    detector = studio.settings.detector
    if detector is None:
        writer.write_keypoints(disturbed_labels(exact, studio.faults))
        return
    found = detector.detect(
        exact,
        visible,
        {name: whole_size(studio.rig[name]) for name in studio.rig.names},
        left_right_pairs(exact.keypoints),
        studio.settings.rng("detector"),
        studio.subjects.template.edges,
    )
    writer.write_keypoints(found.keypoints)


def _write_truth(studio: Studio, writer: CaptureWriter) -> None:
    """Write 3D keypoints and poses at the nominal times, and the rig where it is another."""
    subjects = studio.subjects
    times = np.arange(studio.settings.frames) / studio.settings.fps
    xyz = np.stack([studio.bodies(time).keypoints() for time in times])
    names = [member.name for member in subjects.members]
    keypoints = tuple(subjects.template.keypoints)
    writer.write_keypoints3d(
        truth(
            studio.rig,
            range(len(times)),
            keypoints,
            xyz,
            individuals=names,
            fps=studio.settings.fps,
        )
    )
    if studio.rig.fingerprint() != studio.stated.fingerprint():
        writer.write_true_rig(studio.rig)
    poses = [member.poses(times) for member in subjects.members]
    path = writer.files.truth_path(POSES)
    with atomic_file(path) as partial, open(partial, "wb") as stream:
        np.savez_compressed(
            stream,
            topology=np.array(subjects.template.topology),
            individuals=np.array(names),
            times=times,
            shapes=np.stack([member.shape for member in subjects.members]),
            rotations=np.stack([pose.rotations for pose in poses]),
            translations=np.stack([pose.translation for pose in poses]),
        )
