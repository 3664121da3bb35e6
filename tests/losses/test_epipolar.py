import pytest
import torch

from mvboot import Camera
from mvboot.geometry import epipolar_distance, fundamental_matrix
from mvboot.losses import EpipolarError, Penalty, affinity_loss
from mvboot.losses.epipolar import expected_epipolar_error


def error_of(sphere, sigma=0.05, distance="squared", F=None):
    F = sphere.F if F is None else F
    a, b = sphere.a, sphere.b
    return expected_epipolar_error(a.field, b.field, a.pixels, b.pixels, F, sigma, distance)


@pytest.mark.parametrize("distance", ["squared", "unsquared"])
def test_a_match_that_is_certain_costs_its_distance(sphere, distance):
    """With labels 0, 1, 2, .. in both views and a narrow kernel, pixel i matches pixel i."""
    n = min(len(sphere.a.pixels), len(sphere.b.pixels))
    labels = torch.arange(n).double()[:, None]
    a, b = sphere.a.pixels[:n], sphere.b.pixels[:n]
    found = expected_epipolar_error(labels, labels, a, b, sphere.F, 0.1, distance)
    wanted = epipolar_distance(sphere.F, a, b)
    torch.testing.assert_close(found, wanted**2 if distance == "squared" else wanted)


def test_the_way_back_is_the_swapped_pair(sphere):
    a, b = sphere.a.pixels, sphere.b.pixels
    back = EpipolarError(a, b, sphere.F).back
    swapped = EpipolarError(b, a, sphere.F.mT).forth
    torch.testing.assert_close(back.lines, swapped.lines)
    assert torch.equal(back.pixels, swapped.pixels)


def scaled(camera, factor):
    pose = camera.cam_from_world
    return Camera.from_opencv(camera.K, torch.zeros(5), pose.R, factor * pose.t, size=camera.size)


def test_world_units_do_not_matter(sphere):
    F = fundamental_matrix(scaled(sphere.a.camera, 1000), scaled(sphere.b.camera, 1000))
    torch.testing.assert_close(error_of(sphere, F=F), error_of(sphere))
    torch.testing.assert_close(error_of(sphere, F=-42 * sphere.F), error_of(sphere))


def test_perfect_fields_are_near_the_lines_and_moved_ones_are_not(fine_sphere):
    a, b = fine_sphere.a, fine_sphere.b
    across = a.pixels + torch.tensor([0.0, 6.0])
    arguments = (b.pixels, fine_sphere.F, 0.02, "unsquared")
    truth = expected_epipolar_error(a.field, b.field, a.pixels, *arguments)
    moved = expected_epipolar_error(a.field, b.field, across, *arguments)
    assert truth.median() < 1
    assert moved.median().item() == pytest.approx(6, rel=0.15)


def test_a_large_picture_in_single_precision(sphere):
    """Pixels far from the origin are centred before they are multiplied."""
    far = torch.tensor([[1.0, 0, 5000], [0, 1, 4000], [0, 0, 1]]).double()
    F = torch.linalg.inv(far).T @ sphere.F @ torch.linalg.inv(far)
    a, b, shift = sphere.a, sphere.b, torch.tensor([5000.0, 4000.0])
    fields = [x.field.float() for x in (a, b)]
    found = expected_epipolar_error(*fields, a.pixels + shift, b.pixels + shift, F, 0.05)
    torch.testing.assert_close(found.double(), error_of(sphere), rtol=1e-4, atol=1e-5)
    assert found.dtype == torch.float32


def test_no_epipolar_geometry_is_nan(sphere):
    F = fundamental_matrix(sphere.a.camera, sphere.a.camera)
    assert error_of(sphere, F=F).isnan().all()


def test_the_epipole_has_no_line(sphere):
    translation = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 0]]).double()
    pixels = torch.tensor([[0.0, 0.0], [1.0, 2.0]])
    field = torch.zeros(2, 1, requires_grad=True)
    found = expected_epipolar_error(field, field, pixels, pixels, translation, 1.0)
    assert found.isnan().tolist() == [True, False]
    found[1].backward()
    assert torch.isfinite(field.grad).all()


def test_the_limit_is_in_px(sphere):
    constant = torch.zeros_like(sphere.a.field), torch.zeros_like(sphere.b.field)
    error = EpipolarError(sphere.a.pixels, sphere.b.pixels, sphere.F, Penalty("unsquared", 2.0))
    assert 1 < affinity_loss(*constant, error, 0.1).value <= 2


@pytest.mark.usefixtures("shapes_unchecked")
def test_another_distance_is_refused(sphere):
    with pytest.raises(ValueError, match="distance"):
        error_of(sphere, distance="cubed")
