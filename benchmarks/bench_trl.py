"""Training throughput beside TRL's GRPOTrainer: same model, prompts, group size and completion budget, one process.

    python benchmarks/bench_trl.py [--steps 4] [--rounds 3] [--prompt-tokens 300] [--model smollm2-135m]

Each round runs every contestant for ``steps`` optimiser steps, in turn, so that a change in the machine's load hits all
of them. A step samples 2 prompts x 8 completions of up to 16 tokens and makes one update. Rewards are drawn from a hash
of the completion, so that every group carries gradient and nobody can skip rows; one more contestant, marked, is given
rewards of which half of the groups are unanimous, where skipping is exact. Prompts share no prefix unless marked
"shared instruction".

Reports samples per second, the ratio to TRL, and the peak memory of a child process that ran one contestant alone.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import random
import resource
import statistics
import time
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

PROMPTS, GROUP, ANSWER = 2, 8, 16
SHARED = ", shared instruction"


def prompts(count: int, tokens: int, tokenizer: Any, shared: bool, seed: int = 0) -> list[str]:
    """User messages of about ``tokens`` tokens of real text (the standard library's documentation)."""
    import pydoc_data.topics

    words = " ".join(pydoc_data.topics.topics.values()).split()
    rng = random.Random(seed)
    head_tokens = tokens - 24 if shared else 0

    def text(size: int, start: int) -> str:
        ids = tokenizer(" ".join(words[start : start + 2 * size]), add_special_tokens=False)["input_ids"][:size]
        return tokenizer.decode(ids)

    head = text(head_tokens, 1000) + "\n" if shared else ""
    return [head + text(tokens - head_tokens, rng.randrange(len(words) - 2 * tokens)) for _ in range(count)]


def reward_of(completion: tuple[int, ...], prompt: str, dead_share: float = 0.0) -> float:
    """A pseudo-random reward; for ``dead_share`` of the prompts it is the same for all completions."""
    if zlib.crc32(prompt.encode()) / 2**32 < dead_share:
        return 0.0
    return float(zlib.crc32(repr(completion).encode()) % 2)


def trl_steps(model: Any, tokenizer: Any, texts: list[str], steps: int) -> list[float]:
    """Seconds of each of TRL's steps."""
    import tempfile

    import datasets
    import transformers
    from trl import GRPOConfig, GRPOTrainer

    class Clock(transformers.TrainerCallback):
        def __init__(self) -> None:
            self.ends: list[float] = []

        def on_step_begin(self, *_: Any, **__: Any) -> None:
            if not self.ends:
                self.ends.append(self.started)

        def on_step_end(self, *_: Any, **__: Any) -> None:
            self.ends.append(time.perf_counter())

        started = 0.0

    def reward(prompts: list[Any], completion_ids: list[list[int]], **_: Any) -> list[float]:
        return [reward_of(tuple(ids), p[0]["content"]) for p, ids in zip(prompts, completion_ids, strict=True)]

    clock = Clock()
    with tempfile.TemporaryDirectory() as out:
        config = GRPOConfig(
            output_dir=out, use_cpu=True, bf16=False, gradient_checkpointing=False, report_to="none",
            save_strategy="no",
            per_device_train_batch_size=PROMPTS * GROUP, num_generations=GROUP, max_completion_length=ANSWER,
            max_steps=steps, learning_rate=1e-6, beta=0.0, temperature=1.0, logging_steps=10**6, disable_tqdm=True,
            loss_type="dr_grpo", scale_rewards="none",
        )  # fmt: skip
        data = datasets.Dataset.from_list([{"prompt": [{"role": "user", "content": text}]} for text in texts])
        trainer = GRPOTrainer(model=model, reward_funcs=reward, args=config, train_dataset=data,
                              processing_class=tokenizer, callbacks=[clock])  # fmt: skip
        clock.started = time.perf_counter()
        trainer.train()
    return [b - a for a, b in zip(clock.ends[:-1], clock.ends[1:], strict=True)]


def our_steps(
    model: Any, tokenizer: Any, texts: list[str], steps: int, *, share: bool = True, dead_share: float = 0.0
) -> list[float]:
    """Seconds of each of our steps: sampling through the environment loop, scoring, one update."""
    from assay.agents.chat import Chat
    from assay.agents.engines import make_engine
    from assay.agents.policy import Sampling
    from assay.envs.base import TaskEnv
    from assay.envs.tasks import Task, TaskSet, content_id
    from assay.training.batch import make_batch
    from assay.training.config import OptimConfig
    from assay.training.curriculum import TaskStream
    from assay.training.experience import gather
    from assay.training.forward import Scorer
    from assay.training.objectives.schedule import RolloutPlan
    from assay.training.precision import Weights
    from assay.training.recipes import get_recipe
    from assay.training.rollout import Collector
    from assay.training.update import Updater, make_optimizer
    from assay.verifiers.score import Score

    class Echo(TaskEnv):
        @classmethod
        def score(cls, actions: Any, truth: Any) -> Score:
            return Score(reward_of(tuple(actions[-1].encode()), truth["prompt"], dead_share))

    tasks = TaskSet(
        Task(content_id(t, i), [{"role": "user", "content": t}], {"prompt": t}) for i, t in enumerate(texts)
    )
    config = OptimConfig(lr=1e-6, share_prefix=share)
    recipe = get_recipe("dr-grpo")
    weights = Weights(model)
    scorer = Scorer(model, share_prefix=share, budget=config.token_budget)
    updater = Updater(scorer, recipe.objective(ANSWER), weights, make_optimizer(weights, config), config, {},
                      recipe.schedule())  # fmt: skip
    engine = make_engine("hf", model, tokenizer) if share else plain_engine(model, tokenizer)
    stream, seconds = TaskStream(tasks, 0), []
    with Collector(lambda: Echo(tasks=tasks), engine, Chat(tokenizer), sampling=Sampling(ANSWER)) as collector:
        for step in range(steps):
            began = time.perf_counter()
            found = gather(
                collector, stream, recipe.schedule(), RolloutPlan(PROMPTS, GROUP, 1.0), Sampling(ANSWER), seed=0
            )
            updater(make_batch(found.kept, step), config.lr)
            seconds.append(time.perf_counter() - began)
    return seconds


def plain_engine(model: Any, tokenizer: Any) -> Any:
    """transformers' own generate behind our seam: every completion prefills its own prompt."""
    import torch

    from assay.agents.policy import Completion

    class Plain:
        def __init__(self) -> None:
            self.tokenizer = tokenizer

        def generate(self, requests: Any) -> list[Completion]:
            width = max(len(r.ids) for r in requests)
            pad = tokenizer.pad_token_id
            ids = torch.tensor([[pad] * (width - len(r.ids)) + list(r.ids) for r in requests])
            mask = torch.tensor([[0] * (width - len(r.ids)) + [1] * len(r.ids) for r in requests])
            with torch.no_grad():
                out = model.generate(input_ids=ids, attention_mask=mask, do_sample=True, max_new_tokens=ANSWER,
                                     top_k=0, top_p=1.0, pad_token_id=pad, output_logits=True,
                                     return_dict_in_generate=True)  # fmt: skip
            found = []
            logp = torch.stack(out.logits, 1).log_softmax(-1)
            for row, scores in zip(out.sequences[:, width:].tolist(), logp, strict=True):
                end = row.index(tokenizer.eos_token_id) + 1 if tokenizer.eos_token_id in row else len(row)
                values = tuple(float(scores[i, token]) for i, token in enumerate(row[:end]))
                text = tokenizer.decode(row[:end], skip_special_tokens=True)
                found.append(Completion(text, tuple(row[:end]), values, "stop" if end < len(row) else "length"))
            return found

    return Plain()


def contestants(tokens: int, tokenizer: Any, steps: int) -> dict[str, tuple[Callable[..., list[float]], list[str]]]:
    """Who runs, each with its prompts."""
    own = prompts(PROMPTS * steps, tokens, tokenizer, shared=False)
    common = prompts(PROMPTS * steps, tokens, tokenizer, shared=True)

    def unshared(*args: Any) -> list[float]:
        return our_steps(*args, share=False)

    def skipping(*args: Any) -> list[float]:
        return our_steps(*args, dead_share=0.5)

    return {
        "TRL": (trl_steps, own),
        "Assay": (our_steps, own),
        "Assay, no shared prefix": (unshared, own),
        "Assay, half of the groups unanimous": (skipping, own),
        f"TRL{SHARED}": (trl_steps, common),
        f"Assay{SHARED}": (our_steps, common),
    }


def alone(name: str, args: argparse.Namespace, queue: Any) -> None:
    """Run one contestant in this fresh process and report its peak memory in MB."""
    import torch

    from assay.agents.models import load_model

    torch.set_num_threads(args.threads)
    model, tokenizer = load_model(args.model)
    run, texts = contestants(args.prompt_tokens, tokenizer, 2)[name]
    run(model, tokenizer, texts, 2)
    queue.put(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=4, help="optimiser steps of a contestant in a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--prompt-tokens", type=int, default=300)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--no-memory", action="store_true", help="skip the runs that measure memory")
    args = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    memory: dict[str, float] = {}
    if not args.no_memory:
        for name in ("TRL", "Assay"):
            queue = context.Queue()
            child = context.Process(target=alone, args=(name, args, queue))
            child.start()
            memory[name] = queue.get()
            child.join()
    import torch

    from assay.agents.models import load_model

    torch.set_num_threads(args.threads)
    model, tokenizer = load_model(args.model)
    field = contestants(args.prompt_tokens, tokenizer, args.steps)
    start = {name: value.clone() for name, value in model.state_dict().items()}
    seconds: dict[str, list[float]] = {name: [] for name in field}
    for number in range(args.rounds):
        for name, (run, texts) in field.items():
            model.load_state_dict(start)
            model.train()
            torch.manual_seed(number)
            took = run(model, tokenizer, texts, args.steps)
            seconds[name] += took[1:] if len(took) > 1 else took  # the first step allocates
            gc.collect()
            print(json.dumps({"round": number, "who": name, "s/step": [round(t, 2) for t in took],
                              "load": round(os.getloadavg()[0], 2)}), flush=True)  # fmt: skip
    report(seconds, memory, field["Assay"][1], tokenizer, args.threads)


def report(
    seconds: dict[str, list[float]], memory: dict[str, float], texts: list[str], tokenizer: Any, threads: int
) -> None:
    """Print the table; each row is compared with TRL on the same prompts."""
    samples = PROMPTS * GROUP
    length = np.mean([len(tokenizer(text)["input_ids"]) for text in texts])
    print(f"\n{samples} samples a step, prompts of {length:.0f} tokens, answers of up to {ANSWER}, {threads} threads\n")
    print("| who | s a step (median) | samples/s | over TRL | peak MB alone |\n| --- | --- | --- | --- | --- |")
    for name, values in seconds.items():
        middle = statistics.median(values)
        peer = statistics.median(seconds[f"TRL{SHARED}" if name.endswith(SHARED) else "TRL"])
        peak = f"{memory[name]:.0f}" if name in memory else ""
        print(f"| {name} | {middle:.2f} | {samples / middle:.2f} | {peer / middle:.2f} | {peak} |")


if __name__ == "__main__":
    main()
