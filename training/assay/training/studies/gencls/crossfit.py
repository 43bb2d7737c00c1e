"""Which training rows a naive model doubts, by cross-fitting: five folds, each judged by a model that never saw it.

A row is uncertain where the held-out prediction is wrong, or where the two likeliest labels are less than a margin
apart. The definition is ours: the paper (arXiv:2504.19898) names the dimension and not how it is made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from assay.training.config import TrainConfig

FOLDS, MARGIN = 5, 0.1


@dataclass(frozen=True)
class Doubt:
    """A held-out prediction.

    Attributes:
        task_id: the row's task.
        predicted: the likeliest label.
        right: whether it is the row's.
        margin: probability of the likeliest label less that of the next, among the labels, in [0, 1].
    """

    task_id: str
    predicted: str
    right: bool
    margin: float

    def uncertain(self, margin: float = MARGIN) -> bool:
        """Wrong, or too close to call."""
        return not self.right or self.margin < margin


def folds(labels: Sequence[str], count: int, seed: int) -> list[list[int]]:
    """Indices cut into ``count`` parts of equal size, give or take one, each label spread over them evenly.

    Raises:
        ValueError: if there are fewer than two parts or rows than parts.
    """
    if not 2 <= count <= len(labels):
        raise ValueError(f"folds must be from 2 to {len(labels)}, the number of rows; got {count}")
    order = sorted((int(i) for i in np.random.default_rng([seed, 6]).permutation(len(labels))), key=labels.__getitem__)
    return [sorted(order[start::count]) for start in range(count)]


def top_two(shares: Sequence[float]) -> tuple[int, float]:
    """The index of the greatest share (the first of equals), and by how much it leads the next."""
    best = max(range(len(shares)), key=lambda i: (shares[i], -i))
    others = [share for i, share in enumerate(shares) if i != best]
    return best, shares[best] - max(others, default=0.0)


def cross_fit(
    config: TrainConfig, count: int = FOLDS, on_step: Callable[[int], None] = lambda done: None
) -> list[Doubt]:
    """Train on all folds but one, judge that one; for each.

    Args:
        config: the naive recipe: environment with its data, model, ``sft``, seed.
        count: folds.
        on_step: called with 1 after each optimiser step and each judged row.
    """
    from assay.envs.registry import env_class

    options = {**config.env_options, "uncertainty": "off", "split": "train"}
    env = env_class(config.env)(**options)
    labels = [str(task.truth["label"]) for task in env.tasks]
    found: dict[int, Doubt] = {}
    for held in folds(labels, count, config.seed):
        judged = set(held)
        model = _fitted(config, env, [task for i, task in enumerate(env.tasks) if i not in judged], on_step)
        for i in held:
            found[i] = _judged(env, env.tasks[i], model)
            on_step(1)
    return [found[i] for i in range(len(labels))]


def fit_steps(rows: int, count: int, epochs: int, batch_size: int) -> int:
    """How often ``on_step`` of :func:`cross_fit` is called."""
    sizes = [len(range(start, rows, count)) for start in range(count)]
    return rows + sum(epochs * -(-(rows - size) // batch_size) for size in sizes)


def _fitted(config: TrainConfig, env: Any, tasks: Sequence[Any], on_step: Callable[[int], None]) -> Any:
    from assay.agents.engines.hf import HFPolicy
    from assay.training import sft
    from assay.training.assemble import load_policy
    from assay.training.forward import Scorer
    from assay.training.precision import Weights
    from assay.training.update import make_optimizer

    if config.threads:
        import torch

        torch.set_num_threads(config.threads)
    model, tokenizer = load_policy(config)
    policy = HFPolicy(model, tokenizer)
    scorer = Scorer(model, share_prefix=policy.shares, budget=config.optim.token_budget)
    weights = Weights(model)
    assert policy.contexts.chat is not None, "a model that is trained on prompts has a chat template"
    rows = sft.demonstrations(env, tasks, policy.contexts.chat)
    sft.warm_up(scorer, weights, make_optimizer(weights, config.optim), rows, replace(config.sft, examples=0),
                config.seed, lambda step, steps, loss: on_step(1))  # fmt: skip
    return policy


def _judged(env: Any, task: Any, policy: Any) -> Doubt:
    from assay.agents.decoding.ppl import label_logprobs, shares

    chat, labels = policy.contexts.chat, list(task.truth["labels"])
    answers = [chat.answer(answer) for answer in type(env).answers(task) or ()]
    best, margin = top_two(shares(label_logprobs(policy, chat.open(task.prompt), answers)))
    return Doubt(task.id, labels[best], labels[best] == task.truth["label"], margin)
