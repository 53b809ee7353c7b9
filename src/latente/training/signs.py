"""What the numbers of a training run show to be wrong with it."""

from __future__ import annotations

__all__ = ["signs"]

import math
from typing import Any

from latente.training.finding import SUSPICION, Finding
from latente.training.history import History
from latente.training.schedule import USUAL_LEARNING_RATE, warmup_cosine

LARGE_STEP = 0.25  # of a weight's size; where one step moves it by more, it forgets what it was
WHOLE_STEP = 1.0  # likewise, and a fault by itself: a step replaces the weight
SMALL_STEP = 0.003  # of a weight's size; where the largest step is smaller, it is the steps that are small, not few
GOOD_STEP = 0.03
SHORT_WAY = 2.0  # sizes of a weight; training that cannot move it further may not have arrived
NO_WAY = 0.5  # likewise; it hardly left the beginning
EARLY = 0.1  # of the planned epochs: the warm-up, in which the learning rate still rises
STILL = 1e-3  # of the first loss; a training loss that fell by less never moved
RISEN = 0.1  # of all that the validation loss had won; giving back more is overfitting
SPIKE = 0.5  # of all that an epoch's highest batch loss had fallen; a batch that gives back more is a spike,
MOVED = 0.1  # once it had fallen by that part of itself, more than by chance
FALLING = 0.1  # of all that the loss fell; more than that in the last fifth is too much for an end
NO_RATE = 0.05  # nats a sample; a code that carries less carries nothing
POINTS = 100  # at which the schedule is looked at
OVERFITTING = (
    "Stop earlier (Trainer(patience=10) keeps the best weights), use a smaller network or latent_dim, corrupt the "
    "input while training (corruption='gaussian:0.1'), or train on more samples."
)
POOR = ("worse than PCA", "not better than the mean", "ignored bottleneck", "constant code", "unused codebook entries")
UNSTABLE = ("loss never moved", "loss spikes", "collapsed posterior", "dead units", *POOR)
SHORT = ("loss never moved", "still falling", *POOR)


def signs(history: History) -> list[Finding]:
    """Returns what a history shows, causes first; for `ranked`.

    Args:
        history: of a run that has ended or not.
    """
    if not history.records:
        return []
    checks = (_stopped_early, _step_size, _collapsed, _never_moved, _spikes, _still_falling, _rising)
    return [finding for check in checks for finding in check(history)]


def way(history: History) -> float:
    """Returns how far training could move a weight, in units of its size: the sum of all learning rates over it.

    Of a run that is still going on all planned steps count. Adam moves a weight by at most about the learning rate in
    each step.
    """
    total, done = history.planned * history.steps, _done(history) * history.steps
    at = [done * (i + 0.5) / POINTS for i in range(POINTS)]
    mean = sum(warmup_cosine(round(step), total) for step in at) / POINTS
    return history.learning_rate * done * mean / history.weight_scale


def _going_on(history: History) -> bool:
    return history.stopped == "finished" and len(history) < history.planned


def _done(history: History) -> int:
    """Returns the epochs that the run has, or will have if nothing ends it."""
    return history.planned if _going_on(history) else len(history)


def _known(history: History) -> bool:
    return min(history.planned, history.steps, history.learning_rate, history.weight_scale) > 0


def _start(history: History) -> float:
    """Returns the loss of the untrained network, as far as it is known."""
    first = history.records[0]
    return first.loss if first.first_loss is None else first.first_loss


def _epochs(n: int) -> str:
    return f"{n} epoch{'' if n == 1 else 's'}"


def _stopped_early(history: History) -> list[Finding]:
    """Finds a run that something ended while the learning rate still rose, or before the weights could move far."""
    done, planned = len(history), history.planned
    if history.stopped == "finished" or done >= planned:
        return []
    if done > max(2, EARLY * planned) and not (_known(history) and way(history) < SHORT_WAY):
        return []
    by, advice, change = _end(history)
    kept = f", and the weights of epoch {history.best_epoch} were kept" if 0 < history.best_epoch < done else ""
    rising = f"the learning rate rises for the first {math.ceil(EARLY * planned)}"
    message = f"Training was ended by {by} after {done} of {_epochs(planned)}{kept}; {rising}."
    return [Finding("stopped too early", "note", message, advice, change, SHORT, done)]


def _end(history: History) -> tuple[str, str, dict[str, Any]]:
    """Returns what ended a run, and what to change."""
    if history.stopped == "callback":
        return "a callback", "Take the callback out, or let it wait for more epochs.", {"trainer__callbacks": []}
    if history.stopped == "early stopping":
        patience = max(10, history.planned // 5)
        return "early stopping", f"Use Trainer(patience={patience}).", {"trainer__patience": patience}
    return "an interruption", "Fit again, and let it go on.", {}


def _step_size(history: History) -> list[Finding]:
    """Holds the learning rate, and the sum of all, against the size of the weights."""
    if not _known(history) or _stopped_early(history):
        return []
    rate, size = history.learning_rate, history.weight_scale
    step, far = rate / size, way(history)
    numbers = f"The learning rate of {rate:.2g} moves a weight, typically {size:.2g}, by {_percent(step)} of itself in "
    numbers += f"a step, and by at most {far:.2g} times its size in {_epochs(_done(history))} of {history.steps} steps."
    other = USUAL_LEARNING_RATE
    if not SMALL_STEP < other / size < LARGE_STEP:
        other = float(f"{GOOD_STEP * size:.0e}")
    advice, change = f"Use Trainer(learning_rate={other:g}).", {"trainer__learning_rate": other}
    if step > LARGE_STEP:
        severity = "note" if step > WHOLE_STEP else SUSPICION
        return [Finding("learning rate too high", severity, numbers, advice, change, UNSTABLE)]
    if far > SHORT_WAY:
        return []
    severity = "note" if far < NO_WAY else SUSPICION
    if step < SMALL_STEP:
        return [Finding("learning rate too low", severity, numbers, advice, change, SHORT)]
    epochs = math.ceil(_done(history) * 3 * SHORT_WAY / far)
    advice, change = f"Use Trainer(epochs={epochs}).", {"trainer__epochs": epochs}
    return [Finding("too few steps", SUSPICION, numbers, advice, change, SHORT)]


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.2g}%" if fraction < 1 else f"{100 * fraction:.0f}%"


