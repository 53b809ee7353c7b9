"""One pythae model with its normal and mixture samplers; run by run.py in the peers' environment.

python peer.py FOLDER MODEL EPOCHS SAMPLES SEED    # FOLDER/train.npy, test.npy -> FOLDER/samples.npz
"""

from __future__ import annotations

import logging
import sys
import time
from typing import Any

import numpy as np
import torch
from pythae.models import (
    AE,
    RAE_L2,
    VAE,
    WAE_MMD,
    AEConfig,
    RAE_L2_Config,
    VAEConfig,
    WAE_MMD_Config,
)
from pythae.pipelines import TrainingPipeline
from pythae.samplers import GaussianMixtureSampler, GaussianMixtureSamplerConfig, NormalSampler
from pythae.trainers import BaseTrainerConfig, CoupledOptimizerTrainerConfig

logging.disable(logging.WARNING)
SHAPE = {"input_dim": (1, 28, 28), "latent_dim": 16}


def build(name: str) -> Any:
    """The model with pythae's own default network, which has one hidden layer of 512."""
    if name == "ae":
        return AE(AEConfig(**SHAPE))
    if name == "wae":
        return WAE_MMD(WAE_MMD_Config(**SHAPE))
    if name == "rae":
        return RAE_L2(RAE_L2_Config(**SHAPE))
    return VAE(VAEConfig(**SHAPE, reconstruction_loss={"vae-bernoulli": "bce", "vae-squared": "mse"}[name]))


def to_bytes(pictures: torch.Tensor) -> np.ndarray:
    """Pictures (n, 28, 28) of bytes."""
    return (pictures.reshape(-1, 28, 28).clamp(0, 1) * 255).round().to(torch.uint8).numpy()


def main(folder: str, name: str, epochs: int, samples: int, seed: int) -> None:
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    train, test = (
        torch.from_numpy(np.load(f"{folder}/{part}.npy")[:, None].astype(np.float32) / 255)
        for part in ("train", "test")
    )
    model = build(name)
    settings = CoupledOptimizerTrainerConfig if name == "rae" else BaseTrainerConfig  # which RAE_L2 insists on
    config = settings(
        output_dir=folder, num_epochs=epochs, learning_rate=1e-3, per_device_train_batch_size=64, no_cuda=True
    )
    start = time.process_time()
    TrainingPipeline(training_config=config, model=model)(train_data=train)
    seconds = time.process_time() - start
    model = model.eval()
    mixture = GaussianMixtureSampler(model, GaussianMixtureSamplerConfig(n_components=10))
    mixture.fit(train)
    with torch.no_grad():
        codes = torch.cat([model.encoder(piece).embedding for piece in test.split(500)])
        rebuilt = torch.cat([model.decoder(piece).reconstruction for piece in codes.split(500)]).reshape(test.shape)
        drawn = {
            "normal": NormalSampler(model).sample(samples, batch_size=500),
            "mixture": mixture.sample(samples, batch_size=500),
        }
    found = {key: to_bytes(value) for key, value in drawn.items()}
    mse = float((test - rebuilt).square().mean())
    np.savez(f"{folder}/samples.npz", rebuilt=to_bytes(rebuilt), mse=mse, seconds=seconds, **found)


if __name__ == "__main__":
    main(*sys.argv[1:3], *map(int, sys.argv[3:]))
