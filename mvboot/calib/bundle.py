"""Bundle adjustment of a rig, by pycolmap: poses, intrinsics and points from all pictures at once.

The cameras are fixed to one another; at instant s the points stand at ``rig_from_points[s]`` before
them. A board that is shown many times has fixed points and a pose per instant; a subject's
keypoints are free points at one instant, since each stands where it is only once.

The first camera never moves. Every freedom of a camera is frozen by the name of its group, through
manifolds of Ceres; a weight is a whole number: the times an observation counts.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
import pyceres
import pycolmap
import torch
from numpy.typing import NDArray

from mvboot.calib.solver_cameras import (
    pose_of,
    refined,
    rigid,
    solver_camera,
    solver_pixels,
)
from mvboot.errors import take_signals_back
from mvboot.geometry import Camera, Pose
from mvboot.rig import Rig

take_signals_back()

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

GROUPS = ("focal", "principal_point", "distortion", "pose")
INTRINSICS = frozenset(GROUPS[:3])
TERMS = {
    "pinhole": (),
    "brown": ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6"),
    "fisheye": ("k1", "k2", "k3", "k4"),
}
"""Distortion terms the solver has, in OpenCV's order."""

MAX_ITERATIONS = 100


@dataclass(frozen=True)
class Held:
    """What an adjustment leaves as it is.

    Parameters
    ----------
    cameras
        By camera, names of `GROUPS` or of single distortion terms (`TERMS`); a camera that is not
        named is free. The first camera's pose stays in any case.
    points
        Which points stay (P,), or None for all of them.
    level
        Which of the points that move keep their z (P,), or None for none of them.
    motion
        Whether the poses of the instants stay.
    """

    cameras: Mapping[str, frozenset[str]] = field(default_factory=dict)
    points: NDArray[np.bool_] | None = None
    level: NDArray[np.bool_] | None = None
    motion: bool = False

    def of(self, camera: str) -> frozenset[str]:
        """Return what stays of a camera."""
        return self.cameras.get(camera, frozenset())


@dataclass(frozen=True)
class Observations:
    """Where the cameras saw points: N rows.

    Parameters
    ----------
    camera, instant, point
        Position of each in the rig, in ``rig_from_points`` and in the points (N,).
    pixels
        Where it was seen (N, 2) in px.
    weight
        How many times each counts (N,), whole numbers from 1.
    """

    camera: Ints
    instant: Ints
    point: Ints
    pixels: Floats
    weight: Ints

    def __len__(self) -> int:
        """Return the number of observations."""
        return len(self.camera)

    def where(self, kept: NDArray[np.bool_] | Ints) -> "Observations":
        """Return some of the rows."""
        return Observations(**{name: rows[kept] for name, rows in vars(self).items()})


@dataclass(frozen=True)
class Bundle:
    """A rig and what it looked at.

    Parameters
    ----------
    rig
        C cameras.
    rig_from_points
        Pose (S,) of the points' frame in the rig's world at each instant.
    points
        The points (P, 3) in their frame.
    """

    rig: Rig
    rig_from_points: Pose
    points: Floats

    def residuals(self, observations: Observations) -> Floats:
        """Return projection minus observation (N, 2) in px; NaN where a point has no projection."""
        gaps = np.full((len(observations), 2), np.nan)
        for c, camera in enumerate(self.rig.cameras.values()):
            rows = np.flatnonzero(observations.camera == c)
            pose = self.rig_from_points[torch.from_numpy(observations.instant[rows])]
            world = pose.apply(torch.from_numpy(self.points[observations.point[rows]]))
            gaps[rows] = camera.project(world).numpy() - observations.pixels[rows]
        return gaps

    @property
    def is_finite(self) -> bool:
        """Whether every number of it is finite."""
        numbers = [self.rig_from_points.R, self.rig_from_points.t, torch.from_numpy(self.points)]
        for camera in self.rig.cameras.values():
            pose = camera.cam_from_world
            numbers += [camera.K, camera.lens.coefficients, pose.R, pose.t]
        return all(bool(torch.isfinite(n).all()) for n in numbers)


def free_parameters(camera: Camera, held: frozenset[str]) -> tuple[str, ...]:
    """Return the names of a camera's intrinsic parameters that are free: fx fy cx cy k1 ..."""
    focal = () if "focal" in held else ("fx", "fy")
    center = () if "principal_point" in held else ("cx", "cy")
    terms = TERMS[camera.lens.name][: len(camera.lens.coefficients)]
    lens = () if "distortion" in held else tuple(term for term in terms if term not in held)
    return focal + center + lens


