"""CLS-RL: the digits of its rewards and advantages, its runs, and its miniature (answers against thoughts)."""

from __future__ import annotations

import pytest
import torch

from assay.training.flags import parse_train
from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.recipes import get_recipe
from assay.training.settings import configured
from assay.verifiers import score

GOLD = "golden retriever"
TRUTH = {"label": GOLD, "labels": [GOLD, "cat"]}


@pytest.mark.parametrize(
    ("mode", "response", "paid"),
    [
        ("think", f"<think>fur</think><answer>{GOLD}</answer>", 2.0),
        ("think", "<think>fur</think> <answer>Golden Retriever</answer>", 2.0),
        ("think", GOLD, 1.0),
        ("think", "<think>fur</think><answer>cat</answer>", 1.0),
        ("think", f"So: <think>fur</think><answer>{GOLD}</answer>", 1.0),
        ("think", "<think>fur</think><answer>golden\nretriever</answer>", 1.0),
        ("none", GOLD, 1.0),
        ("none", "Golden retriever", 0.0),
        ("none", f"{GOLD}.", 0.0),
        ("none", f"<think>fur</think>{GOLD}", 0.0),
        ("after", f"<answer>{GOLD}</answer><think>fur</think>", 2.0),
        ("adaptive", f"<answer>{GOLD}</answer>", 2.0),
        ("adaptive", f"<think>fur</think><answer>{GOLD}</answer>", 2.0),
    ],
)
def test_rewards_by_think_mode_as_the_official_code_pays(mode, response, paid):
    found = score("classify.label", response, TRUTH, think_mode=mode, parity=True)
    assert found.reward == paid
    if "\n" in response:  # the layout is right, and the answer over two lines is the whole output: not the label
        assert found.parts["format"] == 1.0
        assert found.parts["accuracy"] == 0.0


def test_lenient_counts_a_list_of_classes_and_strict_does_not():
    found = score("classify.label", "cat, dog, bird", {"label": "dog", "labels": ["cat", "dog", "bird"]})
    assert (found.parts["lenient"], found.correct) == (1.0, False)


@pytest.mark.parametrize(
    ("rewards", "expected"),
    [((2, 2, 1, 0), (0.7833, 0.7833, -0.2611, -1.3054)), ((1, 1, 1, 1), (0, 0, 0, 0)), ((0, 0, 0, 0), (0, 0, 0, 0))],
)
def test_advantages_of_the_paper(rewards, expected):
    objective = get_recipe("cls-rl", {"kl_beta": 0.0}).objective(4)
    logp = torch.full((4, 1), -1.0)
    batch = TrajectoryBatch.of(torch.tensor(rewards, dtype=torch.float32), length=1, rollout_logp=logp)
    assert objective.prepare(batch).flatten().tolist() == pytest.approx(expected, abs=5e-5)


def test_the_table_of_the_paper():
    few_shot = {
        62.21: (70.80, 88.56, 54.79, 45.68, 77.54, 64.43, 73.89, 35.77, 63.83, 66.22, 42.75),
        70.65: (41.60, 93.91, 71.34, 75.16, 75.75, 96.87, 85.80, 71.13, 41.66, 63.81, 60.15),
        81.25: (92.24, 98.09, 69.92, 49.46, 88.94, 86.56, 87.24, 80.24, 84.57, 82.10, 74.41),
        84.39: (92.31, 98.46, 73.52, 58.02, 90.78, 91.60, 86.13, 92.50, 86.72, 83.82, 74.41),
    }
    for mean, row in few_shot.items():
        assert sum(row) / len(row) == pytest.approx(mean, abs=0.006)


