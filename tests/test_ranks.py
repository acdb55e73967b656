import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from udrl_explain.statistics.ranks import rank_correlation


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=2, max_size=12))
def test_rank_correlation_is_scipys_with_ties(pairs):
    a, b = (np.array(column, dtype=float) for column in zip(*pairs, strict=True))
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        assert math.isnan(rank_correlation(a, b))
    else:
        assert rank_correlation(a, b) == pytest.approx(spearmanr(a, b).statistic, abs=1e-12)


def test_rank_correlation_refuses_what_has_no_ranks():
    with pytest.raises(ValueError, match="equally many numbers"):
        rank_correlation([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="finite"):
        rank_correlation([1.0, math.nan], [1.0, 2.0])
