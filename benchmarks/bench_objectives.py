"""The objective's share of a training step, for every recipe.

    python benchmarks/bench_objectives.py [--out docs/results/objective_cost.md] [--model smollm2-135m]

A step is one update on 64 responses of 512 sampled tokens each, 8 to a task: forward and backward pass of the policy
micro-batch by micro-batch, AdamW, and the objective, which is everything that reads rewards and log-probabilities:
advantages, what is measured of the batch, totals, losses, and their gradient down to log-probabilities and readouts.
The policy's passes are the same for every recipe and are timed without any; the objective is timed on leaves, in the
micro-batches of the real trainer. Medians of processor time over repeats, so that other work on the machine does not
count; all numbers are random.

Stated apart, because they are forward passes or matrix products of the policy: readouts of the logits that a recipe
wants beside log-probability and entropy (forward, and backward where they carry gradient), and the passes of frozen
policies, of the policy itself before the update, and of a critic.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from assay.training.batch import Batch
from assay.training.forward import Row, Scorer
from assay.training.logprobs import read_out
from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.objectives.objective import Objective, pairs
from assay.training.objectives.types import Readout, TeachesCritic
from assay.training.recipes import get_recipe, recipe_names

ROWS, LENGTH, GROUP, PROMPT = 64, 512, 8, 16
SHAPES = {
    "small": {"vocab_size": 4096, "hidden_size": 192, "intermediate_size": 512, "num_hidden_layers": 4,
              "num_attention_heads": 6, "num_key_value_heads": 2},
    "smollm2-135m": {"vocab_size": 49152, "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30,
                     "num_attention_heads": 9, "num_key_value_heads": 3},
}  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """Seconds a step of one recipe.

    Attributes:
        objective: the objective itself.
        readouts: reading the logits for more than log-probability and entropy.
        passes: what else runs a model, in words.
    """

    objective: float
    readouts: float
    passes: str


def median_seconds(work: Callable[[], Any], repeats: int) -> float:
    """Median processor time, after one run that is not counted."""
    times = []
    for _ in range(repeats + 1):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return statistics.median(times[1:])


def make_batch(vocabulary: int) -> Batch:
    """Rows of random tokens, with everything that any recipe asks of a batch."""
    g, rng = torch.Generator().manual_seed(0), np.random.default_rng(0)
    logp = -torch.rand(ROWS, LENGTH, generator=g) * 2
    correct = (torch.rand(ROWS, generator=g) < 0.4).float()
    rows = [
        Row(rng.integers(3, vocabulary, PROMPT + LENGTH).astype(np.int64), PROMPT, np.ones(LENGTH, bool))
        for _ in range(ROWS)
    ]
    group = torch.arange(ROWS) // GROUP
    data = TrajectoryBatch.of(
        correct,
        group.tolist(),
        LENGTH,
        correct=correct,
        rollout_logp=logp,
        old_logp=logp + 0.01 * torch.randn(ROWS, LENGTH, generator=g),
        behaviour_logp=logp,
        values=torch.rand(ROWS, LENGTH, generator=g),
        end_value=torch.zeros(ROWS),
        policy_version=torch.zeros(ROWS, dtype=torch.int64),
        reward_parts={"confidence": torch.rand(ROWS, generator=g), "format": torch.ones(ROWS)},
    )
    return Batch(rows, data)


def model_seconds(model: Any, batch: Batch, budget: int, micros: int, repeats: int) -> float:
    """A step without an objective: forward, backward and AdamW, scaled up from some of the micro-batches."""
    scorer = Scorer(model, share_prefix=False, budget=budget)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    plan = scorer.plan(batch.rows)
    chosen = plan[: micros or len(plan)]

    def passes() -> None:
        for micro in chosen:
            out = scorer([batch.rows[i] for i in micro.rows], micro.tries, LENGTH)
            out.logp.mean().backward()

    def update() -> None:
        optimizer.step()

    return median_seconds(passes, repeats) * len(plan) / len(chosen) + median_seconds(update, repeats)


def plan_of(objective: Objective, budget: int) -> list[torch.Tensor]:
    """Rows of the micro-batches that the trainer would make: as many as fit, or whole groups."""
    width = max(1, budget // (PROMPT + LENGTH))
    unit = GROUP if objective.needs_whole_groups else 1
    width = max(unit, width // unit * unit)
    return list(torch.arange(ROWS).split(width))


def objective_seconds(
    objective: Objective, given: TrajectoryBatch, indices: list[torch.Tensor], repeats: int
) -> tuple[float, set[str]]:
    """Everything that the objective does in a step; and the readouts that its gradient reaches."""
    g = torch.Generator().manual_seed(1)
    noise = {name: torch.rand(ROWS, LENGTH, generator=g) for name in ("logp", "entropy", *map(_name, objective.needs))}
    batch = replace(
        given,
        anchor_logp=dict.fromkeys(objective.anchors, given.rollout_logp),
        old_aux={readout.name: noise[readout.name] for readout in objective.old_needs},
    )

    reached: set[str] = set()

    def policy(index: torch.Tensor) -> PolicyOutputs:
        leaves = {name: values[index].clone().requires_grad_() for name, values in noise.items()}
        return PolicyOutputs(-leaves.pop("logp"), leaves)

    def step() -> None:
        current, _ = objective.at(1).seen(batch)
        advantage = current.prepare(batch)
        current.batch_metrics(batch, advantage)
        if isinstance(current.advantage, TeachesCritic):
            current.returns(batch)
        advantage = current.in_minibatch(batch, advantage)
        totals = current.totals(batch, advantage)
        current.inert(batch, advantage)
        if objective.batch_terms:
            pools = sum(current.pools(policy(index).detach(), batch.rows(index), advantage[index]) for index in indices)
            totals, current = replace(totals, pools=pairs(pools)), current.anchored(pairs(pools))
        for index in indices:
            out = policy(index)
            loss, _ = current.loss(out, batch.rows(index), advantage[index], totals)
            if loss.requires_grad:
                loss.backward()
            reached.update(name for name, values in out.aux.items() if values.grad is not None)

    return median_seconds(step, repeats), reached


def _name(readout: Readout) -> str:
    return readout.name


def readout_seconds(objective: Objective, reached: set[str], model: Any, repeats: int) -> float:
    """Reading the logits of every sampled token once more, and backward where needed, scaled up from 1024 positions."""
    positions, head = 1024, model.get_output_embeddings().weight
    states = torch.randn(positions, head.shape[1], generator=torch.Generator().manual_seed(2))
    spread = float((states[:64] @ head.detach().T).std())
    states = (states * 4.5 / spread).requires_grad_()  # 1 to 2 nats a token, as a language model has

    def read(readout: Readout) -> None:
        other = (states.detach(), head.detach()) if readout.against is not None else None
        values = read_out(readout, states, head, 0.0, other)
        if readout.name in reached:
            values.sum().backward()

    wanted = [readout for readout in objective.needs if readout.name != "entropy"]
    once = sum(median_seconds(partial(read, readout), repeats) for readout in wanted)
    return once * ROWS * LENGTH / positions


def passes_of(objective: Objective, critic: bool) -> str:
    """What else runs a model, in words."""
    frozen = sorted(objective.companions)
    parts = [f"frozen: {', '.join(frozen)}"] if frozen else []
    parts += ["critic"] if critic else []
    parts += ["policy, before each update"] if objective.batch_terms else []
    return "; ".join(parts) or "-"


def cost_of(name: str, model: Any, batch: Batch, budget: int, repeats: int) -> Cost:
    """What one recipe costs."""
    recipe = get_recipe(name)
    objective = recipe.objective(LENGTH)
    seconds, reached = objective_seconds(objective, batch.data, plan_of(objective, budget), repeats)
    readouts = readout_seconds(objective, reached, model, min(repeats, 3))
    return Cost(seconds, readouts, passes_of(objective, recipe.critic() is not None))


def table(step: float, costs: dict[str, Cost], shape: str, parameters: int, threads: int, budget: int) -> str:
    """The page."""
    worst = max(costs, key=lambda name: costs[name].objective)
    lines = [
        f"`python benchmarks/bench_objectives.py --model {shape}`: {ROWS} responses of {LENGTH} tokens, "
        f"{GROUP} to a task, a Llama of {parameters / 1e6:.1f} million parameters (`{shape}`, random weights), "
        f"{threads} thread(s), micro-batches of {budget} tokens. "
        f"Forward, backward and AdamW take {step:.1f} s of processor time a step. The objective takes at most "
        f"**{100 * share(costs[worst], step):.2f} %** of a step ({worst}).",
        "",
        "| recipe | objective, ms | share of the step | readouts of the logits, % of the step | other passes |",
        "| --- | ---: | ---: | ---: | --- |",
    ]
    for name, cost in costs.items():
        read = f"{100 * cost.readouts / step:.1f}" if cost.readouts else "-"
        lines.append(
            f"| {name} | {1000 * cost.objective:.0f} | {100 * share(cost, step):.2f} % | {read} | {cost.passes} |"
        )
    return "\n".join(lines) + "\n"


def share(cost: Cost, step: float) -> float:
    """The objective's part of forward, backward, optimiser and objective."""
    return cost.objective / (step + cost.objective)


