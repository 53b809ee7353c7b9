"""Each speaker standardised alone: the statistics, new speakers, a single clip, saving, the recogniser."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from latente import Trainer
from latente.audio import SpeechFeatures, WordRecogniser
from latente.audio.speech.speakers import STRENGTHS, Speakers

RATE = 8000
WORDS = {"rise": (300, 1500), "fall": (1500, 300), "flat": (700, 700)}
VOICES = {"ann": 1.0, "bob": 0.8, "eva": 1.25}


def spoken(word, voice, rng):
    """A resonance that moves as the word says, higher or lower with the voice, which also has a hum of its own."""
    n = int(rng.uniform(0.35, 0.6) * RATE)
    start, end = np.array(WORDS[word]) * voice * rng.uniform(0.95, 1.05)
    path = np.cumsum(np.linspace(start, end, n)) / RATE
    hum = 0.4 * np.sin(2 * np.pi * 900 * voice * np.arange(n) / RATE)
    sound = (np.sin(2 * np.pi * path) + hum) * np.hanning(n)
    return (sound + 1e-3 * rng.normal(size=n)).astype(np.float32)


def said_by(voice, rng, times=6):
    words = [word for word in WORDS for _ in range(times)]
    return [spoken(word, voice, rng) for word in words], words


@pytest.fixture(scope="module")
def recordings():
    rng = np.random.default_rng(0)
    clips, words, speakers = [], [], []
    for name, voice in VOICES.items():
        more = said_by(voice, rng)
        clips, words, speakers = clips + more[0], words + more[1], speakers + [name] * len(more[0])
    return clips, words, speakers


@pytest.fixture(scope="module")
def features(recordings):
    model = SpeechFeatures(8, standardize="speaker", trainer=Trainer(epochs=4), random_state=0)
    return model.fit(recordings[0], speakers=recordings[2])


def test_cepstra_of_each_speaker_have_mean_0_and_deviation_1(features, recordings):
    clips, _, speakers = recordings
    x = features.cepstra(clips, speakers=speakers)
    shrunk = 18 / (18 + features.speakers_.strength)
    for name in VOICES:
        own = x[np.array(speakers) == name]
        whole = features.cepstra(clips)[np.array(speakers) == name]
        assert np.abs(own.mean(0)).mean() < 1.5 * (1 - shrunk) * np.abs(whole.mean(0)).mean() + 1e-3
        assert 0.8 < own.std(0).mean() < 1.1


def test_statistics_are_those_of_the_formula():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 5)) * 2 + np.repeat([[-1.0], [0.0], [4.0]], 20, axis=0)
    known = Speakers.of(x, np.repeat(["a", "b", "c"], 20))
    parts, k, new = x.reshape(3, 20, 5), known.strength, rng.normal(3, 2, (7, 5))
    mean, variance = parts.mean(1).mean(0), parts.var(1).mean(0)
    own = (7 * new.mean(0) + k * mean) / (7 + k)
    scale = np.sqrt((((new - own) ** 2).sum(0) + k * variance) / (7 + k))
    np.testing.assert_allclose(known.standardised(new, ["new"] * 7), (new - own) / scale, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(known.mean, mean, rtol=1e-6)
    np.testing.assert_allclose(known.statistics("c", new)[0], known.means[2])


@pytest.mark.parametrize(("between", "believed"), [(10.0, True), (0.02, False)])
def test_few_clips_are_believed_where_speakers_differ(between, believed):
    """The best strength for the mean is variance within / variance between: 0.01 and 2,500."""
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(rng.normal(scale=between, size=30), 1, (100, 30)) for _ in range(6)])
    strength = Speakers.of(x, np.repeat(np.arange(6), 100)).strength
    assert strength <= 5 if believed else strength == STRENGTHS[-1]


def test_a_new_speaker_is_measured_by_the_clips_of_the_call(features, recordings):
    clips, words, speakers = recordings
    rng = np.random.default_rng(1)
    fresh, said = said_by(1.45, rng)
    model = LogisticRegression().fit(features.transform(clips, speakers=speakers), words)
    known = features.transform(fresh, speakers=["dan"] * len(fresh))
    assert model.score(known, said) >= 0.95
    assert np.abs(features.cepstra(fresh).mean()) > 0
    plain, own = features.cepstra(fresh), features.cepstra(fresh, speakers=["dan"] * len(fresh))
    assert np.abs(own.mean(0)).mean() < 0.3 * np.abs(plain.mean(0)).mean()
    one = features.transform(fresh[:1], speakers=["dan"])
    assert one.shape == (1, 8)
    assert np.isfinite(one).all()
    assert np.abs(one - features.transform(fresh[:1])).max() > 0


def test_a_known_speaker_needs_no_other_clips(features, recordings):
    clips, _, speakers = recordings
    together = features.transform(clips, speakers=speakers)
    np.testing.assert_allclose(features.transform(clips[20:21], speakers=["bob"]), together[20:21], atol=1e-4)


def test_fit_transform_knows_the_speakers_too(recordings, features):
    clips, _, speakers = recordings
    again = clone(features).fit_transform(clips, speakers=speakers)
    np.testing.assert_array_equal(again, features.transform(clips, speakers=speakers))


def test_saved_features_compute_the_same(tmp_path, features, recordings):
    clips, _, speakers = recordings
    loaded = SpeechFeatures.load(features.save(tmp_path / "features"))
    for who in (None, speakers, ["new"] * len(clips)):
        np.testing.assert_array_equal(loaded.transform(clips, speakers=who), features.transform(clips, speakers=who))
    assert loaded.speakers_.names == ("ann", "bob", "eva")
    assert loaded.standardize == "speaker"
    scores = features.score_samples(clips, speakers=speakers)
    np.testing.assert_array_equal(loaded.score_samples(clips, speakers=speakers), scores)
    assert loaded.varied_codes(clips[:3], 2, 0, speakers=speakers[:3]).shape == (3, 2, 8)


def test_a_recogniser_of_speakers(tmp_path, features, recordings):
    clips, words, speakers = recordings
    model = WordRecogniser(features).fit(clips, words, speakers=speakers)
    fresh, said = said_by(1.45, np.random.default_rng(2), times=3)
    who = ["dan"] * len(fresh)
    assert np.mean([h.nearest == w for h, w in zip(model.recognise(fresh, speakers=who), said, strict=True)]) >= 0.85
    loaded = WordRecogniser.load(model.save(tmp_path / "words"))
    np.testing.assert_array_equal(loaded.distances(fresh, speakers=who), model.distances(fresh, speakers=who))
    assert loaded.predict(fresh, speakers=who).tolist() == model.predict(fresh, speakers=who).tolist()


def test_a_recogniser_fits_features_that_know_speakers(recordings):
    clips, words, speakers = recordings
    features = SpeechFeatures(4, standardize="speaker", trainer=Trainer(epochs=1), random_state=0)
    model = WordRecogniser(features).fit(clips, words, speakers=speakers)
    assert model.features_.speakers_.names == ("ann", "bob", "eva")
    assert model.predict(clips[:2]).shape == (2,)  # the speaker is not told


def test_mistakes_are_told(features, recordings):
    clips, _, speakers = recordings
    with pytest.raises(ValueError, match="standardize must be one of all, speaker; got 'each'"):
        SpeechFeatures(standardize="each").fit(clips)
    for who in (None, ["ann"] * len(clips)):
        with pytest.raises(ValueError, match="of two people at least"):
            SpeechFeatures(standardize="speaker").fit(clips, speakers=who)
    with pytest.raises(ValueError, match="speakers must be one for each clip, 2; got 1"):
        features.transform(clips[:2], speakers=speakers[:1])
    with pytest.raises(ValueError, match="speakers must be one for each clip, 2; got 1"):
        features.varied_codes(clips[:2], 2, speakers=speakers[:1])
    plain = SpeechFeatures(4, trainer=Trainer(epochs=1), random_state=0).fit(clips)
    with pytest.raises(ValueError, match="standardise all clips alike"):
        plain.transform(clips, speakers=speakers)
