"""`latente fit`."""

from __future__ import annotations

__all__ = ["fit"]

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latente.cli import fit_options, options
from latente.cli.building import build
from latente.cli.inputs import Samples, read_samples
from latente.cli.keeping import checkpoint_folder
from latente.cli.outputs import check_folder, new_file, new_folder
from latente.cli.printing import (
    code_size_record,
    code_size_text,
    judgement_record,
    judgement_text,
    lines,
    show,
    training_record,
    training_text,
)
from latente.cli.problems import Interrupted, naming, note
from latente.cli.restoring import RESTORERS, build_restorer, fit_restorer

if TYPE_CHECKING:
    from latente.diagnostics import Evidence
    from latente.estimators import Autoencoder

PARTS = (
    "latent_dim", "network", "bottleneck", "corruption", "distortion", "objective", "beta", "free_bits", "warmup",
)  # fmt: skip
SETTINGS = (
    "epochs", "batch_size", "learning_rate", "weight_decay", "patience", "validation_fraction", "precision", "device",
    "threads", "compile", "checkpoint_every",
)  # fmt: skip


def fit(
    data: fit_options.Data,
    output: fit_options.Output,
    kind: fit_options.Kind = options.Kind.autoencoder,
    latent_dim: options.LatentDim = None,
    network: fit_options.Network = None,
    bottleneck: fit_options.Bottleneck = None,
    corruption: fit_options.Corruption = None,
    distortion: fit_options.Distortion = None,
    objective: fit_options.Objective = None,
    beta: fit_options.Beta = None,
    free_bits: fit_options.FreeBits = None,
    warmup: fit_options.Warmup = None,
    spec: fit_options.Spec = None,
    target: fit_options.Target = None,
    resize: options.Resize = None,
    epochs: fit_options.Epochs = None,
    batch_size: fit_options.BatchSize = None,
    learning_rate: fit_options.LearningRate = None,
    weight_decay: fit_options.WeightDecay = None,
    patience: fit_options.Patience = None,
    validation_fraction: fit_options.ValidationFraction = None,
    precision: fit_options.Precision = None,
    device: fit_options.Device = None,
    threads: fit_options.Threads = None,
    compile: fit_options.Compile = None,
    checkpoint: fit_options.Checkpoint = None,
    checkpoint_every: fit_options.CheckpointEvery = None,
    resume: fit_options.Resume = False,
    seed: options.Seed = 0,
    report: fit_options.Report = False,
    force: options.Force = False,
    as_json: options.Json = False,
    quiet: fit_options.Quiet = False,
) -> None:
    """Train an autoencoder, compare it with PCA, save it; or a denoiser of any size, or an imputer of tables."""
    given = dict(locals())
    check_folder(output, force)
    folder = checkpoint_folder(output, checkpoint, resume)
    train = _train_restorer if kind in RESTORERS else _train_model
    train(given, folder)


