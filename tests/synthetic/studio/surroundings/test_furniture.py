from inspect import isfunction, signature

import numpy as np
import pytest

from mvboot.synthetic.studio.surroundings import clutter, furniture, outdoors, walls
from mvboot.synthetic.studio.surroundings.solids import mesh_of

BUILDERS = [
    function
    for module in (furniture, clutter, outdoors)
    for function in vars(module).values()
    if isfunction(function)
    and function.__module__ == module.__name__
    and list(signature(function).parameters) == ["rng"]
]
HANGINGS = (
    walls.poster,
    walls.papers,
    walls.outlook,
    walls.door,
    walls.drape,
    walls.board,
    walls.pipes,
    walls.hoop,
)


def test_there_are_builders():
    assert len(BUILDERS) > 35


@pytest.mark.parametrize("builder", BUILDERS, ids=lambda b: b.__name__)
def test_props_stand_on_the_floor_and_are_light(builder):
    for seed in range(5):
        found = builder(np.random.default_rng(seed))
        again = builder(np.random.default_rng(seed))
        vertices, faces, _ = mesh_of(found)
        np.testing.assert_array_equal(vertices, mesh_of(again)[0])
        assert np.isfinite(vertices).all() and len(faces) < 7000
        if builder is not outdoors.sky:
            assert -5 < vertices[:, 2].min() < 0.2
        for surface in found:
            assert surface.places is not None and len(surface.places) == len(surface.vertices)
            assert surface.faces.max() < len(surface.vertices)


@pytest.mark.parametrize("hanging", HANGINGS, ids=lambda h: h.__name__)
def test_what_hangs_on_walls_fits_its_width_and_lies_before_the_wall(hanging):
    for seed in range(8):
        width, found = hanging(np.random.default_rng(seed), 2.5)
        vertices, _, _ = mesh_of(found)
        assert np.ptp(vertices[:, 0]) < width + 0.1
        assert vertices[:, 1].min() > -0.7 and vertices[:, 1].max() < 0.07
        assert vertices[:, 2].min() > -0.1 and vertices[:, 2].max() < 2.8
