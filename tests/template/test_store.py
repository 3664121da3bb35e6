import json

import numpy as np
import pytest

from mvboot.errors import InputError
from mvboot.template import Template, load_template
from mvboot.template.store import SHIPPED


def same(a, b):
    """Whether two templates hold the same, to single precision."""
    for name in ("name", "units", "up", "forward", "edges", "licence", "topology"):
        assert getattr(a, name) == getattr(b, name)
    for name in ("vertices", "faces", "embedding", "symmetry", "shapes"):
        one, other = getattr(a, name), getattr(b, name)
        assert (one is None) == (other is None)
        if one is not None:
            assert one.dtype == other.dtype
            np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6)
    assert list(a.keypoints) == list(b.keypoints)
    for (ids, weights), (other, values) in zip(
        a.keypoints.values(), b.keypoints.values(), strict=True
    ):
        np.testing.assert_array_equal(ids, other)
        np.testing.assert_allclose(weights, values, atol=1e-6)
    for name in ("charts", "skeleton"):
        one, other = getattr(a, name), getattr(b, name)
        assert (one is None) == (other is None)
        if one is not None:
            assert one.names == other.names


def test_saved_and_loaded_again_bytes_and_all(tmp_path, shipped):
    first, second = tmp_path / "a.npz", tmp_path / "b.npz"
    shipped.save(first)
    loaded = Template.load(first)
    same(shipped, loaded)
    loaded.save(second)
    assert first.read_bytes() == second.read_bytes()
    pose = np.random.default_rng(0).normal(0, 0.3, (len(shipped.skeleton.names), 3))
    np.testing.assert_array_equal(loaded.posed(pose), shipped.posed(pose))


def test_a_bare_template_round_trips(tmp_path, full_sheet):
    bare = Template("sheet", "cm", *full_sheet)
    bare.save(tmp_path / "t.npz")
    same(bare, load_template(tmp_path / "t.npz"))


def test_shipped_files_are_small_and_deterministic_to_read():
    for name in SHIPPED:
        once, again = load_template(name), load_template(name)
        np.testing.assert_array_equal(once.vertices, again.vertices)


def changed(path, out, **changes):
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files} | changes
    np.savez(out, **{name: values for name, values in arrays.items() if values is not None})
    return out


def test_a_wrong_hash_is_refused(tmp_path, quadruped):
    good = tmp_path / "good.npz"
    quadruped.save(good)
    bad = changed(good, tmp_path / "bad.npz", faces=np.roll(quadruped.faces, 1, axis=1))
    with pytest.raises(InputError, match=r"bad\.npz: was made with the template"):
        load_template(bad)


@pytest.mark.parametrize("name", ["mouse.ply", "mouse.OBJ", "mouse.glb", "mouse.stl"])
def test_a_mesh_says_how_to_make_a_template_of_it(name, tmp_path):
    (tmp_path / name).write_bytes(b"ply or whatever")
    with pytest.raises(InputError, match=r"is a mesh, not a template; .*mvboot template FILE"):
        load_template(tmp_path / name)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"header": None}, "is not a template"),
        ({"vertices": None}, "damaged template"),
        ({"weights": None}, "damaged template"),
        ({"header": "{"}, "damaged template"),
        ({"header": json.dumps({"schema": 99})}, "schema 99"),
        ({"embedding": np.zeros((3, 8))}, "embedding are for 3"),
        ({"parts": np.zeros(2, int)}, "uv has shape"),
    ],
)
def test_damaged_templates(tmp_path, quadruped, changes, message):
    good = tmp_path / "good.npz"
    quadruped.save(good)
    bad = changed(good, tmp_path / "bad.npz", **changes)
    with pytest.raises(InputError, match=message) as caught:
        load_template(bad)
    assert str(bad) in str(caught.value)


def test_truncated_and_missing_files(tmp_path, quadruped):
    quadruped.save(tmp_path / "t.npz")
    data = (tmp_path / "t.npz").read_bytes()
    (tmp_path / "t.npz").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match="cannot be read"):
        load_template(tmp_path / "t.npz")
    with pytest.raises(InputError, match="shipped templates: body, quadruped"):
        load_template("horse")
