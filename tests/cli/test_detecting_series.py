"""`latente detect --series`: scores, p-values and flags beside the time stamps of a series."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from latente.anomaly import SeriesDetector, load


def series(steps: int, seed: int, broken: slice = slice(0)) -> pl.DataFrame:
    """Two channels of a period of 20 steps; time stamps in which one hour comes twice, as in autumn."""
    rng, t = np.random.default_rng(seed), np.arange(steps)
    flow = np.sin(2 * np.pi * t / 20) + 0.1 * rng.normal(size=steps)
    heat = 5 + np.cos(2 * np.pi * t / 20) + 0.1 * rng.normal(size=steps)
    flow[broken] = 3.0
    stamps = np.array([f"2024-10-{1 + i // 24:02d} {i % 24:02d}:00" for i in t])
    stamps[31] = stamps[30]
    return pl.DataFrame({"time": stamps, "flow": flow, "heat": heat})


@pytest.fixture
def files(tmp_path):
    """normal.csv, and today.csv of which steps 300 to 309 are broken."""
    series(700, 0).write_csv(tmp_path / "normal.csv")
    series(500, 1, slice(300, 310)).write_csv(tmp_path / "today.csv")
    return tmp_path


@pytest.mark.filterwarnings("ignore:the held-out steps make")
def test_steps_are_judged_beside_their_time_stamps(files, call):
    done = call(
        "detect", files / "today.csv", "--series", "--window", 20, "--train", files / "normal.csv", "-o",
        files / "flags.csv", "--false-alarm-rate", "0.2", "--report", files / "page.html", "--save", files / "kept",
        "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    record, flags = json.loads(done.out), pl.read_csv(files / "flags.csv")
    assert flags.columns == ["time", "anomaly_score", "p_value", "anomaly"]
    assert flags["time"].to_list() == series(500, 1)["time"].to_list()
    assert flags["anomaly_score"].arg_max() in range(290, 320)
    assert flags["anomaly"][300:310].min() == 1
    assert flags["anomaly"].sum() == record["flagged"]
    assert ((flags["p_value"] <= 0.2) == (flags["anomaly"] == 1)).all()
    assert record["window"] == 20
    page = (files / "page.html").read_text()
    assert all(f'id="{part}"' in page for part in ("summary", "time", "top", "scores", "calibration"))
    assert "flow = " in page

    kept = load(files / "kept")
    assert isinstance(kept, SeriesDetector)
    data = pl.read_csv(files / "today.csv")["flow", "heat"]
    np.testing.assert_allclose(flags["anomaly_score"], -kept.score_samples(data), rtol=1e-12)
    turned = pl.read_csv(files / "today.csv").select("heat", "time", "flow")
    turned.write_csv(files / "turned.csv")
    again = call("detect", files / "turned.csv", "--model", files / "kept", "-o", files / "again.csv")
    assert again.code == 0, again.err
    assert pl.read_csv(files / "again.csv").equals(flags)


@pytest.mark.filterwarnings("ignore:the held-out steps make")
def test_missing_values_cut_the_series(files, call):
    normal = series(700, 0).with_columns(flow=pl.when(pl.int_range(700).is_in([400, 401])).then(None).otherwise("flow"))
    normal.write_csv(files / "holes.csv")
    today = series(500, 1, slice(300, 310))
    today.with_columns(heat=pl.when(pl.int_range(500) == 100).then(None).otherwise("heat")).write_csv(files / "t.csv")
    done = call(
        "detect", files / "t.csv", "--series", "--window", 20, "--train", files / "holes.csv", "-o",
        files / "flags.csv", "--false-alarm-rate", "0.2", "--report", files / "page.html",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert "2 of 700 steps" in done.err
    assert "the 2 pieces between them" in done.err
    assert "1 of them without a finite value" in done.out
    flags = pl.read_csv(files / "flags.csv")
    assert flags["anomaly_score"].null_count() == flags["p_value"].null_count() == 1
    assert flags["anomaly"][100] == 1
    assert flags["anomaly_score"].arg_max() in range(290, 320)
    assert "1 step without a finite value" in (files / "page.html").read_text()


def test_arrays_are_numbered_and_a_share_can_be_flagged(files, call):
    np.save(files / "one.npy", series(500, 1, slice(300, 310))["flow"].to_numpy())
    done = call(
        "detect", files / "one.npy", "--series", "--window", 20, "--contamination", "0.04", "-o", files / "f.csv",
        "--report", files / "page.html",
    )  # fmt: skip
    assert done.code == 0, done.err
    flags = pl.read_csv(files / "f.csv")
    assert flags["row"].to_list() == list(range(500))
    assert flags["anomaly"].sum() == 20
    assert flags["anomaly"][301:309].min() == 1
    assert flags["p_value"].null_count() == 500
    assert 'id="calibration"' not in (files / "page.html").read_text()


@pytest.mark.filterwarnings("ignore:the held-out steps make")
def test_a_rate_may_be_one_of_false_discoveries(files, call):
    given = ("--window", 20, "--train", files / "normal.csv", "--fdr", "0.3", "-o", files / "f.csv")
    done = call("detect", files / "today.csv", "--series", *given, "--json")
    assert done.code == 0, done.err
    record = json.loads(done.out)
    assert (record["fdr"], record["false_alarm_rate"]) == (0.3, None)
    assert pl.read_csv(files / "f.csv")["anomaly"].sum() == record["flagged"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--window", 20], "--window is for series; add --series"),
        (["--series", "--window", 1], "window must be an integer of at least 2"),
        (["--series", "--contamination", "auto"], "must be a fraction such as 0.02"),
        (["--series", "--resize", "3x3"], "--resize is for folders of images"),
        (["--series", "--model", "nowhere"], "no such detector: nowhere"),
        (["--model", "nowhere", "--window", 20], "leave --train, --contamination and --window out"),
    ],
)
def test_mistakes_are_said_in_one_line(files, call, options, message):
    done = call("detect", files / "today.csv", "-o", files / "flags.csv", *options)
    assert done.code == 2
    assert message in done.err.replace("\n", " ")
    assert not (files / "flags.csv").exists()


@pytest.mark.filterwarnings("ignore:the held-out steps make")
def test_a_column_that_rises_in_every_row_is_pointed_at(files, call):
    timed = series(400, 0).with_columns(seconds=pl.int_range(400) / 10).drop("time")
    timed.write_csv(files / "timed.csv")
    given = ("detect", files / "timed.csv", "--series", "--window", 20, "--false-alarm-rate", "0.3")
    done = call(*given, "-o", files / "f.csv")
    assert "column 'seconds' of" in done.err
    assert "if it is the time, give --id seconds" in done.err
    done = call(*given, "--id", "seconds", "-o", files / "g.csv")
    assert done.code == 0, done.err
    assert pl.read_csv(files / "g.csv")["seconds"][:3].to_list() == [0.0, 0.1, 0.2]


def test_files_that_are_read_in_pieces_are_refused(files, call, monkeypatch):
    from latente.data import open as opening

    monkeypatch.setattr(opening, "IN_MEMORY", 100)
    np.save(files / "long.npy", np.zeros((200, 1)))
    done = call("detect", files / "long.npy", "--series", "--model", files / "none", "-o", files / "f.csv")
    assert done.code == 2
    done = call("detect", files / "long.npy", "--series", "-o", files / "f.csv")
    assert "a series is judged in memory" in done.err.replace("\n", " ")


def test_detectors_of_both_kinds_are_told_apart(files, call):
    rows = pl.read_csv(files / "normal.csv").drop("time")
    rows.write_csv(files / "rows.csv")
    done = call("detect", files / "rows.csv", "-o", files / "f.csv", "--save", files / "table")
    assert done.code == 0, done.err
    wrong = call("detect", files / "rows.csv", "--series", "--model", files / "table", "-o", files / "g.csv")
    assert wrong.code == 2
    assert "holds a detector of single samples, not of series" in wrong.err
