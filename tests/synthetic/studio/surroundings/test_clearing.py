import numpy as np
import pytest

from mvboot.geometry import Camera
from mvboot.mesh.raycast import RayCaster
from mvboot.rig import Rig
from mvboot.synthetic.scene import looking_at
from mvboot.synthetic.studio.material import Material
from mvboot.synthetic.studio.surroundings.clearing import Clearing, admitted, footprint
from mvboot.synthetic.studio.surroundings.solids import box, mesh_of, moved
from mvboot.synthetic.studio.textures.coloured import Plain

GREY = Material(Plain(np.full(3, 0.5)))
RADIUS, HEIGHT = 1.0, 1.8


def rig_at(*centers):
    cameras = {}
    for i, center in enumerate(np.array(centers, dtype=float)):
        R = looking_at(center, np.array([0, 0, HEIGHT / 2]))
        K = [[200, 0, 160], [0, 200, 120], [0, 0, 1]]
        cameras[f"c{i}"] = Camera.from_opencv(K, None, R, -R @ center, (320, 240))
    return Rig(cameras, units="m", up="z")


CLEARING = Clearing.of(rig_at((4, 0, 0.9), (0, 4, 0.9)), RADIUS, HEIGHT)


def slab(x, y, size):
    return moved([box(size, GREY)], (x, y, 0))


def test_targets_fill_the_cylinder_evenly():
    away = np.linalg.norm(CLEARING.targets[:, :2], axis=1)
    assert away.max() < RADIUS and np.mean(away < RADIUS / np.sqrt(2)) == pytest.approx(
        0.5, abs=0.1
    )
    assert CLEARING.targets[:, 2].mean() == pytest.approx(HEIGHT / 2)
    assert CLEARING.seen.mean() > 0.9


def test_a_screen_before_one_half_hides_half():
    screen = slab(2.2, 5.0, (0.02, 10.0, 4.0))
    hidden = CLEARING.hidden(RayCaster(*mesh_of(screen)[:2]))
    np.testing.assert_allclose(CLEARING.shares(hidden), [0.5, 0], atol=0.06)
    np.testing.assert_allclose(
        CLEARING.losses([screen, slab(-3, 0, (1, 1, 1))])[0], [0.5, 0], atol=0.06
    )


def test_a_target_before_the_screen_is_not_hidden():
    hidden = CLEARING.hidden(RayCaster(*mesh_of(slab(-1.5, 0, (0.1, 9, 4)))[:2]))
    assert not hidden.any()


def test_what_hides_much_leaves_and_what_stands_behind_stays():
    before, behind, aside = (
        slab(2, 0, (0.1, 1.0, 2)),
        slab(-3, -3, (1, 1, 2)),
        slab(2.4, -2.4, (0.3, 0.3, 1)),
    )
    assert admitted([before, behind, aside], CLEARING, 0.05) == [behind, aside]
    assert admitted([], CLEARING, 0.05) == []


def test_together_things_hide_no_more_than_one_may():
    posts = [slab(2, y, (0.05, 0.05, 3)) for y in np.linspace(-0.5, 0.5, 8)]
    kept = admitted(posts, CLEARING, 0.1)
    assert CLEARING.losses(kept).sum(1).max() <= 0.1 and 0 < len(kept) < 8


def test_nothing_stands_in_the_area_or_right_before_a_camera_or_around_it():
    props = [
        slab(1.2, 0, (0.2, 0.2, 1)),
        slab(3.4, 0, (0.2, 0.2, 2)),
        slab(4, 0, (3, 3, 3)),
        slab(4.5, 0.0, (0.2, 0.2, 2)),
        slab(-3, 0, (0.5, 0.5, 1)),
    ]
    np.testing.assert_array_equal(CLEARING.too_near(props), [True, True, True, False, False])


def test_small_rigs_are_blown_up_to_persons():
    small = Clearing.of(rig_at((0.4, 0, 0.9), (0, 0.4, 0.9)), 0.1, HEIGHT)
    grown, scale = small.to_persons()
    assert scale == pytest.approx(0.2)
    assert grown.radius == pytest.approx(0.5)
    np.testing.assert_allclose(grown.centers * scale, small.centers)
    assert CLEARING.to_persons()[1] == 1


def test_footprint():
    middle, reach = footprint(slab(1, 2, (0.6, 0.8, 3)))
    np.testing.assert_allclose(middle, [1, 2])
    assert reach == pytest.approx(0.5)


def test_tripods_stand_behind_their_cameras():
    found = [CLEARING.tripods(np.random.default_rng(seed)) for seed in range(20)]
    assert 0 < sum(map(bool, found)) < 20
    stands = max(found, key=len)
    assert len(stands) == 2 and not CLEARING.too_near(stands).any()
