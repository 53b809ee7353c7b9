"""NaN and infinity are counted, and the first is found."""

from __future__ import annotations

import numpy as np
import pytest

from latente.data import check_values
from latente.data.checks import check_samples
from latente.data.rows import CHUNK


def test_good_values_pass():
    check_values(np.ones((3, 2)))
    check_values(np.full((3, 2), np.iinfo(np.int64).max))
    check_values(np.array([[np.finfo(np.float64).max, np.finfo(np.float64).tiny]]))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_counts_and_the_first_index(dtype):
    X = np.zeros((4, 3, 2), dtype=dtype)
    X[1, 2, 0], X[2, 0, 1], X[3] = np.nan, -np.inf, np.inf
    with pytest.raises(ValueError, match=r"X contains 1 NaN and 7 infinite values, the first at index \(1, 2, 0\)"):
        check_values(X)


def test_the_column_is_named():
    X = np.array([[0.0, 1.0], [2.0, np.nan]])
    with pytest.raises(ValueError, match="target contains 1 NaN .* row 1, column 'height'.*SimpleImputer"):
        check_values(X, ("width", "height"), "target")


def test_values_beyond_the_first_chunk_are_seen():
    X = np.zeros((3, CHUNK // 2), dtype=np.float16)
    X[0, 5] = X[2, 7] = np.nan
    with pytest.raises(ValueError, match=r"2 NaN and 0 infinite values, the first at index \(0, 5\)"):
        check_values(X)
    X[0, 5] = 0
    with pytest.raises(ValueError, match=r"1 NaN .* index \(2, 7\)"):
        check_values(X)


def test_one_sample_is_too_few():
    check_samples(2)
    with pytest.raises(ValueError, match="at least 2 samples; got 1 sample"):
        check_samples(1)
