import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from udrl_explain.trees.float32_edges import as_float32, last_input_left


def goes_left(value, threshold, factor):
    with np.errstate(over="ignore"):
        return np.float32(np.float64(value) * factor) <= np.float64(threshold)


@given(
    st.floats(-1e30, 1e30),
    st.sampled_from([1.0, 0.02, 0.3, 1e-3, 7.0]),
    st.booleans(),
)
def test_the_edge_goes_left_and_the_next_number_goes_right(threshold, factor, on_float32):
    threshold = float(np.float32(threshold)) if on_float32 else threshold
    edge = last_input_left(threshold, factor)
    assert goes_left(edge, threshold, factor)
    assert not goes_left(np.nextafter(edge, np.inf), threshold, factor)


def test_the_edge_is_not_the_threshold_divided_by_the_scale():
    # 0.1 lies between two float32 numbers: inputs above 0.1 that round to the lower one still go left.
    threshold = 0.1
    edge = float(last_input_left(threshold, 1.0))
    below = np.float32(threshold)
    if float(below) > threshold:
        below = np.nextafter(below, np.float32(0))
    middle = (float(below) + float(np.nextafter(below, np.float32(1)))) / 2
    assert abs(edge - middle) <= np.spacing(middle)
    assert edge != threshold


def test_thresholds_beyond_every_input():
    assert last_input_left([np.inf, -np.inf, 1e39, -1e39], 1.0).tolist() == [np.inf, -np.inf, np.inf, -np.inf]


def test_arrays_are_broadcast():
    edges = last_input_left(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 0.5]))
    assert np.allclose(edges, [[1.0, 4.0], [3.0, 8.0]], rtol=1e-6)


@given(st.floats(-3e38, 3e38), st.integers(-3, 3))
def test_a_threshold_as_float32_sends_every_number_the_same_way(threshold, steps):
    short = float(as_float32(np.array([threshold]))[0])
    assert short == float(np.float32(short))
    assert float(as_float32(np.array([short]))[0]) == short
    near = np.float32(threshold)
    for _ in range(abs(steps)):
        near = np.nextafter(near, np.float32(np.copysign(np.inf, steps)))
    assert (near <= np.float64(threshold)) == (near <= np.float64(short))


def test_what_lies_beyond_float32_stays():
    beyond = np.array([1e39, -1e39])
    assert as_float32(beyond).tolist() == [float(np.finfo(np.float32).max), -1e39]
