"""MusicAutoencoder: fits, writes, varies, saves, and says what is wrong."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from latente import ModelFileError, Trainer
from latente.audio import MusicAutoencoder
from latente.audio.music import Score, measure_music, onset_accuracy
from latente.training import CheckpointError

TINY = {"hidden": 16, "head": 8, "random_state": 0}


def test_training_learns_the_music(model, chorales):
    before = MusicAutoencoder(16, **TINY).set_params(trainer__epochs=1, trainer__verbose=False)
    before.set_params(trainer__learning_rate=1e-6).fit(chorales)
    assert model.bounds(chorales).elbo < 0.75 * before.bounds(chorales).elbo
    assert model.score(chorales) == -model.bounds(chorales).elbo
    real, written = (measure_music(scores) for scores in (chorales, model.sample(30, random_state=0)))
    assert written.ordered > 0.9
    assert abs(written.changing - real.changing) < 0.6 * real.changing


def test_samples_are_decided_by_the_random_state(model, untouched_generators):
    first, again, other = (model.sample(3, segments=2, random_state=seed) for seed in (0, 0, 1))
    assert first == again
    assert first != other
    assert {score.steps for score in first} == {64}
    assert first[0].tempo == 80.0
    assert first[0] != first[1]


def test_temperature_zero_is_greedy(model):
    z = np.zeros((1, 16), np.float32)
    greedy = {tuple(model.decode(z, temperature=0, random_state=seed).pitches.ravel()) for seed in range(3)}
    assert len(greedy) == 1


def test_codes_decide_the_music(model, chorales):
    rebuilt = [onset_accuracy(s, model.reconstruct(s, temperature=0.3, random_state=0)) for s in chorales]
    pairs = zip(chorales, [*chorales[1:], chorales[0]], strict=True)
    of_others = [onset_accuracy(a, model.reconstruct(b, temperature=0.3, random_state=0)) for a, b in pairs]
    assert np.mean(rebuilt) > np.mean(of_others) + 0.05
    assert model.reconstruct(chorales[0].part(0, 37)).steps == 37


def test_interpolation_begins_and_ends_where_it_should(model, chorales):
    a, b = chorales[0], chorales[1].part(0, 64)
    way = model.interpolate(a, b, steps=5, temperature=0, random_state=0)
    assert len(way) == 5
    assert {score.steps for score in way} == {64}  # the shorter one
    assert way[0] == model.decode(model.encode(a)[:2], temperature=0)
    assert way[-1] == model.decode(model.encode(b), temperature=0)


def test_variations_move_away_by_their_amount(model, chorales):
    music = chorales[2]
    same = model.vary(music, 3, amount=0, temperature=0, random_state=0)
    assert same[0] == same[1] == model.decode(model.encode(music), temperature=0)
    far = model.vary(music, 3, amount=1, temperature=0, random_state=0)
    assert far[0] != far[1]
    assert far[0].steps == music.steps
    with pytest.raises(ValueError, match="amount"):
        model.vary(music, amount=1.5)


def test_pieces_go_on_from_what_went_before(model, chorales):
    end = chorales[3].part(0, 64)
    more, again, cold = (model.sample(5, segments=1, before=before, random_state=0) for before in (end, end, None))
    assert more == again
    assert more != cold
    assert {piece.steps for piece in more} == {32}  # what went before is no part of them
    assert model.decode(np.zeros(16), before=end, temperature=0) != model.decode(np.zeros(16), temperature=0)
    with pytest.raises(ValueError, match="at least one beat"):
        model.sample(1, before=end.part(0, 3))


def test_the_spread_of_codes(model):
    mean, drawn = (model.sample(40, segments=1, spread=spread, temperature=0, random_state=0) for spread in (0, 1))
    assert len({piece.pitches.tobytes() for piece in mean}) == 1  # nothing is drawn
    assert len({piece.pitches.tobytes() for piece in drawn}) > 5
    with pytest.raises(ValueError, match="spread"):
        model.sample(1, spread=-1)


def test_training_can_go_on(chorales):
    def model():
        return MusicAutoencoder(8, warm_start=True, warmup=0.0, **TINY).set_params(trainer__epochs=3)

    fitted = model().set_params(trainer__verbose=False).fit(chorales[:4])
    before = fitted.history_.records[0].loss
    assert fitted.fit(chorales[:4]).history_.records[0].loss < 0.9 * before


def test_saved_models_write_the_same(model, chorales, tmp_path):
    again = MusicAutoencoder.load(model.save(tmp_path / "model"))
    assert again.sample(2, random_state=0) == model.sample(2, random_state=0)
    assert np.array_equal(again.encode(chorales[0]), model.encode(chorales[0]))
    assert again.get_params()["latent_dim"] == 16
    assert len(again.history_) == len(model.history_)
    half = MusicAutoencoder.load(model.save(tmp_path / "half", compact=True))
    size = {name: (tmp_path / name / "model.safetensors").stat().st_size for name in ("model", "half")}
    assert size["half"] < 0.75 * size["model"]
    np.testing.assert_allclose(half.encode(chorales[0]), model.encode(chorales[0]), atol=0.05)


def test_damaged_models_are_refused(model, tmp_path):
    with pytest.raises(ModelFileError, match="no model"):
        MusicAutoencoder.load(tmp_path)
    path = model.save(tmp_path / "model")
    assert json.loads((path / "config.json").read_text())["estimator"] == "MusicAutoencoder"
    content = bytearray((path / "model.safetensors").read_bytes())
    content[-5] ^= 1
    (path / "model.safetensors").write_bytes(content)
    with pytest.raises(ModelFileError, match="altered"):
        MusicAutoencoder.load(path)


def test_repeats_are_learned(repeating):
    assert repeating.alphabet_.repeats
    strikes = np.mean(
        [s.starts for s in repeating.sample(30, segments=1, random_state=0, temperature=0.5)], axis=(0, 1)
    )
    assert strikes.reshape(-1, 4)[:, 0].mean() > 0.5
    assert strikes.reshape(-1, 4)[:, 1:].mean() < 0.3


def test_a_fit_can_be_resumed(chorales, tmp_path):
    def fit(folder, epochs, resume=False, stop=None):
        callbacks = [] if stop is None else [lambda record: record.epoch == stop]
        trainer = Trainer(epochs=epochs, checkpoint=folder, callbacks=callbacks, verbose=False)
        return MusicAutoencoder(8, trainer=trainer, **TINY).fit(chorales[:3], resume=resume)

    whole = fit(tmp_path / "whole", 3)
    fit(tmp_path / "cut", 3, stop=2)
    resumed = fit(tmp_path / "cut", 3, resume=True)
    assert len(resumed.history_) == 3
    assert np.array_equal(resumed.encode(chorales[0]), whole.encode(chorales[0]))


@pytest.mark.parametrize("setting", ["blind", "hidden_share", "uncoded"])
def test_another_input_dropout_is_another_run(chorales, tmp_path, setting):
    def model(**settings):
        trainer = Trainer(epochs=2, checkpoint=tmp_path / "c", callbacks=[lambda record: record.epoch == 1])
        return MusicAutoencoder(8, trainer=trainer, **TINY, **settings).set_params(trainer__verbose=False)

    model().fit(chorales[:2])
    with pytest.raises(CheckpointError, match=r"of another run: settings\.hiding"):
        model(**{setting: 0.123}).fit(chorales[:2], resume=True)
    model().fit(chorales[:2], resume=True)


def test_held_out_scores_are_measured(chorales):
    trainer = Trainer(epochs=1, validation_fraction=0.3, verbose=False)
    model = MusicAutoencoder(8, trainer=trainer, **TINY).fit(chorales[:4])
    assert model.history_.records[0].validation_loss is not None
    with pytest.raises(ValueError, match="too few to hold"):
        MusicAutoencoder(8, trainer=trainer, **TINY).fit(chorales[:1])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"latent_dim": 9}, "multiple of beats"),
        ({"hidden": 0}, "hidden must be an integer"),
        ({"blind": 1.5}, "blind is a share"),
        ({"transpose": -1}, "semitones"),
        ({"beta": -1}, "beta"),
    ],
)
def test_settings_that_make_no_sense(chorales, settings, words):
    with pytest.raises(ValueError, match=words):
        MusicAutoencoder(**settings).fit(chorales)


def test_music_that_cannot_be_trained_on(chorales):
    model = MusicAutoencoder(8, **TINY)
    with pytest.raises(ValueError, match="empty"):
        model.fit([])
    with pytest.raises(TypeError, match=r"fit\(\[score\]\)"):
        model.fit(chorales[0])
    with pytest.raises(TypeError, match="read_midi_folder"):
        model.fit("folder")
    with pytest.raises(ValueError, match="silent"):
        model.fit([Score(np.full((2, 8), -1))])
    with pytest.raises(ValueError, match="score 1 has 1 voices"):
        model.fit([chorales[0], Score(np.array([[60]]))])


def test_music_that_the_model_does_not_know(model, chorales):
    with pytest.raises(ValueError, match="4 voices; the score has 1"):
        model.encode(Score(np.array([[60]])))
    with pytest.raises(ValueError, match="steps in a beat"):
        model.encode(Score(chorales[0].pitches, steps_per_beat=2))
    with pytest.raises(ValueError, match="transpose the score"):
        model.encode(chorales[0].transposed(30))
    with pytest.raises(ValueError, match=r"\(segments, 16\)"):
        model.decode(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="not finite"):
        model.decode(np.full((2, 16), np.nan))
    with pytest.raises(ValueError, match="temperature"):
        model.sample(1, temperature=-1)
    with pytest.raises(ValueError, match="n must be"):
        model.sample(0)


def test_an_unfitted_model_says_so(chorales):
    model = clone(MusicAutoencoder(8))
    for use in (lambda: model.sample(1), lambda: model.encode(chorales[0]), lambda: model.save("nowhere")):
        with pytest.raises(NotFittedError):
            use()
