"""NaN and infinity are counted, and the first is found."""

from __future__ import annotations

import numpy as np
import pytest

from latente.data import check_values
from latente.data.checks import Finiteness, check_samples
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


def test_columns_without_any_value_are_named():
    X = np.ones((5, 3))
    X[:, 1] = np.nan
    with pytest.raises(ValueError, match=r"^X has missing values: column 'b' has no value in any of the 5 rows; fill"):
        check_values(X, ("a", "b", "c"))
    X[:, 2] = np.nan
    with pytest.raises(ValueError, match="columns 1, 2 have no value in any of the 5 rows"):
        check_values(X)
    X[4, 0] = np.inf
    with pytest.raises(ValueError, match=r"10 NaN and 1 infinite .*\. columns 1, 2 have no value.*SimpleImputer"):
        check_values(X)


def test_a_column_is_empty_only_where_no_piece_has_a_value():
    pieces = np.ones((3, 2, 2))
    pieces[:, :, 0], pieces[1, :, 1] = np.nan, np.nan
    for left_out, empty in ((None, True), (0, False)):
        finite = Finiteness(("a", "b"), "X")
        for i, piece in enumerate(pieces):
            if i != left_out:
                finite.look(2 * i, piece)
        with pytest.raises(ValueError, match="NaN") as error:
            finite.check()
        assert ("column 'a' has no value" in str(error.value)) is empty
        assert "'b' has" not in str(error.value)


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
