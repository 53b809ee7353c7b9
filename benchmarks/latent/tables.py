"""The tables of docs/latent-space.md, from the CSV."""

from __future__ import annotations

import statistics
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "latent-space.md"
KINDS = ("vanilla", "plain", "denoising", "contractive", "variational", "bernoulli", "overfitted")
HEALTH = {
    "error": "squared error, test", "hole_fraction": "hole fraction", "hole_fraction_control": "… held-out codes",
    "coverage_normal": "coverage by N(0, I)", "coverage_fitted": "coverage by fitted Gaussian",
    "density_normal": "density of N(0, I)", "density_fitted": "density of fitted Gaussian",
    "mmd_fitted": "MMD² to fitted Gaussian", "mmd": "MMD² to N(0, I)", "mmd_null": "… by chance",
    "posterior_hole_fraction": "N(0, I) in holes of q(z)",
    "posterior_coverage": "coverage of q(z) by N(0, I)", "posterior_mmd": "MMD² of q(z) to N(0, I)", "jump": "jump",
    "path_ratio": "path ratio", "cycle_gap": "cycle gap halfway", "cycle_gap_control": "… at the ends",
    "active_units": "active units", "participation_ratio": "participation ratio",
    "intrinsic_dimension": "dimension of the codes", "trustworthiness": "trustworthiness", "continuity": "continuity",
}  # fmt: skip
DIGITS = {
    "jump_1_7": "jump, 1 → 7", "jump_3_8": "jump, 3 → 8", "ratio_1_7": "path ratio, 1 → 7",
    "ratio_3_8": "path ratio, 3 → 8", "halfway_1_7": "distance halfway, 1 → 7", "mixture_1_7": "… of the pixel mixture",
    "halfway_3_8": "distance halfway, 3 → 8", "mixture_3_8": "… of the pixel mixture",
}  # fmt: skip
REPAIR = {
    f"{density}_{measure}": f"{title}, {words}"
    for measure, title in (("holes", "hole fraction"), ("coverage", "coverage"), ("distance", "distance decoded"))
    for density, words in (("normal", "N(0, I)"), ("gaussian", "Gaussian"), ("mixture", "mixture"))
}


def write_tables(rows: list[dict[str, str]]) -> None:
    """Replaces what stands between the marks of the page by tables of the results, means over the seeds."""
    text = PAGE.read_text(encoding="utf-8")
    for name, measures in (("health", HEALTH), ("digits", DIGITS), ("repair", REPAIR)):
        start, end = f"<!-- {name}: benchmarks/latent/run.py -->\n", f"<!-- end of {name} -->"
        before, rest = text.split(start)
        lines = [line for k in ("2", "8") for line in table(rows, measures, k)]
        text = before + start + "\n" + "\n".join(lines) + "\n" + end + rest.split(end)[1]
    PAGE.write_text(text, encoding="utf-8")


def table(rows: list[dict[str, str]], measures: dict[str, str], k: str) -> list[str]:
    """Returns the lines of a table for one latent size: mean, and the range over the seeds where it is wide."""
    lines = [f"| k = {k} | {' | '.join(KINDS)} |", "|---" * (len(KINDS) + 1) + "|"]
    for measure, title in measures.items():
        cells = [cell([r[measure] for r in rows if r["kind"] == kind and r["latent_dim"] == k]) for kind in KINDS]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return [*lines, ""]


def cell(texts: list[str]) -> str:
    """Returns a mean; the range stands behind it where it is more than a tenth of the mean."""
    values = [float(text) for text in texts if text not in ("", "None")]
    if not values:
        return "–"
    if all(text.isdigit() for text in texts):
        return texts[0] if len(set(texts)) == 1 else f"{min(values):.0f} to {max(values):.0f}"
    mean, low, high = statistics.mean(values), min(values), max(values)
    wide = high - low > 0.1 * abs(mean) and high - low > 0.002
    return short(mean) + (f" ({short(low)} to {short(high)})" if wide else "")


def short(value: float) -> str:
    """Returns a number with as many digits as mean something here."""
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.3f}" if abs(value) >= 0.01 else f"{value:.4f}"
