"""The tables of docs/benchmarks-features.md, from the CSV files."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
from kinds import EPOCHS
from results import read_rows

from latente import Trainer

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "benchmarks-features.md"
SETS = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST"}
METHODS = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP", "denoising-default": "denoising, 26 epochs"}
COLUMNS = {
    "linear_all": "linear, all", "knn_all": "k-NN, all", "forest_all": "forest, all", "linear_100": "linear, 100",
    "knn_100": "k-NN, 100", "forest_100": "forest, 100",
}  # fmt: skip
Rows = list[dict[str, str]]


def write_page() -> None:
    """Replaces what stands between the marks of the page by tables of the results."""
    text = PAGE.read_text(encoding="utf-8")
    rows, maps = read_rows(HERE / "results.csv"), read_rows(HERE / "maps.csv")
    told = answer(rows)  # of single seeds, too
    rows = over_seeds(rows)
    parts = {
        "answer": told,
        "best": best(rows),
        "accuracy": accuracy(rows),
        "control": control(rows),
        "standardised": standardised(rows),
        "costs": costs(rows),
        "maps": map_lines(maps),
    }
    for name, lines in parts.items():
        start, end = f"<!-- {name}: benchmarks/features -->\n", f"<!-- end of {name} -->"
        before, rest = text.split(start)
        text = before + start + "\n" + "\n".join(lines) + "\n\n" + end + rest.split(end)[1]
    fresh = PAGE.with_suffix(".tmp")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(PAGE)


def answer(rows: Rows) -> list[str]:
    """Says how denoising codes compare with PCA at each k, by default and in short trainings, and which others lead."""
    kinds = {r["kind"] for r in rows} - {"pca", "pixels", "denoising", "denoising-default"}
    others = sorted(kind for kind in kinds if all(d > 0 for d in differences(leads(rows, kind, "32"))))
    smaller = [
        f"{min(d):.1f} to {max(d):.1f} at k = {k}"
        for k in ("16", "8")
        if (d := differences(leads(rows, "denoising", k)))
    ]
    text = (
        'The short answer to "do codes of 32 numbers beat PCA\'s at every label count on both sets?": '
        f"{by_default(rows)} {in_short(rows)} Shorter codes are ahead by {' and by '.join(smaller)}. At k = 32 "
        f"{', '.join(others) or 'no other kind'} is ahead in all of them."
    )
    return textwrap.wrap(text, 120)


def by_default(rows: Rows) -> str:
    """Says how codes of the default training compare with PCA's at k = 32, seed by seed."""
    kind = "denoising-default"
    seeds = sorted({r["seed"] for r in rows if r["kind"] == kind})
    each = [leads([r for r in rows if r["kind"] == "pca" or r["seed"] == seed], kind, "32") for seed in seeds]
    ahead = sum(all(ours > theirs for ours, theirs, _ in found.values()) for found in each)
    mean = leads(rows, kind, "32")
    (data, column), (ours, theirs, _) = min(mean.items(), key=lambda item: item[1][0] - item[1][1])
    word = "yes" if ahead == len(seeds) else "not always"
    return (
        f"{word}. Those of `DenoisingAutoencoder(32)` as it comes ({Trainer().resolve_epochs(60_000)} epochs) are "
        f"ahead in all {len(mean)} comparisons (two sets, three classifiers, two numbers of labels) on {ahead} of "
        f"{len(seeds)} seeds, by {min(differences(mean)):.1f} to {max(differences(mean)):.1f} points in the mean; by "
        f"least for {SETS[data]}, {COLUMNS[column]} labels ({ours:.2f} against {theirs:.2f} per cent)."
    )


def in_short(rows: Rows) -> str:
    """Says how denoising codes of a short training compare with PCA's at k = 32, and where that is a tie."""
    found = leads(rows, "denoising", "32")
    clear = [ours - theirs for ours, theirs, tie in found.values() if not tie]
    if min(clear) <= 0:
        raise ValueError("denoising codes are behind PCA somewhere at k = 32; write that sentence anew")
    ties = [
        f"{SETS[data]}, {COLUMNS[column]} labels ({ours:.2f} against {theirs:.2f}: {round(100 * (ours - theirs))} of "
        "the 10,000 test images)"
        for (data, column), (ours, theirs, tie) in found.items()
        if tie
    ]
    return (
        f"Trained for {EPOCHS} epochs, as all other kinds here, on one seed, they are ahead in {len(clear)} of "
        f"{len(found)}, by {min(clear):.1f} to {max(clear):.1f} points; a tie is {' and '.join(ties) or 'none'}."
    )


