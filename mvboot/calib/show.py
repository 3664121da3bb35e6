"""The facts of a rig that a person wants to see."""

from typing import Any

import numpy as np

from mvboot.calib.views import Views, picture_rays
from mvboot.geometry import Camera, rayless_share
from mvboot.rig import Rig


def rig_facts(rig: Rig) -> dict[str, Any]:
    """Return plain values: units, up, the cameras' facts, and where their axes meet.

    ``focus`` is the point nearest to all optical axes in the rig's units, None where they are
    parallel; ``distance`` the cameras' median distance from it.
    """
    views = Views(rig.still())
    focus = views.focus()
    return {
        "units": rig.units,
        "up": rig.up,
        "hash": rig.fingerprint(),
        "cameras": {name: camera_facts(camera) for name, camera in views.rig.cameras.items()},
        "focus": None if focus is None else focus.tolist(),
        "distance": None if focus is None else float(np.median(views.distances(focus))),
    }


def camera_facts(camera: Camera) -> dict[str, Any]:
    """Return size, lens, focal length in px, diagonal field of view in degrees, centre, axis.

    ``rayless`` is the share of the picture where the lens has no inverse.
    """
    rays = picture_rays(camera)
    count = len(camera.lens.coefficients)
    return {
        "size": camera.size,
        "lens": camera.lens.name + (f" {count}" if count else ""),
        "focal_px": float((camera.K[0, 0] * camera.K[1, 1]).sqrt()),
        "view_deg": float(np.degrees(2 * np.arccos(np.clip(rays[:, 2].min(), -1, 1)))),
        "rayless": rayless_share(camera),
        "center": camera.center.tolist(),
        "forward": camera.forward.tolist(),
    }