def main() -> None:
    """Command line."""
    from transformers import LlamaConfig, LlamaForCausalLM

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", nargs="+", help="names; all by default")
    parser.add_argument("--model", choices=sorted(SHAPES), default="small", help="shape of the policy")
    parser.add_argument("--micro-batches", type=int, default=0, help="of a step that are timed and scaled up; 0: all")
    parser.add_argument("--budget", type=int, default=4224, help="padded tokens of a micro-batch")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--limit", type=float, default=3.0, help="share in percent above which the exit status is 1")
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    parser.add_argument("--append", action="store_true", help="add the table to the file instead of replacing it")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    shape = SHAPES[args.model]
    model = LlamaForCausalLM(LlamaConfig(**shape, tie_word_embeddings=True, max_position_embeddings=2048))
    batch = make_batch(shape["vocab_size"])
    step = model_seconds(model, batch, args.budget, args.micro_batches, max(1, min(args.repeats, 3)))
    print(f"the policy alone: {step:.2f} s a step", file=sys.stderr)
    costs = {}
    for name in args.recipes or recipe_names():
        costs[name] = cost_of(name, model, batch, args.budget, args.repeats)
        print(f"{name}: {1000 * costs[name].objective:.1f} ms", file=sys.stderr)
    parameters = sum(p.numel() for p in model.parameters())
    text = table(step, costs, args.model, parameters, args.threads, args.budget)
    print(text)
    if args.out:
        before = args.out.read_text(encoding="utf-8") if args.append else "# What an objective costs\n"
        args.out.write_text(f"{before}\n{text}", encoding="utf-8")
    over = [name for name, cost in costs.items() if 100 * share(cost, step) > args.limit]
    if over:
        raise SystemExit(f"above {args.limit:g} % of a step: {', '.join(over)}")


if __name__ == "__main__":
    main()
