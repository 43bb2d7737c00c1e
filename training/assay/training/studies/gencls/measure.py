"""One trained model under every inference strategy, on development and on test texts; what is measured is kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from assay.training.config import TrainConfig
from assay.training.studies.gencls.data import write_text
from assay.training.studies.gencls.strategy import Strategy

FILE = "inference.json"
SPLITS = ("dev", "test")
Measured = dict[str, dict[str, Any]]
"""``STRATEGY|SPLIT`` -> numbers."""


def key(strategy: Strategy, split: str) -> str:
    """Where the numbers of a strategy on a split stand."""
    return f"{strategy.name}|{split}"


def read_measured(folder: Path, tasks: int) -> Measured:
    """What was measured of a run on so many tasks a split."""
    path = folder / FILE
    found: Measured = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {name: values for name, values in found.items() if values["asked"] == tasks}


def measure(
    config: TrainConfig,
    model_folder: Path,
    strategies: Sequence[Strategy],
    tasks: int,
    on_done: Callable[[int], None] = lambda done: None,
) -> Measured:
    """Measure what is missing.

    Args:
        config: of the run; its environment, data, device and answer length are used.
        model_folder: what it left.
        strategies: of inference.
        tasks: held-out texts of each split; 0: all.
        on_done: called with 1 after each measurement.
    """
    folder = Path(config.out)
    found = read_measured(folder, tasks)
    missing = [(each, split) for each in strategies for split in SPLITS if key(each, split) not in found]
    if not missing:
        return found
    from assay.agents.engines import make_engine
    from assay.training.assemble import load_policy

    if config.threads:
        import torch

        torch.set_num_threads(config.threads)
    model, tokenizer = load_policy(replace(config, model=replace(config.model, name=str(model_folder))))
    policy = make_engine(config.model.engine, model, tokenizer)
    for strategy, split in missing:
        found[key(strategy, split)] = {"asked": tasks} | _one(config, policy, tokenizer, strategy, split, tasks)
        write_text(folder / FILE, json.dumps(found))
        on_done(1)
    return found


def _one(
    config: TrainConfig, policy: Any, tokenizer: Any, strategy: Strategy, split: str, count: int
) -> dict[str, Any]:
    from assay.agents.chat import Chat
    from assay.agents.engines.contexts import context_limit
    from assay.agents.policy import Sampling
    from assay.agents.scaffolds import make_scaffold
    from assay.envs.registry import env_class
    from assay.training.curriculum import held_out
    from assay.training.deciding import deciding
    from assay.training.evaluate import evaluate
    from assay.training.rollout import Collector

    env, options = env_class(config.env), {**config.env_options, **strategy.options, "split": split}
    known = env(**options).tasks
    tasks = held_out(known, count)
    decided = deciding(policy, strategy.decoding, config.eval.score_end, "chat", tasks)
    with Collector(
        lambda: env(tasks=known, **options), decided.policy, context=decided.context,
        scaffold=make_scaffold("chat", Chat(tokenizer), lenient=True),
        sampling=Sampling(config.rollout.max_tokens, 0.0, stop=config.rollout.stop),
        max_context=context_limit(policy.model), concurrency=config.rollout.concurrency,
    ) as collector:  # fmt: skip
        found = evaluate(collector, tasks)
    scores = [rollout.episode.score for rollout in found.rollouts]
    doubts = [float(score.parts.get("uncertain", 0.0)) > 0 if score else False for score in scores]
    right = [bool(score and score.correct) for score in scores]
    return {
        "n": found.n, "accuracy": found.accuracy, "macro_f1": found.macro_f1, "parsed": found.parsed,
        "tokens": _read(found.rollouts), "written": found.tokens, "uncertain": sum(doubts) / len(doubts),
        "accuracy_certain": _share([r for r, d in zip(right, doubts, strict=True) if not d]),
        "accuracy_uncertain": _share([r for r, d in zip(right, doubts, strict=True) if d]),
    }  # fmt: skip


def _read(rollouts: Sequence[Any]) -> float:
    """Tokens of prompt and answer, mean over texts."""
    lengths = [sum(len(segment.ids) for branch in rollout.branches for segment in branch.segments)
               for rollout in rollouts]  # fmt: skip
    return sum(lengths) / len(lengths)


def _share(values: Sequence[bool]) -> float | None:
    return sum(values) / len(values) if values else None
