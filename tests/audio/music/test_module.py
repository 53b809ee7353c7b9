"""The module against what it must be: a probability, causal, and the same in training and in writing."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from latente.audio.music.alphabet import Alphabet
from latente.audio.music.bounds import measure_bounds
from latente.audio.music.building import start_from_pairs, transposition_of
from latente.audio.music.module import Moments, Transposition
from latente.audio.music.score import Score
from latente.audio.music.windows import tokens_of, training_windows, whole_window
from latente.audio.music.writing import codes_of, write


@pytest.fixture
def window(model, chorales):
    return whole_window(chorales[0], model.alphabet_, model.module_.sizes).tokens


def losses(module, z, window):
    with torch.inference_mode():
        return module.token_losses(z, window)


def test_what_is_emitted_is_as_probable_as_the_likelihood_says(model):
    """The probability of a step's first voice is that by which it is drawn."""
    module, n = model.module_, 4000
    z = torch.zeros(n, 1, model.latent_dim)
    tokens = write(module, z, temperature=1.0, generator=torch.Generator().manual_seed(0))
    mark = torch.full((n, 1, 4), model.alphabet_.beginning)
    cost = losses(module, z.flatten(1), torch.cat([mark, tokens], 1))
    first = tokens[:, 0]  # (n, voices)
    seen = 0
    for chord in first.unique(dim=0):
        same = (first == chord).all(1)
        expected = math.exp(-float(cost[same][0, 0].sum()))
        if expected < 0.01:  # too rare to be counted
            continue
        seen += 1
        assert abs(float(same.float().mean()) - expected) < 5 * math.sqrt(expected * (1 - expected) / n)
    assert seen >= 5


def test_no_loss_depends_on_later_notes_or_later_codes(model, window):
    module, z = model.module_, torch.randn(1, 3 * model.latent_dim, generator=torch.Generator().manual_seed(0))
    before = losses(module, z, window)
    step, beat = 45, 11  # of 96 and 24
    changed = window.clone()
    changed[:, 1 + step :] = 1 + (changed[:, 1 + step :] + 3) % 10
    assert torch.equal(losses(module, z, changed)[:, :step], before[:, :step])
    moved = z.clone()
    moved[:, (beat + 1) * module.sizes.per_beat :] += 1
    later = losses(module, moved, window)
    assert torch.equal(later[:, : 4 * (beat + 1)], before[:, : 4 * (beat + 1)])
    assert not torch.equal(later, before)


def test_the_prior_of_a_beat_does_not_know_it(model, window):
    module = model.module_
    changed = window.clone()
    changed[:, 1 + 40 :] = 1
    with torch.inference_mode():
        a, b = module.moments(window), module.moments(changed)
    known = 11 * module.sizes.per_beat  # the prior of beat 10 has seen beats 0 to 9: 40 steps
    assert torch.equal(a.prior_mu[:, :known], b.prior_mu[:, :known])
    assert not torch.equal(a.prior_mu[:, known:], b.prior_mu[:, known:])


def test_codes_of_one_segment_say_nothing_of_the_next(model, window):
    """So that the importance bound may be taken segment by segment."""
    module, z = model.module_, torch.zeros(1, 3 * model.latent_dim)
    moved = z.clone()
    moved[:, : model.latent_dim] = 2.0
    length = module.sizes.length
    assert torch.equal(losses(module, z, window)[:, length:], losses(module, moved, window)[:, length:])


def test_rates_are_divergences():
    draw = torch.Generator().manual_seed(0)
    mu, logvar, prior_mu, prior_logvar = (torch.randn(3, 4, generator=draw) for _ in range(4))
    q, p = Normal(mu, (0.5 * logvar).exp()), Normal(prior_mu, (0.5 * prior_logvar).exp())
    torch.testing.assert_close(Moments(mu, logvar, prior_mu, prior_logvar).divergence(), kl_divergence(q, p))


def test_bounds_are_in_order_and_mean_what_they_say(model, chorales):
    found = model.bounds(chorales[:3], draws=200)
    assert found.elbo == pytest.approx(found.distortion + found.rate)
    assert found.importance <= found.elbo + 0.01
    assert found.steps == sum(score.steps for score in chorales[:3])
    once = measure_bounds(model.module_, chorales[:1], 1, torch.Generator().manual_seed(3))
    several = [measure_bounds(model.module_, chorales[:1], 1, torch.Generator().manual_seed(i)) for i in range(60)]
    assert once.draws == 1
    mean = np.mean([each.importance for each in several])  # with one draw its mean is that of the elbo
    assert mean == pytest.approx(np.mean([each.elbo for each in several]), abs=0.05)


def test_steps_after_the_end_cost_nothing(model, chorales):
    short = chorales[0].part(0, 37)
    window = whole_window(short, model.alphabet_, model.module_.sizes).tokens
    assert window.shape == (1, 65, 4)
    cost = losses(model.module_, torch.zeros(1, 2 * model.latent_dim), window)
    assert not cost[:, 37:].any()
    assert (cost[:, :37] > 0).all()


