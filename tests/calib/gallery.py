"""Deliberately broken rigs: each with the one finding that names its fault."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import layouts
import numpy as np
import torch
from layouts import camera_at

from mvboot.geometry import Camera, Pose
from mvboot.rig import Rig


@dataclass(frozen=True)
class Broken:
    """A faulty rig, and the code and cameras of its one finding; no cameras: all of them."""

    make: Callable[[], Rig]
    code: str
    cameras: tuple[str, ...] = ()


def changed(rig: Rig, change: Callable[[Camera], Camera], *names: str) -> Rig:
    """The rig with a change made to some of its cameras, or to all."""
    cameras = dict(rig.cameras)
    for name in names or rig.names:
        cameras[name] = change(cameras[name])
    return replace(rig, cameras=cameras)


def reposed(rig: Rig, change: Callable[[Pose], Pose], *names: str) -> Rig:
    return changed(rig, lambda camera: camera.with_pose(change(camera.cam_from_world)), *names)


def inverted(rig: Rig, *names: str) -> Rig:
    return reposed(rig, Pose.inverse, *names)


def transposed(rig: Rig, *names: str) -> Rig:
    """MATLAB's row vectors, read as if they were columns."""
    return reposed(rig, lambda pose: Pose(pose.R.mT, pose.t), *names)


def centres_as_translations(rig: Rig, *names: str) -> Rig:
    return reposed(rig, lambda pose: Pose(pose.R, pose.center), *names)


def rescaled(rig: Rig, factor: float, *names: str) -> Rig:
    return reposed(rig, lambda pose: pose.scaled(float(factor)), *names)


def turned(rig: Rig, degrees: float, *names: str) -> Rig:
    """Cameras panned about their own centre."""
    angle = torch.tensor([0.0, np.radians(degrees), 0.0], dtype=torch.float64)
    pan = Pose.from_rotation(angle, torch.zeros(3))
    return reposed(rig, lambda pose: pan @ pose, *names)


def shifted(rig: Rig, offset: tuple[float, float, float], *names: str) -> Rig:
    """Cameras moved in the world, their aim unchanged."""
    move = torch.tensor(offset, dtype=torch.float64)
    return reposed(rig, lambda pose: Pose(pose.R, pose.t - pose.rotate(move)), *names)


def copied(rig: Rig, source: str, target: str) -> Rig:
    return changed(rig, lambda _: rig[source], target)


def posed_like(rig: Rig, source: str, target: str) -> Rig:
    """One camera with the pose of another, its own K and lens."""
    return reposed(rig, lambda _: rig[source].cam_from_world, target)


def relabelled(rig: Rig, units: str) -> Rig:
    """The same numbers under another unit."""
    return replace(rig, units=units)


def closer(rig: Rig, source: str, target: str, distance: float) -> Rig:
    """One camera moved to a small distance from another, still aiming where it did."""
    beside = rig[source].center + torch.tensor([0.0, 0.0, distance], dtype=torch.float64)
    aim = rig[target].center + 2.5 * rig[target].forward
    return changed(
        rig,
        lambda camera: replace(camera, cam_from_world=camera_at(beside, aim).cam_from_world),
        target,
    )


def raised(rig: Rig, height: float) -> Rig:
    return shifted(rig, (0.0, 0.0, height))


def two_rooms() -> Rig:
    """Two rings, the second on another floor."""
    here, there = layouts.ring(5), layouts.ring(3)
    far = shifted(there, (0.0, 0.0, 40.0))
    cameras = {**here.cameras, **{f"far{i + 1}": c for i, c in enumerate(far.cameras.values())}}
    return Rig(cameras, "m", "z")


def back_to_back() -> Rig:
    return layouts.named([camera_at((0.1, 0, 1), (3, 0, 1)), camera_at((-0.1, 0, 1), (-3, 0, 1))])


def crossed_telephotos() -> Rig:
    """Two of three narrow views meet; the third aims 40 mm beside."""
    rig = layouts.telephoto()
    return changed(
        rig,
        lambda c: camera_at(c.center, (20, -35, 0), focal=20_000.0, size=(832, 632)),
        "cam3",
    )


RING, DOME = layouts.ring, layouts.dome

