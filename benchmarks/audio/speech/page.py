"""Writes docs/benchmarks-audio-speech.md from results.csv.

python benchmarks/audio/speech/page.py
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
PAGE = HERE.parents[2] / "docs" / "benchmarks-audio-speech.md"
OURS, KNOWN = "autoencoder", "autoencoder, speakers known"
SAME, ALONE = "PCA, each speaker standardised", "autoencoder, each speaker standardised"
WHITENED = "PCA, whitened across speakers"
NAMES = ("MFCC", "PCA", WHITENED, OURS, KNOWN, SAME, ALONE)
COUNTS = ("1", "3", "5", "10")
HEAD = """# Spoken digits: features compared

The Free Spoken Digit Dataset as it is here: ten digits, five speakers (all men), 50 takes of each digit by each, 8 kHz.
`MFCC` are the 416 standardised cepstra that the autoencoder takes (13 coefficients, 32 frames, trimmed, level
normalised); `PCA` the first 64 principal components of them, not rescaled; `autoencoder` the 64 numbers of
`SpeechFeatures`; with `speakers known`, `fit` was told who speaks in the training clips. Everything is fitted on
training clips only. `whitened across speakers`, a classical baseline that knows the speakers of the training clips as
well, divides the components of PCA by what differs between a clip and its three nearest of each other speaker (within-
class covariance normalisation; the autoencoder's targets are the same neighbours). The rows `each speaker standardised`
are `SpeechFeatures(standardize="speaker")`, and the principal components of the cepstra that it takes: each speaker's
mean and deviation are taken out. They need to know who speaks, also in the test, and take the mean and the deviation of
a new speaker from all clips of the test, without words; the other rows have no such knowledge. Classifiers get all
columns divided by one number, because a scaler after PCA would whiten it and make it look worse than it is. SVM: radial
kernel, C = 10. Seed 0, one thread. `benchmarks/audio/speech/run.py` measures, `page.py` writes this page from
`results.csv`.
"""


def read() -> list[dict]:
    with (HERE / "results.csv").open(newline="") as file:
        return [row | {"value": float(row["value"])} for row in csv.DictReader(file)]


def values(rows: list[dict], **wanted: str) -> list[float]:
    return [row["value"] for row in rows if all(row[name] == value for name, value in wanted.items())]


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def verdict(rows: list[dict]) -> str:
    """Returns what was to be reached, and what was."""
    split = {name: values(rows, part="official", features=name, classifier="SVM")[0] for name in (OURS, KNOWN, ALONE)}
    mean = {name: float(np.mean(values(rows, part="speakers", features=name, classifier="SVM"))) for name in NAMES}
    linear = {
        name: float(np.mean(values(rows, part="speakers", features=name, classifier="logistic regression")))
        for name in (ALONE, SAME)
    }
    again = [row for row in rows if row["part"] == "seeds"]
    cases = sorted({row["case"].split(", ")[1] for row in again})
    seeds = [mean[ALONE], *(float(np.mean([r["value"] for r in again if r["case"].endswith(case)])) for case in cases)]
    labels = {name: [values(rows, part="few", features=name, case=c)[0] for c in COUNTS] for name in NAMES}
    heard = {
        size: float(np.mean([row["value"] for row in rows if row["features"] == "recogniser's distance"
                             and row["case"].startswith(size)])) for size in ("all, ", "8, ")
    }  # fmt: skip
    body = [
        ["official split, SVM", "99.0 or more", f"{max(split.values()):.1f}", met(max(split.values()) >= 99)],
        ["a speaker who was never heard, SVM, " + KNOWN, "86.0 or more", f"{mean[KNOWN]:.1f}", met(mean[KNOWN] >= 86)],
        ["a speaker who was never heard, SVM, " + ALONE + f", mean of seeds {joined(seeds)}", "86.0 or more",
         f"{np.mean(seeds):.2f}", met(np.mean(seeds) >= 86)],
        *(
            [f"1, 3, 5, 10 labels, {name}", "above PCA: " + joined(labels["PCA"]), joined(labels[name]),
             met(all(a > b for a, b in zip(labels[name], labels["PCA"], strict=True)))]
            for name in (ALONE, KNOWN, OURS)
        ),
        [f"1, 3, 5, 10 labels, {ALONE}", "above PCA of the same: " + joined(labels[SAME]), joined(labels[ALONE]),
         met(all(a > b for a, b in zip(labels[ALONE], labels[SAME], strict=True)))],
        ["unknown words, AUROC, all clips", "0.900 or more", f"{heard['all, ']:.3f}", met(heard["all, "] >= 0.9)],
        ["unknown words, AUROC, eight clips a word", "0.900 or more", f"{heard['8, ']:.3f}", met(heard["8, "] >= 0.9)],
    ]  # fmt: skip
    return (
        "## Verdict\n\n"
        + table(["measure", "to be reached", "found", ""], body)
        + f"\n\nSpeakers who were never heard get {np.mean(seeds):.2f} by the autoencoder and {mean[SAME]:.1f} by the "
        "principal components of the same cepstra where each speaker is standardised by clips without words, "
        f"{mean[KNOWN]:.1f} and {mean['PCA']:.1f} where nothing of them is known. So it is the standardising that "
        "leads to the bar, not the autoencoder: with this classifier and with few labels it is no "
        "better than principal components of the same input; with logistic regression it is, "
        f"{linear[ALONE]:.1f} to {linear[SAME]:.1f}. "
        "What was tried is listed at the end.\n"
    )


def met(reached: bool) -> str:
    return "met" if reached else "missed"


def joined(numbers: list[float]) -> str:
    return " / ".join(f"{number:.1f}" for number in numbers)


def official(rows: list[dict]) -> str:
    body = [["chance (floor)", "", "10.0", "10.0"]]
    for name in NAMES:
        dims = next(row["dims"] for row in rows if row["features"] == name)
        found = [values(rows, part="official", features=name, classifier=c) for c in ("SVM", "logistic regression")]
        body.append([name, dims, *(f"{v[0]:.1f}" for v in found)])
    return (
        "## The data set's own split\n\nTakes 0 to 4 of every speaker and digit are the test, 250 clips: one clip is "
        "0.4 points. Right, %.\n\n" + table(["features", "numbers", "SVM", "logistic regression"], body) + "\n"
    )


def speakers(rows: list[dict]) -> str:
    part = [row for row in rows if row["part"] == "speakers"]
    people = list(dict.fromkeys(row["case"] for row in part))
    body = [["chance (floor)", "SVM", *["10.0"] * (len(people) + 1)]]
    for name in NAMES:
        for how in ("SVM", "logistic regression"):
            found = [values(part, features=name, classifier=how, case=person)[0] for person in people]
            body.append([name, how, *(f"{v:.1f}" for v in found), f"**{np.mean(found):.1f}**"])
    heard = values(rows, part="official", features="MFCC", classifier="SVM")[0]
    body.append(["MFCC, the speaker heard in training (oracle)", "SVM", *[""] * len(people), f"{heard:.1f}"])
    return (
        "## A speaker who was never heard\n\nEach speaker is held out in turn: the encoder and the classifier see the "
        "other four. Right, %.\n\n" + table(["features", "classifier", *people, "mean"], body) + "\n"
    )


def heard(rows: list[dict]) -> str:
    part = [row for row in rows if row["part"] == "heard"]
    counts = list(dict.fromkeys(row["case"] for row in part))
    body = [["chance (floor)", *["10.0"] * (len(counts) + 1)]]
    for name in (SAME, ALONE):
        found = [values(part, features=name, case=count)[0] for count in counts]
        whole = np.mean(values(rows, part="speakers", features=name, classifier="SVM"))
        body.append([name, *(f"{value:.1f}" for value in found), f"{whole:.1f}"])
    head = ["features", *("not told" if count == "0" else count for count in counts), "all 500"]
    return (
        "## How much of a new speaker must be heard\n\nThe same, where the mean and the deviation of the speaker who "
        "is held out come from fewer clips, mixed words, none of them labelled: the test is dealt into groups of so "
        "many, each taken for a speaker of its own. `not told` standardises all as the average speaker's. Right, %, "
        "SVM, mean of the five speakers.\n\n" + table(head, body) + "\n"
    )


def few(rows: list[dict]) -> str:
    body = [["chance (floor)", *["10.0"] * len(COUNTS)]]
    for name in NAMES:
        body.append([name, *(f"{values(rows, part='few', features=name, case=c)[0]:.1f}" for c in COUNTS)])
    heard = values(rows, part="official", features="MFCC", classifier="SVM")[0]
    body.append(["MFCC, all 225 labelled clips of a digit (oracle)", *[f"{heard:.1f}"] * len(COUNTS)])
    return (
        "## Few labels\n\nFeatures see all training clips of the data set's own split without labels; the SVM gets "
        "1, 3, 5 or 10 labelled clips of each digit, drawn five times. Right, %, mean of the draws.\n\n"
        + table(["features", *(f"{c} a digit" for c in COUNTS)], body)
        + "\n"
    )


def unknown(rows: list[dict]) -> str:
    part = [row for row in rows if row["part"] == "unknown"]
    if not part:
        return ""
    sizes = {"all, ": "all 225", "8, ": "8, of five speakers"}
    body = [["chance (floor)", "", "0.500", ""], ["perfect (oracle)", "", "1.000", ""]]
    rates = []
    for size, words in sizes.items():
        some = [row for row in part if row["case"].startswith(size)]
        if not some:
            continue
        for name in ("recogniser's distance", "reconstruction error alone", "MFCC, nearest clip"):
            found = values(some, features=name)
            body.append([name, words, f"{np.mean(found):.3f}", f"{min(found):.3f} to {max(found):.3f}"])
        alarms, hits = (100 * np.mean(values(some, features=n)) for n in ("false alarms at 5%", "unknowns found at 5%"))
        rates.append([words, f"{alarms:.1f}", f"{hits:.1f}"])
    draws = len({row["case"].split("draw")[1] for row in part})
    return (
        f"## Unknown words\n\nFive digits are known, the other five are not, draws of them: {draws}. The encoder and "
        "the recogniser see clips of known digits only. The area under the ROC curve of telling test clips of unknown "
        "digits from test clips of known ones, the speakers heard in training:\n\n"
        + table(["score", "clips of a known digit", "AUROC, mean", "draws"], body)
        + "\n\nWith `false_alarm_rate=0.05`, % of test clips that were called unknown:\n\n"
        + table(["clips of a known digit", "known digits (5 are stated)", "unknown digits"], rates)
        + "\n"
    )


def cost(rows: list[dict]) -> str:
    found = [float(row["cpu_seconds"]) for row in rows if row["part"] == "official" and OURS in row["features"]]
    return f"\nOne fit on the 2,250 training clips took {min(found):.0f} to {max(found):.0f} CPU seconds.\n"


def main() -> None:
    rows = read()
    notes = (HERE / "NOTES.md").read_text(encoding="utf-8")
    tables = [part(rows) for part in (verdict, official, speakers, heard, few, unknown)]
    parts = [HEAD + cost(rows), *tables, notes]
    PAGE.write_text("\n".join(part for part in parts if part), encoding="utf-8")


if __name__ == "__main__":
    main()
