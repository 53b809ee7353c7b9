"""Data larger than memory: the same model as in memory, results to disk, and no more memory than promised."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

import latente
from latente import Autoencoder, AutoencoderClassifier, Pretraining, StackedAutoencoder, Trainer, datasets
from latente.data import ArrayRows, NpyWriter, as_rows, open, open_rows, stream
from latente.diagnostics import diagnose


@pytest.fixture
def small_buffers(monkeypatch):
    """As if memory were a thousand times smaller."""
    monkeypatch.setattr(stream, "BUFFER_BYTES", 4000)


@pytest.fixture
def file(tmp_path, table):
    np.save(tmp_path / "table.npy", table)
    return tmp_path / "table.npy"


def quick_trainer(**settings):
    return Trainer(**{"epochs": 2, "batch_size": 16, **settings})


def test_the_same_test_error_as_in_memory(tmp_path, small_buffers):
    data = datasets.load("fashion-mnist-10k")
    order = np.argsort(data.y_train, kind="stable")  # by class: the hardest order for a shuffle of neighbours
    X = data.x_train[order][:4000:2]
    np.save(tmp_path / "x.npy", X)
    errors = {"memory": [], "stream": []}
    for seed in range(3):
        for name, given in (("memory", X), ("stream", open_rows(tmp_path / "x.npy"))):
            model = Autoencoder(16, network="mlp:128", trainer=Trainer(epochs=4, batch_size=64), random_state=seed)
            errors[name].append(model.fit(given).evaluate(data.x_test[:500]).error)
    memory, streamed = np.array(errors["memory"]), np.array(errors["stream"])
    assert abs(streamed.mean() / memory.mean() - 1) < 0.02
    assert np.ptp(memory) / memory.mean() < 0.1  # the noise between seeds


def test_every_method_gives_what_it_gives_in_memory(tmp_path, file, table):
    model = Autoencoder(2, corruption="gaussian:0.3", trainer=quick_trainer(), random_state=0).fit(table)
    rows = open_rows(file)
    for name, settings in {
        "transform": {}, "reconstruct": {}, "score_samples": {}, "corrupt": {"random_state": 3},
    }.items():  # fmt: skip
        method = getattr(model, name)
        wanted = method(table, **settings)
        np.testing.assert_array_equal(method(rows, **settings), wanted)
        written = method(rows, out=tmp_path / f"{name}.npy", **settings)
        assert isinstance(written, np.memmap)
        assert not written.flags.writeable
        np.testing.assert_array_equal(written, wanted)
        assert written.dtype == wanted.dtype
    wanted = model.reconstruct(table, corrupt=True, random_state=3)
    np.testing.assert_array_equal(model.reconstruct(rows, corrupt=True, random_state=3), wanted)
    codes = open_rows(tmp_path / "transform.npy")
    samples = model.inverse_transform(codes, out=tmp_path / "back.npy")
    np.testing.assert_array_equal(samples, model.reconstruct(table))
    assert model.score(rows) == model.score(table)
    assert model.evaluate(rows) == model.evaluate(table)
    assert diagnose(model, rows, reference=rows) == diagnose(model, table, reference=table)


def test_estimators_fit_streams(estimator_name, quick, file, table, small_buffers):
    data = {"data": latente.DataSpec(kind="signal")} if estimator_name == "ConvolutionalAutoencoder" else {}
    settings = {"trainer": quick_trainer(patience=2), **data}
    model = quick(estimator_name, **settings).fit(open_rows(file))
    assert model.n_features_in_ == 6
    assert model.transform(table).shape == (60, 2)
    again = quick(estimator_name, **settings).fit(open_rows(file))
    np.testing.assert_array_equal(model.transform(table), again.transform(table))  # the seed decides everything
    in_memory = quick(estimator_name, **settings).fit(table)
    np.testing.assert_array_equal(model.schema_.shift, in_memory.schema_.shift)
    ratio = model.history_.records[-1].validation_loss / in_memory.history_.records[-1].validation_loss
    assert 0.5 < ratio < 2  # other samples are held out


def test_targets_and_validation_are_streamed(tmp_path, file, table, small_buffers):
    np.save(tmp_path / "clean.npy", table + 1)
    clean, noisy = open_rows(tmp_path / "clean.npy"), open_rows(file)
    errors = []
    for X, target in ((noisy, clean), (table, clean), (noisy, table + 1), (table, table + 1)):
        model = Autoencoder(4, trainer=quick_trainer(epochs=20, patience=20), random_state=0)
        model.fit(X, target=target, validation=(X, target))
        errors.append(float(np.square(model.reconstruct(table) - table - 1).mean()))
    np.testing.assert_allclose(errors, errors[-1], rtol=0.5)
    with pytest.raises(ValueError, match=r"target must have X's shape \(60, 6\); got \(59, 6\)"):
        model.fit(noisy, target=table[1:])
    bad = table.copy()
    bad[40, 2] = np.nan
    np.save(tmp_path / "bad.npy", bad)
    with pytest.raises(ValueError, match=r"target contains 1 NaN .* index \(40, 2\)"):
        model.fit(noisy, target=open_rows(tmp_path / "bad.npy"))
    for use in (model.fit, model.transform, model.partial_fit, lambda X: model.fit(noisy, validation=X)):
        with pytest.raises(ValueError, match=r"X contains 1 NaN and 0 infinite values, the first at index \(40, 2\)"):
            use(open_rows(tmp_path / "bad.npy"))


def test_partial_fit_and_other_streams(file, table):
    model = Autoencoder(2, trainer=quick_trainer(), random_state=0)
    model.partial_fit(open_rows(file)).partial_fit(table).partial_fit(open_rows(file))
    assert model.n_iter_ == 3
    with pytest.raises(ValueError, match="X has 5 features, but Autoencoder is expecting 6"):
        model.transform(ArrayRows(table[:, :5]))


class Points(torch.utils.data.Dataset):
    """A data set of tensors with labels."""

    def __init__(self, array):
        self.array = array.astype(np.float32)

    def __len__(self):
        return len(self.array)

    def __getitem__(self, index):
        return torch.from_numpy(self.array[index]), index % 3


def test_a_torch_dataset_is_taken_as_it_is(table):
    model = Autoencoder(2, trainer=quick_trainer(), random_state=0).fit(Points(table))
    np.testing.assert_array_equal(model.transform(Points(table)), model.transform(table.astype(np.float32)))


def test_names_of_columns_are_kept_and_checked(tmp_path, table):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    paths = {}
    for names in ("abcdef", "abcdeg"):
        paths[names] = tmp_path / f"{names}.parquet"
        pq.write_table(pa.table(list(table.T), names=list(names)), paths[names], row_group_size=20)
    model = Autoencoder(2, trainer=quick_trainer(), random_state=0).fit(open_rows(paths["abcdef"]))
    assert list(model.feature_names_in_) == list("abcdef")
    assert model.schema_.columns == tuple("abcdef")
    np.testing.assert_array_equal(model.transform(open_rows(paths["abcdef"])), model.transform(paths["abcdef"]))
    with pytest.raises(ValueError, match="feature names should match"):
        model.transform(open_rows(paths["abcdeg"]))


def test_large_files_are_streamed_by_themselves(file, table, monkeypatch):
    assert isinstance(as_rows(file), ArrayRows)
    assert isinstance(as_rows(np.load(file, mmap_mode="r")), ArrayRows)
    monkeypatch.setattr(open, "IN_MEMORY", 1000)
    assert not isinstance(as_rows(file), ArrayRows)
    assert not isinstance(as_rows(np.load(file, mmap_mode="r")), ArrayRows)
    assert isinstance(as_rows(table), ArrayRows)
    model = Autoencoder(2, trainer=quick_trainer(), random_state=0).fit(file)
    assert model.evaluate(file).out_of is None


def test_random_samples_of_a_large_stream_are_evaluated(tmp_path, monkeypatch):
    X = np.random.default_rng(0).normal(size=(3000, 4)) @ np.random.default_rng(1).normal(size=(4, 6))
    np.save(tmp_path / "x.npy", X)
    model = Autoencoder(2, trainer=quick_trainer(), random_state=0).fit(X)
    monkeypatch.setattr("latente.estimators.evaluation.MEASURED", 1000)
    some, whole = model.evaluate(open_rows(tmp_path / "x.npy")), model.evaluate(X)
    assert (some.samples, some.out_of) == (1000, 3000)
    assert some.error == pytest.approx(whole.error, rel=0.1)
    assert some.pca_error == pytest.approx(whole.pca_error, rel=0.1)
    assert "1000 random samples of 3000" in str(some)


def test_stacked_layers_are_pretrained_on_codes_made_on_the_fly(file, table, monkeypatch):
    def fitted(X):
        pretraining = Pretraining(epochs=3, corruption=None)
        return StackedAutoencoder(2, hidden_features=(8, 4), pretraining=pretraining, trainer=quick_trainer(),
                                  random_state=0).fit(X)  # fmt: skip

    kept = fitted(table)
    monkeypatch.setattr("latente.pretraining.KEPT", 0)
    np.testing.assert_allclose(fitted(table).transform(table), kept.transform(table), rtol=1e-3, atol=1e-4)
    streamed = fitted(open_rows(file))
    assert [len(history) for history in streamed.pretraining_histories_] == [3, 3, 3]


def test_a_classifier_learns_from_a_stream(file, table, small_buffers):
    labels = np.array(["low", "high"])[(table[:, 0] > 0).astype(int)]
    start = StackedAutoencoder(4, hidden_features=(16,), trainer=quick_trainer(), random_state=0)
    model = AutoencoderClassifier(start, trainer=quick_trainer(epochs=30, learning_rate=0.01), random_state=0)
    model.fit(open_rows(file), labels)
    assert (model.predict(open_rows(file)) == labels).mean() > 0.9
    np.testing.assert_array_equal(model.predict_proba(open_rows(file)), model.predict_proba(table))


def test_a_result_that_fails_leaves_no_file(tmp_path, table):
    model = Autoencoder(2, trainer=quick_trainer(), random_state=0).fit(table)
    bad = np.repeat(table, 3, axis=0)
    bad[100, 0] = np.inf
    with pytest.raises(ValueError, match="1 infinite"):
        model.transform(bad, out=tmp_path / "z.npy")
    with pytest.raises(ValueError, match=r"out must name a \.npy file"):
        model.transform(table, out=tmp_path / "z.csv")
    assert list(tmp_path.iterdir()) == []


LIMITED = """
import sys
def peak(): return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) / 1024
import torch
torch.set_num_threads(1)
import latente, latente.estimators, latente.training
from latente.data import open_rows
before, folder = peak(), sys.argv[1]
trainer = latente.Trainer(epochs=1, batch_size=2048, device="cpu")
model = latente.Autoencoder(4, network="mlp:8", trainer=trainer, random_state=0).fit(open_rows(folder + "/x.npy"))
fitted = peak()
model.transform(open_rows(folder + "/x.npy"), out=folder + "/z.npy")
model.reconstruct(open_rows(folder + "/x.npy"), out=folder + "/back.npy")
print(fitted - before, peak() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_does_not_grow_with_the_file(tmp_path):
    """410 MB of samples pass through less than 300 MB."""
    generator = np.random.default_rng(0)
    basis = generator.normal(size=(4, 256)).astype(np.float32)
    with NpyWriter(tmp_path / "x.npy", 400_000) as writer:
        writer.write_all(generator.normal(size=(20_000, 4)).astype(np.float32) @ basis for _ in range(20))
    assert (tmp_path / "x.npy").stat().st_size > 400e6
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    fitted, used = map(float, done.stdout.split())
    assert fitted < 300
    assert used < 300
