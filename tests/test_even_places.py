import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from udrl_explain.statistics.even_places import even_places


@given(st.integers(0, 300), st.integers(1, 300))
def test_places_are_even_in_order_and_hold_both_ends(n, most):
    places = even_places(n, most)
    assert len(places) == min(n, most), "no two fall together"
    if n <= most:
        np.testing.assert_array_equal(places, np.arange(n))
    elif most > 1:
        assert (places[0], places[-1]) == (0, n - 1)
        assert np.ptp(np.diff(places)) <= 1


def test_places_between_are_rounded():
    assert even_places(12, 5).tolist() == [0, 3, 6, 8, 11]
