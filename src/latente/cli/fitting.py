"""`latente fit`."""

from __future__ import annotations

__all__ = ["fit"]

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latente.cli import options
from latente.cli.building import build
from latente.cli.inputs import Samples, read_samples
from latente.cli.outputs import check_folder, new_file, new_folder
from latente.cli.printing import judgement_record, judgement_text, lines, show, training_record, training_text
from latente.cli.problems import Interrupted, note
from latente.cli.restoring import RESTORERS, build_restorer, fit_restorer

if TYPE_CHECKING:
    from latente.diagnostics import Evidence
    from latente.estimators import Autoencoder

DATA_HELP = f"{options.IN}, or a data set's name (its training split; NAME:test for the other)."


def _part(*names: str, help: str, default: str | bool = False, **more: Any) -> Any:
    return typer.Option(*names, help=help, show_default=default, rich_help_panel="What is trained", **more)


def _setting(*names: str, help: str, default: str | bool = False) -> Any:
    return typer.Option(*names, help=help, show_default=default, rich_help_panel="How it is trained")


def fit(
    data: Annotated[str, typer.Argument(metavar="DATA", help=DATA_HELP, show_default=False)],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="MODEL", help="The model's folder.", show_default=False)
    ],
    kind: Annotated[
        options.Kind, _part("--type", metavar="NAME", help=f"{', '.join(options.Kind)}.", default=True)
    ] = options.Kind.autoencoder,
    latent_dim: options.LatentDim = None,
    network: Annotated[str | None, _part("--network", help="mlp:512,64 or conv:32,64.", default="auto")] = None,
    bottleneck: Annotated[
        str | None, _part("--bottleneck", help="gaussian:4, sparse:0.1, k_sparse:8, vq:256, fsq:8.", default="none")
    ] = None,
    corruption: Annotated[
        str | None,
        _part(
            "--corruption",
            help="salt_and_pepper:0.25, gaussian:0.1..0.5, masking:0.2+swap:0.1.",
            default="none; denoising gaussian:0.3",
        ),
    ] = None,
    distortion: Annotated[
        str | None, _part("--distortion", help="squared_error, absolute, huber, bernoulli, gaussian.", default="auto")
    ] = None,
    objective: Annotated[
        str | None,
        _part(
            "--objective",
            help="contractive, wasserstein, importance_weighted, beta_tc, rae; denoiser: noise2self.",
            default="plain",
        ),
    ] = None,
    spec: Annotated[
        str | None, _part("--data", metavar="SPEC", help="What DATA is: signal, nct, scale=minmax.", default="auto")
    ] = None,
    target: Annotated[
        str | None,
        _part("--target", metavar="CLEAN", help="Clean partners of noisy DATA; denoiser: or noisy ones."),
    ] = None,
    resize: options.Resize = None,
    epochs: Annotated[int | None, _setting("--epochs", help="Passes over the data.", default="by its size")] = None,
    batch_size: Annotated[
        int | None, _setting("--batch-size", help="Samples in a step.", default="by the data's size")
    ] = None,
    learning_rate: Annotated[
        float | None, _setting("--learning-rate", help="The peak of its schedule.", default="0.002; denoiser 0.005")
    ] = None,
    weight_decay: Annotated[
        float | None,
        _setting("--weight-decay", help="Pull of the weights towards 0.", default="auto"),
    ] = None,
    patience: Annotated[
        int | None, _setting("--patience", help="Stop after so many epochs without a lower validation loss.")
    ] = None,
    validation_fraction: Annotated[
        float | None,
        _setting("--validation-fraction", help="Held out for the validation loss.", default="0.1 with --patience"),
    ] = None,
    precision: Annotated[str | None, _setting("--precision", help="float32 or bfloat16.", default="auto")] = None,
    device: Annotated[str | None, _setting("--device", help="cpu, cuda, cuda:1 or mps.", default="auto")] = None,
    threads: Annotated[int | None, _setting("--threads", help="CPU threads.", default="by the network's size")] = None,
    compile: Annotated[
        bool | None, _setting("--compile/--no-compile", help="Compile the networks.", default="where it pays")
    ] = None,
    checkpoint: Annotated[
        Path | None,
        _setting("--checkpoint", help="Keep checkpoints in this folder; SIGTERM then ends after a last one."),
    ] = None,
    checkpoint_every: Annotated[
        int | None, _setting("--checkpoint-every", help="Steps between checkpoints.", default="a minute")
    ] = None,
    resume: Annotated[
        bool,
        _setting("--resume", help="Go on from the newest checkpoint, in MODEL.checkpoints unless --checkpoint."),
    ] = False,
    seed: options.Seed = 0,
    report: Annotated[bool, typer.Option("--report", help="Also write report.html into the model's folder.")] = False,
    force: options.Force = False,
    as_json: options.Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Train an autoencoder, compare it with PCA, save it; or a denoiser of any size, or an imputer of tables."""
    check_folder(output, force)
    folder = output.with_name(output.name + ".checkpoints") if resume and checkpoint is None else checkpoint
    parts = {
        "latent_dim": latent_dim,
        "network": network,
        "bottleneck": bottleneck,
        "corruption": corruption,
        "distortion": distortion,
        "objective": objective,
        "data": spec,
    }
    training = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "weight_decay": weight_decay,
        "patience": patience,
        "validation_fraction": validation_fraction,
        "precision": precision,
        "device": device,
        "threads": threads,
        "compile": compile,
        "checkpoint": None if folder is None else str(folder),
        "checkpoint_every": checkpoint_every,
        "verbose": False if quiet else None,
    }
    if kind in RESTORERS:
        if report:
            raise ValueError(f"--type {kind} has no --report; latente info tells how its training went")
        restorer = build_restorer(kind, parts, training, seed, pairs=target is not None)
        fit_restorer(restorer, data, target, output, resize, folder, resume, not quiet or as_json, as_json)
        return
    model = build(kind, parts, training, seed, pairs=target is not None)
    job = _Job(model, read_samples(data, split="train", resize=resize), output, quiet, folder, resume)
    job.train(None if target is None else read_samples(target, split="train", resize=resize))
    job.finish(report, as_json)


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
        clean = None if self.clean is None else self.clean.X
        try:
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
            "data": self.model.schema_.to_dict(),
            "training": training_record(self.model.history_),
            "evaluation": judgement_record(evidence, on, against),
        }

    def _text(self, evidence: Evidence, on: str, against: str, *, report: bool) -> str:
        rows = {
            "data": self.model.schema_.describe(),
            "training": training_text(self.model.history_),
            **judgement_text(evidence, on, against),
            "model": str(self.output),
        }
        return lines(rows | ({"report": str(self.output / "report.html")} if report else {}))
