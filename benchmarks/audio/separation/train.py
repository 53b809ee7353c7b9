"""Trains the models that latente ships: speech and music apart, and speech without noise.

    python train.py all RECORDINGS --run RUN --out FOLDER --start SHIPPED

TASK is "separation", "denoising", or "all": the one, and then the other from its weights. RECORDINGS is what prepare.py
made; only its folder train/ is read, and of that the voices and albums that drawn.py names are held out: the loss on
mixtures of them is printed, and the weights of the best hundred steps are kept. RUN keeps checkpoints: the same command
goes on where it was interrupted. FOLDER gets separator/, denoiser/ or both, in float16. A line of the log is a hundred
steps.

The shipped models come of this one command, on one thread, in bfloat16 (training.log is its output):

    python train.py all RECORDINGS --run RUN --out FOLDER --start OLD --seed 11

OLD is the separator that was shipped before, models/separator/ of commit 48f9788. That one came of five runs, 1,150 CPU
seconds in all, on fewer recordings (49 voices, 65 tracks), two of them with older code, and had no gates.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from drawn import RATE, Drawn, Room

from latente import Trainer
from latente.audio import AudioDenoiser, SourceSeparator
from latente.audio.separation.drawing import Draw
from latente.audio.separation.mixtures import Levels, Mixtures
from latente.audio.separation.network import MaskNetwork
from latente.audio.separation.noises import Noise
from latente.audio.separation.objective import SourceError
from latente.audio.separation.saving import save
from latente.persistence import read_model
from latente.training import EpochRecord, History, seeded

SECONDS, BATCH, EPOCH = 3, 16, 100  # an epoch is a hundred steps
CHANNELS, BOTTLENECK = 192, 96
KINDS = ("white", "pink", "coloured", "coloured", "babble", "babble", "babble", "music", "clicks")
HELD = ("white", "pink", "babble", "babble")  # of the held-out mixtures
STEPS = (10_000, 5_000)


def sources(task: str, drawn: Drawn) -> tuple[Mapping[str, Draw], Mapping[str, Draw], Levels]:
    """Returns what is mixed, what is mixed to measure the held-out loss, and how loud."""
    speech, music = Room(drawn.speech), drawn.music
    held = drawn.held.sources
    if task == "separation":
        several = Room(replace(drawn.speech, several=0.12))
        return {"speech": several, "music": music}, held, Levels(deviation=4.0)
    noise, unheard = Noise(KINDS, speech, music), Noise(HELD, held["speech"], held["music"])
    return {"signal": speech, "noise": noise}, {"signal": held["speech"], "noise": unheard}, Levels(mean=5.0)


def begin(network: MaskNetwork, path: Path) -> None:
    """Gives a network the weights in a run's weights.pt, or in a model's folder; what the older one lacked begins at 0.

    The models that latente shipped before had no gates and heard nothing apart that moves: so they come to the same.
    """
    if path.is_file():
        found = dict(torch.load(path, weights_only=True))
    else:
        found = {
            name: value.float() if value.is_floating_point() else value for name, value in read_model(path)[0].items()
        }
    new = {name: torch.zeros_like(value) for name, value in network.state_dict().items() if name not in found}
    print(f"{path}: begins at 0: {', '.join(new) or 'nothing'}", flush=True)
    network.load_state_dict(found | new)


def publish(network: MaskNetwork, history: History, task: str, out: Path) -> None:
    """Writes the model in float16."""
    settings = {"channels": CHANNELS, "bottleneck": BOTTLENECK, "sample_rate": RATE, "seconds": float(SECONDS)}
    model: SourceSeparator | AudioDenoiser
    if task == "separation":
        model = SourceSeparator(**settings)
        model.sources_ = ("speech", "music")
    else:
        model = AudioDenoiser(tuple(dict.fromkeys(KINDS)), **settings)
        model.sources_ = ("signal", "noise")
    model.network_, model.history_ = network, history
    print(save(model, out / type(model).shipped, torch.float16))


def trained(
    task: str, drawn: Drawn, arguments: argparse.Namespace, start: Path | None, steps: int
) -> tuple[MaskNetwork, History]:
    """Returns a network after its steps, from other weights or its own."""
    mixed, held, levels = sources(task, drawn)
    with seeded(arguments.seed):
        network = MaskNetwork(2, CHANNELS, BOTTLENECK)
    if start is not None:
        begin(network, start)
    begun = time.process_time()

    def told(record: EpochRecord) -> bool:
        cpu = time.process_time() - begun
        print(
            f"{task}: {record.epoch * EPOCH} steps, loss {record.loss:.3f} dB, held out {record.validation_loss:.3f} "
            f"dB, {cpu:.0f} CPU s, {time.strftime('%H:%M:%S')}",
            flush=True,
        )
        return False

    folder = arguments.run / task
    trainer = Trainer(
        epochs=max(1, steps // EPOCH),
        batch_size=BATCH,
        learning_rate=arguments.rate,
        threads=1 if arguments.device == "cpu" else "auto",
        device=arguments.device,
        compile=False,
        checkpoint=folder / "checkpoints",
        verbose=False,
        callbacks=(told,),
    )
    device = arguments.device
    source = Mixtures(mixed, SECONDS * RATE, BATCH * EPOCH, arguments.seed, levels, device=device)
    checked = replace(drawn.held, sources=held, levels=replace(drawn.held.levels, mean=levels.mean), device=device)
    resume = (folder / "checkpoints").exists()
    folder.mkdir(parents=True, exist_ok=True)
    network.to(device)
    history = trainer.fit(network, source, SourceError(), validation=checked, seed=arguments.seed, resume=resume)
    print(task, history.precision, history.stopped, flush=True)
    torch.save(network.cpu().state_dict(), folder / "weights.pt")
    return network, history


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=("separation", "denoising", "all"))
    parser.add_argument("recordings", type=Path)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, nargs=2, default=STEPS, help="of separation, and of denoising")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--seed", type=int, default=0, help="a new one for each run that starts from another")
    parser.add_argument("--start", type=Path, default=None, help="weights.pt of an earlier run, or a model's folder")
    arguments = parser.parse_args()
    arguments.steps = dict(zip(("separation", "denoising"), arguments.steps, strict=True))
    drawn, start = Drawn.read(arguments.recordings), arguments.start
    tasks = ("separation", "denoising") if arguments.task == "all" else (arguments.task,)
    for task in tasks:
        done = arguments.run / task / "weights.pt"
        if not done.exists():
            publish(*trained(task, drawn, arguments, start, arguments.steps[task]), task, arguments.out)
        start = done


if __name__ == "__main__":
    main()
