"""Trains the models that latente ships: speech and music apart, and speech without noise.

    python train.py TASK RECORDINGS --run RUN --out FOLDER [--steps 10000] [--device cpu] [--start OTHER]

TASK is "separation" or "denoising", or "both": one network that hears either in half of the mixtures. RECORDINGS is
what prepare.py made; only its folder train/ is read. RUN keeps checkpoints: the same command goes on where it was
interrupted. FOLDER gets separator/, denoiser/ or both, in float16. A line of the log is a hundred steps.

The shipped models come of five runs of bfloat16 on one thread of a busy machine, 1,150 CPU seconds in all, each from
the weights of the one before: both, 1,200 steps; denoising, 700 steps, --rate 1.5e-3; denoising, 600, --rate 1.2e-3
--seed 1, which is the denoiser; separation, 800, --seed 2; separation, 5,000, --rate 1.5e-3 --seed 3, which is the
separator. In the first two a frame was held against the level of the whole 3 s, since then against that of the 2 s on
either side.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from latente import Trainer
from latente.audio import AudioDenoiser, SourceSeparator
from latente.audio.separation.drawing import Draw, Recordings, Rng, read_recordings
from latente.audio.separation.mixtures import Levels, Mixtures
from latente.audio.separation.network import MaskNetwork
from latente.audio.separation.noises import Noise
from latente.audio.separation.objective import SourceError
from latente.audio.separation.saving import save
from latente.persistence import read_model
from latente.training import EpochRecord, History, seeded

RATE, SECONDS, BATCH, EPOCH = 8000, 3, 16, 100  # an epoch is a hundred steps
CHANNELS, BOTTLENECK = 192, 96
KINDS = ("white", "pink", "coloured", "coloured", "babble", "babble", "babble", "music", "clicks")


class Either:
    """Music in half of the draws, noise in the others."""

    def __init__(self, music: Draw, noise: Draw) -> None:
        self.both = (music, noise)

    def draw(self, rng: Rng, n: int) -> np.ndarray:
        """Returns (n,)."""
        return self.both[rng.integers(2)].draw(rng, n)


def sources(task: str, recordings: Path) -> tuple[Mapping[str, Draw], Levels]:
    """Returns what is mixed, and how loud."""
    speech = read_recordings(recordings / "train" / "speech", RATE, "speech")
    music = read_recordings(recordings / "train" / "music", RATE, "music")
    print(
        f"speech {speech.seconds / 60:.0f} min of {len(speech.groups)} voices; music {music.seconds / 60:.0f} min",
        flush=True,
    )
    alone = Recordings(speech.groups, RATE, several=0.0)
    noise = Noise(KINDS, alone, music)
    if task == "separation":
        return {"speech": speech, "music": music}, Levels()
    if task == "denoising":
        return {"speech": alone, "noise": noise}, Levels(mean=5.0)
    return {"speech": alone, "other": Either(music, noise)}, Levels(mean=2.5)


def weights(path: Path) -> dict[str, torch.Tensor]:
    """Returns the weights in a run's weights.pt, or in a model's folder."""
    if path.is_file():
        return dict(torch.load(path, weights_only=True))
    return {name: value.float() if value.is_floating_point() else value for name, value in read_model(path)[0].items()}


def publish(network: MaskNetwork, history: History, task: str, out: Path) -> None:
    """Writes the model, or both, in float16."""
    settings = {"channels": CHANNELS, "bottleneck": BOTTLENECK, "sample_rate": RATE, "seconds": float(SECONDS)}
    models: dict[str, SourceSeparator | AudioDenoiser] = {}
    if task != "denoising":
        models["separator"] = SourceSeparator(**settings)
        models["separator"].sources_ = ("speech", "music")
    if task != "separation":
        models["denoiser"] = AudioDenoiser(tuple(dict.fromkeys(KINDS)), **settings)
        models["denoiser"].sources_ = ("signal", "noise")
    for name, model in models.items():
        model.network_, model.history_ = network, history
        print(save(model, out / name, torch.float16))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=("separation", "denoising", "both"))
    parser.add_argument("recordings", type=Path)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0, help="a new one for each run that starts from another")
    parser.add_argument("--start", type=Path, default=None, help="weights.pt of an earlier run, or a model's folder")
    arguments = parser.parse_args()
    drawn, levels = sources(arguments.task, arguments.recordings)
    with seeded(arguments.seed):
        network = MaskNetwork(2, CHANNELS, BOTTLENECK)
    if arguments.start is not None:
        network.load_state_dict(weights(arguments.start))
    begun = time.process_time()

    def told(record: EpochRecord) -> bool:
        cpu = time.process_time() - begun
        print(
            f"{record.epoch * EPOCH} steps, loss {record.loss:.3f} dB, {cpu:.0f} CPU s, {time.strftime('%H:%M:%S')}",
            flush=True,
        )
        return False

    trainer = Trainer(
        epochs=max(1, arguments.steps // EPOCH),
        batch_size=BATCH,
        learning_rate=arguments.rate,
        threads=1 if arguments.device == "cpu" else "auto",
        device=arguments.device,
        compile=False,
        checkpoint=arguments.run / "checkpoints",
        verbose=False,
        callbacks=(told,),
    )
    mixtures = Mixtures(drawn, SECONDS * RATE, BATCH * EPOCH, arguments.seed, levels, device=arguments.device)
    resume = (arguments.run / "checkpoints").exists()
    arguments.run.mkdir(parents=True, exist_ok=True)
    network.to(arguments.device)
    history = trainer.fit(network, mixtures, SourceError(), seed=arguments.seed, resume=resume)
    print(history.precision, history.stopped, flush=True)
    torch.save(network.cpu().state_dict(), arguments.run / "weights.pt")
    publish(network, history, arguments.task, arguments.out)


if __name__ == "__main__":
    main()