def test_input_dropout_acts_in_training_only(model, window):
    module = model.module_
    assert torch.equal(module.hide(window), window)
    module.train()
    module.generator = torch.Generator().manual_seed(0)
    hidden = module.hide(window.expand(200, -1, -1)) == model.alphabet_.hidden
    module.eval()
    module.generator = None
    shares = hidden.float().mean((1, 2))
    assert float((shares == 1).float().mean()) == pytest.approx(0.4, abs=0.1)
    assert shares[shares < 1].max() < 0.75


def test_tables_start_as_counts_of_pairs(model):
    alphabet, score = model.alphabet_, Score(np.array([[60, 62, 60, 62, 60]] * 4))
    module = model._module(0)
    start_from_pairs(module, [score], transposition_of([score], alphabet, 0))
    token = {pitch: pitch - alphabet.low + 1 for pitch in (60, 62)}
    single = np.full(alphabet.symbols, 0.05)
    single[[token[60], token[62]]] += 2
    single /= single.sum()
    row = 2 * single
    row[token[62]] += 2  # twice from 60 to 62
    table = module.decoder.heads[0].table[token[60]].detach().exp().numpy()
    np.testing.assert_allclose(table, row / row.sum(), rtol=1e-5)


def test_transposition_keeps_intervals_and_ranges(chorales):
    alphabet = Alphabet(36, 84)
    change = transposition_of(chorales, alphabet, 6)
    tokens = torch.from_numpy(np.stack([tokens_of(score, alphabet) for score in chorales]))
    moved = change(tokens, torch.Generator().manual_seed(0))
    shifts = (moved - tokens).flatten(1)
    assert (shifts == shifts[:, :1]).all()
    assert len(shifts[:, 0].unique()) > 3
    assert (moved.amin((0, 1)) >= torch.tensor(change.low)).all()
    assert (moved.amax((0, 1)) <= torch.tensor(change.high)).all()


def test_marks_silence_and_repeats_are_not_moved():
    alphabet = Alphabet(60, 72, repeats=True)
    change = Transposition((1,), (13,), alphabet.symbols, alphabet.size, 6)
    repeated = 5 + alphabet.size
    x = torch.tensor([[[0], [5], [repeated], [alphabet.beginning], [alphabet.hidden], [alphabet.end]]])
    shift = {int(change(x, torch.Generator().manual_seed(i))[0, 1, 0]) - 5 for i in range(30)}
    assert len(shift) > 3
    for i in range(30):
        moved = change(x, torch.Generator().manual_seed(i))[0, :, 0]
        assert moved[2] - moved[1] == alphabet.size
        assert torch.equal(moved[[0, 3, 4, 5]], x[0, [0, 3, 4, 5], 0])


def test_windows_begin_at_every_beat(model, chorales):
    windows = training_windows(chorales[:1], model.alphabet_, model.module_.sizes, 2)
    assert windows.shape == (17, 65, 4)  # 24 beats: the last one begins 8 beats before the end
    tokens = torch.from_numpy(tokens_of(chorales[0], model.alphabet_).copy())
    assert torch.equal(windows[3, 1:].long(), tokens[12 : 12 + 64])
    assert torch.equal(windows[3, 0].long(), tokens[11])
    assert (windows[0, 0] == model.alphabet_.beginning).all()
    assert (windows[-1, 33:] == model.alphabet_.end).all()


def test_memory_of_what_went_before_is_that_of_the_likelihood(model, chorales):
    """A greedy continuation is the most probable next token, by the likelihood of the whole."""
    module, before = model.module_, chorales[1].part(0, 64)
    z = torch.zeros(1, 1, model.latent_dim)
    settings = {"temperature": 0.0, "generator": torch.Generator(), "before": before}
    first = write(module, z, **settings)[0, 0, 0]
    tokens = torch.from_numpy(tokens_of(before, model.alphabet_).copy())
    costs = []
    for token in range(model.alphabet_.symbols):
        window = torch.full((1, 97, 4), 1)
        window[0, 0], window[0, 1:65], window[0, 65, 0] = model.alphabet_.beginning, tokens, token
        costs.append(float(losses(module, torch.zeros(1, 3 * model.latent_dim), window)[0, 64, 0]))
    assert int(np.argmin(costs)) == int(first)
    assert sum(math.exp(-cost) for cost in costs) == pytest.approx(1.0, abs=1e-4)  # a probability


def test_codes_are_those_of_the_module(model, chorales):
    found = codes_of(model.module_, chorales[0])
    assert found.mu.shape == (3, model.latent_dim)
    assert (found.logvar <= found.prior_logvar + 1e-5).all()  # what was read only narrows what was expected
