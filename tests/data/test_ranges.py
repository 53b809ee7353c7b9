"""Pictures on another scale than the training data's are warned of, and nothing else is."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from latente import Autoencoder, Trainer
from latente.anomaly import AnomalyDetector, DefectSegmenter, Ensemble
from latente.data import DataSpec, RangeWarning, decide

DIGITS = load_digits().images[:200]
BYTES = np.rint(DIGITS * (255 / 16)).astype(np.uint8)
UNIT = BYTES / 255
HOT = np.where(np.arange(UNIT.size).reshape(UNIT.shape) % 200 == 0, 1e6, UNIT)  # a giant value in every third picture
WORDS = (BYTES * np.uint16(257)).astype(np.uint16)


@pytest.mark.parametrize("rows", [False, True])
@pytest.mark.parametrize(
    ("trained", "given", "said"),
    [
        (BYTES, UNIT, r"float64 values of at most 1, .* uint8 values in a range of 0 to 255; .* perhaps times 255"),
        (BYTES, UNIT.astype(np.float32) * 2 - 1, "float32 values of at most 1, .* range of 0 to 255"),
        (BYTES.astype(float), np.full((1, 8, 8), 0.7), "float64 values of at most 1, .* range of 0 to 255"),  # or dark
        (BYTES.astype(np.float32), UNIT, "float64 values of at most 1, .* float32 values in a range of 0 to 255"),
        (WORDS, UNIT, "range of 0 to 65535; .* perhaps times 65535"),
        (UNIT, BYTES, r"uint8 values of up to 255 or so, .* float64 values in a range of 0 to 1; .* divided by 255"),
        (UNIT, BYTES.astype(float), r"float64 values of up to 255 or so, .* in a range of 0 to 1"),
        (UNIT.astype(np.float32), WORDS, "uint16 values .* divided by 65535"),
        (UNIT * 2 - 1, BYTES, r"uint8 values of up to 255 or so, .* range of -1 to 1"),
    ],
)
def test_both_ranges_are_said(trained, given, said, rows):
    spec = DataSpec(scale="unit" if trained.dtype == np.uint16 else "auto", shape=(8, 8) if rows else None)
    trained, given = (x.reshape(len(x), -1) if rows else x for x in (trained, given))
    schema = decide(trained, spec)
    schema.ingest(trained)  # without a warning
    with pytest.warns(RangeWarning, match=said):
        schema.ingest(given)


@pytest.mark.parametrize(
    ("trained", "given"),
    [
        (BYTES, BYTES // 255),  # dark
        (BYTES, BYTES.astype(float)),
        (BYTES, np.zeros((3, 8, 8))),
        (BYTES, BYTES > 100),
        (UNIT, UNIT + np.random.default_rng(0).normal(size=UNIT.shape)),  # noisy
        (UNIT, HOT),
        (UNIT, (BYTES > 100).astype(np.uint8)),
        (DIGITS, UNIT * 16),
        (load_digits().data, load_digits().data / 16),  # a table has no range
    ],
)
def test_nothing_else_is_warned_of(trained, given):
    schema = decide(trained)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        schema.ingest(given)


@pytest.mark.parametrize(
    ("trained", "given", "said"),
    [
        (DIGITS, DIGITS / 16, r"float64 values of at most 1, .* float64 values in a range of 0 to 16; .* times 16"),
        (DIGITS, DIGITS[:1] / 16, "values of at most 1, .* times 16"),
        (DIGITS, DIGITS / 255, r"values of less than 0.16, .* Give X in that range$"),
        (DIGITS, BYTES, r"uint8 values beyond 160, .* range of 0 to 16; .* Give X in that range$"),
        (DIGITS, BYTES.astype(float), "float64 values beyond 160"),
        (DIGITS, -DIGITS * 16, "float64 values beyond 160"),
        (DIGITS.astype(np.float16), (DIGITS * 16).astype(np.float16), "float16 values beyond 160"),
        (DIGITS.astype(np.int16), BYTES.astype(np.int16), "int16 values beyond 160"),
        (UNIT, UNIT / 255, "float64 values of less than 0.01"),
        (BYTES, WORDS, "uint16 values beyond 2550"),
        (WORDS, BYTES, "uint8 values of less than 655.35"),
    ],
)
def test_other_scales_than_that_of_training_are_said(trained, given, said):
    schema = decide(trained)
    schema.ingest(trained)  # without a warning
    with pytest.warns(RangeWarning, match=said):
        schema.ingest(given)


NOISE = np.abs(np.random.default_rng(0).normal(size=(1, 8, 8)))


@pytest.mark.parametrize(
    ("trained", "given"),
    [
        (DIGITS, np.where(np.arange(200)[:, None, None] == 3, DIGITS / 300, DIGITS)),  # one dark picture among others
        (DIGITS, np.zeros((1, 8, 8))),
        (DIGITS, np.zeros((20, 8, 8))),
        (DIGITS, 0.02 * NOISE),  # black, with noise
        (DIGITS, np.round(NOISE)),  # dark, in whole numbers
        (DIGITS, DIGITS / 5),  # dim
        (DIGITS, DIGITS * 5),
        (DIGITS, np.where(np.arange(DIGITS.size).reshape(DIGITS.shape) % 200 == 0, 1e6, DIGITS)),  # hot pixels
        (DIGITS + 250, DIGITS + 250),
        (DIGITS + 250, np.full((20, 8, 8), 251.5)),  # all alike
        (DIGITS.astype(np.int16), (DIGITS > 8).astype(np.int16)),
        (DIGITS.reshape(200, -1), DIGITS.reshape(200, -1) / 16),  # a table
        (DIGITS.reshape(200, -1), DIGITS.reshape(200, -1) * 1000),
        (WORDS, WORDS // 1000),
    ],
)
def test_dark_pictures_and_tables_are_not_of_another_scale(trained, given):
    schema = decide(trained)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        schema.ingest(given)


@pytest.mark.parametrize("factor", [1 / 16, 16])
def test_detectors_and_segmenters_warn_of_another_scale(factor):
    detector = AnomalyDetector(Ensemble(members=4, steps=10), random_state=0).fit(DIGITS)
    segmenter = DefectSegmenter(trainer=Trainer(epochs=1, verbose=False), random_state=0).fit(DIGITS)
    for judge in (detector.predict, segmenter.segment):
        judge(DIGITS)
        with pytest.warns(RangeWarning, match="range of 0 to 16"):
            judge(DIGITS * factor)


def test_estimators_and_detectors_warn():
    model = Autoencoder(2, trainer=Trainer(epochs=1, verbose=False), random_state=0).fit(BYTES)
    with pytest.warns(RangeWarning, match="range of 0 to 255"):
        model.transform(UNIT)
    detector = AnomalyDetector(Ensemble(members=4, steps=10), random_state=0).fit(UNIT)
    with pytest.warns(RangeWarning, match="range of 0 to 1"):
        detector.predict(BYTES)


def test_the_warning_names_the_users_line_with_one_text_for_all_pieces():
    model = Autoencoder(2, trainer=Trainer(epochs=1, verbose=False), random_state=0).fit(BYTES)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.transform(UNIT)
        model.transform(UNIT / 2)
    assert {Path(warning.filename).name for warning in caught} == {"test_ranges.py"}
    assert len({str(warning.message) for warning in caught}) == 1
