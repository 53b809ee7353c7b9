"""Speech features and the recogniser: synthetic words, saved and loaded, mistakes told."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from latente import ModelFileError, Trainer, load
from latente.audio import LeftOutWarning, SpeechFeatures, Variations, WordRecogniser, find_words, write_sound
from latente.audio.speech.cepstra import Front
from latente.audio.speech.novelty import Novelty
from latente.audio.speech.targets import targets_of_others

RATE = 8000
WORDS = {"rise": (300, 1500), "fall": (1500, 300), "flat": (700, 700)}


def spoken(word, rng, pitch=120.0):
    """A buzz whose resonance moves as the word says."""
    n = int(rng.uniform(0.35, 0.6) * RATE)
    t = np.arange(n) / RATE
    start, end = np.array(WORDS[word]) * rng.uniform(0.9, 1.1)
    path = np.cumsum(np.linspace(start, end, n)) / RATE
    voice = sum(np.sin(2 * np.pi * k * pitch * rng.uniform(0.95, 1.05) * t) for k in range(1, 6)) / 10
    sound = (np.sin(2 * np.pi * path) + voice) * np.hanning(n) * rng.uniform(0.05, 0.9)
    return (sound + 1e-3 * rng.normal(size=n)).astype(np.float32)


@pytest.fixture(scope="module")
def recordings():
    rng = np.random.default_rng(0)
    words = [word for word in WORDS for _ in range(8)]
    return [spoken(word, rng) for word in words], words


@pytest.fixture(scope="module")
def features(recordings):
    return SpeechFeatures(8, trainer=Trainer(epochs=6), random_state=0).fit(recordings[0])


@pytest.fixture(scope="module")
def recogniser(features, recordings):
    return WordRecogniser(features).fit(*recordings)


def test_codes_tell_words_apart(features, recordings):
    clips, words = recordings
    rng = np.random.default_rng(1)
    fresh = [spoken(word, rng) for word in words]
    model = LogisticRegression().fit(features.transform(clips), words)
    assert model.score(features.transform(fresh), words) >= 0.95


def test_level_and_silence_around_change_nothing(features, recordings):
    clip = recordings[0][0]
    code = features.transform([clip])
    quiet = np.concatenate([np.zeros(800), clip * 0.01, np.zeros(1600)]).astype(np.float32)
    spread = features.transform(recordings[0]).std(0).mean()
    assert np.abs(features.transform([0.01 * clip]) - code).max() < 1e-3
    assert np.abs(features.transform([quiet]) - code).max() < 0.2 * spread


def test_scikit_learns_conventions(recordings, features, untouched_generators):
    clips, words = recordings
    again = clone(features)
    assert again.get_params() == features.get_params()
    np.testing.assert_array_equal(again.fit(clips).transform(clips), features.transform(clips))
    pipeline = make_pipeline(SpeechFeatures(4, random_state=0), LogisticRegression())
    pipeline.set_params(speechfeatures__trainer=Trainer(epochs=1)).fit(clips, words)
    assert pipeline.predict(clips[:2]).shape == (2,)
    assert features.get_feature_names_out().tolist() == [f"speechfeatures{i}" for i in range(8)]


def test_one_at_a_time_gives_the_same_codes(features, recordings):
    together = features.transform(recordings[0])
    alone = np.concatenate([features.transform([clip]) for clip in recordings[0]])
    np.testing.assert_allclose(alone, together, atol=1e-5)


def test_files_of_any_rate_and_arrays(tmp_path, features, recordings):
    import scipy.signal

    clip = recordings[0][0]
    write_sound(tmp_path / "a.wav", scipy.signal.resample_poly(clip, 2, 1), 16000, encoding="FLOAT")
    code = features.transform([clip])
    assert np.abs(features.transform([tmp_path / "a.wav"]) - code).max() < 0.3 * np.abs(code).mean()


def test_speakers_change_the_target(recordings):
    clips, _ = recordings
    speakers = ["ann", "bob"] * 12
    model = SpeechFeatures(8, trainer=Trainer(epochs=4), random_state=0).fit(clips, speakers=speakers)
    alone = SpeechFeatures(8, trainer=Trainer(epochs=4), random_state=0).fit(clips, speakers=["ann"] * 24)
    plain = SpeechFeatures(8, trainer=Trainer(epochs=4), random_state=0).fit(clips)
    assert np.abs(model.transform(clips) - plain.transform(clips)).max() > 1e-3
    np.testing.assert_array_equal(alone.transform(clips), plain.transform(clips))


def test_targets_are_means_of_the_nearest_of_others():
    rng = np.random.default_rng(0)
    codes, cepstra = rng.normal(size=(30, 4)), rng.normal(size=(30, 6))
    speakers = rng.integers(0, 3, 30)
    found = targets_of_others(codes, cepstra, speakers, 2)
    for i in range(30):
        parts = []
        for other in {0, 1, 2} - {speakers[i]}:
            theirs = np.flatnonzero(speakers == other)
            near = theirs[np.argsort(((codes[theirs] - codes[i]) ** 2).sum(1))[:2]]
            parts.append(cepstra[near].mean(0))
        np.testing.assert_allclose(found[i], np.mean(parts, 0))


def test_a_warp_moves_a_resonance():
    front = Front(RATE, 32, 40, 40)
    t = np.arange(RATE) / RATE
    tones = {f: front.power(np.sin(2 * np.pi * f * t).astype(np.float32)) for f in (1000, 1200)}
    import scipy.fft

    bands = {k: scipy.fft.idct(front.cepstra(tones[f], w), axis=1, norm="ortho").mean(0).argmax()
             for k, f, w in (("low", 1000, 1.0), ("high", 1200, 1.0), ("moved", 1200, 1.2))}  # fmt: skip
    assert bands["moved"] == bands["low"] != bands["high"]


def test_variations_keep_the_clip_when_they_are_none():
    front = Front(RATE, 32, 13, 40)
    power = front.power(spoken("rise", np.random.default_rng(0)))
    none = Variations(2, warp=0.0, tempo=0.0, cut=0.0, tilt=0.0, noise=(200.0, 200.0))
    drawn = none.draw(front, power, np.random.default_rng(0))
    expected = front.stretched(front.cepstra(power)).ravel()
    np.testing.assert_allclose(drawn, np.stack([expected] * 2), atol=1e-4)


def test_saved_features_compute_the_same(tmp_path, features, recordings):
    path = features.save(tmp_path / "features")
    again = SpeechFeatures.load(path)
    np.testing.assert_array_equal(again.transform(recordings[0]), features.transform(recordings[0]))
    np.testing.assert_array_equal(again.score_samples(recordings[0]), features.score_samples(recordings[0]))
    assert again.autoencoder_.trainer.epochs == 6
    with pytest.raises(ModelFileError, match=r"use latente.audio.SpeechFeatures.load"):
        load(path)
    with pytest.raises(ModelFileError, match="not WordRecogniser"):
        WordRecogniser.load(path)


def test_words_are_recognised_and_others_are_unknown(recogniser, recordings):
    rng = np.random.default_rng(2)
    words = [word for word in WORDS for _ in range(10)]
    clips = [spoken(word, rng) for word in words]
    heard = recogniser.recognise(clips)
    assert np.mean([h.nearest == w for h, w in zip(heard, words, strict=True)]) >= 0.95
    assert np.mean([h.word == w for h, w in zip(heard, words, strict=True)]) >= 0.7
    noises = [rng.normal(size=4000).astype(np.float32) for _ in range(10)]
    assert set(recogniser.predict(noises)) == {"unknown"}
    assert [len(h.ranking) for h in heard] == [3] * 30


@pytest.mark.parametrize("fit", [0, 1, 2])  # of the rounds of the features; then of those for the distances
def test_an_interrupted_training_leaves_the_recogniser_as_it_was(recordings, monkeypatch, fit):
    from latente.training.run import Run

    clips, words = recordings
    speakers = ["a", "b"] * (len(words) // 2)
    model = WordRecogniser(SpeechFeatures(4, rounds=2, trainer=Trainer(epochs=1), random_state=0)).fit(clips, words)
    before, started, original = model.predict(clips[:4]), [], Run.run

    def run(self):
        history = original(self)
        if len(started) == fit:
            history.stopped = "interrupted"
        started.append(fit)
        return history

    monkeypatch.setattr(Run, "run", run)
    with pytest.raises(KeyboardInterrupt):
        model.fit(clips, words, speakers=speakers)
    assert len(started) == fit + 1
    np.testing.assert_array_equal(model.predict(clips[:4]), before)


def test_silence_is_unknown(recogniser):
    (heard,) = recogniser.recognise([np.zeros(4000)])
    assert (heard.word, heard.silent, heard.p_value) == ("unknown", True, 0.0)


def test_the_threshold_is_where_the_rate_is(recogniser):
    p = recogniser._novelty.p_values(np.array([recogniser.threshold_]))
    np.testing.assert_allclose(p, 0.05, atol=1e-9)


def test_saved_recogniser_computes_the_same(tmp_path, recogniser, recordings):
    again = WordRecogniser.load(recogniser.save(tmp_path / "words"))
    assert again.recognise(recordings[0]) == recogniser.recognise(recordings[0])
    assert again.classes_.tolist() == ["fall", "flat", "rise"]


def test_one_recording_of_each_word(features, recordings):
    clips, _ = recordings
    model = WordRecogniser(features).fit([clips[0], clips[8], clips[16]], ["rise", "fall", "flat"])
    assert [h.nearest for h in model.recognise([clips[1], clips[9], clips[17]])] == ["rise", "fall", "flat"]


def test_distances_are_to_the_nearest_reconstruction():
    rng = np.random.default_rng(0)
    x, references, words = rng.normal(size=(600, 5)), rng.normal(size=(30, 5)), np.repeat([0, 1, 2], 10)
    novelty = Novelty.of(references + 0.1, references, references[:, None], words)
    expected = np.sqrt(((x[:, None] - references) ** 2).mean(2).min(1))
    np.testing.assert_allclose(novelty.distances(x), expected)
    held_out = [min(np.sqrt(np.mean((references[i] + 0.1 - references[j]) ** 2)) for j in range(30)
                    if j != i and words[j] == words[i]) for i in range(30)]  # fmt: skip
    np.testing.assert_allclose(np.exp(novelty.log_distances), held_out)


@pytest.mark.parametrize("layout", ["{w}/{i}.wav", "{w}_{i}.wav", "ann/{w}/{i}.wav", "{w} ({i}).wav", "{w}{i}.wav"])
def test_layouts_of_folders(tmp_path, layout):
    for word in ("good_morning", "stop"):
        for i in (1, 2):
            path = tmp_path / layout.format(w=word, i=i)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_sound(path, np.ones(10) / 2, RATE)
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "x.wav").touch()
    found = find_words(tmp_path)
    assert found.counts() == {"good morning": 2, "stop": 2}
    assert found.speakers == (("ann",) * 4 if layout.startswith("ann") else None)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("mp3 mp4", "mp3 mp4"),
        ("mp3_1 mp3_2 mp4_1", "mp3 mp3 mp4"),
        ("mp3 stop1 stop2", "mp3 stop stop"),
        ("stop stop2 stop3", "stop stop stop"),
        ("stop0 stop1 stop7", "stop stop stop"),
        ("1 22", "1 22"),
        ("route-66", "route"),
    ],
)
def test_digits_of_takes_and_of_words(tmp_path, names, words):
    for name in names.split():
        (tmp_path / f"{name}.wav").touch()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert find_words(tmp_path).words == tuple(words.split())


def test_names_that_may_mean_something_else_are_told(tmp_path):
    (tmp_path / "mp3.wav").touch()
    find_words(tmp_path)
    (tmp_path / "mp4.wav").touch()
    with pytest.warns(UserWarning, match="mp3 and mp4 are taken for two words.*mp_1, mp_2"):
        find_words(tmp_path)
    (tmp_path / "mp4.wav").rename(tmp_path / "mp3.flac")
    with pytest.warns(UserWarning, match="mp3.flac and mp3.wav count as two recordings"):
        assert find_words(tmp_path).words == ("mp3", "mp3")


def test_a_folder_with_a_file_that_cannot_be_read(tmp_path):
    for word in ("yes", "no"):
        (tmp_path / "ann" / word).mkdir(parents=True)
        for i in range(2):
            write_sound(tmp_path / "ann" / word / f"{i}.wav", np.sin(np.arange(900) / 3), RATE)
    (tmp_path / "ann" / "no" / "text.wav").write_text("no sound")
    with pytest.warns(LeftOutWarning, match="words: 1 of 5 recordings left out: .*text.wav cannot be read"):
        recordings, sounds = find_words(tmp_path).read(RATE)
    assert (recordings.counts(), recordings.speakers) == ({"no": 2, "yes": 2}, ("ann",) * 4)
    assert len(sounds) == 4


def test_folders_that_tell_nothing(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder"):
        find_words(tmp_path / "none")
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ValueError, match="no sound file"):
        find_words(tmp_path)
    (tmp_path / "a").mkdir()
    for name in ("a/1.wav", "b.wav"):
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match=r"depths \[1, 2\]"):
        find_words(tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_components": 0}, "n_components must be"),
        ({"n_frames": 1}, "n_frames must be"),
        ({"n_mfcc": 41}, "n_mfcc must be"),
        ({"variations": Variations(warp=2.0)}, "warp must be"),
        ({"variations": Variations(noise=(30.0, 10.0))}, "noise must be"),
        ({"sample_rate": 0}, "sample_rate must be"),
        ({"rounds": 0}, "rounds must be"),
    ],
)
def test_settings_that_make_no_sense(settings, message, recordings):
    with pytest.raises(ValueError, match=message):
        SpeechFeatures(**settings).fit(recordings[0])


def test_clips_that_cannot_be_used(recordings, features):
    clips, words = recordings
    with pytest.raises(ValueError, match="at least two clips"):
        SpeechFeatures().fit(clips[:1])
    with pytest.raises(ValueError, match="the same, or silent"):
        SpeechFeatures().fit([np.zeros(100), np.zeros(100)])
    with pytest.raises(ValueError, match="speakers must be one for each clip, 2"):
        SpeechFeatures().fit(clips[:2], speakers=["a"])
    with pytest.raises(ValueError, match="clip 1 has 1 samples that are NaN"):
        features.transform([clips[0], np.array([0.0, np.nan])])
    for bad, message in (
        (words[:3], "words must be one for each clip"),
        (["a"] * 24, "two words at least"),
        (["unknown", *words[1:]], "name that word otherwise"),
    ):
        with pytest.raises(ValueError, match=message):
            WordRecogniser(features).fit(clips, bad)
    with pytest.raises(ValueError, match="clip 0 .* is silent"):
        WordRecogniser(features).fit([np.zeros(100), *clips[1:]], words)
    with pytest.raises(ValueError, match="false_alarm_rate"):
        WordRecogniser(features, false_alarm_rate=0).fit(clips, words)


@pytest.mark.parametrize("n", [1, 2, 50, 8000])
def test_short_and_long_clips(features, n):
    code = features.transform([np.random.default_rng(0).normal(size=n)])
    assert np.isfinite(code).all()


def test_spoken_digits_of_five_speakers(latente_data):
    """Real speech: 12 takes of each digit by two speakers; the rest of the data set is left to the benchmark."""
    with np.load(latente_data / "fsdd" / "fsdd.npz") as file:
        audio, offsets, y = file["audio"].astype(np.float32) / 32768, file["offsets"], file["labels"].astype(int)
        chosen = (file["takes"] < 12) & (file["speakers"] < 2)
        test = file["takes"][chosen] < 3
    clips = [audio[offsets[i] : offsets[i + 1]] for i in np.flatnonzero(chosen)]
    words = [str(digit) for digit in y[chosen]]
    train, new = np.flatnonzero(~test), np.flatnonzero(test)
    features = SpeechFeatures(64, trainer=Trainer(epochs=8), random_state=0).fit([clips[i] for i in train])
    model = WordRecogniser(features).fit([clips[i] for i in train], [words[i] for i in train])
    heard = model.recognise([clips[i] for i in new])
    assert np.mean([h.nearest == words[i] for h, i in zip(heard, new, strict=True)]) >= 0.9