def leads(rows: Rows, kind: str, k: str) -> dict[tuple[str, str], tuple[float, float, bool]]:
    """Returns by set and column: a kind's accuracy, PCA's, whether they are fewer than ten test images apart."""
    found, rows = {}, over_seeds(rows)
    for data in SETS:
        ours, pca = (
            next((r for r in rows if (r["data"], r["kind"], r["k"]) == (data, name, k)), None) for name in (kind, "pca")
        )
        for column in COLUMNS if ours and pca else ():
            a, b = float(ours[column]), float(pca[column])
            found[data, column] = a, b, abs(a - b) < 0.1
    return found


def over_seeds(rows: Rows) -> Rows:
    """Returns one row for each name: the means over its seeds, and in `seed` how many there are."""
    groups: dict[str, Rows] = {}
    for row in rows:
        groups.setdefault(row["name"], []).append(row)
    told = ("data", "kind", "k", "name", "parameters")
    return [
        {
            key: str(np.mean([float(r[key]) for r in group])) if key not in told else text
            for key, text in group[0].items()
        }
        | {"seed": str(len(group))}
        for group in groups.values()
    ]


def differences(found: dict[tuple[str, str], tuple[float, float, bool]]) -> list[float]:
    """The points of accuracy by which a kind is ahead of PCA."""
    return [ours - theirs for ours, theirs, _ in found.values()]


def accuracy(rows: Rows) -> list[str]:
    """One table for each set: accuracies, bold where above PCA's at the same k."""
    lines = []
    for data, title in SETS.items():
        lines += [f"| {title} | k | {' | '.join(COLUMNS.values())} |", "|---" * (len(COLUMNS) + 2) + "|"]
        for row in sorted((r for r in rows if r["data"] == data), key=lambda r: -int(r["k"])):
            pca = next((r for r in rows if (r["data"], r["kind"], r["k"]) == (data, "pca", row["k"])), None)
            cells = [cell(row, column, pca) for column in COLUMNS]
            lines.append(f"| {METHODS.get(row['kind'], row['kind'])} | {row['k']} | {' | '.join(cells)} |")
        lines.append("")
    return lines[:-1]


def cell(row: dict[str, str], column: str, pca: dict[str, str] | None) -> str:
    """An accuracy; with its deviation over the draws where there are some."""
    text = f"{float(row[column]):.1f}"
    if pca is not None and float(row[column]) > float(pca[column]):
        text = f"**{text}**"
    return text + (f" ± {float(row[column + '_sd']):.1f}" if column.endswith("_100") else "")


def best(rows: Rows) -> list[str]:
    """At k = 32: PCA's accuracy, the best kind's without deformation and among the deformed, and that of pixels."""
    lines = ["| k = 32 | PCA | best kind, not deformed | best kind, deformed | raw pixels |", "|---|---|---|---|---|"]
    for data, title in SETS.items():
        at = {r["kind"]: r for r in rows if r["data"] == data and r["k"] in ("32", "784")}
        pca, pixels = at.pop("pca"), at.pop("pixels", None)
        groups = [[k for k in at if k.endswith("-deformed") is deformed] for deformed in (False, True)]
        for column, words in COLUMNS.items():
            cells = [f"{float(pca[column]):.1f}"]
            for group in groups:
                kind = max(group, key=lambda k: float(at[k][column]))
                shown = METHODS.get(kind, kind.removesuffix("-deformed"))
                cells.append(f"{cell(at[kind], column, pca).split(' ±')[0]} ({shown})")
            cells.append(f"{float(pixels[column]):.1f}" if pixels else "–")
            lines.append(f"| {title}, {words} | {' | '.join(cells)} |")
    return lines


