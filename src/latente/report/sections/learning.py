"""How the loss fell."""

from __future__ import annotations

__all__ = ["learning_figure", "learning_section", "loss_unit"]

from latente.distortions import Distortion, SquaredError
from latente.report.components import figure, findings_list, section
from latente.report.html import Html, tag
from latente.report.plots import curve_plot
from latente.report.study import Study
from latente.report.words import number, percent, plural, times
from latente.training import History


def learning_section(study: Study) -> Html:
    """Returns the chapter on training."""
    history: History | None = getattr(study.model, "history_", None)
    if history is None or not len(history):
        text = "This model was trained step by step (partial_fit or pretrain), which keeps no table of epochs."
        return section("Learning", tag("p", text), id_="learning")
    figures = [learning_figure(study, "loss"), _rate_figure(study, history), _pretraining_figure(study)]
    shown = tag("div", *figures, class_="side")
    return section("Learning", shown, *([findings_list(history.findings)] if history.findings else []), id_="learning")


def loss_unit(distortion: Distortion | None, study: Study) -> str:
    """Returns the unit of the loss, where it has one."""
    if distortion is not None and distortion.is_likelihood:
        return "nats"
    return study.words.unit if isinstance(distortion, SquaredError) else ""


def learning_figure(study: Study, prefix: str) -> Html | None:
    """Returns the losses over epochs and what they show; None without a history."""
    history: History | None = getattr(study.model, "history_", None)
    if history is None or not len(history):
        return None
    curves = {"training": history.column("loss"), "held out": history.column("validation_loss")}
    curves = {name: curve for name, curve in curves.items() if any(v is not None for v in curve)}
    unit = loss_unit(study.model.recipe_.distortion, study)
    alt = f"The loss over {plural(len(history), 'epoch')}: from {number(history.records[0].loss)} to "
    alt += number(history.records[-1].loss)
    drawing = curve_plot(curves, f"loss ({unit})" if unit else "loss", alt, prefix)
    return figure(drawing, _fall(study, history, unit), _held_out(study, history))


def _fall(study: Study, history: History, unit: str) -> str:
    losses = history.column("loss")
    first, last = losses[0], losses[-1]
    words = f"{unit} {study.words.per}" if unit else study.words.per
    run = f"In {plural(len(losses), 'epoch')} ({number(history.seconds)} s)"
    if len(losses) == 1:
        return f"{run} the mean loss was {number(first)} {words}."
    if last >= first:
        return f"{run} the loss did not fall: it was {number(first)} at first and {number(last)} in the end."
    half = next(i for i, loss in enumerate(losses, 1) if loss <= (first + last) / 2)
    return f"{run} the loss fell from {number(first)} to {number(last)} {words}, half of that by epoch {half}."


def _held_out(study: Study, history: History) -> str:
    record = history.records[min(len(history), history.best_epoch or len(history)) - 1]
    held, loss = record.validation_loss, record.loss
    if held is None:
        return "No samples were held out while training, so the curve itself cannot show overfitting."
    distortion = study.model.recipe_.distortion
    if distortion is None or distortion.is_likelihood or loss <= 0:
        side = "above" if held >= loss else "below"
        gap = f"{number(abs(held - loss))} {side} the training loss"
    else:
        gap = f"{times(held / loss)} the training loss"
    kept = f" The weights are those of epoch {record.epoch}." if history.stopped == "early stopping" else ""
    return f"On samples held out it ended at {number(held)}, {gap}.{kept}"


def _rate_figure(study: Study, history: History) -> Html | None:
    """Returns rate and distortion apart, where the rate is part of what is minimised."""
    rates = history.column("rate")
    if study.model.module_.bottleneck.beta == 0 or max(rates) - min(rates) < 1e-9:
        return None
    held = {"held out": history.column("validation_rate")} if history.records[0].validation_rate is not None else {}
    alt = f"The rate over {plural(len(history), 'epoch')}"
    drawing = curve_plot({"training": rates, **held}, "rate (nats)", alt, "rate")
    distortion = history.records[-1].distortion
    share = rates[-1] / (rates[-1] + distortion) if distortion > 0 else None
    first = f"The code came to carry {number(rates[-1])} nats {study.words.per} (KL to the prior)."
    second = f"The distortion beside it is {number(distortion)}"
    second += f", so the rate is {percent(share)} of the two." if share is not None else "."
    return figure(drawing, first, second)


def _pretraining_figure(study: Study) -> Html | None:
    """Returns the losses of the layers that were pretrained one by one."""
    histories: list[History] = getattr(study.model, "pretraining_histories_", [])
    if not histories or not all(len(history) for history in histories):
        return None
    curves = {f"layer {i}": history.column("loss") for i, history in enumerate(histories, 1)}
    drawing = curve_plot(curves, "loss of the layer", f"The losses of {len(histories)} layers", "pretraining")
    falls = [1 - history.records[-1].loss / history.records[0].loss for history in histories]
    layers = plural(len(histories), "layer")
    first = f"Before that, {layers} were pretrained one by one, each on the codes of the one below."
    second = f"Their losses fell by {', '.join(percent(fall) for fall in falls)}."
    return figure(drawing, first, second)