def _described(given: dict[str, Any], folder: Path | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the options that say what is trained, and the arguments of the Trainer.

    Args:
        given: all options by the names of their parameters; None stands for one that was not given.
        folder: of the checkpoints.
    """
    parts = {name: given[name] for name in PARTS} | {"data": given["spec"]}
    training = {name: given[name] for name in SETTINGS}
    training["checkpoint"] = None if folder is None else str(folder)
    training["verbose"] = False if given["quiet"] else None
    return parts, training


def _train_restorer(given: dict[str, Any], folder: Path | None) -> None:
    """Trains a denoiser or an imputer; see `_described`."""
    kind, target = given["kind"], given["target"]
    if given["report"]:
        raise ValueError(f"--type {kind} has no --report; latente info tells how its training went")
    restorer = build_restorer(kind, *_described(given, folder), given["seed"], pairs=target is not None)
    fit_restorer(
        restorer, given["data"], target, given["output"], given["resize"], folder, given["resume"],
        not given["quiet"] or given["as_json"], given["as_json"],
    )  # fmt: skip


def _train_model(given: dict[str, Any], folder: Path | None) -> None:
    """Trains an autoencoder, and compares it with PCA; see `_described`."""
    target, resize = given["target"], given["resize"]
    model = build(given["kind"], *_described(given, folder), given["seed"], pairs=target is not None)
    samples = read_samples(given["data"], split="train", resize=resize)
    job = _Job(model, samples, given["output"], given["quiet"], folder, given["resume"])
    job.train(None if target is None else read_samples(target, split="train", resize=resize))
    job.finish(given["report"], given["as_json"])


@dataclass
class _Job:
    """A model on its way from the data to its folder."""

    model: Autoencoder
    samples: Samples
    output: Path
    quiet: bool
    checkpoints: Path | None
    resume: bool
    clean: Samples | None = None

    def train(self, clean: Samples | None) -> None:
        """Fits and saves; an interrupted training without checkpoints is saved too, if it got through an epoch."""
        self.clean = clean
        self._fit()
        history = self.model.history_
        if history.stopped == "interrupted" and self.checkpoints is not None:
            raise Interrupted(f"interrupted after {len(history)} epochs; {self._way_on}")
        if not history.records:
            raise KeyboardInterrupt
        self._save()
        if history.stopped == "interrupted":
            raise Interrupted(f"interrupted after {len(history)} epochs; the model so far is in {self.output}")

    def _fit(self) -> None:
        clean, name = (None, "") if self.clean is None else (self.clean.X, self.clean.name)
        try:
            with naming(X=self.samples.name, target=name):
                self.model.fit(self.samples.X, target=clean, resume=self.resume)
        except SystemExit:  # SIGTERM, after a last checkpoint
            note(f"terminated; {self._way_on}")
            raise
        except KeyboardInterrupt:
            if self.checkpoints is None:
                raise
            raise Interrupted(f"interrupted; {self._way_on}") from None

    @property
    def _way_on(self) -> str:
        return f"the same command with --resume goes on from {self.checkpoints}"

    def _save(self) -> None:
        from latente.training import current_processes

        if not current_processes().first:
            self.model.save(self.output)  # waits for the first process, which writes
            return
        with new_folder(self.output) as folder:
            self.model.save(folder)
        (self.output / "report.html").unlink(missing_ok=True)  # one of an earlier model

    def measured(self) -> tuple[Samples, Any, str, str]:
        """Returns what to evaluate on, the baselines' reference, and names for both."""
        if self.clean is not None:
            return self.clean, None, f"{self.clean.name}, the clean targets", "the same data"
        held = self.samples.other
        if self.samples.split == "train" and held is not None:
            return held, self.samples.X, f"{held.name}, not trained on", self.samples.name
        return self.samples, None, f"{self.samples.name}, the training data", "the same data"

    def finish(self, report: bool, as_json: bool) -> None:
        """Evaluates, writes the report and prints."""
        from latente.diagnostics import Evidence
        from latente.training import current_processes

        if not current_processes().first:
            return
        samples, reference, *names = self.measured()
        if report:
            self._write_report(samples, reference)
        if not self.quiet or as_json:
            evidence = Evidence.of(self.model, samples.X, reference)
            show(self._record(evidence, *names), self._text(evidence, *names, report=report), as_json)

    def _write_report(self, samples: Samples, reference: Any) -> None:
        from latente.report import write_report

        labels = {"labels": samples.labels, "label_names": samples.label_names}
        with new_file(self.output / "report.html") as part:
            write_report(self.model, part, samples.X, **labels, reference=reference, random_state=0)

    def _record(self, evidence: Evidence, on: str, against: str) -> dict[str, Any]:
        return {
            "model": str(self.output),
            "estimator": type(self.model).__name__,
            "latent_dim": self.model.latent_dim_,
            "latent_size": code_size_record(self.model),
            "data": self.model.schema_.to_dict(),
            "training": training_record(self.model.history_),
            "evaluation": judgement_record(evidence, on, against),
        }

    def _text(self, evidence: Evidence, on: str, against: str, *, report: bool) -> str:
        rows = {
            "data": self.model.schema_.describe(),
            **code_size_text(self.model),
            "training": training_text(self.model.history_),
            **judgement_text(evidence, on, against),
            "model": str(self.output),
        }
        return lines(rows | ({"report": str(self.output / "report.html")} if report else {}))
