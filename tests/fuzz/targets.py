"""What is damaged: small valid files of every kind that is read, and how each is read."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

SEEDS = Path(__file__).parent / "seeds"
"""Files of formats that the package reads but does not write, written by hand."""
SUFFIXES = {
    "rig.yaml": ".yaml",
    "qualisys": ".qca.txt",
    "dannce": ".mat",
    "panoptic": ".json",
    "human36m": ".json",
    "idr": ".npz",
    "middlebury": "_par.txt",
    "anipose": ".toml",
    "pose2sim": ".toml",
    "caliscope": ".toml",
    "kalibr": ".yml",
    "mc_calib": ".yml",
    "voxelpose": ".json",
}
"""Of rig files; other formats are folders."""


@dataclass(frozen=True)
class Target:
    """A valid file or folder, and what reads it.

    Parameters
    ----------
    name
        Kind and format: ``rig-anipose``.
    folder
        Where its files are.
    read
        Reads all of it.
    """

    name: str
    folder: Path
    read: Callable[[], Any]

    @property
    def files(self) -> list[Path]:
        """The files that can be damaged."""
        return sorted(path for path in self.folder.rglob("*") if path.is_file())


def all_targets(folder: Path, only: str = "") -> list[Target]:
    """Write every target below a folder and return those whose names begin with ``only``."""
    made = [
        make
        for makers in (rigs, detections, tables, meshes, captures, small_files, by_hand)
        for make in makers(folder)
    ]
    return [
        target for target in sorted(made, key=lambda one: one.name) if target.name.startswith(only)
    ]


def rigs(folder: Path) -> list[Target]:
    """Return a rig in every format that is written."""
    from mvboot.formats.rigs import load_rig, rig_formats, save_rig

    found = []
    for name, form in rig_formats().items():
        if form.write is None:
            continue
        place = _new(folder, f"rig-{name}")
        path = place / f"rig{SUFFIXES.get(name, '')}"
        save_rig(_rig(), path, name)
        found += _twice(place, lambda form=None, path=path: load_rig(path, form, "m"), name)
    return found


def detections(folder: Path) -> list[Target]:
    """Return detections of two people in every format that is written."""
    from mvboot.formats.detections import detection_formats, load_keypoints
    from mvboot.formats.written_detections import OWN_TABLES, save_keypoints2d

    written = [name for name, form in detection_formats().items() if form.write is not None]
    found = []
    for name in [*written, *OWN_TABLES]:
        place = _new(folder, f"keypoints-{name}")
        people = 1 if name in ("caliscope", "label3d") else 2
        save_keypoints2d(_keypoints(people), place, name)
        named = "mvboot" if name in OWN_TABLES else name
        found += _twice(place, lambda form=None, at=place: load_keypoints(at, form), named)
    return found


def tables(folder: Path) -> list[Target]:
    """Return 3D keypoints as our own tables."""
    from mvboot.formats.keypoints3d_table import read_keypoints3d, write_keypoints3d
    from mvboot.triangulation.recording import triangulate_keypoints

    found = []
    for suffix in (".parquet", ".csv"):
        place = _new(folder, f"points3d{suffix.replace('.', '-')}")
        points = triangulate_keypoints(_rig(), _keypoints(2))
        write_keypoints3d(points, place / f"points3d{suffix}")
        found.append(
            Target(
                place.name, place, lambda at=place, s=suffix: read_keypoints3d(at / f"points3d{s}")
            )
        )
    return found


def meshes(folder: Path) -> list[Target]:
    """Return meshes of every kind, a template, and fields."""
    import trimesh

    from mvboot.template.mesh import read_mesh

    found = []
    ball = trimesh.creation.icosphere(subdivisions=1)
    for suffix in ("obj", "ply", "stl", "glb", "off"):
        place = _new(folder, f"mesh-{suffix}")
        ball.export(place / f"mesh.{suffix}")
        found.append(
            Target(place.name, place, lambda at=place, s=suffix: read_mesh(at / f"mesh.{s}"))
        )
    place = _new(folder, "mesh-npz")
    np.savez(place / "mesh.npz", vertices=ball.vertices, faces=ball.faces)
    found.append(Target(place.name, place, lambda: read_mesh(place / "mesh.npz")))
    return found


def captures(folder: Path) -> list[Target]:
    """Return a capture folder with pictures, masks, detections and fields; its files one by one."""

    from mvboot.datasets import Capture, CaptureWriter

    place = _new(folder, "capture")
    rig, people = _rig(), _keypoints(1)
    with CaptureWriter(place / "capture", rig, fps=30.0) as writer:
        for frame in people.frames.tolist():
            for name in rig.names:
                picture = np.full((48, 64, 3), 90, dtype=np.uint8)
                writer.files.write_picture(name, frame, picture)
                writer.files.write_mask(name, frame, np.ones((48, 64), dtype=np.float32))
        writer.write_keypoints(people)

    def read() -> None:
        capture = Capture.open(place / "capture")
        capture.check()
        for name in capture.cameras:
            for frame in capture.frames.tolist():
                capture.picture(name, frame)
                capture.mask(name, frame)
        _ = capture.keypoints, capture.boxes, capture.truth

    return [Target("capture", place, read)]


def small_files(folder: Path) -> list[Target]:
    """Return boards, intrinsics, clock times, clicked landmarks, bone lengths and a field."""
    from mvboot.calib.board_spec import load_board, save_board
    from mvboot.calib.clicks import read_clicks
    from mvboot.formats.timestamps import read_instants

    rig = _rig()
    counts = {name: 3 for name in rig.names}
    board = load_board("charuco:8x11:24mm:18mm:DICT_4X4_1000")

    def saved(
        name: str, file: str, write: Callable[[Path], Any], read: Callable[[Path], Any]
    ) -> Target:
        path = _new(folder, name) / file
        write(path)
        return Target(name, path.parent, lambda: read(path))

    times = "".join(f"{name},{n},{n / 30:.4f}\n" for name in rig.names for n in range(3))
    clicks = "".join(
        f"p{i},{name},{100 + i},{80 - i},{i},0,1\n" for name in rig.names for i in range(4)
    )
    return [
        saved(
            "board", "board.yaml", lambda at: save_board(board, at), lambda at: load_board(str(at))
        ),
        saved(
            "timestamps",
            "t.csv",
            _text("camera,frame,time\n" + times),
            lambda at: read_instants(at, counts),
        ),
        saved(
            "clicks",
            "c.csv",
            _text("point,camera,x,y,X,Y,Z\n" + clicks),
            lambda at: read_clicks(at, rig),
        ),
    ]


def by_hand(folder: Path) -> list[Target]:
    """Return the files below ``seeds/``: ``rig-NAME/rig*`` and ``keypoints-NAME/...``."""
    from mvboot.formats.detections import load_keypoints
    from mvboot.formats.rigs import load_rig

    found = []
    for seed in sorted(SEEDS.iterdir()) if SEEDS.is_dir() else []:
        place = folder / seed.name
        shutil.copytree(seed, place)
        kind, _, name = seed.name.partition("-")
        if kind == "rig":
            path = next(place.glob("rig*"))
            found += _twice(place, lambda form=None, path=path: load_rig(path, form, "m"), name)
        else:
            found += _twice(place, lambda form=None, at=place: load_keypoints(at, form), name)
    return found


def _twice(place: Path, read: Callable[..., Any], form: str) -> list[Target]:
    """Return a target that is recognised by its content, and one whose format is named."""
    return [
        Target(place.name, place, read),
        Target(f"{place.name}-named", place, lambda: read(form)),
    ]


def _text(text: str) -> Callable[[Path], Any]:
    return lambda path: path.write_text(text)


def _new(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


def _rig() -> Any:
    from mvboot import Rig
    from mvboot.synthetic.scene import ring_rig

    rig = ring_rig(3, 2.5, 1.0, np.random.default_rng(0), distortion=False)
    small = [camera.resized((64, 48)) for camera in rig.cameras.values()]
    return Rig({f"cam_{i}": camera for i, camera in enumerate(small)}, "m")


def _keypoints(people: int) -> Any:
    from mvboot import Keypoints2D

    rig, rng = _rig(), np.random.default_rng(0)
    points = rng.normal(size=(3, people, 4, 3)) * 0.2
    xy = np.stack([np.asarray(rig[name].project(points)) for name in rig.names])
    return Keypoints2D(
        rig.names,
        np.arange(3),
        ("mia", "tom")[:people],
        ("nose", "tail", "left", "right"),
        xy,
        np.full(xy.shape[:-1], 0.9),
    )
