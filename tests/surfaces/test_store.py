from dataclasses import replace

import numpy as np
import pytest

from mvboot.errors import InputError
from mvboot.surfaces import Posture, Surface
from mvboot.surfaces.store import SurfaceFile, SurfaceWriter


def surface(seed, bones=True):
    rng = np.random.default_rng(seed)
    posture = Posture(rng.normal(size=(4, 3)), rng.normal(size=3), rng.normal(size=2))
    return Surface(
        "m",
        rng.normal(size=(9, 3)),
        rng.random(9) < 0.5,
        rng.normal(size=(9, 3, 3)),
        rng.integers(0, 5, 9),
        rng.random(9),
        posture if bones else None,
        rng.normal(size=(9, 3)),
    )


def test_what_is_written_is_read(ball, tmp_path):
    path = tmp_path / "surface.npz"
    given = {("anna", 3): surface(0), ("anna", 7): surface(1), ("ball", 3): surface(2, False)}
    with SurfaceWriter(path, ball.template, ball.rig) as writer:
        for (name, frame), one in given.items():
            writer.add(name, frame, one)
    found = SurfaceFile(path)
    made_with = (ball.template.topology, ball.rig.fingerprint(), ball.rig.names)
    assert (found.template, found.rig, found.cameras) == made_with and found.units == "m"
    assert found.keys == list(given) and found.individuals == ("anna", "ball")
    assert [frame for frame, _ in found.of("anna")] == [3, 7]
    for (name, frame), one in given.items():
        back = found.read(name, frame)
        np.testing.assert_allclose(back.vertices, one.vertices, atol=1e-6)
        np.testing.assert_array_equal(back.carried, one.carried)
        np.testing.assert_array_equal(back.views, one.views)
        assert (back.posture is None) == (one.posture is None)
    np.testing.assert_array_equal(
        found.read("anna", 7).posture.rotations, given["anna", 7].posture.rotations
    )


def test_bad_files_are_named(ball, tmp_path):
    with pytest.raises(InputError, match="no such file"):
        SurfaceFile(tmp_path / "none.npz")
    broken = tmp_path / "broken.npz"
    broken.write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(InputError, match="cannot be read as surfaces"):
        SurfaceFile(broken)
    empty = tmp_path / "empty.npz"
    with SurfaceWriter(empty, ball.template, ball.rig):
        pass
    with pytest.raises(InputError, match="no surface of 'anna' in frame 2"):
        SurfaceFile(empty).read("anna", 2)


def test_places_far_from_the_origin_are_not_rounded(ball, tmp_path):
    far = surface(0)
    far = replace(far, vertices=far.vertices + [4.5e5, 5.6e6, 30.0])
    with SurfaceWriter(tmp_path / "s.npz", ball.template, ball.rig) as writer:
        writer.add("anna", 0, far)
    found = SurfaceFile(tmp_path / "s.npz").read("anna", 0)
    np.testing.assert_array_equal(found.vertices, far.vertices)


@pytest.mark.parametrize("name", ["../../x", "/etc/x", "a/b", "", "x\n"])
def test_subjects_never_become_paths_inside_the_archive(ball, tmp_path, name):
    with (
        SurfaceWriter(tmp_path / "s.npz", ball.template, ball.rig) as writer,
        pytest.raises(InputError, match="cannot be part of a file's name"),
    ):
        writer.add(name, 0, surface(0))
