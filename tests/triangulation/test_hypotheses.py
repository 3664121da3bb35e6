import numpy as np

from mvboot.triangulation.hypotheses import hypothesis_table


def test_every_pair_stands_once_and_the_draw_is_bounded_and_seeded():
    table = hypothesis_table(40, 300, 0.9999, 0)
    for m in (2, 5, 24):
        pairs = {tuple(pair) for pair in table.pairs[m, : table.available[m]].tolist()}
        assert len(pairs) == m * (m - 1) // 2 and all(a < b < m for a, b in pairs)
    assert table.available[40] == 300
    assert len({tuple(pair) for pair in table.pairs[40].tolist()}) == 300
    again = hypothesis_table.__wrapped__(40, 300, 0.9999, 0)
    other = hypothesis_table.__wrapped__(40, 300, 0.9999, 1)
    assert np.array_equal(table.pairs, again.pairs)
    assert not np.array_equal(table.pairs, other.pairs)


def test_trials_suffice_for_the_certainty():
    enough = hypothesis_table(12, 300, 0.9999, 0).enough
    for n, m in ((12, 12), (9, 12), (4, 12), (2, 5)):
        good = n * (n - 1) / (m * (m - 1))
        missed = (1 - good) ** enough[n, m]
        assert missed <= 1e-4 * 1.0001
        assert good == 1 or (1 - good) ** (enough[n, m] - 1) > 1e-4 * 0.9999
    assert enough[0, 12] == 1_000_000
