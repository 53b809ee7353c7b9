"""Greedy pretraining: each layer an autoencoder of the codes below, sharing its weights with the whole."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import nn

from latente.autoencoder import AutoencoderModule
from latente.bottlenecks import Deterministic, Gaussian, KSparse
from latente.corruptions import Custom, Masking
from latente.data import ArraySource
from latente.distortions import Bernoulli, GaussianLikelihood, SquaredError
from latente.networks import MLP, Conv, CustomNetwork
from latente.objectives import Plain
from latente.pretraining import Pretraining
from latente.training import Trainer, TrainingDiverged, seeded

pytestmark = pytest.mark.usefixtures("untouched_generators")
QUICK = Trainer(batch_size=16, learning_rate=0.01, verbose=False)


def build(network=None, bottleneck=None, shape=(10,), distortion=None, seed=0, **options):
    with seeded(seed):
        bottleneck = (bottleneck or Deterministic()).build(3)
        encoder, decoder = (network or MLP((8, 6))).build(shape, 3, bottleneck.features)
    built = (distortion or SquaredError()).build(shape)
    return AutoencoderModule(encoder, bottleneck, decoder, distortion=built, **options)


def source(n=64, *shape, seed=0):
    """Samples in [0, 1] that three hidden numbers explain."""
    shape = shape or (10,)
    generator = torch.Generator().manual_seed(seed)
    size = torch.Size(shape).numel()
    x = torch.sigmoid(torch.randn(n, 3, generator=generator) @ torch.randn(3, size, generator=generator))
    return ArraySource(x.reshape(n, *shape))


def copied(module):
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def changed(before, after):
    """The blocks ("encoder.0", "distortion", ...) of which a tensor changed."""
    names = [name for name in before if not torch.equal(before[name], after[name])]
    return {".".join(name.split(".")[: 1 if name.startswith(("bottleneck", "distortion")) else 2]) for name in names}


def sorted_rows(x):
    return x.flatten(1)[x.flatten(1)[:, 0].argsort()]


@pytest.mark.parametrize("network", [MLP((8, 6)), MLP((8, 6), skip=True)], ids=["mlp", "skip"])
def test_each_layer_is_trained_on_the_clean_codes_below(network):
    seen = {}

    def spy(layer):
        def look(x):
            seen.setdefault(layer, []).append(x.clone())
            return torch.zeros_like(x)  # a corruption that leaves nothing must not reach the layer above

        return look

    module, data = build(network), source()
    Pretraining(2, [spy(0), spy(1), spy(2)], QUICK).run(module, data)
    h = data.x
    for layer, block in enumerate(module.encoder):
        epoch = torch.cat(seen[layer][:4])
        torch.testing.assert_close(sorted_rows(epoch), sorted_rows(h), rtol=0, atol=0)
        h = block(h).detach()


def test_each_layer_changes_only_itself_and_its_mirror():
    module, snapshots = build(MLP((8, 6))), []
    snapshots.append(copied(module))
    trainer = Trainer(batch_size=16, verbose=False, callbacks=[lambda record: snapshots.append(copied(module))])
    Pretraining(1, trainer=trainer).run(module, source())
    moves = [changed(a, b) for a, b in pairwise(snapshots)]
    assert moves == [{"encoder.0", "decoder.2"}, {"encoder.1", "decoder.1"}, {"encoder.2", "decoder.0"}]


def test_the_weights_are_the_modules_own():
    module = build()
    ids = [id(p) for p in module.parameters()]
    before = copied(module)
    Pretraining(1, trainer=QUICK).run(module, source())
    assert [id(p) for p in module.parameters()] == ids
    assert changed(before, module.state_dict()) == {f"{part}.{i}" for part in ("encoder", "decoder") for i in range(3)}
    assert module.corruption is None
    assert module.generator is None


@pytest.mark.parametrize("epochs", [4, (2, 4, 3), [1, 1, 5]])
def test_epochs_of_each_layer(epochs):
    histories = Pretraining(epochs, trainer=QUICK).run(build(), source())
    assert [len(history) for history in histories] == (3 * [4] if epochs == 4 else list(epochs))


def test_corruptions_of_each_layer():
    """The first layer's loss with everything masked is that of a constant; the others are not disturbed."""
    every = [Pretraining(40, c, QUICK).run(build(), source()) for c in (None, ["masking:1", None, Masking(0.0)])]
    clean, masked = ([history.column("loss")[-1] for history in histories] for histories in every)
    variance = (source().x - source().x.mean(0)).square().sum(1).mean().item()
    assert clean[0] < 0.5 * variance
    assert masked[0] == pytest.approx(variance, rel=0.2)
    assert masked[0] > 2 * clean[0]


