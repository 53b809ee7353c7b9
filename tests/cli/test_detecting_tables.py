"""`latente detect` on tables as people have them: gaps, nameless columns, categories, other separators."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest


def table(rows: int = 120) -> pd.DataFrame:
    """Three columns that belong together; row 7 is broken."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(rows, 1)) * [1.0, 2.0, -1.0] + 0.1 * rng.normal(size=(rows, 3))
    values[7, 2] = 5.0
    return pd.DataFrame(values, columns=["a", "b", "c"])


@pytest.fixture
def detected(tmp_path, call):
    """Returns what `latente detect` wrote of a file, and said."""

    def run(name, *options, code=0):
        done = call("detect", tmp_path / name, "-o", tmp_path / "flags.csv", "--force", *options)
        assert done.code == code, done.err
        return (pl.read_csv(tmp_path / "flags.csv") if code == 0 else None), done

    return run


# Values that are missing or infinite


def test_rows_that_lack_values_are_not_learned_from_and_the_others_judged_as_without_them(tmp_path, detected):
    frame = table().assign(name=[f"p{i}" for i in range(120)])
    frame.drop(index=[4, 9]).to_csv(tmp_path / "whole.csv", index=False)
    frame.loc[4, "a"], frame.loc[9, "b"] = np.nan, np.inf
    frame.to_csv(tmp_path / "gaps.csv", index=False)
    expected, _ = detected("whole.csv")
    flags, done = detected("gaps.csv")
    assert "leaving 2 of 120 rows of" in done.err
    assert "for values that are missing or infinite: p4, p9\n" in done.err
    assert flags.filter(~pl.col("name").is_in(["p4", "p9"])).equals(expected)
    assert [flags[i].rows() for i in (4, 9)] == [[("p4", None, None, 1)], [("p9", None, None, 1)]]


def test_training_data_may_lack_values_and_ten_rows_are_named(tmp_path, detected):
    frame = table()
    frame.to_csv(tmp_path / "today.csv", index=False)
    frame.loc[20:, "b"] = np.nan
    frame.to_csv(tmp_path / "gaps.csv", index=False)
    frame[:20].to_csv(tmp_path / "first.csv", index=False)
    flags, done = detected("today.csv", "--train", tmp_path / "gaps.csv")
    assert "20, 21, 22, 23, 24, 25, 26, 27, 28, 29, ...; column 'b' has no value in 100 of them" in done.err
    assert "leave it out with --drop b" in done.err
    assert flags.equals(detected("today.csv", "--train", tmp_path / "first.csv")[0])


def test_one_complete_row_is_too_few(tmp_path, detected):
    table().assign(b=[1.0] + [np.nan] * 119).to_csv(tmp_path / "gaps.csv", index=False)
    done = detected("gaps.csv", code=2)[1]
    assert "in 119 of 120 rows, so that 1 can be learned from and it takes at least 2" in done.err
    flags, _ = detected("gaps.csv", "--drop", "b")
    assert flags["anomaly_score"].null_count() == 0


@pytest.mark.parametrize("streamed", [False, True])
def test_arrays_and_files_that_are_read_in_pieces(tmp_path, detected, monkeypatch, streamed):
    from latente.data import open as opening

    if streamed:
        monkeypatch.setattr(opening, "IN_MEMORY", 100)
    values = table().to_numpy().copy()
    np.save(tmp_path / "whole.npy", np.delete(values, 30, axis=0))
    values[30, 1] = np.nan
    np.save(tmp_path / "gaps.npy", values)
    expected, _ = detected("whole.npy")
    flags, done = detected("gaps.npy")
    assert "leaving 1 of 120 rows of" in done.err
    assert np.delete(flags["anomaly_score"].to_numpy(), 30).tolist() == expected["anomaly_score"].to_list()


# Columns that name rows, or are left out


@pytest.mark.parametrize("index", [range(120), range(500, 620), [f"p{i}" for i in range(120)]])
def test_a_first_column_without_a_name_names_the_rows(tmp_path, detected, index):
    table().to_csv(tmp_path / "plain.csv", index=False)
    table().set_index(pd.Index(index)).to_csv(tmp_path / "index.csv")
    flags, done = detected("index.csv")
    assert "the first column of" in done.err
    assert "give --id" not in done.err
    assert flags["row"].to_list() == list(index)
    assert flags.drop("row").equals(detected("plain.csv")[0].drop("row"))


def test_an_index_beside_names_is_left_out(tmp_path, detected):
    frame = table().assign(patient=range(1000, 1120))
    frame.to_csv(tmp_path / "index.csv")
    table().to_csv(tmp_path / "normal.csv", index=False)
    flags, done = detected("index.csv", "--id", "patient", "--train", tmp_path / "normal.csv")
    assert flags["patient"].to_list() == list(range(1000, 1120))
    assert "taken for no measurement; rows are called by 'patient'" in done.err


def test_a_first_column_without_a_name_whose_values_repeat_is_learned_from(tmp_path, detected):
    table().set_index(pd.Index([0, 1] * 60)).to_csv(tmp_path / "index.csv")
    flags, done = detected("index.csv")
    assert flags["row"].to_list() == list(range(120))
    assert "--drop ''" in done.err
    assert detected("index.csv", "--drop", "")[0]["anomaly_score"].arg_max() == 7


def test_columns_are_dropped_in_data_training_data_and_use(tmp_path, detected):
    frame = table().assign(name=[f"p{i}" for i in range(120)])
    frame.to_csv(tmp_path / "plain.csv", index=False)
    frame.assign(ward="x", city="y").to_csv(tmp_path / "more.csv", index=False)
    given = ("--drop", "ward", "--drop", "city")
    expected, _ = detected("plain.csv")
    assert detected("more.csv", *given)[0].equals(expected)
    learned, _ = detected("plain.csv", "--train", tmp_path / "more.csv", *given, "--save", tmp_path / "watch")
    assert detected("more.csv", *given, "--model", tmp_path / "watch")[0].equals(learned)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators_are_read(tmp_path, detected, separator):
    table().to_csv(tmp_path / "plain.csv", index=False)
    table().to_csv(tmp_path / "other.csv", index=False, sep=separator)
    assert detected("other.csv")[0].equals(detected("plain.csv")[0])