def standardised(rows: Rows) -> list[str]:
    """At k = 32: the difference that dividing every feature by its deviation makes, in points."""
    names = [f"{c}_{n}" for c in ("linear", "knn") for n in ("all", "100")]
    heads = [f"{title}: {COLUMNS[name]}" for title in SETS.values() for name in names]
    lines = [f"| k = 32 | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for kind in dict.fromkeys(r["kind"] for r in rows if r["k"] == "32"):
        cells = []
        for data in SETS:
            row = next((r for r in rows if (r["data"], r["kind"], r["k"]) == (data, kind, "32")), None)
            cells += [f"{float(row['std_' + n]) - float(row[n]):+.1f}" if row else "–" for n in names]
        lines.append(f"| {METHODS.get(kind, kind)} | {' | '.join(cells)} |")
    return lines


def control(rows: Rows) -> list[str]:
    """100 labels, k = 32: PCA, PCA with deformed copies of the labelled images, and codes of the deformed kinds."""
    columns = [c for c in COLUMNS if c.endswith("_100")]
    heads = [f"{title}: {COLUMNS[c]}" for title in SETS.values() for c in columns]
    lines = [f"| k = 32 | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    copies = [r | {"data": r["name"], "kind": "PCA, 20 copies", "k": "32"} for r in read_rows(HERE / "copies.csv")]
    kinds = ("pca", "PCA, 20 copies", "denoising-deformed", "convolutional-deformed")
    for kind in kinds:
        at = {r["data"]: r for r in [*rows, *copies] if r["kind"] == kind and r["k"] == "32"}
        cells = [f"{float(at[data][c]):.1f}" if data in at else "–" for data in SETS for c in columns]
        lines.append(f"| {METHODS.get(kind, kind)} | {' | '.join(cells)} |")
    return lines


def costs(rows: Rows) -> list[str]:
    """On MNIST: what making and using the features costs."""
    lines = [
        "| MNIST | k | fit, CPU s | fit, MiB | 1,000 images, CPU ms | numbers in the encoder | bytes an image "
        "| linear, CPU s | k-NN, CPU s | forest, CPU s |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in (r for r in rows if r["data"] == "mnist" and r["k"] in ("32", "784")):
        spent = " | ".join(f"{float(row[c + '_cpu_s']):.1f}" for c in ("linear", "knn", "forest"))
        made = (
            "– | – | – | –" if row["kind"] == "pixels" else
            f"{float(row['fit_cpu_s']):.0f} | {float(row['fit_mib']):.0f} | {float(row['transform_ms']):.1f} | "
            f"{int(row['parameters']):,}"
        )  # fmt: skip
        size = 784 if row["kind"] == "pixels" else 4 * int(row["k"])
        lines.append(f"| {METHODS.get(row['kind'], row['kind'])} | {row['k']} | {made} | {size} | {spent} |")
    return lines


def map_lines(rows: Rows) -> list[str]:
    """One table for each set: how true the maps are, and what they cost."""
    lines = []
    for data, title in SETS.items():
        lines += [f"| {title}, k = 2 | trustworthiness | continuity | k-NN, % | fit, CPU s | fit, MiB | new points: "
                  "trustworthiness | continuity | k-NN, % | 1,000 images, CPU ms |", "|---" * 10 + "|"]  # fmt: skip
        for row in (r for r in rows if r["name"].startswith(data + "-")):
            method = row["name"].rsplit("-", 1)[1]
            own = numbers(row, {"trustworthiness": 3, "continuity": 3, "knn": 1, "fit_cpu_s": 1, "fit_mib": 0})
            new = {"new_trustworthiness": 3, "new_continuity": 3, "new_knn": 1, "transform_ms": 1}
            cells = numbers(row, new) if row["new_knn"] else ["cannot", "–", "–", "–"]
            lines.append(f"| {METHODS.get(method, method)} | {' | '.join([*own, *cells])} |")
        lines.append("")
    return lines[:-1]


def numbers(row: dict[str, str], digits: dict[str, int]) -> list[str]:
    """Returns the columns' values with as many digits after the point as are given."""
    return [f"{float(row[column]):.{n}f}" for column, n in digits.items()]
