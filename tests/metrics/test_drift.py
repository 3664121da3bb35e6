import numpy as np
import pytest

from mvboot.metrics import drift_errors, drift_summary


def test_a_field_has_not_moved_from_itself(sheet):
    found = drift_summary([drift_errors(sheet.embedding(), sheet.charts(), sheet.template)])
    assert found["mean_cm"] == pytest.approx(0, abs=1e-3)
    assert found["lost"] == 0
    assert found["iou"] == 1


def test_a_shift_is_its_length_and_lost_pixels_are_told(sheet):
    shift = np.full((40, 40), 0.05)
    shift[:10] = np.nan
    found = drift_summary([drift_errors(sheet.embedding(shift), sheet.embedding(), sheet.template)])
    assert found["mean_cm"] == pytest.approx(5, rel=0.01)
    assert found["lost"] == found["iou"] - 0.5 == 0.25


def test_nothing_to_compare(sheet):
    empty = sheet.embedding(np.full((40, 40), np.nan))
    found = drift_summary([drift_errors(empty, empty, sheet.template)])
    assert found["pictures"] == 1
    assert found["mean_cm"] is found["lost"] is found["iou"] is None
