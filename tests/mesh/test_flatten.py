import numpy as np

from mvboot.mesh.flatten import border_loop, flatten_disc, is_disc


def signed_areas(uv, faces):
    a, b, c = (uv[faces[:, k]] for k in range(3))
    ab, ac = b - a, c - a
    return ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]


def cap(sphere, height=-0.5):
    vertices, faces = sphere
    faces = faces[(vertices[faces, 2] > height).all(axis=1)]
    used, local = np.unique(faces, return_inverse=True)
    return vertices[used], local.reshape(-1, 3)


def test_a_cap_of_more_than_a_hemisphere_is_laid_out_without_folds(sphere):
    vertices, faces = cap(sphere)
    uv = flatten_disc(vertices, faces, vertices[:, 1])
    assert uv.min() >= 0 and uv.max() <= 1
    areas = signed_areas(uv, faces)
    assert (areas > 0).all()  # counterclockwise from outside, nothing folded
    share = areas / areas.mean()
    assert np.quantile(share, 0.05) > 0.3 and np.quantile(share, 0.95) < 3


def test_v_follows_up_and_the_rotation_is_proper(sphere):
    vertices, faces = cap(sphere, 0.3)
    uv = flatten_disc(vertices, faces, vertices[:, 1])
    assert np.corrcoef(uv[:, 1], vertices[:, 1])[0, 1] > 0.99
    assert np.corrcoef(uv[:, 0], vertices[:, 0])[0, 1] > 0.99  # seen from +z: x to the right


def test_a_single_triangle_has_only_a_border():
    uv = flatten_disc(np.eye(3), np.array([[0, 1, 2]]), np.arange(3.0))
    assert (signed_areas(uv, np.array([[0, 1, 2]])) > 0).all()


def test_discs_and_others(sphere, sheet, full_sheet):
    assert is_disc(full_sheet[1]) and is_disc(cap(sphere)[1])
    assert not is_disc(sphere[1])
    assert not is_disc(sheet[1])
    assert not is_disc(np.array([[0, 1, 2], [0, 3, 4]]))  # two triangles that touch in a corner
    assert border_loop(sphere[1]) is None
    assert sorted(border_loop(full_sheet[1])) == sorted(
        np.flatnonzero(np.abs(full_sheet[0]).max(axis=1) > 0.999)
    )
