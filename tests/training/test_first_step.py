"""The first step of every recipe: autograd through the real objective against the coefficient on paper.

c = -dL / dlog pi at the policy that sampled, before aggregation and without divergence, for rewards [1, 0, 0, 0] and 2
right of 8. It is the cheapest exact test of a method, and every registered recipe has its line here.
"""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from assay.training.objectives.aggregate import aggregate
from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.recipes import get_recipe, recipe_names

LENGTH = 2
VALUES = torch.tensor([0.3, 0.45])  # of a critic at the two tokens, or of the prompt (the first)
EPS = 1e-6


def rows(of):
    """A coefficient that is the same on every token of a row."""
    return lambda r: of(r).unsqueeze(-1).expand(-1, LENGTH)


def centred(r):
    return r - r.mean()


def standardised(r):
    return centred(r) / (r.std() + EPS)


def leave_one_out(r):
    return centred(r) * len(r) / (len(r) - 1)


def whitened(values):
    return (values - values.mean()) / (values.var() + 1e-8).sqrt()


def best_and_worst(r):
    """IPO on one pair: half for the best, minus half for the worst."""
    return 0.5 * (torch.eye(len(r)).double()[r.argmax()] - torch.eye(len(r)).double()[r.argmin()])


def signs(r):
    """IPO: half the sign of each difference, over the pairs of the group."""
    return torch.stack([torch.sign(each - r).sum() for each in r]) / (2 * (len(r) - 1))


def balanced(r):
    """PACS with balanced classes: beta G / (G - 1) (R - p) / (4 p (1 - p))."""
    p = r.mean()
    return centred(r) / (4 * p * (1 - p)) * len(r) / (len(r) - 1)


def target(r, beta=0.25):
    """GDC where the prior is the policy: P / q - Z pi / q."""
    weight = (r / beta).exp()
    return weight - weight.mean()


def conditional_target(r, beta=0.25):
    weight = (r / beta).exp()
    return weight / weight.mean() - 1.0


def gae(gamma, lam):
    """Generalised advantages of two tokens, the reward on the second."""

    def of(r):
        last = r - VALUES[1]
        first = gamma * VALUES[1] - VALUES[0] + gamma * lam * last
        return torch.stack([first, last], -1)

    return of


def above_value(less=0.0):
    def of(r):
        advantage = torch.stack([r - value for value in VALUES], -1).clamp(min=0.0)
        return torch.where(advantage > 0, advantage - less, 0.0)

    return of


COEFFICIENTS = {
    "grpo": ({"kl_beta": 0.0}, rows(standardised)),
    "dr-grpo": ({}, rows(centred)),
    "dapo": ({"overlong_buffer": 0.0}, rows(standardised)),
    "gencls": ({}, rows(standardised)),
    "cls-rl": ({"kl_beta": 0.0}, rows(lambda r: centred(r) / (r.std() + 1e-4))),
    "no-thinking-cls-rl": ({"kl_beta": 0.0}, rows(lambda r: centred(r) / (r.std() + 1e-4))),
    "gentle-polish": ({"kl_beta": 0.0}, rows(lambda r: centred(r) / (r.std() + 1e-4))),
    "aggressive": ({}, rows(centred)),
    "gspo": ({}, rows(standardised)),
    "cispo": ({}, rows(standardised)),
    "rloo": ({}, rows(leave_one_out)),
    "aepo": ({}, rows(leave_one_out)),
    "reinforce++": ({}, lambda r: whitened(rows(torch.clone)(r))),
    "reinforce++-baseline": ({}, lambda r: whitened(rows(centred)(r))),
    "lite-ppo": ({}, rows(standardised)),
    "psr": ({}, rows(lambda r: r)),
    "nsr": ({}, rows(lambda r: r - 1.0)),
    "w-reinforce": ({}, rows(lambda r: 0.1 * r - (1.0 - r))),
    "reinforce": ({}, rows(lambda r: 2.0 * r - 1.0)),
    "rover": ({"rho": 0.5}, rows(lambda r: 2.0 * 0.5 * centred(r))),
    "siren": ({}, rows(centred)),
    "pacs": ({}, rows(balanced)),
    "nft": ({}, rows(centred)),
    "rft": ({}, rows(lambda r: r)),
    "copg": ({}, rows(leave_one_out)),  # (R - R') for a pair, the mean over the others' for a group
    "ipo": ({}, rows(best_and_worst)),
    "a-lol": ({}, above_value()),
    "a-lol-seq": ({}, above_value()),
    "a-lol-ref-free": ({}, above_value()),
    "a-lol-kl": ({"kl_beta": 0.05}, above_value(0.05)),
    "nll": ({}, rows(torch.ones_like)),
    "wbc": ({}, rows(lambda r: r)),
    "r-lol": ({}, rows(lambda r: r)),
    "r-gold": ({}, rows(lambda r: r * math.exp(-1.0))),  # every token has probability exp(-1) here
    "gdc": ({}, rows(target)),
    "cdpg": ({}, rows(conditional_target)),
    "kl-rl": ({}, rows(leave_one_out)),
    "kf-grpo": ({"kl_beta": 0.0, "advantage": "dr_grpo"}, rows(lambda r: 1.3 * centred(r))),  # the poorer view is wrong
    "t-grpo": ({"kl_beta": 0.0}, rows(lambda r: centred(1.3 * r) / ((1.3 * r).std() + 1e-4))),
    # On L3, half of the thought that pays: .1 + acc (1 + .2 / 2).
    "auto-think": ({"kl_beta": 0.0, "advantage": "dr_grpo"}, rows(lambda r: 1.1 * centred(r))),
    "rlcr": ({}, rows(lambda r: 0.8 * centred(r))),  # at a confidence of .8: .5 ok + .5 (1 - (.8 - ok)^2)
    "ppo": ({"normalise": "none", "gamma": 0.9, "lam": 0.8}, gae(0.9, 0.8)),
    "nlpo": ({"normalise": "none", "gamma": 0.9, "lam": 0.8}, gae(0.9, 0.8)),
    "prorl": ({}, rows(standardised)),
    "prorl-v2": ({}, lambda r: whitened(rows(centred)(r))),
    "brorl": ({}, lambda r: whitened(rows(centred)(r))),
    "remix": ({"kl_beta": 0.0}, rows(standardised)),
    "remix-grpo": ({"kl_beta": 0.0}, rows(standardised)),
    "remix-ppo": ({"kl_beta": 0.0, "gamma": 0.9, "lam": 0.8}, lambda r: whitened(gae(0.9, 0.8)(r))),
    "rorecomp": ({"base": "dr-grpo"}, rows(centred)),
}
NO_CLOSED_FORM: dict[str, str] = {}
"""Recipes without a line above, and why there can be none."""

