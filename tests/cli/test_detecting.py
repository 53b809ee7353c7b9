"""`latente detect`: scores, p-values and flags beside the rows' own ids."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from PIL import Image

RNG = np.random.default_rng(0)


def table(rows: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, 1)) * [1.0, 2.0, -1.0] + 0.1 * rng.normal(size=(rows, 3))
    names = [f"row {i}" for i in range(rows)]
    return pl.DataFrame({"name": names, "a": values[:, 0], "b": values[:, 1], "c": values[:, 2]})


@pytest.fixture
def files(tmp_path):
    """normal.csv, and today.csv whose row 7 is broken."""
    table(300, 0).write_csv(tmp_path / "normal.csv")
    today = table(120, 1)
    today[7, "c"] = 5.0
    today.write_csv(tmp_path / "today.csv")
    return tmp_path


def test_flags_stand_beside_the_rows_own_names(files, call):
    done = call(
        "detect", files / "today.csv", "--train", files / "normal.csv", "-o", files / "flags.csv",
        "--false-alarm-rate", "0.02", "--report", files / "page.html", "--save", files / "detector", "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    record = json.loads(done.out)
    flags = pl.read_csv(files / "flags.csv")
    assert flags.columns == ["name", "anomaly_score", "p_value", "anomaly"]
    assert flags["name"].to_list() == [f"row {i}" for i in range(120)]
    assert flags["anomaly_score"].arg_max() == 7
    assert flags["anomaly"].sum() == record["flagged"] >= 1
    assert ((flags["p_value"] <= 0.02) == (flags["anomaly"] == 1)).all()
    page = (files / "page.html").read_text()
    assert "row 7" in page
    assert "Calibration" in page
    again = call("detect", files / "today.csv", "--model", files / "detector", "-o", files / "again.tsv")
    assert again.code == 0
    scores = pl.read_csv(files / "again.tsv", separator="\t")["anomaly_score"]
    assert (scores == flags["anomaly_score"]).all()


def test_a_row_with_a_missing_value_is_flagged_and_named_and_the_others_are_judged(files, call):
    today = pl.read_csv(files / "today.csv")
    today[3, "a"] = None
    today.write_csv(files / "lacking.csv")
    common = ("--train", files / "normal.csv", "--false-alarm-rate", "0.02")
    whole = call("detect", files / "today.csv", *common, "-o", files / "whole.csv", "--save", files / "watch")
    done = call(
        "detect", files / "lacking.csv", "--model", files / "watch", "-o", files / "flags.csv",
        "--report", files / "lacking.html",
    )  # fmt: skip
    assert (whole.code, done.code) == (0, 0), done.err
    assert "1 of them without a score, for values that are missing or infinite: row 3" in done.out
    expected, flags = pl.read_csv(files / "whole.csv"), pl.read_csv(files / "flags.csv")
    assert flags[3].rows() == [("row 3", None, None, 1)]
    kept = pl.int_range(120, eager=True) != 3
    assert flags.filter(kept).equals(expected.filter(kept))
    page = (files / "lacking.html").read_text()
    assert "Without a score, for values that are missing or infinite, and flagged: row 3." in page
    assert "nan" not in page.lower().split("</style>")[1]
    odd = pl.int_range(120, eager=True) % 2 == 1
    today.with_columns(a=pl.when(odd).then("a"), b=pl.when(~odd).then("b")).write_csv(files / "none.csv")
    none = call("detect", files / "none.csv", "--model", files / "watch", "-o", files / "none-flags.csv")
    assert none.code != 0
    assert "each of the 120 samples" in none.err


def test_data_may_be_its_own_training_data(files, call):
    done = call("detect", files / "today.csv", "-o", files / "flags.parquet", "--id", "name", "--fdr", "0.5")
    assert done.code == 0
    assert "as if it held anomalies" in done.err
    assert pl.read_parquet(files / "flags.parquet")["anomaly_score"].arg_max() == 7


def test_images_are_called_by_their_files(tmp_path, call):
    folder = tmp_path / "images"
    (folder / "more").mkdir(parents=True)
    for i in range(40):
        picture = RNG.integers(0, 50, (6, 6)).astype(np.uint8) + (200 if i == 33 else 0)
        Image.fromarray(picture.astype(np.uint8)).save(folder / ("more" if i % 2 else ".") / f"{i:02d}.png")
    done = call("detect", folder, "-o", tmp_path / "flags.csv", "--report", tmp_path / "page.html")
    assert done.code == 0, done.err
    flags = pl.read_csv(tmp_path / "flags.csv")
    assert flags["file"][flags["anomaly_score"].arg_max()] == "more/33.png"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--id", "nobody"], "has no such column; it has name, a, b, c"),
        (["--contamination", "much"], "--contamination must be auto or a fraction"),
        (["--contamination", "0.9"], "below 0.5"),
        (["--false-alarm-rate", "2"], "false_alarm_rate must be between 0 and 1"),
        (["--model", "nowhere"], "no such detector: nowhere"),
        (["--model", "nowhere", "--contamination", "auto"], "--model has learned already"),
        (["--report", "page.pdf"], "allowed: .html"),
    ],
)
def test_mistakes_are_said_in_one_line(files, call, options, message):
    done = call("detect", files / "today.csv", "-o", files / "flags.csv", *options)
    assert done.code == 2
    assert message in done.err.replace("\n", " ")
    assert not (files / "flags.csv").exists()


# Ids and columns


@pytest.fixture
def numbered(tmp_path):
    """normal.csv and noid.csv without ids; today.csv with a numeric id, its columns in another order."""
    table(300, 0).drop("name").write_csv(tmp_path / "noid.csv")
    today = table(120, 1).drop("name").with_columns(pl.Series("patient", range(1000, 1120)))
    today[7, "c"] = 5.0
    today.select("c", "patient", "b", "a").write_csv(tmp_path / "today.csv")
    return tmp_path


def test_training_data_needs_no_ids_and_names_settle_the_order(numbered, call):
    done = call(
        "detect", numbered / "today.csv", "--train", numbered / "noid.csv", "--id", "patient", "-o",
        numbered / "flags.csv", "--save", numbered / "detector",
    )  # fmt: skip
    assert done.code == 0, done.err
    flags = pl.read_csv(numbered / "flags.csv")
    assert flags["patient"][flags["anomaly_score"].arg_max()] == 1007
    again = call(
        "detect", numbered / "today.csv", "--model", numbered / "detector", "--id", "patient", "-o",
        numbered / "again.csv",
    )  # fmt: skip
    assert again.code == 0, again.err
    assert pl.read_csv(numbered / "again.csv").equals(flags)


def test_a_numeric_id_is_pointed_at(numbered, call):
    asked = call("detect", numbered / "today.csv", "--train", numbered / "noid.csv", "-o", numbered / "flags.csv")
    assert asked.code == 2
    assert "not learned from: 'patient'; if it names the rows, give --id patient" in asked.err
    itself = call("detect", numbered / "today.csv", "-o", numbered / "flags.csv")
    assert "column 'patient' of" in itself.err
    assert "give --id patient" in itself.err
    lacking = numbered / "lacking.csv"
    pl.read_csv(numbered / "today.csv").drop("b").write_csv(lacking)
    missing = call("detect", lacking, "--train", numbered / "noid.csv", "--id", "patient", "-o", numbered / "f.csv")
    assert "lacks columns that were learned from: 'b'" in missing.err


def test_words_that_cannot_be_ids_and_files_without_rows(files, call):
    twice = table(60, 2).with_columns(pl.Series("name", ["same"] * 60))
    twice.write_csv(files / "twice.csv")
    done = call("detect", files / "twice.csv", "-o", files / "flags.csv")
    assert done.code == 2
    assert "'same' stands in several rows" in done.err
    assert "--id name" in done.err
    assert call("detect", files / "twice.csv", "--id", "name", "-o", files / "flags.csv").code == 0
    twice.with_columns(pl.Series("ward", ["a"] * 60)).write_csv(files / "two.csv")
    done = call("detect", files / "two.csv", "-o", files / "other.csv")
    assert "not numbers: 'name', 'ward'; say which one names the rows" in done.err
    table(1, 0).head(0).write_csv(files / "empty.csv")
    done = call("detect", files / "empty.csv", "-o", files / "other.csv")
    assert done.code == 2
    assert "has no rows" in done.err


def test_the_page_tells_of_the_rate_that_was_asked_for(files, call):
    done = call(
        "detect", files / "today.csv", "--train", files / "normal.csv", "-o", files / "flags.csv", "--fdr", "0.01",
        "--report", files / "page.html", "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    page = (files / "page.html").read_text()
    assert f"<dt>flagged</dt><dd><strong>{json.loads(done.out)['flagged']}</strong>" in page
    assert "false discoveries" in page