BROKEN: dict[str, Broken] = {
    # --- one block copied over another
    "ring, block copied": Broken(
        lambda: copied(RING(), "cam2", "cam6"), "identical-blocks", ("cam2", "cam6")
    ),
    "stereo, block copied": Broken(
        lambda: copied(layouts.stereo_pair(), "left", "right"),
        "identical-blocks",
        ("left", "right"),
    ),
    "insect rig, block copied": Broken(
        lambda: copied(layouts.telephoto(), "cam1", "cam3"), "identical-blocks", ("cam1", "cam3")
    ),
    "dome, fisheye block copied": Broken(
        lambda: copied(DOME(), "cam1", "cam4"), "identical-blocks", ("cam1", "cam4")
    ),
    "row, block copied": Broken(
        lambda: copied(layouts.row(), "cam1", "cam2"), "identical-blocks", ("cam1", "cam2")
    ),
    "far world, block copied": Broken(
        lambda: copied(layouts.far_world(), "cam2", "cam6"), "identical-blocks", ("cam2", "cam6")
    ),
    "stereo in mm, block copied": Broken(
        lambda: copied(layouts.stereo_pair(units="mm"), "left", "right"), "identical-blocks"
    ),
    "ring, block copied twice": Broken(
        lambda: copied(copied(RING(), "cam2", "cam6"), "cam2", "cam7"),
        "identical-blocks",
        ("cam2", "cam6", "cam7"),
    ),
    # --- one pose given to two cameras
    "ring, poses missing": Broken(
        lambda: reposed(RING(units="mm"), lambda _: Pose.identity()), "same-pose"
    ),
    "ring, pose copied": Broken(
        lambda: posed_like(RING(), "cam1", "cam5"), "same-pose", ("cam1", "cam5")
    ),
    "row, pose copied": Broken(
        lambda: changed(
            posed_like(layouts.row(), "cam1", "cam2"),
            lambda c: replace(c, K=c.K * torch.tensor([[1.1], [1.1], [1.0]])),
            "cam2",
        ),
        "same-pose",
        ("cam1", "cam2"),
    ),
    "insect rig, pose copied": Broken(
        lambda: changed(
            posed_like(layouts.telephoto(), "cam2", "cam3"),
            lambda c: replace(c, size=(800, 600), K=c.K * torch.tensor([[1.02], [1.02], [1.0]])),
            "cam3",
        ),
        "same-pose",
        ("cam2", "cam3"),
    ),
    "dome, pose copied to a fisheye": Broken(
        lambda: posed_like(DOME(), "cam2", "cam4"), "same-pose", ("cam2", "cam4")
    ),
    "moving, pose copied": Broken(
        lambda: posed_like(layouts.tripod().at(10), "pan", "still"), "same-pose", ("pan", "still")
    ),
    # --- poses stored the other way round
    "ring, poses inverted": Broken(lambda: inverted(RING()), "inverse-pose"),
    "ring in mm, poses inverted": Broken(lambda: inverted(RING(units="mm")), "inverse-pose"),
    "ring of 3, poses inverted": Broken(lambda: inverted(RING(3)), "inverse-pose"),
    "fisheye ring, poses inverted": Broken(lambda: inverted(RING(lens="fisheye")), "inverse-pose"),
    "dome, poses inverted": Broken(lambda: inverted(DOME()), "inverse-pose"),
    "insect rig, poses inverted": Broken(lambda: inverted(layouts.telephoto()), "inverse-pose"),
    "one side, poses inverted": Broken(lambda: inverted(layouts.one_side()), "inverse-pose"),
    "far world, poses inverted": Broken(lambda: inverted(layouts.far_world()), "inverse-pose"),
    "moving, poses inverted": Broken(lambda: inverted(layouts.tripod()), "inverse-pose"),
    "ring, rotations transposed": Broken(lambda: transposed(RING()), "inverse-pose"),
    "dome, rotations transposed": Broken(lambda: transposed(DOME()), "inverse-pose"),
    "ring, centres as translations": Broken(
        lambda: centres_as_translations(RING()), "inverse-pose"
    ),
    "insect rig, centres as translations": Broken(
        lambda: centres_as_translations(layouts.telephoto()), "inverse-pose"
    ),
    "ring, one pose inverted": Broken(lambda: inverted(RING(), "cam3"), "inverse-pose", ("cam3",)),
    "ring of 3, one pose inverted": Broken(
        lambda: inverted(RING(3), "cam2"), "inverse-pose", ("cam2",)
    ),
    "insect rig, one pose inverted": Broken(
        lambda: inverted(layouts.telephoto(), "cam2"), "inverse-pose", ("cam2",)
    ),
    "one side, one centre as translation": Broken(
        lambda: centres_as_translations(layouts.one_side(), "cam4"), "inverse-pose", ("cam4",)
    ),
    "dome, one pose inverted": Broken(lambda: inverted(DOME(), "cam2"), "inverse-pose", ("cam2",)),
    # --- lengths in two units
    "ring, two cameras in mm": Broken(
        lambda: rescaled(RING(), 1000, "cam2", "cam7"), "mixed-units", ("cam2", "cam7")
    ),
    "ring, one camera in m": Broken(
        lambda: rescaled(RING(units="mm"), 1e-3, "cam4"), "mixed-units", ("cam4",)
    ),
    "ring, half of it in mm": Broken(
        lambda: rescaled(RING(), 1000, "cam1", "cam2", "cam3", "cam4"),
        "mixed-units",
        ("cam1", "cam2", "cam3", "cam4"),
    ),
    "ring, one camera in cm": Broken(
        lambda: rescaled(RING(), 100, "cam5"), "mixed-units", ("cam5",)
    ),
    "ring in its first camera, two in mm": Broken(
        lambda: rescaled(layouts.in_first_camera(RING()), 1000, "cam3", "cam6"),
        "mixed-units",
        ("cam3", "cam6"),
    ),
    "ring of 3 in its first camera, one in mm": Broken(
        lambda: rescaled(layouts.in_first_camera(RING(3)), 1000, "cam3"), "mixed-units", ("cam3",)
    ),
    "insect rig, one camera in m": Broken(
        lambda: rescaled(layouts.telephoto(), 1e-3, "cam2"), "mixed-units", ("cam2",)
    ),
    "dome, three cameras in mm": Broken(
        lambda: rescaled(DOME(), 1000, "cam3", "cam4", "cam11"),
        "mixed-units",
        ("cam3", "cam4", "cam11"),
    ),
    "one side, one camera in mm": Broken(
        lambda: rescaled(layouts.one_side(), 1000, "cam1"), "mixed-units", ("cam1",)
    ),
    "row, one camera in mm": Broken(
        lambda: rescaled(layouts.row(), 1000, "cam4"), "mixed-units", ("cam4",)
    ),
    "wide pair, one camera in mm": Broken(
        lambda: rescaled(layouts.wide_pair(), 1000, "top"), "mixed-units", ("top",)
    ),
    "moving, one camera in mm": Broken(
        lambda: rescaled(layouts.tripod(), 1000, "pan"), "mixed-units", ("pan",)
    ),
    # --- the wrong unit
    "ring, mm called m": Broken(lambda: relabelled(RING(units="mm"), "m"), "implausible-units"),
    "dome, mm called m": Broken(
        lambda: relabelled(DOME().in_units("mm"), "m"), "implausible-units"
    ),
    "row, cameras half a millimetre apart": Broken(
        lambda: layouts.row(2, 0.0005), "implausible-units"
    ),
    "insect rig, m called mm": Broken(
        lambda: relabelled(layouts.telephoto().in_units("m"), "mm"), "implausible-units"
    ),
    # --- under the floor
    "ring, one camera under the floor": Broken(
        lambda: shifted(RING(), (0, 0, -2.5), "cam6"), "below-floor", ("cam6",)
    ),
    "ring, up is down": Broken(lambda: replace(RING(), up="-z"), "below-floor"),
    "ring in mm, up is down": Broken(lambda: replace(RING(units="mm"), up="-z"), "below-floor"),
    "ceiling, origin at the lamp": Broken(lambda: raised(layouts.ceiling(), -3.4), "below-floor"),
    "row under the floor": Broken(lambda: raised(layouts.row(), -2.0), "below-floor"),
    # --- nothing in common
    "ring, one camera turned away": Broken(
        lambda: turned(RING(), 120, "cam4"), "no-common-volume", ("cam4",)
    ),
    "pair, back to back": Broken(back_to_back, "no-common-volume"),
    "insect rig, one aims beside": Broken(crossed_telephotos, "no-common-volume", ("cam3",)),
    "one side, one camera turned away": Broken(
        lambda: turned(layouts.one_side(), 160, "cam2"), "no-common-volume", ("cam2",)
    ),
    "outward, two neighbours missing": Broken(
        lambda: layouts.outward().subset(["cam1", "cam2", "cam3", "cam4", "cam6"]),
        "no-common-volume",
        ("cam6",),
    ),
    "two rooms": Broken(two_rooms, "no-common-volume", ("far1", "far2", "far3")),
    # --- two cameras at one place
    "ring, two cameras at one place": Broken(
        lambda: closer(RING(), "cam1", "cam5", 0.002), "near-zero-baseline", ("cam1", "cam5")
    ),
    "pairs in a ring, one without a baseline": Broken(
        lambda: closer(layouts.pairs_in_ring(), "cam3", "cam4", 0.003),
        "near-zero-baseline",
        ("cam3", "cam4"),
    ),
    "ring, positions missing": Broken(
        lambda: reposed(RING(units="mm"), lambda pose: Pose(pose.R, 0 * pose.t)),
        "near-zero-baseline",
    ),
    "one side, two cameras at one place": Broken(
        lambda: closer(layouts.one_side(), "cam3", "cam2", 0.004),
        "near-zero-baseline",
        ("cam2", "cam3"),
    ),
}