VARIANTS = [
    ("nft", {"prompt_weight": "sqrt-odds"}, rows(lambda r: centred(r) / (r.mean() * (1 - r.mean())).sqrt())),
    ("w-reinforce", {"lambda_pos": 0.4}, rows(lambda r: 0.4 * r - (1.0 - r))),
    ("rover", {"scale": "std"}, rows(lambda r: 2.0 * standardised(r))),
    ("rover", {"level": "response"}, rows(lambda r: 2.0 * centred(r) / LENGTH)),
    ("copg", {"pairing": "all", "beta": 0.5}, rows(leave_one_out)),
    ("ipo", {"pairing": "all"}, rows(signs)),
    ("pacs", {"beta": 2.0}, rows(lambda r: 2.0 * balanced(r))),
    ("gdc", {"beta": 1.0}, rows(lambda r: target(r, 1.0))),
]


def batch_of(right, objective):
    """One group; the policy of now is the one that sampled, and the starting one too."""
    shape, size = (len(right), LENGTH), len(right)
    logp = torch.full(shape, -1.0)
    batch = TrajectoryBatch.of(
        right,
        length=LENGTH,
        correct=right,
        rollout_logp=logp,
        old_logp=logp,
        behaviour_logp=logp,
        values=VALUES.expand(shape).clone(),
        end_value=torch.zeros(size),
        policy_version=torch.zeros(size, dtype=torch.int64),
        reward_parts={
            "confidence": torch.full((size,), 0.8),
            "format": torch.ones(size),
            "contrast": torch.zeros(size),
            "level": torch.full((size,), 3.0),
            "think_tokens": torch.full((size,), 128.0),
        },
        anchor_logp=dict.fromkeys(objective.anchors, logp),
    )
    return replace(batch, old_aux={readout.name: torch.zeros(shape) for readout in objective.old_needs})


def coefficients(objective, right):
    """-dL / dlog pi of each token, divided by what its loss weighs in the aggregate; float64 [B, T]."""
    batch = batch_of(right, objective)
    objective = objective.at(1)
    objective, _ = objective.seen(batch)
    advantage = objective.in_minibatch(batch, objective.prepare(batch))
    totals = objective.totals(batch, advantage)
    logp = batch.old_logp.clone().requires_grad_()
    read = {readout.name: torch.zeros_like(logp) for readout in objective.needs}
    loss, _ = objective.loss(PolicyOutputs(logp, read), batch, advantage, totals)
    (grad,) = torch.autograd.grad(loss, logp)
    if objective.surrogate.level == "group":
        return -grad.double() * totals.groups
    if objective.surrogate.level == "sequence":
        return -grad.double() * totals.sequences
    weigh = torch.zeros_like(logp, requires_grad=True)
    kept = aggregate(weigh, objective.keep(batch, advantage), totals, objective.aggregation)
    (weight,) = torch.autograd.grad(kept, weigh)
    return torch.where(weight > 0, -grad.double() / weight.double(), 0.0)


GROUPS = {"1 of 4": [1.0, 0, 0, 0], "2 of 8": [1.0, 1, 0, 0, 0, 0, 0, 0]}
CASES = [(name, *line) for name, line in COEFFICIENTS.items()] + VARIANTS


@pytest.mark.parametrize("right", GROUPS.values(), ids=GROUPS)
@pytest.mark.parametrize(("name", "constants", "wanted"), CASES, ids=[f"{n} {c or ''}".strip() for n, c, _ in CASES])
def test_first_step(name, constants, wanted, right):
    given = torch.tensor(right)
    found = coefficients(get_recipe(name, constants).objective(LENGTH), given)
    paper = wanted(given.double())
    assert paper.abs().max() > 0.01
    assert torch.allclose(found, paper, rtol=1e-6, atol=1e-6), (found - paper).abs().max()


def test_every_recipe_has_its_line():
    ours = {name for name in recipe_names() if type(get_recipe(name)).__module__.startswith("assay.training.recipes.")}
    assert ours - COEFFICIENTS.keys() - NO_CLOSED_FORM.keys() == set(), "say what its first step is"
    assert (COEFFICIENTS.keys() | NO_CLOSED_FORM.keys()) - ours == set()
    assert not COEFFICIENTS.keys() & NO_CLOSED_FORM.keys()