def test_the_settings_of_the_paper_stand_where_nobody_says_otherwise():
    think = configured({"env": "image_classification", "recipe": "cls-rl"})
    none = configured({"env": "image_classification", "recipe": "no-thinking-cls-rl"})
    for config in (think, none):
        assert (config.rollout.group_size, config.rollout.temperature, config.optim.lr) == (4, 1.0, 1e-6)
        assert (config.sft.epochs, config.env_options["shots"]) == (0, 4)
        recipe = get_recipe(config.recipe)
        assert (recipe.kl_beta, recipe.kl_estimator, recipe.advantage_eps) == (0.04, "k3", 1e-4)
    assert think.env_options["think_mode"] == "think"
    assert think.rollout.max_tokens == 1024
    assert none.env_options["think_mode"] == "none"
    told = parse_train(["--env", "image_classification", "--recipe", "cls-rl", "--env.think-mode", "after"])
    assert told.env_options["think_mode"] == "after"
    assert parse_train(["--env", "countdown", "--recipe", "cls-rl"]).env_options == {"think_mode": "think"}  # no shots


CONTEXTS, LABELS, THOUGHTS, GROUP, RATE = 8, 8, 8, 4, 0.5
MOST = 400


def steps_to_learn(thinks: bool, seed: int, aggregation: str = "seq-mean-token-mean") -> int:
    """Steps until 90 % of the probability is on the right label: softmax policies, the real objective, plain ascent."""
    constants = {"kl_beta": 0.0, "aggregation": aggregation}
    objective = get_recipe("cls-rl", constants).objective(2 if thinks else 1)
    draw = torch.Generator().manual_seed(seed)
    first = torch.zeros(CONTEXTS, THOUGHTS if thinks else LABELS, requires_grad=True)
    second = torch.zeros(CONTEXTS, THOUGHTS, LABELS, requires_grad=True)
    truth = torch.arange(CONTEXTS) % LABELS
    at = torch.arange(CONTEXTS).repeat_interleave(GROUP)
    for step in range(MOST):
        if right_share(first, second, truth, thinks) >= 0.9:
            return step
        token = torch.multinomial(first.detach().softmax(-1)[at], 1, generator=draw).squeeze(1)
        logp = first.log_softmax(-1)[at, token].unsqueeze(1)
        answer = token
        if thinks:
            given = second.detach().softmax(-1)[at, token]
            answer = torch.multinomial(given, 1, generator=draw).squeeze(1)
            logp = torch.stack([logp[:, 0], second.log_softmax(-1)[at, token, answer]], 1)
        rewards = (answer == truth[at]).float() + (1.0 if thinks else 0.0)  # the layout is always right
        batch = TrajectoryBatch.of(
            rewards, length=logp.shape[1], group=at.tolist(), rollout_logp=logp.detach(), old_logp=logp.detach()
        )
        advantage = objective.prepare(batch)
        totals = objective.totals(batch, advantage)
        loss, _ = objective.loss(PolicyOutputs(logp), batch, advantage, totals)
        for weights, slope in zip((first, second), torch.autograd.grad(loss, (first, second), allow_unused=True),
                                  strict=True):  # fmt: skip
            if slope is not None:
                weights.data -= RATE * CONTEXTS * slope  # each context is a problem of its own
    return MOST


@torch.no_grad()
def right_share(first, second, truth, thinks: bool) -> float:
    at = torch.arange(CONTEXTS)
    if not thinks:
        return float(first.softmax(-1)[at, truth].mean())
    return float((first.softmax(-1) * second.softmax(-1)[at, :, truth]).sum(-1).mean())


@pytest.mark.parametrize("aggregation", ["seq-mean-token-mean", "seq-mean-token-sum"])
def test_answers_are_learned_sooner_than_thoughts_and_answers(aggregation):
    seeds = range(6)
    direct = [steps_to_learn(False, seed, aggregation) for seed in seeds]
    thinking = [steps_to_learn(True, seed, aggregation) for seed in seeds]
    assert max(direct) < MOST, direct
    assert max(thinking) < MOST, thinking
    assert sum(thinking) / sum(direct) >= 2.0, (direct, thinking)
    assert min(thinking) > max(direct)
