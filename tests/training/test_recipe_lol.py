"""A-LoL and its baselines: the numbers of arXiv:2305.14718, and a table of logged responses."""

from __future__ import annotations

import pytest
import torch

from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.offline.advantages import draw_probabilities, share_above
from assay.training.recipes import RunFacts, check_recipe, get_recipe
from assay.training.recipes.table import recipe_row

FAMILY = ["a-lol", "a-lol-seq", "a-lol-ref-free", "a-lol-kl", "wbc", "r-lol", "r-gold", "nll"]


def coefficients(name, reward, value, gaps=((0.0,),), ref=-1.0, **constants):
    """-dL/dlog pi of each token, times the rows, where log pi - log ref is ``gaps``; and the metrics."""
    objective = get_recipe(name, constants).objective(8)
    gaps = torch.tensor(gaps)
    anchor = torch.full_like(gaps, ref)
    logp = (anchor + gaps).requires_grad_()
    batch = TrajectoryBatch.of(
        reward,
        list(range(len(reward))),
        length=gaps.shape[1],
        anchor_logp={"ref": anchor},
        values=torch.tensor(value, dtype=torch.float32, requires_grad=True).unsqueeze(-1).expand_as(gaps),
    )
    advantage = objective.prepare(batch)
    assert not advantage.requires_grad
    loss, metrics = objective.loss(PolicyOutputs(logp), batch, advantage, objective.totals(batch, advantage))
    (grad,) = torch.autograd.grad(loss, logp)
    return (-grad * len(reward)).tolist(), metrics.result()


def test_the_ratio_of_a_response_is_clipped_and_that_of_a_token_is_its_own():
    found, metrics = coefficients("a-lol", [0.8], [0.5], [[0.5, 0.3]])
    assert found == [pytest.approx([0.57, 0.57], abs=1e-6)]
    assert metrics["clip_fraction"] == 1.0
    assert coefficients("a-lol", [0.8], [0.5], [[0.5, -0.3]])[0] == [pytest.approx([0.366421] * 2, abs=1e-6)]
    found, metrics = coefficients("a-lol-seq", [0.8], [0.5], [[0.5, -0.3]])
    assert found == [pytest.approx([0.494616, 0.222245], abs=1e-6)]
    assert metrics["clip_fraction"] == 0.0
    assert coefficients("a-lol", [0.8], [0.5], [[-4.0]])[0] == [pytest.approx([0.03], abs=1e-6)]
    assert torch.tensor(0.8).exp().item() == pytest.approx(2.225541, abs=1e-6)


def test_the_penalty_of_the_kl_variant():
    found, _ = coefficients("a-lol-kl", [0.8, 0.52], [0.5, 0.5], [[0.4], [-0.4]], kl_beta=0.05)
    assert found == [pytest.approx([0.25], abs=1e-6), pytest.approx([-0.03], abs=1e-6)]


def test_only_what_beats_the_reference_counts():
    reward, value = torch.tensor([0.9, 0.5, 0.2]), torch.full((3,), 0.5)
    advantage = (reward - value).double()
    assert advantage.clamp(min=0).tolist() == pytest.approx([0.4, 0, 0])
    assert draw_probabilities(advantage.numpy(), "good_priority").tolist() == [1.0, 0.0, 0.0]
    assert share_above(advantage.numpy()) == pytest.approx(0.3333, abs=1e-4)
    assert round(900 * share_above(advantage.numpy())) == 300
    for name in ("a-lol", "a-lol-seq", "a-lol-ref-free", "a-lol-kl"):
        found, _ = coefficients(name, reward.tolist(), value.tolist(), [[0.3, 0.1]] * 3)
        assert found[0][0] > 0
        assert found[1:] == [[0.0, 0.0], [0.0, 0.0]]


def test_at_the_start_the_ratio_is_one():
    rows = ([0.9, 0.5, 0.7], [0.5, 0.1, 0.6], [[0.0, 0.0]] * 3)
    free, _ = coefficients("a-lol-ref-free", *rows)
    assert coefficients("a-lol", *rows)[0] == free
    assert coefficients("a-lol-seq", *rows)[0] == free
    assert coefficients("a-lol-kl", *rows, kl_beta=0.0)[0] == free


def test_without_a_value_it_is_weighted_cloning():
    rows = ([0.9, 0.5, 0.7], [0.0] * 3, [[0.4, -0.2]] * 3)
    assert coefficients("wbc", *rows)[0] == coefficients("a-lol-ref-free", *rows)[0]
    assert coefficients("r-lol", *rows)[0] == coefficients("a-lol", *rows)[0]
    assert coefficients("wbc", [0.9], [0.5])[0] == [pytest.approx([0.9])]


def test_likelihood_and_gold():
    assert coefficients("nll", [float("nan"), 0.0], [0.5, 0.5], [[0.3], [0.1]])[0] == [[1.0], [1.0]]
    found, _ = coefficients("r-gold", [0.5], [0.0], [[0.0, -2.0]])
    assert found == [pytest.approx([0.5 * 0.367879, 0.05], abs=1e-6)]  # pi = exp(-1), and exp(-3) below the floor


def test_no_gradient_through_the_ratio_or_the_value():
    objective = get_recipe("a-lol").objective(2)
    logp = torch.tensor([[-0.9, -1.2]], requires_grad=True)
    value = torch.tensor([[0.2, 0.2]], requires_grad=True)
    batch = TrajectoryBatch.of([0.7], length=2, anchor_logp={"ref": torch.tensor([[-1.0, -1.0]])}, values=value)
    advantage = objective.prepare(batch)
    loss, _ = objective.loss(PolicyOutputs(logp), batch, advantage, objective.totals(batch, advantage))
    loss.backward()
    weight = 0.5 * torch.tensor(-0.1).exp()  # of log-ratios 0.1 and -0.2
    assert logp.grad.tolist() == [pytest.approx([-float(weight)] * 2, abs=1e-6)]
    assert value.grad is None