def adjust(
    bundle: Bundle, observations: Observations, held: Held, loss_px: float | None = None
) -> Bundle | None:
    """Return the bundle that fits the observations best, or None where none was found.

    Parameters
    ----------
    bundle
        Where to start; the first camera's pose stays.
    observations
        What was seen; every camera and instant should occur.
    held
        What stays. Where points move, nothing but held poses, points or motion keeps the world's
        place and size.
    loss_px
        Scale in px of a Cauchy loss; None for least squares.

    Raises
    ------
    InputError
        A lens the solver does not have, or a skewed K, is to be refined.
    """
    problem = _Problem(bundle, observations, held)
    options = pycolmap.BundleAdjustmentOptions(refine_principal_point=True, print_summary=False)
    solver = options.ceres.solver_options
    solver.num_threads = 1  # a pool of threads is slower than one beside another busy process
    solver.max_num_iterations = MAX_ITERATIONS
    solver.function_tolerance = 1e-10
    options.ceres.auto_select_solver_type = False  # it takes an iterative one for a large rig
    solver.linear_solver_type = (
        pyceres.LinearSolverType.DENSE_SCHUR
        if held.points is not None
        else pyceres.LinearSolverType.SPARSE_NORMAL_CHOLESKY
    )
    if loss_px is not None:
        options.ceres.loss_function_type = pycolmap.LossFunctionType.CAUCHY
        options.ceres.loss_function_scale = loss_px
    adjuster = pycolmap.create_default_ceres_bundle_adjuster(
        options, problem.config(), problem.model
    )
    problem.freeze(adjuster.problem)
    with _quiet():
        usable = adjuster.solve().is_solution_usable()
    if not usable:
        return None
    try:
        solved = problem.solved()
    except ValueError:  # a negative focal length, or a value that is not finite: no camera
        return None
    return solved if solved.is_finite else None


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the solver says of steps it takes back, and of failures, from standard error."""
    level = pycolmap.logging.minloglevel
    pycolmap.logging.minloglevel = pycolmap.logging.Level.FATAL.value
    try:
        yield
    finally:
        pycolmap.logging.minloglevel = level


class _Problem:
    """The pycolmap model of a bundle: cameras are sensors of one rig, instants its frames."""

    def __init__(self, bundle: Bundle, observations: Observations, held: Held) -> None:
        self.bundle = bundle
        self.names = bundle.rig.names
        self.instants = len(bundle.rig_from_points.t)
        self.held = held
        self.free = {n: free_parameters(bundle.rig[n], held.of(n)) for n in self.names}
        self.first = bundle.rig[self.names[0]].cam_from_world
        self.model = pycolmap.Reconstruction()
        self._manifolds: list[pyceres.Manifold] = []
        self._add_cameras()
        self._add_instants()
        self._add_pictures(observations)

    def _add_cameras(self) -> None:
        rig = pycolmap.Rig(rig_id=1)
        for number, (name, camera) in enumerate(self.bundle.rig.cameras.items(), start=1):
            colmap = solver_camera(number, name, camera, refined=bool(self.free[name]))
            self.model.add_camera(colmap)
            if number == 1:
                rig.add_ref_sensor(colmap.sensor_id)
            else:
                from_first = camera.cam_from_world @ self.first.inverse()
                rig.add_sensor(colmap.sensor_id, rigid(from_first))
        self.model.add_rig(rig)

    def _add_instants(self) -> None:
        first_from_points = self.first @ self.bundle.rig_from_points
        for s in range(self.instants):
            frame = pycolmap.Frame(
                frame_id=s + 1, rig_id=1, rig_from_world=rigid(first_from_points[s])
            )
            for number, camera in self.model.cameras.items():
                image = s * len(self.names) + number
                frame.add_data_id(pycolmap.data_t(camera.sensor_id, image))
            self.model.add_frame(frame)

    def _add_pictures(self, observations: Observations) -> None:
        o = observations.where(_copies(observations))
        pixels = solver_pixels(self.bundle.rig, o.pixels, o.camera)
        picture = o.instant * len(self.names) + o.camera
        order, starts = _grouped(picture, self.instants * len(self.names))
        for i in range(len(starts) - 1):
            image = pycolmap.Image(
                keypoints=pixels[order[starts[i] : starts[i + 1]]],
                camera_id=i % len(self.names) + 1,
                image_id=i + 1,
            )
            image.frame_id = i // len(self.names) + 1
            self.model.add_image(image)
        for s in range(self.instants):
            self.model.register_frame(s + 1)
        place = np.empty(len(o), dtype=np.int64)
        place[order] = np.arange(len(o)) - starts[picture[order]]
        self._add_tracks(o.point, picture + 1, place)

    def _add_tracks(self, point: Ints, image: Ints, place: Ints) -> None:
        order, starts = _grouped(point, len(self.bundle.points))
        self.point_ids: dict[int, int] = {}
        for p in np.flatnonzero(np.diff(starts)):
            rows = order[starts[p] : starts[p + 1]]
            elements = zip(image[rows].tolist(), place[rows].tolist(), strict=True)
            track = pycolmap.Track()
            track.add_elements([pycolmap.TrackElement(i, k) for i, k in elements])
            self.point_ids[int(p)] = self.model.add_point3D(self.bundle.points[p], track)

    def config(self) -> pycolmap.BundleAdjustmentConfig:
        """Return what is constant, as far as pycolmap can say it."""
        config = pycolmap.BundleAdjustmentConfig()
        for number, picture in self.model.images.items():
            if picture.num_points3D:
                config.add_image(number)
        for p, point_id in self.point_ids.items():
            if self.held.points is None or self.held.points[p]:
                config.add_constant_point(point_id)
            else:
                config.add_variable_point(point_id)
        if self.held.motion:
            for s in range(self.instants):
                config.set_constant_rig_from_world_pose(s + 1)
        for number, name in enumerate(self.names, start=1):
            if number > 1 and "pose" in self.held.of(name):
                config.set_constant_sensor_from_rig_pose(self.model.cameras[number].sensor_id)
            if not self.free[name]:
                config.set_constant_cam_intrinsics(number)
        return config

    def freeze(self, problem: pyceres.Problem) -> None:
        """Hold single intrinsic parameters, which pycolmap cannot."""
        for number, name in enumerate(self.names, start=1):
            parameters = self.model.cameras[number].params
            every = ("fx", "fy", "cx", "cy", *TERMS[self.bundle.rig[name].lens.name])
            held = [i for i in range(len(parameters)) if every[i] not in self.free[name]]
            if self.free[name] and held and problem.has_parameter_block(parameters):
                manifold = pyceres.SubsetManifold(len(parameters), held)
                self._manifolds.append(manifold)
                problem.set_manifold(parameters, manifold)
        if self.held.level is None:
            return
        for p in np.flatnonzero(self.held.level):
            xyz = self.model.points3D[self.point_ids[int(p)]].xyz
            manifold = pyceres.SubsetManifold(3, [2])
            self._manifolds.append(manifold)
            problem.set_manifold(xyz, manifold)

    def solved(self) -> Bundle:
        """Return the bundle as the solver left it."""
        rig = self.model.rigs[1]
        cameras = {}
        for number, (name, camera) in enumerate(self.bundle.rig.cameras.items(), start=1):
            colmap = self.model.cameras[number]
            pose = camera.cam_from_world
            if number > 1 and "pose" not in self.held.of(name):
                pose = pose_of(rig.sensor_from_rig(colmap.sensor_id)) @ self.first
            found = refined(camera, colmap) if self.free[name] else camera
            cameras[name] = found.with_pose(pose)
        motion = self.bundle.rig_from_points
        if not self.held.motion:
            frames = [
                pose_of(self.model.frames[s + 1].rig_from_world) for s in range(self.instants)
            ]
            R, t = torch.stack([f.R for f in frames]), torch.stack([f.t for f in frames])
            motion = self.first.inverse() @ Pose(R, t)
        points = self.bundle.points.copy()
        for p, number in self.point_ids.items():
            points[p] = self.model.points3D[number].xyz
        return Bundle(replace(self.bundle.rig, cameras=cameras), motion, points)


def _grouped(label: Ints, groups: int) -> tuple[Ints, Ints]:
    """Return rows sorted by label 0 ... groups - 1, and where each label starts (groups + 1,)."""
    order = np.argsort(label, kind="stable")
    return order, np.searchsorted(label[order], np.arange(groups + 1))


def _copies(observations: Observations) -> Ints:
    """Return each row as often as it counts; all twice as often where a point was seen once.

    pycolmap takes no point of a single observation, yet on a board such points count.
    """
    times = np.bincount(observations.point, observations.weight)
    weight = observations.weight * (2 if (times == 1).any() else 1)
    return np.repeat(np.arange(len(observations)), weight)
