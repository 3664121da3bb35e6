import numpy as np
import pytest

from mvboot.mesh.flatten import is_disc
from mvboot.template.parts import cells, local_mesh, settled, smoothed, uv_islands


@pytest.mark.parametrize("count", [1, 6, 24])
def test_cells_of_a_closed_surface_are_discs(sphere, count):
    vertices, faces = sphere
    parts = cells(vertices, faces, count)
    numbers = np.unique(parts)
    assert len(numbers) >= max(2, count)
    np.testing.assert_array_equal(numbers, np.arange(len(numbers)))
    assert all(is_disc(faces[parts == number]) for number in numbers)


def test_cells_of_a_body_open_its_tubes_into_strips(body):
    parts = cells(body.vertices, body.faces, 24)
    assert 24 <= parts.max() + 1 <= 48
    assert all(is_disc(body.faces[parts == number]) for number in np.unique(parts))


def test_a_ring_is_cut(sheet):
    parts = cells(*sheet, 1)
    assert len(np.unique(parts)) >= 2
    assert all(is_disc(sheet[1][parts == number]) for number in np.unique(parts))


def test_settled_gives_crumbs_away(full_sheet):
    vertices, faces = full_sheet
    wanted = (vertices[faces].mean(axis=1)[:, 0] > 0).astype(np.int64)
    crumbled = wanted.copy()
    crumbled[np.flatnonzero(wanted == 0)[[5, 50]]] = 1
    inner = ~np.isin(np.arange(len(faces)), np.flatnonzero(np.abs(vertices[faces, 0]).min(1) < 0.1))
    np.testing.assert_array_equal(settled(faces, crumbled)[inner], wanted[inner])
    pieces = [faces[smoothed(faces, crumbled) == label] for label in (0, 1)]
    assert all(is_disc(piece) for piece in pieces)


def test_islands_end_where_uv_jumps():
    faces = np.array([[0, 1, 2], [2, 1, 3], [3, 1, 4]])
    place = np.random.default_rng(0).uniform(size=(5, 2))
    uv = place[faces]
    assert len(np.unique(uv_islands(faces, uv))) == 1
    uv[2, 0] += 0.5  # vertex 3 has another uv in the last face
    np.testing.assert_array_equal(uv_islands(faces, uv), [0, 0, 1])


def test_local_mesh_counts_again():
    used, local = local_mesh(np.array([[7, 2, 9], [9, 2, 4]]))
    np.testing.assert_array_equal(used[local], [[7, 2, 9], [9, 2, 4]])
    np.testing.assert_array_equal(used, [2, 4, 7, 9])