@pytest.mark.parametrize("name", FAMILY)
def test_they_learn_from_logs_only(name):
    recipe = get_recipe(name)
    check_recipe(recipe, RunFacts(1, 8, logged=True))
    with pytest.raises(ValueError, match=f"recipe {name} learns from stored episodes: name them with --data"):
        check_recipe(recipe, RunFacts(8, 8))
    assert recipe_row(name).paper
    assert recipe.offline().unit == "responses"
    assert (recipe.offline().value is not None) == name.startswith("a-lol")


def test_what_is_refused():
    for name, constants, words in [
        ("a-lol", {"eps": 1.5}, "eps"),
        ("a-lol-kl", {"kl_beta": -0.1}, "kl_beta"),
        ("a-lol", {"reward_max": 0.0}, "reward_max"),
        ("a-lol", {"rollouts_per_prompt": 0}, "rollouts"),
        ("r-gold", {"floor": 2.0}, "floor"),
    ]:
        with pytest.raises(ValueError, match=words):
            check_recipe(get_recipe(name, constants), RunFacts(1, 8, logged=True))
    objective = get_recipe("a-lol").objective(8)
    assert objective.anchors == {"ref"}
    assert get_recipe("a-lol-ref-free").objective(8).companions == frozenset()
    with pytest.raises(ValueError, match="value of each prompt"):
        objective.prepare(TrajectoryBatch.of([1.0], anchor_logp={"ref": torch.zeros(1, 1)}))


CONTEXTS, RESPONSES, ROWS = 40, 10, 4000


class Logs:
    """Logged responses to 40 contexts, of a policy that knows nothing of the rewards, a share of them noise."""

    def __init__(self, noise=0.3, seed=0):
        g = torch.Generator().manual_seed(seed)
        self.reward = torch.rand(CONTEXTS, RESPONSES, generator=g)
        behaviour = torch.softmax(torch.randn(CONTEXTS, RESPONSES, generator=g), -1)
        self.context = torch.arange(ROWS) % CONTEXTS
        uniform = torch.rand(ROWS, generator=g) < noise
        law = torch.where(uniform.unsqueeze(-1), torch.full((1, RESPONSES), 1 / RESPONSES), behaviour[self.context])
        self.response = torch.multinomial(law, 1, generator=g).flatten()
        counts = torch.zeros(CONTEXTS, RESPONSES).index_put_(
            (self.context, self.response), torch.ones(ROWS), accumulate=True
        )
        self.ref = ((counts + 0.5) / (counts + 0.5).sum(-1, keepdim=True)).log()
        self.value = (self.ref.exp() * self.reward).sum(-1)

    def worth(self, logits):
        """Mean expected reward of a policy."""
        return float((torch.softmax(logits, -1) * self.reward).sum(-1).mean())


def learn(name, logs, steps=1500, lr=0.01, batch=64, **constants):
    """The expected reward of a table of logits, started at the reference and trained by a recipe on the logs."""
    import numpy as np

    recipe = get_recipe(name, constants)
    objective, draw = recipe.objective(1), recipe.offline().draw
    reward = logs.reward[logs.context, logs.response]
    chances = None
    if draw != "none":
        chances = draw_probabilities((reward - logs.value[logs.context]).double().numpy(), draw)
    rng = np.random.default_rng(1)
    logits = logs.ref.clone().requires_grad_()
    optimizer = torch.optim.Adam([logits], lr=lr)
    for _ in range(steps):
        rows = torch.from_numpy(rng.choice(ROWS, batch, p=chances))
        where = logs.context[rows], logs.response[rows]
        data = TrajectoryBatch.of(
            reward[rows],
            list(range(batch)),
            anchor_logp={"ref": logs.ref[where].unsqueeze(-1)},
            values=logs.value[where[0]].unsqueeze(-1),
        )
        advantage = objective.prepare(data)
        logp = torch.log_softmax(logits, -1)[where].unsqueeze(-1)
        loss, _ = objective.loss(PolicyOutputs(logp), data, advantage, objective.totals(data, advantage))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return logs.worth(logits.detach())


def ladder(logs, **how):
    """What the recipes reach, worst expected first."""
    every = {"sampling": "none"}
    steps = [("nll", {}), ("wbc", {}), ("a-lol-ref-free", every), ("a-lol", every), ("a-lol", {})]
    return [learn(name, logs, **constants, **how) for name, constants in steps]


def test_a_table_of_logs_in_short():
    logs = Logs()
    advantage = logs.reward[logs.context, logs.response] - logs.value[logs.context]
    assert float(logs.value.mean()) == pytest.approx(0.494, abs=0.02)
    assert float(logs.reward.amax(-1).mean()) == pytest.approx(0.899, abs=0.02)
    assert share_above(advantage.double().numpy()) == pytest.approx(0.47, abs=0.04)
    nll, wbc, free, lol, priority = ladder(logs, steps=250, lr=0.05)
    assert nll < wbc < free < lol < priority
    assert priority >= nll + 0.25


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_a_table_of_logs(seed):
    found = ladder(Logs(seed=seed))
    assert found == sorted(found)
    assert found[4] >= found[0] + 0.25
    assert found == pytest.approx([0.495, 0.631, 0.794, 0.814, 0.841], abs=0.03)
    noisier = learn("a-lol", Logs(noise=0.5, seed=seed), sampling="none")
    assert noisier > found[3] - 0.05
