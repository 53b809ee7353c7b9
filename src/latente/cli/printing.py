"""What the commands say about data, training and errors: text for people, JSON for machines."""

from __future__ import annotations

__all__ = [
    "code_size_record", "code_size_text", "judgement_record", "judgement_text", "lines", "show", "training_record",
    "training_text", "wrote",
]  # fmt: skip

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from numpy.typing import NDArray

if TYPE_CHECKING:
    from latente.diagnostics import Evidence
    from latente.estimators import Autoencoder
    from latente.training import History


def show(record: Mapping[str, Any], text: str, as_json: bool) -> None:
    """Prints a result on standard output: the record as one JSON object, or the text."""
    typer.echo(json.dumps(_clean(record), allow_nan=False) if as_json else text)


def wrote(path: Path, array: NDArray[Any], as_json: bool) -> None:
    """Says that an array was written."""
    record = {"output": str(path), "shape": array.shape, "dtype": array.dtype.name}
    shape = " x ".join(map(str, array.shape))
    show(record, f"wrote {path}: {shape} {array.dtype.name}", as_json)


def lines(rows: Mapping[str, str]) -> str:
    """Returns a text of labels and what belongs to them, aligned.

    Example:
        >>> print(lines({"a": "1\\n2", "long": "3"}))
        a     1
              2
        long  3
    """
    width = max(len(label) for label in rows)
    gap = "\n" + " " * (width + 2)
    return "\n".join(f"{label:<{width}}  {text.replace(chr(10), gap)}" for label, text in rows.items())


def judgement_record(evidence: Evidence, on: str, reference: str) -> dict[str, Any]:
    """Returns the JSON of an evaluation: its numbers, what was measured on what, and what was found."""
    from latente.diagnostics import judge

    return asdict(evidence.evaluation) | {
        "beats_pca": evidence.evaluation.beats_pca,
        "data": on,
        "reference": reference,
        "findings": [asdict(finding) for finding in judge(evidence)],
    }


def judgement_text(evidence: Evidence, on: str, reference: str) -> dict[str, str]:
    """Returns lines on an evaluation, by their labels: what was measured, and what is good and wrong, gravest first."""
    from latente.diagnostics import judge

    rows = {"measured": f"on {on}; mean and PCA fitted on {reference}", "result": str(evidence.evaluation)}
    for finding in judge(evidence):
        text = f"{finding.name}: {finding.message} {finding.advice}".strip()
        rows[finding.severity] = "\n".join(filter(None, [rows.get(finding.severity), text]))
    return rows


def code_size_record(model: Autoencoder) -> dict[str, Any] | None:
    """Returns the JSON of how latent_dim="auto" found the size, but for its trainings; None where it did not."""
    found = getattr(model, "latent_size_", None)
    if found is None:
        return None
    record = {name: value for name, value in found.to_dict().items() if name != "histories"}
    return record | {"doubts": list(found.doubts)}


def code_size_text(model: Autoencoder) -> dict[str, str]:
    """Returns the lines on how latent_dim="auto" found the size, by their label; none where it did not."""
    found = getattr(model, "latent_size_", None)
    return {} if found is None else {"code": "\n".join([str(found), *found.doubts])}


def training_record(history: History) -> dict[str, Any]:
    """Returns the JSON of a training run, without its epochs."""
    last = history.records[-1] if history.records else None
    return {
        "epochs": len(history),
        "seconds": history.seconds,
        "stopped": history.stopped,
        "best_epoch": history.best_epoch,
        "precision": history.precision,
        "batch_size": history.batch_size,
        "loss": last.loss if last else None,
        "distortion": last.distortion if last else None,
        "rate": last.rate if last else None,
        "validation_loss": last.validation_loss if last else None,
        "findings": [asdict(finding) for finding in history.findings],
    }


def training_text(history: History) -> str:
    """Returns a line on a training run."""
    record = training_record(history)
    held = "" if record["validation_loss"] is None else f", validation loss {record['validation_loss']:.5g}"
    loss = "" if record["loss"] is None else f", last loss {record['loss']:.5g}{held}"
    return (
        f"{record['epochs']} epochs in {record['seconds']:.1f} s ({record['stopped']}), weights of epoch "
        f"{record['best_epoch']}, batches of {record['batch_size']}, {record['precision']}{loss}"
    )


def _clean(value: Any) -> Any:
    """Makes a value ready for strict JSON: what is not finite becomes null, numpy's numbers and tuples plain."""
    if isinstance(value, Mapping):
        return {str(key): _clean(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
