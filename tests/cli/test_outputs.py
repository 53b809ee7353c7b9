"""Where results go: formats, grids of images, --force, nothing half written."""

from __future__ import annotations

import csv
import json
import sys

import numpy as np
import polars as pl
import pytest
from PIL import Image

import latente
from latente.cli.outputs import new_file, new_folder
from latente.cli.pictures import arrange


@pytest.mark.parametrize("suffix", [".npy", ".csv", ".tsv", ".parquet"])
def test_codes_read_back_as_the_same_numbers(suffix, call, work, table_model, tmp_path):
    path = tmp_path / f"codes{suffix}"
    assert call("transform", table_model, work / "table.csv", "-o", path).code == 0
    frame = {".csv": pl.read_csv, ".tsv": lambda p: pl.read_csv(p, separator="\t"), ".parquet": pl.read_parquet}
    codes = np.load(path) if suffix == ".npy" else frame[suffix](path).to_numpy()
    expected = latente.load(table_model).transform(pl.read_csv(work / "table.csv"))
    np.testing.assert_array_equal(codes.astype(np.float32), expected)


def test_tables_keep_the_names_of_their_columns(call, work, table_model, tmp_path):
    assert call("reconstruct", table_model, work / "table.csv", "-o", tmp_path / "x.csv").code == 0
    frame, table = pl.read_csv(tmp_path / "x.csv"), pl.read_csv(work / "table.csv")
    assert frame.columns == table.columns
    np.testing.assert_array_equal(frame.to_numpy(), latente.load(table_model).reconstruct(table))


def test_names_with_commas_survive(call, tmp_path):
    data = {"a,b": [1.0, 2.0, 4.0], 'say "x"': [3.0, 1.0, 2.0]}
    pl.DataFrame(data).write_parquet(tmp_path / "x.parquet")
    model = ["fit", tmp_path / "x.parquet", "-o", tmp_path / "m", "--latent-dim", 1, "--epochs", 1, "--quiet"]
    assert call(*model).code == 0
    assert call("reconstruct", tmp_path / "m", tmp_path / "x.parquet", "-o", tmp_path / "y.csv").code == 0
    with (tmp_path / "y.csv").open(newline="") as file:
        assert next(csv.reader(file)) == list(data)


def test_a_grid_holds_the_images(call, work, images, image_model, tmp_path):
    path = tmp_path / "grid.png"
    way = ["--from", 0, "--to", 5, "--steps", 4]
    assert call("interpolate", image_model, work / "images.npy", *way, "-o", path).code == 0
    grid = np.asarray(Image.open(path))
    expected = latente.load(image_model).interpolate(images[0], images[5], 4)
    assert grid.shape == (8, 4 * 8 + 3 * 2)  # one row, gaps of two pixels
    for i in range(4):
        np.testing.assert_array_equal(grid[:, i * 10 : i * 10 + 8], expected[i])
    assert (grid[:, 8:10] == 255).all()


def test_floats_become_grey_values_by_the_bounds_of_the_data(call, work, noise_model, tmp_path):
    assert call("reconstruct", noise_model, work / "clean.npy", "-o", tmp_path / "grid.png").code == 0
    expected = latente.load(noise_model).reconstruct(np.load(work / "clean.npy"))[0]  # in [0, 1]
    grid = np.asarray(Image.open(tmp_path / "grid.png"))
    np.testing.assert_array_equal(grid[:8, :8], np.rint(expected * 255))


def test_colour_images_and_pictures_in_rows(call, tmp_path):
    colours = np.random.default_rng(0).integers(0, 256, (9, 6, 7, 3), dtype=np.uint8)
    for name, array in (("colours", colours), ("rows", colours[..., 0].repeat(2, axis=1).reshape(9, -1))):
        np.save(tmp_path / f"{name}.npy", array)
        shape = ["--data", "shape=12x7"] if name == "rows" else []
        model = ["fit", tmp_path / f"{name}.npy", "-o", tmp_path / name, "--latent-dim", 2, "--epochs", 1, "--quiet"]
        assert call(*model, *shape).code == 0
        target = tmp_path / f"{name}.png"
        assert call("reconstruct", tmp_path / name, tmp_path / f"{name}.npy", "-o", target).code == 0
        grid, expected = np.asarray(Image.open(target)), latente.load(tmp_path / name).reconstruct(array)
        height, width = (12, 7) if name == "rows" else (6, 7)
        first = expected[0].reshape(height, width) if name == "rows" else expected[0]
        np.testing.assert_array_equal(grid[:height, :width], first)


