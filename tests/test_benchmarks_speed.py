"""The pure functions of benchmarks/speed."""

import doctest
import importlib
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from speed import floor, measure, results, search, table, works  # noqa: E402
from speed.peers import modules  # noqa: E402
from speed.task import Task  # noqa: E402


@pytest.mark.parametrize("name", ["measure", "floor", "search", "costs"])
def test_examples_hold(name):
    failed, tried = doctest.testmod(importlib.import_module(f"speed.{name}"))
    assert tried
    assert not failed


@pytest.mark.parametrize("work", works.WORKS)
def test_measurements_of_a_work_are_told_apart_and_survive_json(work):
    tasks = works.tasks_of(work)
    assert len({task.key for task in tasks}) == len(tasks)
    assert [Task.from_json(task.to_json()) for task in tasks] == tasks


@pytest.mark.parametrize("most", [1, 2, 7, 26])
def test_fewest_finds_every_threshold(most):
    for threshold in range(1, most + 1):
        assert search.fewest(lambda n, t=threshold: n >= t, most) == threshold
    assert search.fewest(lambda n: n > most, most) is None


@pytest.mark.parametrize("task", [Task("a", "", "floor"), Task("b", "", "floor", hidden=(256,), channels=(32, 64))])
def test_floor_has_the_layers_of_the_network(task):
    weights = sorted(p.numel() for net in modules.networks(task, 784) for p in net.parameters() if p.dim() > 1)
    own = [a * b * (1 if kind == "dense" else 9) for kind, (a, b, *_) in floor.layers_of(task)]
    assert sorted(own) == weights


def test_watch_leaves_out_evaluation_and_stops_at_the_target():
    seconds = iter(range(100))
    fitted = measure.Fitted(lambda x: x)
    errors = iter([3.0, 1.0])

    def slow(_):
        start = measure.cpu_seconds()
        while measure.cpu_seconds() - start < 0.05:
            next(seconds, None)
        return next(errors)

    watch = measure.Watch(slow, target=2.0)
    watch(fitted)
    with pytest.raises(measure.Stopped):
        watch(fitted)
    assert watch.errors == [3.0, 1.0]
    assert watch.cpu[1] - watch.cpu[0] < 0.04


def test_steady_epoch_leaves_out_the_first():
    watch = measure.Watch()
    watch.cpu = [5.0, 6.0, 7.0]
    assert watch.epoch() == 1.0


def test_results_of_the_same_measurement_are_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path / "results.csv")
    monkeypatch.setattr(results, "LEARNING", tmp_path / "learning.csv")
    one, two = Task("a", "x", "latente"), Task("a", "x", "torch")
    results.replace([results.Row(one, i, {"rate": 1.0}) for i in range(3)] + [results.Row(two, 0, {"rate": 5.0})])
    results.replace([results.Row(one, 0, {"rate": 2.0, "curve": [(0.5, 9.0)]})])
    lines = results.read(tmp_path / "results.csv")
    assert sorted((line["library"], line["rate"]) for line in lines) == [("latente", "2"), ("torch", "5")]
    assert [line["cpu"] for line in results.read(tmp_path / "learning.csv")] == ["0.5"]


def test_cells_are_medians_and_ratios_are_paired():
    group = [{"repeat": str(i), "epoch_cpu": str(v)} for i, v in enumerate((1.0, 2.0, 30.0))]
    other = [{"repeat": str(i), "epoch_cpu": str(v)} for i, v in enumerate((2.0, 4.0, 30.0))]
    assert table.summary(group, "epoch_cpu") == "2 (1..30)"
    assert table.ratio(group, other, "epoch_cpu") == "0.50"
    assert table.summary([{"rate": "12345.6"}], "rate") == "12,300"


def test_defaults_are_held_against_the_fastest_of_the_others():
    seconds = {("a", "batch 128", "latente", "defaults"): 2, ("a", "batch 128", "latente", "float32"): 3,
               ("a", "batch 128", "floor", ""): 1, ("a", "batch 128", "torch", ""): 8,
               ("a", "batch 128", "keras-jax", ""): 4, ("a", "batch 1024", "torch", ""): 5,
               ("e", "10.0", "pythae", ""): 3, ("e", "10.0", "sklearn", ""): 7}  # fmt: skip
    records = [
        dict(zip(results.KEY, key, strict=True)) | {"repeat": str(i), "epoch_cpu": str(middle + i - 1)}
        for key, middle in seconds.items()
        for i in range(3)
    ]
    text = table.defaults_against_peers(records)
    assert ": 2.00 times those of keras-jax at batch 128; 2.50 times those of torch at batch 1024; 3.50 times" in text
    assert "those of sklearn, each with its own batch size" in text  # pythae's own network is another one
    assert table.defaults_against_peers(records[3:]) == ""
