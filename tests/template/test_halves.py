import numpy as np

from mvboot.template.halves import Halves, both_sides, rounded


def test_numbers_of_a_kite():
    half = np.array([[0.0, 0, 0], [1, 1, 0], [1e-7, 2, 0]])
    halves = Halves.of(np.array([True, False, True]))
    np.testing.assert_array_equal(halves.symmetry, [0, 3, 2, 1])
    whole = halves.vectors(half)
    np.testing.assert_array_equal(whole, [[0, 0, 0], [1, 1, 0], [0, 2, 0], [-1, 1, 0]])
    np.testing.assert_array_equal(whole[halves.symmetry] * [-1, 1, 1], whole)
    np.testing.assert_array_equal(halves.faces(np.array([[0, 1, 2]])), [[0, 1, 2], [2, 3, 0]])


def test_weights_of_the_middle_are_even():
    halves = Halves.of(np.array([True, False]))
    weights = halves.weights(np.array([[0.5, 0.4, 0.1], [0.0, 0.9, 0.1]]), np.array([0, 2, 1]))
    np.testing.assert_allclose(weights, [[0.5, 0.25, 0.25], [0, 0.9, 0.1], [0, 0.1, 0.9]])


def test_charts_of_a_part_that_reaches_across_the_plane():
    vertices = np.array([[0.0, 0, 0], [1, 0, 0.5], [0, 0, 1], [-1, 0, 0.5]])
    halves = Halves.of(np.array([True, False, True]))
    half = np.array([[0, 1, 2]])
    charts = halves.charts(vertices, half, np.array([1]), ("kite",), np.array([1]))
    np.testing.assert_array_equal(charts.parts, [1, 1])
    np.testing.assert_array_equal(charts.uv[1, ::-1], charts.uv[0] * [-1, 1] + [1, 0])
    np.testing.assert_array_equal(charts.uv[0, [0, 2], 0], 0.5)


def test_pairs_of_both_sides():
    found = both_sides([("neck", "hip"), ("hip", "knee")], ("neck",))
    assert found == [
        ("neck", "hip_left"),
        ("neck", "hip_right"),
        ("hip_left", "knee_left"),
        ("hip_right", "knee_right"),
    ]


def test_numbers_in_steps():
    assert rounded(np.array([0.3, -0.3, 2.0]), 2).tolist() == [0.25, -0.25, 2.0]
