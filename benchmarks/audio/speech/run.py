"""Spoken digits: speech features against cepstra and their principal components.

    python benchmarks/audio/speech/run.py              # all parts, about ten CPU minutes; writes results.csv beside it
    python benchmarks/audio/speech/run.py unknown      # one of the parts

Needs the Free Spoken Digit Dataset as fsdd/fsdd.npz in the folder LATENTE_DATA. Parts:

official   takes 0 to 4 of each speaker and digit are the test (the data set's own split)
speakers   each speaker is held out in turn; features and classifier see the others only
few        (with official) 1, 3, 5 and 10 labelled clips of each digit, drawn five times; features see all training
           clips of the official split without labels
classical  the first three once more for principal components that know the speakers of the training clips as the
           autoencoder with `speakers known` does; no autoencoder is trained
own        the first three, each speaker standardised alone, the tested one by clips without words: autoencoder and
           principal components of the same cepstra; and how many clips of a new speaker that takes
seeds      speakers once more for that autoencoder, by SVM, with seeds 1 and 2
unknown    five digits are known, five are not, five draws, with all training clips and with 8 of each; the
           area under the ROC curve of the recogniser's distance
"""

from __future__ import annotations

import csv
import os
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.svm import SVC

from latente import Trainer
from latente.audio import SpeechFeatures, Variations, WordRecogniser

HERE = Path(__file__).parent
LABELLED, DRAWS, SIZE = (1, 3, 5, 10), 5, 64
FEW = 8  # clips of a known digit
GROUPS = (1, 5, 20, 100)  # clips of a new speaker
SEEDS = (1, 2)  # besides 0
ALONE = ("PCA, each speaker standardised", "autoencoder, each speaker standardised")
COLUMNS = ("part", "features", "dims", "classifier", "case", "value", "cpu_seconds")


@dataclass
class Digits:
    """The recordings.

    Attributes:
        clips: (n,) signals of 8 kHz.
        y, speakers, takes: (n,).
        names: of the speakers.
    """

    clips: np.ndarray
    y: np.ndarray
    speakers: np.ndarray
    takes: np.ndarray
    names: list[str]


def load() -> Digits:
    with np.load(Path(os.environ["LATENTE_DATA"]) / "fsdd" / "fsdd.npz") as file:
        audio, offsets = file["audio"].astype(np.float32) / 32768, file["offsets"]
        clips = np.empty(len(offsets) - 1, dtype=object)
        for i in range(len(clips)):
            clips[i] = audio[offsets[i] : offsets[i + 1]]
        names = [str(name) for name in file["speaker_names"]]
        return Digits(clips, file["labels"].astype(int), file["speakers"].astype(int), file["takes"].astype(int), names)


def encoded(data: Digits, train: np.ndarray, test: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray, float]]:
    """Returns (train, test, CPU seconds of the fit) by name of the features; all are fitted on the training clips."""
    heard, new = list(data.clips[train]), list(data.clips[test])
    out = {}
    for name, speakers in (("autoencoder", None), ("autoencoder, speakers known", data.speakers[train])):
        start = time.process_time()
        model = SpeechFeatures(SIZE, random_state=0).fit(heard, speakers=speakers)
        spent = time.process_time() - start
        out[name] = (model.transform(heard), model.transform(new), spent)
    cepstra = model.cepstra(heard), model.cepstra(new)
    pca = PCA(SIZE, random_state=0).fit(cepstra[0])
    plain = {"MFCC": (*cepstra, 0.0), "PCA": (pca.transform(cepstra[0]), pca.transform(cepstra[1]), 0.0)}
    return plain | out


def classical(data: Digits) -> list[dict]:
    """Measures `speaker_aware` features on the official split, with few labels and on speakers who were never heard."""
    train, test = data.takes >= 5, data.takes < 5
    found = speaker_aware(data, train, test)
    rows = judged("official", "test", data, train, test, found) + few(data, train, test, found)
    for i, name in enumerate(data.names):
        train, test = data.speakers != i, data.speakers == i
        rows += judged("speakers", name, data, train, test, speaker_aware(data, train, test))
    return rows


def speaker_aware(data: Digits, train: np.ndarray, test: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray, float]]:
    """Returns principal components that know who speaks, as `encoded` does; no words are looked at.

    They are whitened by the differences between a training clip and the three nearest of each other speaker (within-
    class covariance normalisation, Hatch et al. 2006, the classes being neighbours as for the autoencoder's targets).
    """
    quick = {"variations": Variations(count=1), "trainer": Trainer(epochs=1, verbose=False)}
    front = SpeechFeatures(SIZE, random_state=0, **quick)  # for its cepstra only
    front.fit(list(data.clips[train]))
    x, new = front.cepstra(list(data.clips[train])), front.cepstra(list(data.clips[test]))
    start, who = time.process_time(), data.speakers[train]
    pca = PCA(SIZE, random_state=0).fit(x)
    codes = pca.transform(x)
    whiten = across(codes, who)
    spent = time.process_time() - start
    return {"PCA, whitened across speakers": (codes @ whiten, pca.transform(new) @ whiten, spent)}


