"""Bad calls: exit code 2, one line that says what was given and what to do, before any training, and no file left."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

FIT = "fit {work}/table.csv -o {out}/m --latent-dim 3 "

# The command line, and pieces of what it must say.
MISTAKES = {
    # what is trained
    "latent_dim of zero": (FIT + "--latent-dim 0", ["latent_dim", "at least 1", "got 0"]),
    "latent_dim of words": (FIT + "--latent-dim two", ["--latent-dim", "integer", "'auto'", "'two'", "fit --help"]),
    "a size for levels": (FIT + "--latent-dim auto --bottleneck fsq:8", ["projected on fewer directions", "got FSQ"]),
    "unknown type": (FIT + "--type variatonal", ["--type", "'variatonal'", "'variational'"]),
    "option of another type": (
        FIT + "--type stacked --bottleneck vq",
        ["--type stacked takes no --bottleneck", "--network", "--type autoencoder"],
    ),
    "beta of a plain model": (FIT + "--beta 2", ["takes no --beta", "--type variational", "gaussian:4"]),
    "beta below 0": (FIT + "--type variational --beta -1", ["beta", "-1"]),
    "vanilla has no network": (FIT + "--type vanilla --network mlp:8", ["takes no --network", "--distortion"]),
    "unknown network": (FIT + "--network mpl:3", ["'mpl'", "known:", "Did you mean 'mlp'?"]),
    "network that does not fit": (FIT + "--network conv", ["Conv needs images or signals", "(12,)", "mlp"]),
    "unknown activation": (FIT + "--network mlp:5,activation=selux", ["'selux'", "Did you mean 'selu'?"]),
    "widths of words": (FIT + "--network mlp:a,b", ["hidden_features", "positive integers", "'a'"]),
    "code that does not divide": (
        FIT + "--bottleneck vq:256,code_dim=4",
        ["code_dim must divide latent_dim=3", "Allowed: auto, 1, 3"],
    ),
    "more active units than units": (FIT + "--bottleneck k_sparse:4", ["between 1 and latent_dim=3", "got 4"]),
    "weight that is no number": (FIT + "--bottleneck gaussian:strong", ["beta", "at least 0", "'strong'"]),
    "unknown corruption": (FIT + "--corruption salt_and_peper", ["'salt_and_peper'", "'salt_and_pepper'?"]),
    "corruption above one": (FIT + "--corruption salt_and_pepper:2", ["amount", "[0, 1]", "got 2"]),
    "unknown distortion": (FIT + "--distortion l2", ["'l2'", "squared_error"]),
    "distortion that does not fit": (FIT + "--distortion bernoulli", ["needs data in [0, 1]", "scale='minmax'"]),
    "unknown objective": (FIT + "--objective contrctive", ["'contrctive'", "'contractive'?"]),
    "objective without its bottleneck": (FIT + "--objective beta_tc", ["Gaussian bottleneck", "Deterministic"]),
    "unknown kind of data": (FIT + "--data imge", ["'imge'", "'image'?", "signal"]),
    "layout that does not fit": (FIT + "--data nhw", ["'nhw' needs 3 axes", "(200, 12)"]),
    "scale that does not fit": (FIT + "--data scale=unit", ["uint8", "float64", "minmax"]),
    "shape that does not fit": (FIT + "--data shape=3x3", ["(3, 3)", "12 values"]),
    # how it is trained
    "no epochs": (FIT + "--epochs 0", ["epochs", "at least 1", "got 0"]),
    "no batch": (FIT + "--batch-size 0", ["batch_size", "at least 1", "got 0"]),
    "no learning rate": (FIT + "--learning-rate nan", ["learning_rate", "above 0", "got nan"]),
    "no patience": (FIT + "--patience 0", ["patience", "at least 1", "got 0"]),
    "all held out": (FIT + "--validation-fraction 1.5", ["validation_fraction", "[0, 1)", "got 1.5"]),
    "unknown precision": (FIT + "--precision float16", ["precision", "bfloat16", "'float16'"]),
    "unknown device": (FIT + "--device tpu", ["'tpu'", "'auto' or 'cpu'"]),
    "negative seed": (FIT + "--seed -1", ["--seed", "greater than or equal to 0", "'-1'"]),
    # data
    "no such data": ("fit {out}/nothing.csv -o {out}/m", ["no such file, folder or data set", "fashion-mnist-10k"]),
    "misspelt data set": ("fit digitz -o {out}/m", ["digitz", "Did you mean 'digits'?"]),
    "misspelt split": ("fit digits:tset -o {out}/m", ["train and test", "'tset'", "digits:train"]),
    "unknown format": ("fit {bad}/notes.txt -o {out}/m", ["'.txt'", ".csv", ".npy"]),
    "single image": ("fit {work}/pictures/000.png -o {out}/m", ["single image", "folder"]),
    "words in a table": ("fit {bad}/words.csv -o {out}/m", ["not numbers", "'colour'", "encode"]),
    "missing values": ("fit {bad}/nan.npy -o {out}/m", ["{bad}/nan.npy contains 1 NaN", "(3, 2)", "SimpleImputer"]),
    "missing targets": (
        "fit {bad}/zeros.npy --target {bad}/nan.npy -o {out}/m --latent-dim 2",
        ["{bad}/nan.npy contains 1 NaN"],
    ),
    "missing values of a denoiser": ("fit {bad}/nan.npy -o {out}/m --type denoiser", ["{bad}/nan.npy has", "NaN"]),
    "a column without any value": (
        "fit {bad}/empty.csv -o {out}/m",
        ["{bad}/empty.csv has missing values", "column 'b' has no value in any of the 12 rows", "leave it out"],
    ),
    "missing values in use": ("transform {model} {bad}/holes.csv -o {out}/z.csv", ["{bad}/holes.csv contains 1 NaN"]),
    "missing values in codes": ("inverse {model} {bad}/codes.npy -o {out}/x.csv", ["{bad}/codes.npy contains 1 NaN"]),
    "missing values to evaluate": ("evaluate {model} {bad}/holes.csv", ["{bad}/holes.csv contains 1 NaN", "row 2"]),
    "missing values in a reference": (
        "evaluate {model} {work}/table.csv --reference {bad}/holes.csv",
        ["{bad}/holes.csv contains 1 NaN"],
    ),
    "missing values to draw like": (
        "sample {model} --like {bad}/holes.csv -o {out}/x.csv",
        ["{bad}/holes.csv contains 1 NaN"],
    ),
    "a column without any value to detect by": (
        "detect {bad}/full.csv --train {bad}/empty.csv -o {out}/f.csv",
        ["{bad}/empty.csv has missing", "in 12 of 12 rows", "column 'b' has no value in 12", "with --drop b"],
    ),
    "one axis to detect in": ("detect {bad}/axis.npy -o {out}/f.csv", ["has shape (300,)", "takes --series"]),
    "one axis to fit": ("fit {bad}/axis.npy -o {out}/m", ["got 1D array instead: shape (300,). Reshape"]),
    "decimal commas": ("fit {bad}/decimals.csv -o {out}/m", ["column 'a' has decimal commas, '1,5' for one"]),
    "more values than the first line": (
        "fit {bad}/ragged.csv -o {out}/m",
        ["a row has more values than the first line; commas must separate them"],
    ),
    "a column to drop that is not there": (
        "detect {bad}/full.csv --drop c -o {out}/f.csv",
        ["--drop c: there is no such column; {bad}/full.csv has 'a', 'b'"],
    ),
    "categories beside ids": (
        "detect {bad}/wards.csv -o {out}/f.csv",
        ["not numbers: 'name', 'old ward'", "for example --id name --drop 'old ward'"],
    ),
    "categories beside --id": (
        "detect {bad}/wards.csv --id name -o {out}/f.csv",
        ["not numbers: 'old ward'; leave them out with --drop 'old ward'"],
    ),
    "nothing but names": ("detect {bad}/names.csv -o {out}/f.csv", ["no columns but 'name'", "separated by commas"]),
    "a channel without any value": (
        "detect {bad}/full.csv --train {bad}/empty.csv --series --window 2 -o {out}/f.csv",
        ["{bad}/empty.csv has channels without any value: b"],
    ),
    "empty array": ("fit {bad}/empty.npy -o {out}/m", ["0 sample", "(0, 6)"]),
    "one sample": ("fit {bad}/one.npy -o {out}/m", ["at least 2 samples", "got 1"]),
    "too many axes": ("fit {bad}/axes.npy -o {out}/m", ["5 axes", "allowed: 2"]),
    "damaged .npy": ("fit {bad}/damaged.npy -o {out}/m", ["cannot read", "damaged.npy"]),
    "damaged .npz": ("fit {bad}/damaged.npz -o {out}/m", ["cannot read", "damaged.npz"]),
    "damaged .parquet": ("fit {bad}/damaged.parquet -o {out}/m", ["cannot read", "damaged.parquet"]),
    "several arrays": ("fit {bad}/several.npz -o {out}/m", ["the arrays a, b", "call it X"]),
    "images of mixed sizes": ("fit {bad}/mixed -o {out}/m", ["2 different sizes", "8x9 (1)", "--resize"]),
    "no images": ("fit {bad}/none -o {out}/m", ["no images", ".png"]),
    "damaged image": ("fit {bad}/broken -o {out}/m", ["cannot read the image", "a.png"]),
    "resize of a file": (FIT + "--resize 8x8", ["--resize is for folders of images", "table.csv"]),
    "resize without a width": ("fit {bad}/mixed -o {out}/m --resize 8", ["HEIGHTxWIDTH", "32x48", "'8'"]),
    "targets of another shape": (FIT + "--target {work}/rows.npy", ["(200, 12)", "(200, 64)"]),
    # where results go
    "no output": ("fit {work}/table.csv", ["Missing option", "--output", "fit --help"]),
    "model that is there": ("fit {work}/table.csv -o {model}", ["not empty", "--force"]),
    "file instead of a folder": ("fit {work}/table.csv -o {work}/rows.npy", ["is a file", "folder"]),
    "folder below a file": ("fit {work}/table.csv -o {work}/rows.npy/m", ["cannot be written", "rows.npy"]),
    "folder that takes no files": ("transform {model} {work}/table.csv -o /proc/z.npy", ["cannot be written", "/proc"]),
    "unknown output": ("transform {model} {work}/table.csv -o {out}/z.txt", ["'.txt'", "allowed: .npy, .csv"]),
    "no extension": ("transform {model} {work}/table.csv -o {out}/z", ["no extension", "allowed: .npy"]),
    "codes as a picture": ("transform {model} {work}/table.csv -o {out}/z.png", ["'.png'", "allowed: .npy, .csv"]),
    "file that is there": ("transform {model} {work}/table.csv -o {work}/rows.npy", ["exists", "--force"]),
    "table as a picture": ("reconstruct {model} {work}/table.csv -o {out}/x.png", ["table, not images", ".npy"]),
    "pictures as a table": ("sample {vae} -o {out}/x.csv", ["8 x 8", ".npy or .png"]),
    "report as a PDF": ("report {model} {work}/table.csv -o {out}/r.pdf", ["'.pdf'", "allowed: .html"]),
    "export over a file": ("export {model} -o {work}/rows.npy", ["is a file", "folder"]),
    "demo over other files": ("demo --out {work}", ["not empty", "--force"]),
    # models in use
    "no such model": ("info {out}/nothing", ["no such model", "latente fit -o"]),
    "no model in the folder": ("evaluate {work} {work}/table.csv", ["no model", "model.safetensors"]),
    "damaged model": ("sample {bad}/model -o {out}/x.npy", ["damaged", "model.safetensors"]),
    "other columns": ("transform {model} {work}/rows.npy -o {out}/z.npy", ["64 features", "12 features"]),
    "codes of another size": ("inverse {model} {work}/rows.npy -o {out}/x.npy", ["(n, 3)", "(200, 64)"]),
    "corruption that is not there": (
        "reconstruct {model} {work}/table.csv --corrupt -o {out}/x.npy",
        ["no corruption", "gaussian:0.3"],
    ),
    "sample that is not there": (
        "interpolate {model} {work}/table.csv --from 0 --to 200 -o {out}/x.npy",
        ["--to", "200 samples, 0 to 199", "got 200"],
    ),
    "one step": (
        "interpolate {model} {work}/table.csv --from 0 --to 2 --steps 1 -o {out}/x.npy",
        ["steps", "at least 2", "got 1"],
    ),
    "unknown path": (
        "interpolate {model} {work}/table.csv --from 0 --to 2 --path circular -o {out}/x.npy",
        ["--path", "'circular'", "'spherical'"],
    ),
    "no prior": ("sample {model} -o {out}/x.npy", ["no prior", "latente.generation"]),
    "no prior, but data": ("sample {model} -o {out}/x.npy", ["--like DATA"]),
    "density of nothing": ("sample {vae} --density kde -o {out}/x.npy", ["--density", "--like DATA"]),
    "label of a file": (
        "sample {vae} --like {work}/images.npy --label 3 -o {out}/x.npy",
        ["only data sets", "images.npy"],
    ),
    "unknown label": ("sample {vae} --like digits --label x -o {out}/x.npy", ["unknown label 'x'", "0, 1, 2"]),
    "unknown density": ("sample {vae} --like digits --density kdee -o {out}/x.npy", ["Did you mean 'kde'"]),
    "no samples": ("sample {vae} -n 0 -o {out}/x.npy", ["at least 1", "got 0"]),
    "reference of another shape": ("evaluate {model} {work}/table.csv --reference {work}/rows.npy", ["64", "12"]),
    # the command line itself
    "unknown command": ("fti {work}/table.csv", ["'fti'", "'fit'", "latente --help"]),
    "unknown option": (FIT + "--latentdim 3", ["--latentdim", "--latent-dim"]),
    "one argument too many": (FIT + "more", ["more", "fit --help"]),
    "unknown data set": ("datasets digts", ["'digts'", "'digits'"]),
}
IN_A_PROCESS = ["network that does not fit", "words in a table", "model that is there", "codes of another size"]


@pytest.fixture(scope="session")
def bad(tmp_path_factory) -> Path:
    """A folder of files that nobody can learn from."""
    folder = tmp_path_factory.mktemp("bad")
    X = np.random.default_rng(0).normal(size=(10, 6))
    np.save(folder / "one.npy", X[:1])
    np.save(folder / "empty.npy", X[:0])
    np.save(folder / "axes.npy", np.zeros((2, 2, 2, 2, 2)))
    np.savez(folder / "several.npz", a=X, b=X)
    X[3, 2] = np.nan
    np.save(folder / "nan.npy", X)
    np.save(folder / "zeros.npy", np.zeros_like(X))
    np.save(folder / "codes.npy", X[:, :3])
    holes = {f"pixel {i}": np.where(np.arange(9) == 2, np.nan if i == 1 else 0.0, float(i)) for i in range(12)}
    pl.DataFrame(holes).fill_nan(None).write_csv(folder / "holes.csv")
    rows = [(f"{i % 5 / 4}", f"{i % 7 / 4}") for i in range(12)]
    (folder / "full.csv").write_text("a,b\n" + "".join(f"{a},{b}\n" for a, b in rows))
    (folder / "empty.csv").write_text("a,b\n" + "".join(f"{a},\n" for a, _ in rows))
    for name in ("damaged.npy", "damaged.npz", "damaged.parquet", "notes.txt"):
        (folder / name).write_text("hello")
    np.save(folder / "axis.npy", np.arange(300.0))
    (folder / "decimals.csv").write_text("a;b\n1,5;2\n2,5;3\n")
    (folder / "ragged.csv").write_text("a,b\n1,2\n1,2,3\n")
    (folder / "wards.csv").write_text("name,size,old ward\nx,1,a\ny,2,a\nz,3,b\n")
    (folder / "names.csv").write_text("name\nx\ny\n")
    (folder / "words.csv").write_text("size,colour\n1,red\n2,blue\n")
    for name in ("mixed", "none", "broken", "model"):
        (folder / name).mkdir()
    for i, size in enumerate([(8, 8), (9, 8)]):
        Image.new("L", size).save(folder / "mixed" / f"{i}.png")
    (folder / "broken" / "a.png").write_text("hello")
    (folder / "model" / "model.safetensors").write_text("hello")
    return folder


@pytest.fixture
def places(work, bad, table_model, image_model, tmp_path) -> dict[str, Path]:
    return {"work": work, "bad": bad, "model": table_model, "vae": image_model, "out": tmp_path}


def contents(folders: dict[str, Path]) -> dict[Path, int]:
    """Every file and folder, with the time of its last change."""
    return {path: path.stat().st_mtime_ns for folder in folders.values() for path in folder.rglob("*")}


@pytest.fixture
def no_training(monkeypatch):
    """Fails a command that starts to train."""

    def epoch(self, interruptions):
        pytest.fail("training started")

    monkeypatch.setattr("latente.training.run.Run._epoch", epoch)


@pytest.mark.parametrize("name", MISTAKES)
@pytest.mark.usefixtures("no_training")
def test_mistake(name, call, places):
    command, pieces = MISTAKES[name]
    before = contents(places)
    done = call(*command.format(**places).split())
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("latente: error: ")
    assert done.err.count("\n") == 1, done.err
    assert [piece for piece in pieces if piece.format(**places) not in done.err] == [], done.err
    assert contents(places) == before


@pytest.mark.parametrize("name", IN_A_PROCESS)
def test_mistake_in_a_process_of_its_own(name, process, places):
    command, pieces = MISTAKES[name]
    before = contents(places)
    done = process(*command.format(**places).split(), cwd=places["out"])
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("latente: error: ")
    assert done.err.count("\n") == 1, done.err
    assert [piece for piece in pieces if piece not in done.err] == [], done.err
    assert contents(places) == before


def test_a_mistake_of_json_is_no_json(call, places):
    done = call("info", places["out"] / "nothing", "--json")
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
