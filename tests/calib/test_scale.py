from dataclasses import replace

import numpy as np
import pytest

from mvboot.calib import check_rig
from mvboot.calib.scale import scale_warning, scale_words
from mvboot.synthetic.scene import ring_rig


def ring(distance_m, units):
    """Return four cameras around a point, this far from it, with lengths in these units."""
    rig = ring_rig(4, 2.5, 1.0, np.random.default_rng(0), distortion=False)
    factor = distance_m / float(rig[rig.names[0]].center.norm())
    cameras = {n: c.with_pose(c.cam_from_world.scaled(factor)) for n, c in rig.cameras.items()}
    return replace(rig, cameras=cameras, up=None).in_units(units)


@pytest.mark.parametrize(
    ("distance_m", "units"),
    [(3, "m"), (0.3, "mm"), (0.006, "mm"), (0.005, "um"), (0.0005, "um"), (30, "cm")],
)
def test_labs_and_microscopes_are_plausible(distance_m, units):
    rig = ring(distance_m, units)
    assert scale_warning(rig) is None
    assert all(finding.code != "implausible-units" for finding in check_rig(rig))


@pytest.mark.parametrize(
    ("distance_m", "units"), [(3000, "m"), (0.0005, "mm"), (0.0005, "m"), (3e-6, "um")]
)
def test_a_unit_that_fits_no_lab_is_doubted(distance_m, units):
    warning = scale_warning(ring(distance_m, units))
    assert warning is not None and f"not {units};" in warning


def test_a_macro_lens_far_from_a_small_volume_is_plausible():
    rig = ring(0.02, "mm")
    cameras = {}
    for name, camera in rig.cameras.items():
        K = camera.K.clone()
        K[0, 0], K[1, 1] = 40 * K[0, 0], 40 * K[1, 1]
        cameras[name] = replace(camera, K=K)
    assert scale_warning(replace(rig, cameras=cameras)) is None


def test_the_size_is_said_in_the_unit_that_fits():
    assert " um " in scale_words(ring(0.0005, "um"))
    assert " um " not in scale_words(ring(3, "um"))