def own(data: Digits) -> list[dict]:
    """Measures features that standardise each speaker, by clips without words for the speaker who is tested."""
    train, test = data.takes >= 5, data.takes < 5
    found = each_speaker(data, train, test)[0]
    rows = judged("official", "test", data, train, test, found) + few(data, train, test, found)
    heard: dict[tuple[str, str], list[float]] = {}
    for i, name in enumerate(data.names):
        train, test = data.speakers != i, data.speakers == i
        found, model = each_speaker(data, train, test)
        rows += judged("speakers", name, data, train, test, found)
        for key, value in few_heard(data, train, test, found, model).items():
            heard.setdefault(key, []).append(value)
    return rows + [row("heard", name, SIZE, "SVM", case, float(np.mean(v)), 0.0) for (name, case), v in heard.items()]


def seeds(data: Digits) -> list[dict]:
    rows = []
    for seed in SEEDS:
        for i, name in enumerate(data.names):
            train, test = data.speakers != i, data.speakers == i
            x, new, spent = each_speaker(data, train, test, seed)[0][ALONE[1]]
            value = accuracy(SVC(C=10.0), x, data.y[train], new, data.y[test])
            rows.append(row("seeds", ALONE[1], SIZE, "SVM", f"{name}, seed {seed}", value, spent))
    return rows


def each_speaker(data: Digits, train: np.ndarray, test: np.ndarray, seed: int = 0) -> tuple[dict, SpeechFeatures]:
    """Returns what `encoded` does, of the autoencoder and of the principal components of what it takes; and it."""
    sets = (list(data.clips[train]), data.speakers[train]), (list(data.clips[test]), data.speakers[test])
    start = time.process_time()
    model = SpeechFeatures(SIZE, standardize="speaker", random_state=seed).fit(sets[0][0], speakers=sets[0][1])
    spent = time.process_time() - start
    x, new = (model.cepstra(clips, speakers=who) for clips, who in sets)
    codes = [model.transform(clips, speakers=who) for clips, who in sets]
    pca = PCA(SIZE, random_state=0).fit(x)
    return {ALONE[0]: (pca.transform(x), pca.transform(new), 0.0), ALONE[1]: (*codes, spent)}, model


def few_heard(data: Digits, train: np.ndarray, test: np.ndarray, found: dict, model: SpeechFeatures) -> dict:
    """Returns accuracies by (features, clips of a new speaker that its mean and deviation are taken of).

    The clips of the test are dealt, mixed, into groups of so many, and each group is taken for another new speaker.
    """
    clips, order = list(data.clips[test]), np.random.default_rng(0).permutation(int(test.sum()))
    pca = PCA(SIZE, random_state=0).fit(model.cepstra(list(data.clips[train]), speakers=data.speakers[train]))
    out = {}
    for count in (0, *GROUPS):
        who = None if count == 0 else [f"group {place // count}" for place in np.argsort(order)]
        new = model.cepstra(clips, speakers=who)
        for name, codes in ((ALONE[0], pca.transform(new)), (ALONE[1], model.autoencoder_.transform(new))):
            out[name, str(count)] = accuracy(SVC(C=10.0), found[name][0], data.y[train], codes, data.y[test])
    return out


def across(codes: np.ndarray, who: np.ndarray, neighbors: int = 3, floor: float = 0.1) -> np.ndarray:
    """Returns W^(-1/2), W the covariance of the differences between neighbours who are different speakers."""
    differences = []
    for a in np.unique(who):
        for b in np.unique(who[who != a]):
            ours, theirs = codes[who == a], codes[who == b]
            near = np.argsort((theirs**2).sum(1)[None] - 2 * ours @ theirs.T, axis=1)[:, :neighbors]
            differences.append((ours[:, None] - theirs[near]).reshape(-1, codes.shape[1]))
    values, vectors = np.linalg.eigh(np.cov(np.concatenate(differences).T))
    return vectors / np.sqrt(values + floor * values.mean()) @ vectors.T


def classifiers() -> dict[str, object]:
    """None scales columns to the same variance: that whitens PCA."""
    return {"SVM": SVC(C=10.0), "logistic regression": LogisticRegression(max_iter=2000)}


