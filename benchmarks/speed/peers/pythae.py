"""pythae's AE with its TrainingPipeline: an encoder and a decoder of our own widths, or its defaults.

Its own: MLP with one hidden layer of 512, batches of 64, Adam at 1e-4, 100 epochs. With `natural` and convolutions its
ConvNet for MNIST, with batches and learning rate as for the others.
"""

from __future__ import annotations

__all__ = ["fit"]

import logging
import tempfile
from collections.abc import Callable
from typing import Any

import torch
from pythae.models import AE, AEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.models.nn.benchmarks.mnist import Decoder_Conv_AE_MNIST, Encoder_Conv_AE_MNIST
from pythae.pipelines import TrainingPipeline
from pythae.trainers import BaseTrainerConfig
from pythae.trainers.training_callbacks import TrainingCallback
from torch import Tensor, nn

from speed.measure import Fitted
from speed.peers.modules import flat_unit, networks
from speed.task import Task

logging.disable(logging.WARNING)


class Encoder(BaseEncoder):
    """A module as pythae wants its encoders."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> ModelOutput:
        return ModelOutput(embedding=self.module(x.flatten(1)))


class Decoder(BaseDecoder):
    """A module as pythae wants its decoders."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, z: Tensor) -> ModelOutput:
        return ModelOutput(reconstruction=self.module(z))


class Epochs(TrainingCallback):
    """Tells the watch after each epoch."""

    def __init__(self, after_epoch: Callable[[Fitted], None], fitted: Fitted) -> None:
        self.after_epoch, self.fitted = after_epoch, fitted

    def on_epoch_end(self, training_config: Any, **kwargs: Any) -> None:
        self.after_epoch(self.fitted)


def build(task: Task) -> AE:
    """The model of a task."""
    config = AEConfig(input_dim=(1, 28, 28), latent_dim=task.latent)
    if task.natural:
        convolutional = task.channels
        return AE(config, Encoder_Conv_AE_MNIST(config), Decoder_Conv_AE_MNIST(config)) if convolutional else AE(config)
    encoder, decoder = networks(task, 784)
    return AE(config, Encoder(encoder), Decoder(decoder))


def settings(task: Task, folder: str) -> BaseTrainerConfig:
    """Its own settings for a natural task without a batch size, else those that all share."""
    own = {} if task.natural and task.batch is None else {"learning_rate": 1e-3}
    own |= {} if task.batch is None else {"per_device_train_batch_size": task.batch}
    own |= {} if task.epochs is None else {"num_epochs": task.epochs}
    return BaseTrainerConfig(output_dir=folder, keep_best_on_train=True, no_cuda=True, **own)


def fit(task: Task, x: Any, after_epoch: Callable[[Fitted], None]) -> Fitted:
    torch.manual_seed(0)
    model = build(task)

    @torch.no_grad()
    def reconstruct(x: Any) -> Any:
        was_training = model.training
        model.eval()
        parts = torch.from_numpy(flat_unit(x)).reshape(-1, 1, 28, 28).split(256)
        x_hat = torch.cat([model({"data": part}).recon_x.flatten(1) for part in parts]).numpy()
        model.train(was_training)
        return x_hat

    with tempfile.TemporaryDirectory() as folder:
        config = settings(task, folder)
        notes = {"batch": config.per_device_train_batch_size, "precision": "float32"}
        fitted = Fitted(reconstruct, notes=notes)
        pipeline = TrainingPipeline(training_config=config, model=model)
        pipeline(train_data=flat_unit(x).reshape(-1, 1, 28, 28), callbacks=[Epochs(after_epoch, fitted)])
    return fitted
