import numpy as np
import pytest

from mvboot.errors import InputError
from mvboot.fields import Crop, converted
from mvboot.metrics import Kappa, Rules, surface_errors, surface_summary
from mvboot.metrics.surface import area_under_curve, within

FEW = Rules(points=60)
ONES = ("within_5cm", "within_10cm", "within_20cm", "auc_10", "auc_30", "iou")
ONES += ("gps", "gpsm", "ap", "ap_gpsm")


def assert_perfect(found):
    assert found["mean_cm"] == pytest.approx(0, abs=0.05)
    assert found["missing"] == 0
    for key in ONES:
        assert found[key] == pytest.approx(1, abs=5e-3), key


@pytest.mark.parametrize("predicted", ["embedding", "charts"])
@pytest.mark.parametrize("true", ["embedding", "charts"])
def test_the_truth_is_perfect_in_either_kind(sheet, predicted, true):
    errors = surface_errors(getattr(sheet, predicted)(), getattr(sheet, true)(), sheet.template)
    assert_perfect(surface_summary([errors], Kappa.of_parts(sheet.template)))
    found = surface_summary([errors])
    assert_perfect(found)
    assert found["p90_cm"] < 1e-3
    assert found["pixels"] == 1600


@pytest.mark.slow
def test_the_truth_of_a_synthetic_capture_is_perfect(capture):
    errors = []
    for camera in capture.cameras:
        true = capture.field(camera, 0)
        other = converted(true, capture.template, "embedding")
        errors += [surface_errors(x, true, capture.template, FEW) for x in (true, other)]
    assert_perfect(surface_summary(errors))


@pytest.mark.parametrize("kind, units", [("embedding", "m"), ("charts", "m"), ("charts", "mm")])
def test_a_shift_in_the_plane_is_its_length(sheet, kind, units):
    template = sheet.template.in_units(units)
    true, moved = getattr(sheet, kind)(), getattr(sheet, kind)(0.07)
    errors = surface_errors(moved, true, template)
    np.testing.assert_allclose(errors.error_cm, 7, rtol=0.01)
    found = surface_summary([errors], Kappa.fixed(0.07))
    assert found["within_5cm"] == 0
    assert found["within_10cm"] == 1
    assert found["auc_10"] == pytest.approx(0.3, abs=0.01)
    assert found["gps"] == pytest.approx(np.exp(-0.5), abs=0.01)
    assert found["gpsm"] == pytest.approx(np.exp(-0.25), abs=0.01)
    assert found["ap"] == pytest.approx(0.3)


def test_a_turn_of_a_sphere_is_an_arc(ball):
    angle = 0.3
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    camera = ball.rig.names[0]
    true = ball.field(camera)
    turned = ball.field(camera, lambda values: values @ turn.T)
    errors = surface_errors(turned, true, ball.template, FEW)
    z = true.coordinates[true.known][FEW.drawn(int(true.known.sum()), camera, 0), 2]
    chord = 2 * np.sqrt(0.16 - z.astype(float) ** 2) * np.sin(angle / 2)
    arc = 100 * 2 * 0.4 * np.arcsin(chord / 0.8)
    assert np.median(np.abs(errors.error_cm - arc) / arc) < 0.02
    assert errors.error_cm.mean() == pytest.approx(arc.mean(), rel=0.02)


def test_errors_of_known_spread_give_known_ratios(sheet):
    shift = np.random.default_rng(0).uniform(0, 0.2, (40, 40))
    found = surface_summary(
        [surface_errors(sheet.embedding(shift), sheet.embedding(), sheet.template)]
    )
    assert found["mean_cm"] == pytest.approx(10, abs=0.4)
    assert found["within_5cm"] == pytest.approx(0.25, abs=0.03)
    assert found["within_10cm"] == pytest.approx(0.5, abs=0.03)
    assert found["within_20cm"] == pytest.approx(1, abs=0.01)
    assert found["auc_10"] == pytest.approx(0.25, abs=0.02)
    assert found["auc_30"] == pytest.approx(2 / 3, abs=0.02)


def test_a_curve_and_its_area():
    errors = np.array([0.0, 5.0, 20.0, np.inf])
    steps = np.linspace(0, 10, 100_001)
    counted = np.mean([within(errors, step) for step in steps[::100]])
    assert area_under_curve(errors, 10) == pytest.approx(1.5 / 4)
    assert area_under_curve(errors, 10) == pytest.approx(counted, abs=1e-3)
    assert within(np.zeros(0), 5) is None


def test_missing_predictions_count_as_wrong_in_ratios_but_not_in_means(sheet):
    shift = np.zeros((40, 40))
    shift[:, ::4] = np.nan
    found = surface_summary(
        [surface_errors(sheet.embedding(shift), sheet.embedding(), sheet.template)]
    )
    assert found["missing"] == 0.25
    for key in ("within_5cm", "within_20cm", "auc_10", "auc_30", "gps", "iou"):
        assert found[key] == pytest.approx(0.75), key
    assert found["mean_cm"] == pytest.approx(0, abs=1e-3)


def test_an_unsure_foreground_is_no_prediction(sheet):
    unsure = sheet.embedding(foreground=np.full((40, 40), 0.4))
    errors = surface_errors(unsure, sheet.embedding(), sheet.template)
    assert errors.missing == 1600
    assert errors.iou == 0
    found = surface_summary([errors])
    assert found["mean_cm"] is None
    assert found["gps"] == found["ap"] == 0


def test_empty_foregrounds(sheet):
    empty = sheet.embedding(np.full((40, 40), np.nan))
    nothing = surface_errors(empty, empty, sheet.template)
    assert len(nothing.error_cm) == 0
    assert np.isnan(nothing.iou)
    found = surface_summary([nothing])
    assert found["mean_cm"] is found["gps"] is found["iou"] is found["ap"] is None
    assert surface_errors(sheet.embedding(), empty, sheet.template).iou == 0
    assert surface_summary([])["pictures"] == 0


def test_a_coarse_prediction_is_interpolated(sheet):
    true = sheet.embedding()
    coarse = true.on(Crop.whole((40, 40)).strided(4))
    errors = surface_errors(coarse, true, sheet.template)
    # A cell takes the value of one pixel, half a pixel beside its centre in x and y.
    pixel = 100 * 1.4 / 39
    assert np.median(errors.error_cm) == pytest.approx(pixel * np.hypot(0.5, 0.5), rel=0.02)


def test_cameras_are_told_apart(sheet):
    pictures = [
        surface_errors(sheet.embedding(s, c), sheet.embedding(0, c), sheet.template)
        for s, c in ((0.0, "left"), (0.1, "right"))
    ]
    found = surface_summary(pictures)["per_camera"]
    assert found["left"]["mean_cm"] == pytest.approx(0, abs=1e-3)
    assert found["right"]["mean_cm"] == pytest.approx(10, rel=0.01)


def test_fields_that_cannot_be_compared(sheet, ball):
    with pytest.raises(InputError, match="frame 1 cannot be compared"):
        surface_errors(sheet.embedding(frame=1), sheet.embedding(), sheet.template)
    with pytest.raises(InputError, match="made with the template"):
        surface_errors(sheet.embedding(), sheet.embedding(), ball.template)
