"""What is measured of a policy: strict and lenient accuracy on held-out images, by part."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.training.studies.cls_rl.runs import Job


def env_of(job: Job, split: str) -> Any:
    """The environment of a run's split."""
    from assay.envs.registry import env_class

    return env_class(job.config.env)(**job.config.env_options, split=split)


def measure_model(job: Job, name: str) -> dict[str, Any]:
    """:func:`measured` of a stored model."""
    from dataclasses import replace

    import torch

    from assay.training.assemble import load_policy

    torch.set_num_threads(1)
    model, processor = load_policy(replace(job.config, model=replace(job.config.model, name=name)))
    return measured(job, env_of(job, "test"), model, processor)


def measured(job: Job, test: Any, model: Any, processor: Any) -> dict[str, Any]:
    """Strict and lenient accuracy, greedy, by part (``all``, or ``base``, ``new``, ``H``), and seconds an image."""
    began = time.perf_counter()
    found = _played(job, test, model, processor)
    seconds = (time.perf_counter() - began) / len(found.rollouts)
    table = test.tables(test.options, _tasks(job, test), [[r.episode.score] for r in found.rollouts])[0]
    parts = {str(part): {"strict": strict, "lenient": lenient, "n": n} for part, strict, lenient, n in table.rows}
    return {"parts": parts, "inference": seconds, "length": found.tokens, "parsed": found.parsed}


def held_out_accuracy(job: Job, test: Any, model: Any, processor: Any) -> float:
    """Strict accuracy over all held-out images of the run."""
    return float(_played(job, test, model, processor).accuracy)


def majority(job: Job) -> dict[str, Any]:
    """What always answering the most frequent training class scores, by part."""
    test, train = env_of(job, "test"), env_of(job, "train")
    answer = train.trivial(train.tasks)["majority"]
    tasks = _tasks(job, test)
    table = test.tables(test.options, tasks, [[test.score([answer], task.truth)] for task in tasks])[0]
    return {str(part): {"strict": strict, "lenient": lenient, "n": n} for part, strict, lenient, n in table.rows}


def _tasks(job: Job, test: Any) -> list[Any]:
    from assay.training.curriculum import held_out

    return held_out(test.tasks, job.plan.tasks)


def _played(job: Job, test: Any, model: Any, processor: Any) -> Any:
    from assay.agents.chat import Chat
    from assay.agents.engines import make_engine
    from assay.agents.policy import Sampling
    from assay.agents.scaffolds import make_scaffold
    from assay.training.evaluate import evaluate
    from assay.training.rollout import Collector
    from assay.training.studies.cls_rl.runs import TOKENS

    env = type(test)
    with Collector(
        lambda: env(tasks=test.tasks, **job.config.env_options),
        make_engine("hf", model, processor),
        scaffold=make_scaffold("chat", Chat(processor), lenient=True),
        sampling=Sampling(TOKENS[job.arm], 0.0),
    ) as collector:
        return evaluate(collector, _tasks(job, test))
