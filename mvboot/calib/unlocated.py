"""Why no rig came out of landmarks, and what to do about it, in words."""

from collections.abc import Mapping, Sequence

from mvboot.calib.arrange import Arrangement
from mvboot.calib.growth import Growth
from mvboot.calib.twoview import MIN_ANGLE_DEG, MIN_SHARED, Pair
from mvboot.geometry import Camera

SHOWN = 4
"""Names that a message lists."""


def no_start(pairs: Sequence[Pair]) -> str:
    """Say why no pair of cameras can start a rig."""
    enough = [pair for pair in pairs if pair.shared >= MIN_SHARED]
    if not enough:
        best = max(pairs, key=lambda pair: pair.shared)
        return (
            f"no two cameras share {MIN_SHARED} landmarks: {best.a} and {best.b} share most, "
            f"{best.shared}; mark more landmarks, or check names and frames"
        )
    posed = [pair for pair in enough if pair.b_from_a is not None]
    if not posed:
        best = max(enough, key=lambda pair: pair.agree)
        return (
            f"no two cameras agree on {MIN_SHARED} landmarks: of the {best.shared} that {best.a} "
            f"and {best.b} share, {best.agree} fit one pose; check that names mean the same point "
            "and frames the same instant, and the intrinsics; or allow more (--threshold-px)"
        )
    if all(pair.planar for pair in posed):
        return (
            "the landmarks lie on one plane (or the cameras at one place), so two arrangements of "
            "the cameras explain them alike: add landmarks off the plane, or state the positions "
            "of six or more with --points"
        )
    return (
        f"no two cameras see the landmarks from more than {MIN_ANGLE_DEG:g} degrees apart, so "
        "their distance is a guess: move the cameras apart, or state positions with --points"
    )


def unposed(growth: Growth, missing: Sequence[str], cameras: Mapping[str, Camera]) -> str:
    """Name the cameras that could not be posed, with what they share with the others."""
    counts = ", ".join(f"{name} ({growth.common(name)})" for name in missing[:SHOWN])
    more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
    rest = ",".join(name for name in cameras if name not in missing)
    leave = (
        f", or leave out what cannot be located: --cameras {rest}" if len(growth.names) > 1 else ""
    )
    return (
        f"no pose for camera {counts}{more}: in brackets, how many landmarks each has in common "
        f"with those located; mark more, or check names, frames and intrinsics{leave}"
    )


def ambiguous(found: Sequence[Arrangement]) -> str:
    """Say that two arrangements of the cameras fit alike."""
    a, b = (f"{one.noise_px:.2g}" for one in found[:2])
    return (
        f"two mirrored arrangements of the cameras fit alike ({a} and {b} px): from so far "
        "away the pictures show too little perspective; state the positions of "
        "three or more landmarks (--points), or add landmarks nearer and farther away"
    )
