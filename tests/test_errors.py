from pathlib import Path

import pytest

from mvboot.errors import InputError, MvbootError, NothingUsable, QualityMissed


def test_the_place_stands_in_front_of_the_message():
    assert str(InputError("is empty", where=Path("a/rig.yaml"))) == "a/rig.yaml: is empty"
    assert str(InputError("is empty")) == "is empty"
    error = InputError("is empty", where="rig.yaml:3:1")
    assert (error.message, error.where) == ("is empty", "rig.yaml:3:1")


@pytest.mark.parametrize(
    ("kind", "code"), [(QualityMissed, 1), (InputError, 2), (NothingUsable, 3), (MvbootError, 1)]
)
def test_exit_codes(kind, code):
    assert kind.exit_code == code and issubclass(kind, MvbootError)


def test_bad_input_is_a_value_error():
    with pytest.raises(ValueError, match="is empty"):
        raise InputError("is empty")
