"""Adjustment that keeps lenses invertible: no picture may lose rays that it had.

Least squares see no more of a lens than the points do. Where these leave out the corners, or the
lens has more terms than they determine, the best fit may fold inside the picture. Then its highest
terms are held where a lens that did not fold has them, more and more until the rest folds no more.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import torch

from mvboot.calib.bundle import Bundle, Held, Observations, adjust, free_parameters
from mvboot.geometry import Camera, rayless_share
from mvboot.keypoints import Keypoints2D
from mvboot.rig import Rig

STEPS = {
    "pinhole": (),
    "brown": (("k4", "k5", "k6"), ("k3",), ("k2",), ("p1", "p2"), ("k1",)),
    "fisheye": (("k4",), ("k3",), ("k2",), ("k1",)),
}
"""Distortion terms in the order in which they are held."""


def adjust_unfolded(
    bundle: Bundle,
    observations: Observations,
    held: Held,
    given: Mapping[str, Camera],
    loss_px: float | None = None,
) -> tuple[Bundle | None, Held]:
    """Adjust as `bundle.adjust`; return the bundle and what was held in the end.

    No camera has a larger share of its picture without rays (`geometry.rayless_share`) than the
    one of its name in ``given``. One that would have starts again from the intrinsics there, with
    some of them held; with all of them held it has the same share. What is not named may fold.
    """
    names = [n for n in given if free_parameters(bundle.rig[n], held.of(n))]
    before = {name: rayless_share(given[name]) for name in names}
    while True:
        solved = adjust(bundle, observations, held, loss_px)
        if solved is None:
            return None, held
        folding = [name for name in names if rayless_share(solved.rig[name]) > before[name]]
        if not folding:
            return solved, held
        held = _with_more_held(bundle.rig, held, folding)
        again = {n: replace(given[n], cam_from_world=bundle.rig[n].cam_from_world) for n in folding}
        bundle = replace(bundle, rig=replace(bundle.rig, cameras={**bundle.rig.cameras, **again}))


def rayless_detections(rig: Rig, keypoints: Keypoints2D) -> dict[str, int]:
    """Return, by camera of the rig, how many detections lie where its lens has no inverse."""
    found = {}
    for pixels, (name, camera) in zip(
        keypoints.for_cameras(rig.names).xy, rig.cameras.items(), strict=True
    ):
        seen = torch.from_numpy(pixels[~np.isnan(pixels[..., 0])])
        _, valid = camera.lens.unproject(camera.plane_from_pixels(seen))
        found[name] = int((~valid).sum())
    return found


def held_more(rig: Rig, held: Held, more: Held) -> dict[str, tuple[str, ...]]:
    """Return, by camera, the free parameters that were held in addition."""
    pairs = {
        name: [free_parameters(rig[name], h.of(name)) for h in (held, more)] for name in rig.names
    }
    return {n: tuple(p for p in a if p not in b) for n, (a, b) in pairs.items() if len(a) > len(b)}


def _with_more_held(rig: Rig, held: Held, folding: Iterable[str]) -> Held:
    cameras = dict(held.cameras)
    for name in folding:
        lens = rig[name].lens.name
        steps = [frozenset(step) for step in (*STEPS[lens], ("principal_point",), ("focal",))]
        free = free_parameters(rig[name], held.of(name))
        wider = (held.of(name) | step for step in steps)
        cameras[name] = next(h for h in wider if free_parameters(rig[name], h) != free)
    return replace(held, cameras=cameras)
