"""``intrinsics.yaml``: cameras without poses."""

import numpy as np
import pytest

from mvboot import save_rig
from mvboot.errors import InputError
from mvboot.formats.intrinsics_yaml import load_intrinsics, save_intrinsics
from mvboot.formats.rigs import load_rig
from mvboot.synthetic.scene import ring_rig


@pytest.fixture
def rig():
    return ring_rig(3, radius=2.0, height=1.0, rng=np.random.default_rng(0), fisheye=True)


def same_inside(a, b):
    return (
        np.array_equal(a.K, b.K)
        and np.array_equal(a.lens.coefficients, b.lens.coefficients)
        and (a.size, a.lens.name) == (b.size, b.lens.name)
    )


def test_cameras_come_back(rig, tmp_path):
    save_intrinsics(rig.cameras, tmp_path / "intrinsics.yaml", {"version": "1"})
    back = load_intrinsics(tmp_path / "intrinsics.yaml")
    assert list(back) == list(rig.names)
    assert all(same_inside(back[name], rig[name]) for name in rig.names)


def test_any_rig_has_intrinsics_whatever_its_unit(rig, tmp_path):
    save_rig(rig, tmp_path / "rig.yaml")
    save_rig(rig, tmp_path / "calibration.toml", "anipose")
    for file in ("rig.yaml", "calibration.toml"):
        back = load_intrinsics(tmp_path / file)
        assert all(np.allclose(back[name].K, rig[name].K) for name in rig.names)


def test_it_is_no_rig(rig, tmp_path):
    save_intrinsics(rig.cameras, tmp_path / "intrinsics.yaml", {})
    with pytest.raises(InputError):
        load_rig(tmp_path / "intrinsics.yaml")


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("schema: 1\nintrinsics: {}\n", "intrinsics"),
        ("schema: 1\nintrinsics:\n  a: {size: [4, 3], lens: pinhole}\n", "K"),
        (
            "schema: 1\nintrinsics:\n  a: {size: [4, 3], lens: round, "
            "K: [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}\n",
            "lens",
        ),
        (
            "schema: 1\nintrinsics:\n  a: {size: [4, 3], lens: pinhole, "
            "K: [[-1, 0, 0], [0, 1, 0], [0, 0, 1]]}\n",
            "a",
        ),
    ],
)
def test_broken_files_are_refused(text, cause, tmp_path):
    (tmp_path / "intrinsics.yaml").write_text(text)
    with pytest.raises(InputError, match=cause):
        load_intrinsics(tmp_path / "intrinsics.yaml")
