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
        for makers in (rigs, detections, tables, meshes, captures, small_files, by_hand, *OWN)
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
    for suffix in (".parquet",):
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

    from mvboot.mesh.reading import read_mesh

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


def fields(folder: Path) -> list[Target]:
    """Return a field of charts, one of an embedding, and an IUV picture."""
    from mvboot.fields import DenseField, read_field, read_iuv, write_field, write_iuv

    part = np.zeros((12, 16), dtype=np.uint8)
    part[3:9, 4:12] = 7
    uv = np.random.default_rng(0).random((12, 16, 2))
    charts = DenseField.of_charts(part, uv, "00112233aabbccdd", "cam_0", 3)
    values = np.where(part[..., None] > 0, np.pad(uv, ((0, 0), (0, 0), (0, 2))), np.nan)
    embedding = DenseField.of_embedding(values, "00112233aabbccdd", "cam_0", 3)
    found = []
    for name, field in (("charts", charts), ("embedding", embedding)):
        path = _new(folder, f"field-{name}") / "000003.npz"
        write_field(field, path)
        found.append(Target(f"field-{name}", path.parent, lambda at=path: read_field(at)))
    iuv = _new(folder, "field-iuv") / "iuv.png"
    write_iuv(charts, iuv)
    return [*found, Target("field-iuv", iuv.parent, lambda: read_iuv(iuv, "00", "cam_0", 3))]


def templates(folder: Path) -> list[Target]:
    """Return a template of a mesh."""
    import trimesh

    from mvboot.template import load_template, template_of_mesh

    path = _new(folder, "template") / "ball.npz"
    ball = trimesh.creation.icosphere(subdivisions=1)
    np.savez(path, vertices=ball.vertices, faces=ball.faces)
    template_of_mesh(path, "m", landmarks={"top": 3}).save(path)
    return [Target("template", path.parent, lambda: load_template(path))]


def surfaces(folder: Path) -> list[Target]:
    """Return fitted surfaces, and a mesh of one."""
    import trimesh

    from mvboot.formats.ply import read_ply, write_ply
    from mvboot.mesh.surface_mesh import SurfaceMesh
    from mvboot.surfaces import Posture, Surface
    from mvboot.surfaces.store import SurfaceFile, SurfaceWriter
    from mvboot.template import Template

    ball = trimesh.creation.icosphere(subdivisions=0)
    count, rng = len(ball.vertices), np.random.default_rng(0)
    template = Template("ball", "m", np.array(ball.vertices), np.array(ball.faces))
    numbers = (rng.random((count, 3, 3)), np.full(count, 3), rng.random(count))
    posture = Posture(rng.random((2, 3)), rng.random(3), rng.random(2))
    offsets = np.zeros((count, 3))
    whole = Surface("m", template.vertices, np.zeros(count, np.bool_), *numbers, posture, offsets)
    path = _new(folder, "surface-npz") / "surface.npz"
    with SurfaceWriter(path, template, _rig()) as writer:
        writer.add("mia", 3, whole)

    def read() -> None:
        file = SurfaceFile(path)
        for name in file.individuals:
            list(file.of(name))

    ply = _new(folder, "surface-ply") / "frame.ply"
    write_ply(SurfaceMesh("m", template.vertices, template.faces), ply)
    return [
        Target("surface-npz", path.parent, read),
        Target("surface-ply", ply.parent, lambda: read_ply(ply)),
    ]


def networks(folder: Path) -> list[Target]:
    """Return the smallest network."""
    from mvboot.networks import (
        EmbeddingTarget,
        NetworkConfig,
        build_network,
        load_network,
        read_header,
        save_network,
    )

    path = _new(folder, "network") / "network.safetensors"
    target = EmbeddingTarget(
        topology="0123456789abcdef", units="m", center=(0.1, 0.0), scale=(0.8, 0.3)
    )
    save_network(build_network(NetworkConfig(target=target, width=8)), path)

    def read() -> None:
        read_header(path)
        load_network(path)

    return [Target("network", path.parent, read)]


def pictures(folder: Path) -> list[Target]:
    """Return pictures of every usual kind."""
    import cv2

    from mvboot.formats.pictures import header_size, read_colour, read_gray

    found = []
    picture = np.random.default_rng(0).integers(0, 255, (24, 32, 3), dtype=np.uint8)
    for suffix in ("png", "jpg", "bmp", "tif", "webp", "ppm", "hdr"):
        path = _new(folder, f"picture-{suffix}") / f"p.{suffix}"
        shown = picture.astype(np.float32) if suffix == "hdr" else picture
        if not cv2.imwrite(str(path), shown):
            continue

        def read(at: Path = path) -> None:
            header_size(at)
            read_gray(at)
            read_colour(at)

        found.append(Target(path.parent.name, path.parent, read))
    return found


def videos(folder: Path) -> list[Target]:
    """Return videos of the usual containers and codecs."""
    import av

    from mvboot.formats.video import open_video

    found = []
    kinds = (("mp4", "libx264"), ("avi", "mjpeg"), ("mkv", "ffv1"), ("mp4", "mpeg4"))
    for suffix, codec in kinds:
        path = _new(folder, f"video-{codec}") / f"v.{suffix}"
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=25)
            stream.width, stream.height = 64, 48
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            for number in range(6):
                shade = np.full((48, 64, 3), 30 * number, dtype=np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(shade)))
            container.mux(stream.encode())

        def read(at: Path = path) -> None:
            video = open_video(at)
            list(video.pictures(range(min(video.count, 20))))

        found.append(Target(path.parent.name, path.parent, read))
    return found


OWN = (fields, templates, surfaces, networks, pictures, videos)


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