def test_arrange_fills_row_by_row():
    images = np.arange(3, dtype=np.uint8).reshape(3, 1, 1, 1)
    assert arrange(images, 2)[..., 0].tolist() == [[0, 255, 255, 1], [255] * 4, [255] * 4, [2, 255, 255, 255]]


def test_the_corruption_of_reconstruct_follows_the_seed(call, work, noise_model, tmp_path):
    clean, model = np.load(work / "clean.npy"), latente.load(noise_model)
    for name, options in (("a", ["--corrupt", "--seed", 3]), ("b", ["--corrupt", "--seed", 4]), ("c", [])):
        done = call("reconstruct", noise_model, work / "clean.npy", "-o", tmp_path / f"{name}.npy", *options)
        assert done.code == 0
    a, b, c = (np.load(tmp_path / f"{name}.npy") for name in "abc")
    np.testing.assert_array_equal(a, model.reconstruct(clean, corrupt=True, random_state=3))
    np.testing.assert_array_equal(c, model.reconstruct(clean))
    assert not np.array_equal(a, b)


def test_reference_of_the_baselines(call, work, images, image_model, tmp_path):
    np.save(tmp_path / "train.npy", images[:50])
    done = call("evaluate", image_model, work / "images.npy", "--reference", tmp_path / "train.npy", "--json")
    expected = latente.load(image_model).evaluate(images, reference=images[:50])
    record = json.loads(done.out)
    assert record["pca_error"] == pytest.approx(expected.pca_error, rel=1e-6)
    assert record["reference"] == str(tmp_path / "train.npy")


def test_force_overwrites_a_file(call, work, table_model, tmp_path):
    path = tmp_path / "codes.npy"
    path.write_text("mine")
    arguments = ["transform", table_model, work / "table.csv", "-o", path]
    assert call(*arguments).code == 2
    assert path.read_text() == "mine"
    assert call(*arguments, "--force").code == 0
    assert np.load(path).shape == (200, 3)
    assert list(tmp_path.iterdir()) == [path]


def break_off(context) -> None:
    """Writes a little into what a context manager yields, then fails."""
    with context as part:
        (part / "half" if part.is_dir() else part).write_text("half")
        raise OSError("disk full")


def test_a_failed_write_leaves_what_was_there(tmp_path):
    old = tmp_path / "old.npy"
    old.write_text("mine")
    for context in (new_file(old), new_file(tmp_path / "new.npy"), new_folder(tmp_path / "folder")):
        with pytest.raises(OSError, match="full"):
            break_off(context)
    assert [path.name for path in tmp_path.iterdir()] == ["old.npy"]
    assert old.read_text() == "mine"


def demo_of(lines: list[str]):
    """Stands for latente.report.run_demo, which takes minutes."""

    def run_demo(out, *, random_state, epochs, progress):
        lines.append(f"{random_state} {epochs}")
        progress("training")
        (out / "models").mkdir()
        (out / "models" / "a").write_text("model")
        (out / "index.html").write_text("report")
        return out / "index.html"

    return run_demo


def test_demo_says_where_the_report_is(call, tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr("latente.report.run_demo", demo_of(calls), raising=False)
    monkeypatch.chdir(tmp_path)
    done = call("demo", "--out", "demo", "--epochs", 2, "--seed", 5)
    assert (done.code, done.err, calls) == (0, "latente: training\n", ["5 2"])
    assert done.out.startswith(str(tmp_path / "demo" / "index.html"))
    assert call("demo", "--out", "demo").code == 2
    record = json.loads(call("demo", "--out", "demo", "--force", "--json").out)
    assert record["report"] == str(tmp_path / "demo" / "index.html")
    assert record["seconds"] >= 0
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]
    assert (tmp_path / "demo" / "models" / "a").read_text() == "model"


@pytest.mark.skipif(sys.platform == "win32", reason="limits of files are Unix's")
@pytest.mark.parametrize("name", ["codes.npy", "codes.csv", "codes.parquet", "model/model.safetensors"])
def test_a_full_disk_is_named_and_leaves_nothing(name, call, work, table_model, tmp_path):
    """A limit on the size of files stands for it."""
    import resource

    command = ["transform", table_model] if name.startswith("codes") else ["fit", "--latent-dim", 3, "--epochs", 1]
    command += [work / "table.csv", "-o", tmp_path / name.split("/")[0]]
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        done = call(*command)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (done.code, done.out, done.err) == (2, "", f"latente: error: File too large: {tmp_path / name}\n")
    assert list(tmp_path.iterdir()) == []
