"""Trains the shipped image codec; resumable, one thread.

OMP_NUM_THREADS=1 python benchmarks/codec/images/train.py --crops crops.npy --folder RUN --epochs 12 [--resume]
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from photos import held_out
from safetensors.torch import load_file, save_file
from torch import Tensor

from latente import Trainer
from latente.codec.images.module import ImageModule, RateDistortion
from latente.codec.images.quality import lambda_of
from latente.data import ArraySource
from latente.objectives import Augmented

QUALITIES = (0.1, 0.3, 0.5, 0.7, 0.9)


def turned(x: Tensor) -> Tensor:
    """Mirrors and turns the whole batch at random."""
    kind = int(torch.randint(8, ()))
    x = x.flip(-1) if kind & 1 else x
    x = x.flip(-2) if kind & 2 else x
    return (x.transpose(-1, -2) if kind & 4 else x).contiguous(memory_format=torch.channels_last)


@torch.inference_mode()
def measured(module: ImageModule) -> list[dict[str, float]]:
    """bits a pixel (estimated), PSNR and loss on the held-out photographs, for some qualities."""
    module.eval()
    photos = torch.from_numpy(np.stack(held_out())).permute(0, 3, 1, 2).float()
    rows = []
    for quality in QUALITIES:
        q = torch.full((len(photos),), quality)
        x_hat, coded = module(photos, q)
        mse = (x_hat.clamp(0, 255).round() - photos).square().flatten(1).mean(1)
        bpp = coded.bits / photos[0, 0].numel()
        loss = (bpp + lambda_of(q) * mse).mean()
        psnr = (10 * torch.log10(255**2 / mse)).mean()
        rows.append({"quality": quality, "bpp": float(bpp.mean()), "psnr": float(psnr), "loss": float(loss)})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--crops", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="weights to begin with")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--samples", type=int, help="crops to use; all without it")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--precision", default="bfloat16")
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args()
    torch.manual_seed(0)
    module = ImageModule().to(memory_format=torch.channels_last)
    if options.start:
        module.load_state_dict(load_file(options.start))
    crops = torch.from_numpy(np.load(options.crops)[: options.samples])
    begun = time.process_time()

    def report(record) -> bool:
        rows = measured(module)
        module.train()
        line = {"epoch": record.epoch, "loss": record.loss, "cpu": time.process_time() - begun, "held_out": rows}
        with (options.folder / "log.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")
        print(
            f"{record.epoch} {record.loss:.4f} {line['cpu']:.0f} s",
            *(f"{r['bpp']:.3f}/{r['psnr']:.2f}/{r['loss']:.4f}" for r in rows),
            flush=True,
        )
        return False

    options.folder.mkdir(parents=True, exist_ok=True)
    if not options.resume:
        print("start", *(f"{r['bpp']:.3f}/{r['psnr']:.2f}/{r['loss']:.4f}" for r in measured(module)), flush=True)
    trainer = Trainer(
        epochs=options.epochs, batch_size=8, learning_rate=options.learning_rate, precision=options.precision,
        threads=1, compile=False, checkpoint=options.folder / "checkpoints", callbacks=[report], verbose=False,
    )  # fmt: skip
    source = ArraySource(crops, lambda x: x.float())
    trainer.fit(module, source, Augmented(turned, RateDistortion()), seed=0, resume=options.resume)
    save_file({k: v.contiguous() for k, v in module.state_dict().items()}, options.folder / "weights.safetensors")


if __name__ == "__main__":
    main()