CASES = {
    "mlp": (MLP((8, 6)), None, (10,), None),
    "one layer": (MLP(()), None, (10,), None),
    "batch norm": (MLP((8, 6), normalization="batch"), None, (10,), None),
    "gaussian": (MLP((8,)), Gaussian(), (10,), GaussianLikelihood()),
    "k-sparse": (MLP((8,)), KSparse(2), (10,), None),
    "images": (Conv((4, 6), (12,)), None, (2, 9, 7), Bernoulli()),
    "images, nearest": (Conv((4, 6), (), upsample="nearest"), Gaussian(), (1, 8, 8), Bernoulli()),
    "signals": (Conv((4, 6)), None, (2, 37), None),
    "custom": (
        CustomNetwork(
            nn.Sequential(nn.Linear(10, 7), nn.Sequential(nn.Tanh(), nn.Linear(7, 3))),
            nn.Sequential(nn.Linear(3, 7), nn.Sequential(nn.Tanh(), nn.Linear(7, 10))),
        ),
        None,
        (10,),
        None,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_every_layer_reduces_its_own_loss(case):
    network, bottleneck, shape, distortion = CASES[case]
    module = build(network, bottleneck, shape, distortion, output="sigmoid" if distortion else "identity")
    before = copied(module)
    histories = Pretraining(15, "masking:0.1", QUICK).run(module, source(64, *shape))
    assert len(histories) == len(module.encoder)
    for history in histories:
        losses = history.column("distortion")
        assert losses[-1] < losses[0]
    expected = {f"{part}.{i}" for part in ("encoder", "decoder") for i in range(len(module.encoder))}
    assert changed(before, module.state_dict()) == expected | ({"distortion"} if case == "gaussian" else set())


def test_the_whole_reconstructs_better_afterwards_without_having_been_trained():
    data, module = source(128), build(MLP((8, 6, 5, 4), "tanh"))

    def loss():
        return (module.eval()(data.x)[0] - data.x).square().sum(1).mean().item()

    before = loss()
    Pretraining(40, None, QUICK).run(module, data)
    variance = (data.x - data.x.mean(0)).square().sum(1).mean().item()
    assert loss() < 0.5 * variance < before


def test_the_lowest_layer_has_the_modules_distortion_the_others_squared_errors():
    data = source(64)
    module = build(MLP((8,)), distortion=Bernoulli(), output="sigmoid")
    trainer = Trainer(batch_size=64, learning_rate=1e-12, verbose=False)
    bottom, top = Pretraining(1, None, trainer).run(module, data)
    h = module.encoder[0](data.x)
    logits = module.decoder[1](h)
    expected = nn.functional.binary_cross_entropy_with_logits(logits, data.x, reduction="none").sum(1).mean()
    assert bottom.column("loss")[0] == pytest.approx(expected.item(), rel=1e-5)
    rebuilt = module.decoder[0](module.encoder[1](h))
    assert top.column("loss")[0] == pytest.approx((rebuilt - h).square().sum(1).mean().item(), rel=1e-5)


def test_bounds_reach_the_lowest_layer_only():
    """Salt and pepper are the data's bounds below, and three deviations where codes have none."""
    seen = []

    class Spy(Custom):
        def __call__(self, x, generator=None, bounds=None):
            seen.append(bounds)
            return x

    Pretraining(1, Spy(torch.abs), QUICK).run(build(bounds=(0.0, 1.0)), source(16))
    assert seen == [(0.0, 1.0), None, None]


def test_the_seed_decides():
    results = []
    for seed in (1, 1, 2):
        module = build()
        Pretraining(2, "gaussian:0.1", QUICK).run(module, source(), seed=seed)
        results.append(copied(module))
    assert not changed(results[0], results[1])
    assert changed(results[0], results[2])


def test_the_trainers_other_settings_apply():
    trainer = Trainer(batch_size=8, learning_rate=0.5, patience=3, precision="float32", verbose=False)
    histories = Pretraining(2, trainer=trainer).run(build(), source())
    assert [history.batch_size for history in histories] == [8, 8, 8]
    assert max(histories[0].column("learning_rate")) > 0.1
    assert trainer.patience == 3


def test_sources_that_prepare_their_batches_are_read_prepared():
    bytes_ = (source().x * 255).to(torch.uint8)
    module = build()
    histories = Pretraining(3, trainer=QUICK).run(module, ArraySource(bytes_, lambda x: x.float() / 255))
    assert histories[0].column("loss")[0] < 100  # bytes themselves would cost 10 * 128^2


@pytest.mark.parametrize(
    ("encoder", "decoder"),
    [
        (nn.Sequential(nn.Linear(10, 3)), nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 10))),
        (nn.Linear(10, 3), nn.Linear(3, 10)),
        (nn.Sequential(nn.Linear(10, 3)), nn.Linear(3, 10)),
    ],
)
def test_no_mirrored_stacks(encoder, decoder):
    module = build(CustomNetwork(encoder, decoder))
    with pytest.raises(ValueError, match=r"nn.Sequentials of as many blocks.* MLP and Conv make such pairs"):
        Pretraining(1).run(module, source())


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (Pretraining((1, 2)), r"epochs must be one value or 3, one for each layer; got \(1, 2\)"),
        (Pretraining(1, ["masking"]), r"corruption must be one value or 3, one for each layer; got \['masking'\]"),
        (Pretraining((2, 2, 0)), r"^Pretraining: epochs must be an integer .* or 'auto', .*; got \(2, 2, 0\)$"),
        (Pretraining(0), "epochs must be an integer of at least 1"),
        (Pretraining(1, "maskin"), "unknown corruption 'maskin'"),
        (Pretraining(1, [None, None, Masking(7)]), "Masking: amount must be a number in"),
        (Pretraining(1, trainer=Trainer(learning_rate=-1)), "learning_rate must be above 0"),
    ],
)
def test_settings_are_checked_before_any_layer_is_trained(part, message):
    module = build()
    before = copied(module)
    with pytest.raises(ValueError, match=message):
        part.run(module, source())
    assert not changed(before, module.state_dict())


def test_an_interruption_ends_it():
    def interrupt(record):
        raise KeyboardInterrupt

    module = build()
    before = copied(module)
    with pytest.raises(KeyboardInterrupt):
        Pretraining(2, trainer=Trainer(batch_size=16, verbose=False, callbacks=[interrupt])).run(module, source())
    assert changed(before, module.state_dict()) == {"encoder.0", "decoder.2"}


def test_divergence_is_reported():
    with pytest.raises(TrainingDiverged, match=r"learning rate of 1e\+30"):
        Pretraining(50, trainer=Trainer(learning_rate=1e30, verbose=False)).run(build(), source())


def test_afterwards_the_whole_is_trained_as_usual():
    module, data = build(), source(128)
    Pretraining(5, trainer=QUICK).run(module, data)
    history = Trainer(epochs=10, learning_rate=0.01, verbose=False).fit(module, data, Plain())
    assert history.column("loss")[-1] < history.column("loss")[0]