def accuracy(model: object, train: np.ndarray, y: np.ndarray, test: np.ndarray, truth: np.ndarray) -> float:
    scale = train.std()  # one number for all columns
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(train / scale, y)
    return 100 * float((model.predict(test / scale) == truth).mean())


def official(data: Digits) -> list[dict]:
    train, test = data.takes >= 5, data.takes < 5
    found = encoded(data, train, test)
    return judged("official", "test", data, train, test, found) + few(data, train, test, found)


def speakers(data: Digits) -> list[dict]:
    rows = []
    for i, name in enumerate(data.names):
        train, test = data.speakers != i, data.speakers == i
        rows += judged("speakers", name, data, train, test, encoded(data, train, test))
    return rows


def judged(part: str, case: str, data: Digits, train: np.ndarray, test: np.ndarray, found: dict) -> list[dict]:
    rows = []
    for name, (x, new, spent) in found.items():
        for how, model in classifiers().items():
            value = accuracy(model, x, data.y[train], new, data.y[test])
            rows.append(row(part, name, x.shape[1], how, case, value, spent))
    return rows


def few(data: Digits, train: np.ndarray, test: np.ndarray, found: dict) -> list[dict]:
    rows = []
    for name, (x, new, spent) in found.items():
        for count in LABELLED:
            values = []
            for draw in range(DRAWS):
                rng = np.random.default_rng(draw)
                y = data.y[train]
                chosen = np.concatenate([rng.choice(np.flatnonzero(y == d), count, replace=False) for d in range(10)])
                values.append(accuracy(SVC(C=10.0), x[chosen], y[chosen], new, data.y[test]))
            rows.append(row("few", name, x.shape[1], "SVM", str(count), float(np.mean(values)), spent))
    return rows


def unknown(data: Digits) -> list[dict]:
    rows = []
    for take in (None, FEW):
        for draw in range(DRAWS):
            rng = np.random.default_rng(draw)
            known = rng.permutation(10)[:5]
            train = np.isin(data.y, known) & (data.takes >= 5)
            if take is not None:
                some = [rng.choice(np.flatnonzero(train & (data.y == d)), take, replace=False) for d in known]
                train = np.isin(np.arange(len(train)), np.concatenate(some))
            case = f"{'all' if take is None else take}, draw {draw}"
            rows += strangers(data, train, np.isin(data.y, known), case)
    return rows


def strangers(data: Digits, train: np.ndarray, known: np.ndarray, case: str) -> list[dict]:
    test, start = data.takes < 5, time.process_time()
    model = WordRecogniser(SpeechFeatures(SIZE, random_state=0))
    model.fit(list(data.clips[train]), [str(d) for d in data.y[train]])
    spent = time.process_time() - start
    strange, new = ~known[test], list(data.clips[test])
    p = model.p_values(new)
    measures = {
        "recogniser's distance": roc_auc_score(strange, model.distances(new)),
        "reconstruction error alone": roc_auc_score(strange, -model.features_.score_samples(new)),
        "MFCC, nearest clip": roc_auc_score(strange, nearest(model.features_, data.clips[train], new)),
        "false alarms at 5%": float((p[~strange] <= 0.05).mean()),
        "unknowns found at 5%": float((p[strange] <= 0.05).mean()),
    }
    return [row("unknown", name, SIZE, "recogniser", case, value, spent) for name, value in measures.items()]


def nearest(features: SpeechFeatures, known: np.ndarray, new: list[np.ndarray]) -> np.ndarray:
    """Returns (n,): distances of standardised cepstra to the nearest known clip."""
    a, b = features.cepstra(new), features.cepstra(list(known))
    return ((a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T).min(1)


def row(*values: object) -> dict:
    found = dict(zip(COLUMNS, values, strict=True))
    print(*(f"{value:.3f}" if isinstance(value, float) else value for value in values), flush=True)
    return found | {"value": round(found["value"], 4), "cpu_seconds": round(found["cpu_seconds"], 1)}


PARTS = {
    "official": official,
    "speakers": speakers,
    "classical": classical,
    "own": own,
    "seeds": seeds,
    "unknown": unknown,
}


def main(wanted: list[str]) -> None:
    torch.set_num_threads(1)
    data, path = load(), HERE / "results.csv"
    for name in wanted or PARTS:
        kept = []
        if path.exists():
            with path.open(newline="") as file:
                kept = list(csv.DictReader(file))
        rows = PARTS[name](data)
        fresh = {(r["part"], r["features"]) for r in rows}
        kept = [r for r in kept if (r["part"], r["features"]) not in fresh]
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(kept + rows)


if __name__ == "__main__":
    main(sys.argv[1:])
