"""The page on a recogniser: every word is there to hear, wrong recordings are named, nothing leaves the page."""

from __future__ import annotations

import base64
import io
import re
import wave
from pathlib import Path

import numpy as np
import pytest

from latente import Trainer
from latente.audio import SpeechFeatures, WordRecogniser, WordRecordings
from latente.report import write_words_report
from latente.report.players import LONGEST, player, spectrogram

RATE = 8000


@pytest.fixture(scope="module")
def fitted():
    rng, clips, words = np.random.default_rng(0), [], []
    for word, (low, high) in {"up <1>": (300, 1500), "down": (1500, 300)}.items():
        for _ in range(4):
            n = int(rng.uniform(2500, 4000))
            clips.append(np.sin(2 * np.pi * np.cumsum(np.linspace(low, high, n)) / RATE) * np.hanning(n))
            words.append(word)
    words[0] = "down"  # in the wrong folder
    paths = tuple(Path(f"{i}.wav") for i in range(8))
    recordings = WordRecordings(paths, tuple(words), ("ann", "bob") * 4)
    features = SpeechFeatures(4, trainer=Trainer(epochs=3), random_state=0)
    return WordRecogniser(features).fit(clips, words), recordings, clips


def test_the_page(fitted, tmp_path):
    text = write_words_report(fitted[0], tmp_path / "page.html", *fitted[1:]).read_text()
    assert "up &lt;1&gt;" in text
    assert "<1>" not in text
    assert "0.wav: down, taken for up &lt;1&gt;" in text
    for name in ("Summary", "Words", "Map of the words", "Confusions", "Least typical recordings"):
        assert f"<h2>{name}</h2>" in text
    legend = text[text.index('id="map"') :].partition("</section>")[0]
    assert re.findall(r"</i>([^<]+)</li>", legend) == ["down", "up &lt;1&gt;"]
    assert text.count("<audio") == 2 + 5
    assert "media-src data:" in text
    sources = [link for link in re.findall(r'(?:src|href)="([^"]+)"', text) if not link.startswith("#")]
    assert all(link.startswith("data:") for link in sources)


def test_other_recordings_are_refused(fitted, tmp_path):
    model, recordings, clips = fitted
    with pytest.raises(ValueError, match="fitted on 8 recordings; got 8 and 7 clips"):
        write_words_report(model, tmp_path / "page.html", recordings, clips[:7])
    assert list(tmp_path.iterdir()) == []


def test_a_player_holds_the_sound():
    signal = np.sin(np.arange(4000) / 9) / 2
    for loud, peak in ((1.0, 0.5), (8.0, 1.0)):
        source = re.search(r'base64,([^"]+)"', player(loud * signal, RATE, "x"))[1]
        with wave.open(io.BytesIO(base64.b64decode(source))) as file:
            assert (file.getframerate(), file.getnchannels()) == (RATE, 1)
            found = np.frombuffer(file.readframes(-1), "<i2") / 32767
        np.testing.assert_allclose(found, signal * peak / np.abs(signal).max(), atol=1e-4)
    long = player(np.zeros(RATE * 60), RATE, "x")
    assert len(long) < LONGEST * RATE * 2 * 1.4 + 300


def test_a_spectrogram_shows_where_the_sound_is():
    pixels = spectrogram(np.sin(2 * np.pi * 3000 * np.arange(RATE) / RATE), RATE)
    bright = pixels.sum((1, 2)).argmax()
    assert abs(bright / len(pixels) - 0.25) < 0.05  # 3 of 4 kHz, low frequencies below
    assert spectrogram(np.zeros(1), RATE).shape == pixels.shape
