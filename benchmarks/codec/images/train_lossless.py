"""Trains the networks of the lossless mode for photographs; resumable, one thread.

    OMP_NUM_THREADS=1 python benchmarks/codec/images/train_lossless.py --crops crops.npy --folder RUN [--resume]

crops.npy is made by photos.py. RUN/log.jsonl gets a line an epoch: bits a pixel of the crops, of photographs that only
measure, and CPU seconds.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from photos import held_out
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import load_file, save_file
from torch import Tensor

from latente import Trainer
from latente.codec.images.lossless.colour import from_rgb
from latente.codec.images.lossless.model import exported
from latente.codec.images.lossless.network import Bits, LosslessModule
from latente.data import ArraySource
from latente.objectives import Augmented

COUNTED = 128  # crops on which the tables' counts are taken
CUT = 64  # pixels of a side of what is trained on


def planes(x: Tensor) -> Tensor:
    """(n, 3, h, w) bytes to brightness and colour differences."""
    return torch.from_numpy(from_rgb(x.permute(0, 2, 3, 1).numpy())).float()


def pieces(crops: NDArray[np.uint8]) -> Tensor:
    """(n, 3, 128, 128) to (4 n, 3, CUT, CUT)."""
    k = crops.shape[-1] // CUT
    parts = crops.reshape(-1, 3, k, CUT, k, CUT).transpose(0, 2, 4, 1, 3, 5)
    return torch.from_numpy(parts.reshape(-1, 3, CUT, CUT))


def turned(x: Tensor) -> Tensor:
    """Mirrors and turns the whole batch at random."""
    kind = int(torch.randint(8, ()))
    x = x.flip(-1) if kind & 1 else x
    x = x.flip(-2) if kind & 2 else x
    return (x.transpose(-1, -2) if kind & 4 else x).contiguous()


@torch.inference_mode()
def measured(module: LosslessModule) -> float:
    """bits a pixel (estimated) on the held-out photographs."""
    module.eval()
    photos = from_rgb(np.stack(held_out()))
    bits = sum(float(module(torch.from_numpy(photo[None]).float())[0]) for photo in photos)
    return bits / photos[:, 0].size


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--crops", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="weights to begin with")
    parser.add_argument("--width", type=int, default=48)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--samples", type=int, help="crops to use; all without it")
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args()
    torch.manual_seed(0)
    module = LosslessModule(width=options.width)
    crops = pieces(np.load(options.crops, mmap_mode="r")[: options.samples])
    begun = time.process_time()
    module.start(planes(crops[:256]))
    if options.start:
        module.load_state_dict(load_file(options.start))

    def report(record) -> bool:
        line = {"epoch": record.epoch, "loss": record.loss, "held_out": measured(module)}
        module.train()
        line["cpu"] = time.process_time() - begun
        with (options.folder / "log.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")
        print(line, flush=True)
        return False

    options.folder.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(
        epochs=options.epochs, batch_size=16, learning_rate=options.learning_rate, precision="float32", threads=1,
        compile=False, checkpoint=options.folder / "checkpoints", callbacks=[report], verbose=False,
    )  # fmt: skip
    source = ArraySource(crops, planes)
    trainer.fit(module, source, Augmented(turned, Bits()), seed=0, resume=options.resume)
    save_file({k: v.contiguous() for k, v in module.state_dict().items()}, options.folder / "weights.safetensors")
    pictures = np.ascontiguousarray(np.load(options.crops, mmap_mode="r")[:COUNTED].transpose(0, 2, 3, 1))
    save_arrays(exported(module.cpu(), pictures), options.folder / "model.safetensors")  # what the package ships


if __name__ == "__main__":
    main()