def _collapsed(history: History) -> list[Finding]:
    """Finds a code whose rate has vanished; a rate of exactly 0 is that of a bottleneck without one."""
    rates = history.column("rate")
    if not 0 < rates[-1] < NO_RATE:
        return []
    epoch = next(i for i in range(len(rates)) if max(rates[i:]) < NO_RATE) + 1
    message = (
        f"The code carries {rates[-1]:.2g} nats a sample in the last epoch and below {NO_RATE:g} since epoch {epoch}; "
        f"the highest was {max(rates):.2g}."
    )
    advice = "Lower beta, raise warmup or free_bits, or train longer; until then samples and codes say nothing."
    return [Finding("collapsed posterior", "warning", message, advice, explains=("ignored bottleneck",), epoch=epoch)]


def _never_moved(history: History) -> list[Finding]:
    """Finds a training loss that never fell."""
    losses = history.column("loss")
    if len(losses) < 2 or losses[0] - min(losses) > STILL * abs(losses[0]):
        return []
    rate = history.learning_rate or max(history.column("learning_rate"))
    message = f"The training loss was {losses[0]:.5g} in the first epoch and never below {min(losses):.5g} in "
    message += f"{len(losses)}."
    advice = (
        f"The learning rate reached {rate:.2g}; try {10 * rate:.2g} and {rate / 10:.2g}. Check that the data vary and "
        "that the network's weights can be trained."
    )
    return [Finding("loss never moved", "warning", message, advice, explains=("ignored bottleneck",))]


def _spikes(history: History) -> list[Finding]:
    """Finds epochs with a batch that gave back half of all that the loss had fallen; the first epoch has no before."""
    losses, highest = history.column("loss"), history.column("highest_loss")
    if None in highest:
        return []
    found = []
    for i in range(1, len(losses)):
        lowest = min(highest[:i])
        won = highest[0] - lowest
        if won > MOVED * abs(highest[0]) and highest[i] - lowest > SPIKE * won:
            found.append(i)
    if not found:
        return []
    first, worst = found[0], max(found, key=lambda i: highest[i])
    recovered = losses[-1] <= min(losses[:first])
    message = (
        f"In {len(found)} of {_epochs(len(losses))} the loss of a batch rose by more than half of what had been won, "
        f"first in epoch {first + 1}; the highest was {highest[worst]:.4g} in epoch {worst + 1}, after a mean of "
        f"{losses[worst - 1]:.4g} in the epoch before."
    )
    rate = (history.learning_rate or max(history.column("learning_rate"))) / 10
    advice, change = f"Use Trainer(learning_rate={rate:.2g}).", {"trainer__learning_rate": rate}
    return [Finding("loss spikes", "note" if recovered else "warning", message, advice, change, epoch=first + 1)]


def _still_falling(history: History) -> list[Finding]:
    """Finds a training loss that fell by much in the last fifth of the epochs."""
    losses = [_start(history), *history.column("loss")]
    if _going_on(history) or history.stopped == "interrupted":
        return []
    since = len(losses) - 1 - math.ceil((len(losses) - 1) / 5)
    fell, all_ = losses[since] - losses[-1], losses[0] - min(losses)
    if all_ <= STILL * abs(losses[0]) or fell <= FALLING * all_:
        return []
    epochs = 2 * max(len(history), history.planned)
    message = f"The training loss still fell from {losses[since]:.4g} to {losses[-1]:.4g} in the last "
    message += f"{_epochs(len(losses) - 1 - since)}, {_percent(fell / all_)} of all that it fell."
    advice = f"Use Trainer(epochs={epochs})."
    return [Finding("still falling", "note", message, advice, {"trainer__epochs": epochs}, epoch=len(history))]


def _rising(history: History) -> list[Finding]:
    """Finds a validation loss that rose again while the training loss went on falling; the weights kept are asked."""
    held = [float(v) for v in history.column("validation_loss") if v is not None and math.isfinite(v)]
    if len(held) < 2 or len(held) != len(history):
        return []
    kept = held[min(len(held), history.best_epoch or len(held)) - 1]
    lowest, won = min(held), held[0] - min(held)
    epoch = held.index(lowest) + 1
    if won <= 0 or kept - lowest <= RISEN * won:
        return []
    loss = history.column("loss")
    message = (
        f"The validation loss was lowest, {lowest:.4g}, after epoch {epoch} and had risen to {kept:.4g} in the weights "
        f"that were kept, while the training loss fell from {loss[epoch - 1]:.4g} to {min(loss):.4g}."
    )
    change = {"trainer__patience": 10}
    return [Finding("overfitting", "warning", message, OVERFITTING, change, ("worse than PCA",), epoch)]
