"""Value heads: the numbers of arXiv:2403.03950 and 1707.06887, and why the padding is there."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from assay.training.value.heads import C51, MSE, HLGauss, TwoHot, hl_gauss, last_layer, make_head, project, two_hot


def dist(y, bins, ratio=0.75):
    edges = torch.linspace(0, 1, bins + 1)
    return hl_gauss(torch.tensor(y), edges, ratio / bins)


@pytest.mark.parametrize(
    ("y", "bins", "expected"),
    [
        (0.5, 5, (0.0223, 0.2299, 0.4954, 0.2299, 0.0223)),
        (0.6, 5, (0.0038, 0.0877, 0.4104, 0.4104, 0.0877)),
        (1.0, 5, (0.0, 0.0001, 0.0076, 0.1748, 0.8176)),
        (0.5, 10, (0.0, 0.0, 0.0038, 0.0874, 0.4088, 0.4088, 0.0874, 0.0038, 0.0, 0.0)),
    ],
)
def test_the_raw_histogram(y, bins, expected):
    assert dist(y, bins).tolist() == pytest.approx(expected, abs=5.1e-5)


@pytest.mark.parametrize(("y", "mean"), [(0.5, 0.5), (0.6, 0.59809), (1.0, 0.86197)])
def test_the_raw_mean_bends_at_the_ends(y, mean):
    centres = torch.linspace(0, 1, 6)[1:] - 0.1
    assert float(dist(y, 5) @ centres) == pytest.approx(mean, abs=1e-5)


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (0.6, (0, 0, 0.6, 0.4, 0)),
        (0.375, (0, 0.5, 0.5, 0, 0)),
        (1.7, (0, 0, 0, 0, 1)),
        (-3.0, (1, 0, 0, 0, 0)),
        (0.25, (0, 1, 0, 0, 0)),
        (1.0, (0, 0, 0, 0, 1)),
    ],
)
def test_two_hot(y, expected):
    assert two_hot(torch.tensor(y), 0.0, 1.0, 5).tolist() == pytest.approx(expected, abs=1e-6)


def test_two_hot_keeps_the_mean():
    y = torch.linspace(-2, 3, 501)
    head = TwoHot(-2, 3, 51)
    assert torch.allclose(head.to_dist(y) @ head.support, y, atol=1e-6)


@pytest.mark.parametrize(
    ("reward", "discount", "probs", "expected"),
    [
        (0.1, 0.5, (0, 0, 1, 0, 0), (0, 0.6, 0.4, 0, 0)),
        (0.0, 0.5, (0.2,) * 5, (0.3, 0.4, 0.3, 0, 0)),
        (1.0, 0.0, (0.2,) * 5, (0, 0, 0, 0, 1)),
        (0.9, 1.0, (0, 0, 1, 0, 0), (0, 0, 0, 0, 1)),
    ],
)
def test_c51_moves_the_next_distribution(reward, discount, probs, expected):
    head = C51(0, 1, 5)
    found = head.backup(torch.tensor(reward), torch.tensor(discount), torch.tensor(probs, dtype=torch.float32))
    assert found.tolist() == pytest.approx(expected, abs=1e-6)


def test_the_projection_against_an_obvious_loop():
    generator = torch.Generator().manual_seed(0)
    values = torch.rand(6, 7, generator=generator) * 4 - 2
    probs = torch.softmax(torch.randn(6, 7, generator=generator), -1)
    slow = torch.zeros(6, 9)
    for i in range(6):
        for j in range(7):
            place = (min(max(float(values[i, j]), -1.0), 1.0) + 1.0) / 0.25
            for k in range(9):
                slow[i, k] += float(probs[i, j]) * max(0.0, 1.0 - abs(place - k))
    assert torch.allclose(project(values, probs, -1.0, 1.0, 9), slow, atol=1e-5)


@pytest.mark.parametrize(("pad", "least", "most"), [(3, 0.0, 1e-5), (2, 1e-4, 3e-4), (1, 2e-3, 4e-3), (0, 0.01, 0.02)])
def test_padding_keeps_the_ends_readable(pad, least, most):
    head = HLGauss(0, 1, 51, 0.75, pad)
    y = torch.linspace(0, 1, 201)
    error = (head.value(head.to_dist(y).log().clamp(min=-80)) - y).abs()
    assert least <= float(error.max()) < most
    assert float(error.max()) == pytest.approx(float(error[[0, -1]].max()), rel=0.5, abs=1e-5)


def test_the_padded_range_and_the_unpadded_end():
    assert (HLGauss(0, 1).edges[[0, -1]] - torch.tensor([-0.0667, 1.0667])).abs().max() < 1e-4
    bare = HLGauss(0, 1, 51, 0.75, 0)
    assert float(bare.to_dist(torch.tensor(1.0)) @ bare.support) == pytest.approx(0.98647, abs=1e-5)


@pytest.mark.parametrize("head", [TwoHot(-1, 2, 7), HLGauss(-1, 2, 11), C51(-1, 2, 7)])
def test_gradient_and_minimum(head):
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(5, head.outputs, generator=generator, requires_grad=True)
    y = torch.tensor([-1.0, 0.3, 0.5, 1.99, 7.0])
    target = head.to_dist(y)
    (grad,) = torch.autograd.grad(head.loss(logits, y).sum(), logits)
    assert torch.allclose(grad, torch.softmax(logits, -1) - target, atol=1e-6)
    entropy = -torch.special.xlogy(target, target).sum(-1)
    assert torch.allclose(head.loss(target.log().clamp(min=-1e4), y), entropy, atol=1e-5)
    assert bool((head.loss(logits, y) > entropy).all())


def test_the_squared_error():
    logits = torch.tensor([[0.5], [2.0]], requires_grad=True)
    y = torch.tensor([0.0, 3.0])
    assert MSE().loss(logits, y).tolist() == [0.25, 1.0]
    (grad,) = torch.autograd.grad(MSE().loss(logits, y).sum(), logits)
    assert grad.flatten().tolist() == [1.0, -2.0]
    assert not MSE().clipped(torch.tensor([1e9])).any()


@pytest.mark.parametrize("name", ["mse", "two-hot", "hl-gauss", "c51"])
def test_far_targets_are_finite_and_half_precision_is_lifted(name):
    head = make_head(name)
    y = torch.tensor([1e6, -1e6, 0.5])
    logits = torch.zeros(3, head.outputs, dtype=torch.bfloat16, requires_grad=True)
    loss = head.loss(logits, y)
    assert loss.dtype == head.value(logits).dtype == torch.float32
    assert bool(loss.isfinite().all())
    (grad,) = torch.autograd.grad(loss.sum(), logits)
    assert bool(grad.isfinite().all())
    if name != "mse":
        assert head.clipped(y).tolist() == [True, True, False]
        assert head.to_dist(y)[0].argmax() > head.to_dist(y)[2].argmax() > head.to_dist(y)[1].argmax()


@pytest.mark.parametrize(("name", "value"), [("mse", 0.0), ("two-hot", 1.0), ("hl-gauss", 1.0), ("c51", 1.0)])
def test_the_first_value_is_the_middle_of_the_range(name, value):
    head = make_head(name, low=-1.0, high=3.0)
    layer = last_layer(4, head)
    found = head.value(layer(torch.randn(3, 4, generator=torch.Generator().manual_seed(0))))
    assert found.tolist() == pytest.approx([value] * 3, abs=1e-5)
    assert layer.weight.dtype == torch.float32


def test_how_unsure_a_value_is():
    head = TwoHot(0, 1, 5)
    sure, unsure = torch.tensor([0.0, 0.0, 50.0, 0.0, 0.0]), torch.zeros(5)
    assert head.entropy(torch.stack([sure, unsure])).tolist() == pytest.approx([0.0, math.log(5)], abs=1e-5)
    assert [float(head.quantile(unsure, q)) for q in (0.1, 0.2, 0.5, 0.9, 1.0)] == [0.0, 0.0, 0.5, 1.0, 1.0]
    assert float(head.quantile(sure, 0.01)) == float(head.quantile(sure, 1.0)) == 0.5
    with pytest.raises(ValueError, match="level"):
        head.quantile(sure, 0.0)


@pytest.mark.parametrize(
    ("constants", "words"),
    [
        ({"name": "huber"}, "one of mse, two-hot, hl-gauss, c51"),
        ({"name": "two-hot", "low": 1.0, "high": 1.0}, "value_low 1 is not below value_high 1"),
        ({"name": "hl-gauss", "low": 2.0, "high": 1.0}, "upside down"),
        ({"name": "c51", "bins": 1}, "at least 2 bins, got 1"),
        ({"name": "hl-gauss", "bins": 6}, "6 bins leave none inside"),
        ({"name": "hl-gauss", "ratio": 0.0}, "ratio"),
    ],
)
def test_mistakes_are_one_line(constants, words):
    with pytest.raises(ValueError, match=words) as error:
        make_head(**constants)
    assert "\n" not in str(error.value)


def miniature(head, *, binary, seed, phases, steps):
    """RMSE to the truth at the end of each of some successive target functions, which one network has to follow."""
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layers = [nn.Linear(8, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU()]
        net = nn.Sequential(*layers, last_layer(128, head))
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    errors = []
    for _ in range(phases):
        first, second = torch.randn(8, 16, generator=generator), torch.randn(16, generator=generator)

        def truth(x, first=first, second=second):
            return torch.sigmoid(2.0 * torch.tanh(x @ first) @ second)

        for _ in range(steps):
            x = torch.randn(128, 8, generator=generator)
            y = truth(x)
            if binary:
                y = (torch.rand(y.shape, generator=generator) < y).float()
            loss = head.loss(net(x), y).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        x = torch.randn(2048, 8, generator=generator)
        with torch.no_grad():
            errors.append(float((head.value(net(x)) - truth(x)).square().mean().sqrt()))
    return sum(errors) / phases


def wide():
    """51 bins on [-.2, 1.2]."""
    width = 1.4 / 51
    head = HLGauss(-0.2 + 3 * width, 1.2 - 3 * width)
    assert torch.allclose(head.edges[[0, -1]], torch.tensor([-0.2, 1.2]), atol=1e-6)
    return head


def compared(**how):
    return {name: miniature(head, **how) for name, head in (("mse", MSE()), ("hl-gauss", wide()))}


def test_classification_fits_a_target_better():
    found = compared(binary=False, seed=0, phases=1, steps=800)
    assert found["hl-gauss"] < found["mse"], found


@pytest.mark.slow
@pytest.mark.parametrize("binary", [False, True])
def test_classification_follows_moving_targets_better(binary):
    runs = [compared(binary=binary, seed=seed, phases=4, steps=1000) for seed in range(3)]
    mean = {name: sum(run[name] for run in runs) / 3 for name in runs[0]}
    assert mean["hl-gauss"] < mean["mse"], (mean, runs)
