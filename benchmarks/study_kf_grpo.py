"""Does paying for the order of frames teach it? kf-grpo against GRPO at equal samples, on a small video model.

    python benchmarks/study_kf_grpo.py [--seeds 0 1 2] [--steps 40] [--out runs/kf-grpo]
    python benchmarks/study_kf_grpo.py --small        (everything in a minute or two, to see that it works)

For each seed a vision-language model of 0.64 megaparameters imitates a few gold answers; every arm begins there.
Arms play the same number of episodes a step: GRPO learns from all of them, the others from two thirds, and play the
rest with the frames in random order. Every --every steps the held-out questions are answered greedily, with the frames
in order and shuffled. Runs that are there already are not run again, and a killed one resumes.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from study_kf_grpo_questions import questions

from assay.training import checkpoint
from assay.training.config import EvalConfig, LogConfig, ModelConfig, OptimConfig, RolloutConfig, SFTConfig, TrainConfig
from assay.training.display import Display
from assay.training.logs import read_metrics
from assay.training.stats import paired_difference, student_interval

ENV = "video_keyframes"
VIEWS = ("", "shuffled")
CHUNK = 8
"""Demonstrations between two looks at the start."""


@dataclass(frozen=True)
class Arm:
    """A method with its constants; ``learnt`` of ``played`` rollouts of a task are learnt from."""

    label: str
    recipe: str
    options: dict[str, Any] = field(default_factory=dict)
    learnt: int = 8


ARMS = {
    "grpo": Arm("GRPO, all 12 learnt from", "kf-grpo", {"alpha": 0.0, "beta": 0.0, "contrast_ratio": 0.0}, 12),
    "kf-grpo": Arm("kf-grpo, 8 + 4 shuffled", "kf-grpo"),
    "kf-grpo-off": Arm("the same with alpha 0", "kf-grpo", {"alpha": 0.0}),
    "kf-grpo-dr": Arm("kf-grpo, advantages not scaled", "kf-grpo", {"advantage": "dr_grpo"}),
}


def env_options(folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Of the environment: K frames that TAD picks among one a second."""
    return {"source": "files", "path": str(folder), "K": args.frames, "fps": 2.0, "times": False}


def small_model(seed: int) -> tuple[Any, Any]:
    """A vision-language model of 0.64 M parameters that sees an image of 32 x 32 as four tokens, and its processor."""
    from assay.agents.tiny_vlm import tiny_vlm

    return tiny_vlm(side=32, patch=8, shuffle=2, vision_hidden=64, vision_layers=2, hidden=96, layers=3, heads=4,
                    seed=seed)  # fmt: skip


def start(folder: Path, args: argparse.Namespace, seed: int) -> str:
    """The model that every arm of a seed begins with: it imitates gold answers until it is right more often than not.

    It stops once the mean probability of the right letter reaches ``--ready`` on 48 of the questions it learns from, so
    that the arms begin with something to build on and much to learn.
    """
    import numpy as np
    import torch

    from assay.agents.chat import Chat
    from assay.envs.registry import env_class
    from assay.training import sft
    from assay.training.forward import Scorer
    from assay.training.precision import Weights
    from assay.training.update import make_optimizer

    out = args.out / f"start-s{seed}"
    if (out / "model" / "config.json").exists():
        return str(out / "model")
    torch.set_num_threads(1)
    model, processor = small_model(seed)
    env, chat = env_class(ENV)(**env_options(folder, args)), Chat(processor)
    scorer, weights = Scorer(model, processor=chat.processor), Weights(model)
    optimizer = make_optimizer(weights, OptimConfig(lr=args.sft_lr))
    rows = sft.demonstrations(env, list(env.tasks), chat)
    order = np.random.default_rng(seed).permutation(len(rows))
    for chunk in range(args.sft_limit):
        part = [rows[int(order[i % len(rows)])] for i in range(chunk * CHUNK, (chunk + 1) * CHUNK)]
        config = SFTConfig(epochs=1, batch_size=8, lr=args.sft_lr)
        sft.warm_up(scorer, weights, optimizer, part, config, chunk, lambda *_: None)
        right = float(scorer.score(rows[:48], 3).logp[:, 0].exp().mean())
        if right >= args.ready:
            break
    print(f"start of seed {seed}: {(chunk + 1) * CHUNK} demonstrations, right letter at {right:.2f}", flush=True)
    partial = out / ".model"
    model.save_pretrained(partial)
    processor.save_pretrained(partial)
    os.replace(partial, out / "model")
    return str(out / "model")


def run(out: Path, model: str, folder: Path, args: argparse.Namespace, seed: int, arm: Arm) -> None:
    """One run, continued where it stopped."""
    from assay.training.trainer import train

    config = TrainConfig(
        env=ENV, env_options=env_options(folder, args), recipe=arm.recipe,
        recipe_options={"kl_beta": args.kl, **arm.options}, out=str(out), steps=args.steps, seed=seed, threads=1,
        resume=(out / "config.yaml").exists(), save_every=args.every, keep=10_000,
        model=ModelConfig(name=model, device="cpu", dtype="float32"),
        rollout=RolloutConfig(groups=args.groups, group_size=arm.learnt, max_tokens=3),
        optim=OptimConfig(lr=args.lr), sft=SFTConfig(epochs=0),
        eval=EvalConfig(every=0, tasks=8), log=LogConfig(report=False),
    )  # fmt: skip
    train(config, Display(args.steps, str(out)))


def measure(folder: Path, made: Path, args: argparse.Namespace) -> dict[str, float]:
    """Greedy accuracy on the held-out questions with the frames in order and shuffled; kept beside the checkpoint."""
    from assay.training.assemble import assemble
    from assay.training.rollout import RolloutSpec, derive_seed

    kept = made / "views.json"
    if kept.exists():
        return dict(json.loads(kept.read_text(encoding="utf-8")))
    config = TrainConfig(
        env=ENV, env_options=env_options(folder, args), recipe="dr-grpo", out=str(made / "unused"), threads=1,
        model=ModelConfig(name=str(made), device="cpu", dtype="float32"),
        rollout=RolloutConfig(groups=2, group_size=2, max_tokens=3), optim=OptimConfig(share_prefix=False),
    )  # fmt: skip
    parts = assemble(config)
    found: dict[str, float] = {}
    with parts.judge(config) as judge:
        for view in VIEWS:
            specs = [
                RolloutSpec(task, group, 0, derive_seed("study", task.id, again), view)
                for again in range(2 if view else 1)
                for group, task in enumerate(parts.test)
            ]
            scores = [rollout.episode.score for rollout in judge.collect(specs).rollouts]
            found[view or "ordered"] = sum(bool(score and score.correct) for score in scores) / len(scores)
    partial = kept.with_suffix(".tmp")
    partial.write_text(json.dumps(found), encoding="utf-8")
    os.replace(partial, kept)
    return found


def curve(folder: Path, begin: str, out: Path, args: argparse.Namespace) -> list[dict[str, float]]:
    """What was measured at the start and at every checkpoint of a run."""
    rows = [{"step": 0.0, **measure(folder, Path(begin), args)}]
    for step in range(args.every, args.steps + 1, args.every):
        rows.append({"step": float(step), **measure(folder, out / "checkpoints" / f"step-{step:06d}", args)})
    return rows


def gaps(curves: list[list[dict[str, float]]], place: int, name: str = "gap") -> list[float]:
    """A number of every seed at one point of the curves: ``ordered``, ``shuffled``, or their difference."""
    at = [rows[place] for rows in curves]
    return [row["ordered"] - row["shuffled"] if name == "gap" else row[name] for row in at]


def table(curves: dict[str, list[list[dict[str, float]]]], paid: dict[str, float]) -> str:
    """The results as markdown."""
    lines = [
        "| arm | ordered | shuffled | gap | 95 % interval (Student t) | gap by seed | gap at the start | groups paid |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, rows in curves.items():
        last = gaps(rows, -1)
        spread = "" if len(last) < 2 else "{0.low:+.3f} to {0.high:+.3f}".format(student_interval(last))
        ordered, shuffled = (statistics.mean(gaps(rows, -1, view)) for view in ("ordered", "shuffled"))
        share = "" if paid[name] != paid[name] else f"{100 * paid[name]:.0f} %"
        lines.append(
            f"| {ARMS[name].label} | {ordered:.3f} | {shuffled:.3f} | {statistics.mean(last):+.3f} | {spread} | "
            f"{', '.join(f'{gap:+.3f}' for gap in last)} | {statistics.mean(gaps(rows, 0)):+.3f} | {share} |"
        )
    lines.append("")
    for one, other in (("kf-grpo", "grpo"), ("kf-grpo", "kf-grpo-off"), ("kf-grpo-dr", "grpo")):
        if one in curves and other in curves and len(curves[one]) > 1:
            gain = paired_difference(gaps(curves[one], -1), gaps(curves[other], -1))
            lines.append(
                f"- gap of {one} over {other}, paired by seed: {gain.mean:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"
            )
    return "\n".join([*lines, ""])


def figure(curves: dict[str, list[list[dict[str, float]]]], path: Path) -> None:
    """Gap and ordered accuracy against steps: mean of the seeds and Student's interval."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    fig, panels = plt.subplots(1, 2, figsize=(10, 4), constrained_layout=True)
    for panel, name, title in zip(
        panels, ("gap", "ordered"), ("ordered minus shuffled", "ordered frames"), strict=True
    ):
        for label, rows in curves.items():
            steps = [row["step"] for row in rows[0]]
            values = [gaps(rows, place, name) for place in range(len(steps))]
            (line,) = panel.plot(
                steps, [statistics.mean(each) for each in values], marker="o", ms=3, label=ARMS[label].label
            )
            if len(rows) > 1:
                spread = [student_interval(each) for each in values]
                panel.fill_between(
                    steps, [i.low for i in spread], [i.high for i in spread], alpha=0.12, color=line.get_color()
                )
        panel.set(
            title=f"held-out accuracy, {title}",
            xlabel="step",
            ylim=(-0.25 if name == "gap" else 0.35, 1.02 if name == "ordered" else 0.75),
        )
        panel.grid(alpha=0.3)
    panels[0].legend(fontsize=8)
    fig.savefig(path, dpi=110)


def paid_share(outs: list[Path]) -> float:
    """Mean of ``contrast/paid`` over the steps of runs; NaN where nothing was compared."""
    values = [line["contrast/paid"] for out in outs for line in read_metrics(out, "train") if "contrast/paid" in line]
    return statistics.mean(value for value in values if value is not None) if values else float("nan")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--arms", nargs="+", choices=list(ARMS), default=list(ARMS))
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--every", type=int, default=8, help="steps between measurements")
    parser.add_argument("--groups", type=int, default=6, help="questions a step")
    parser.add_argument("--frames", type=int, default=6, help="K")
    parser.add_argument("--train", type=int, default=160, help="training questions")
    parser.add_argument("--test", type=int, default=80, help="held-out questions")
    parser.add_argument("--lr", type=float, default=2e-4)
    parser.add_argument("--kl", type=float, default=0.04, help="weight of the divergence from the start")
    parser.add_argument("--ready", type=float, default=0.55, help="probability of the right letter that the start has")
    parser.add_argument("--sft-limit", type=int, default=400, help="most steps of 8 demonstrations that it imitates")
    parser.add_argument("--sft-lr", type=float, default=5e-4)
    parser.add_argument("--jobs", type=int, default=1, choices=[1], help="runs at once; each keeps one core busy")
    parser.add_argument("--small", action="store_true", help="two arms, one seed, a few steps")
    parser.add_argument("--out", type=Path, default=Path("runs/kf-grpo"), help="run directories, table and figure")
    args = parser.parse_args()
    if args.small:
        args.seeds, args.arms, args.steps, args.every = [0], ["grpo", "kf-grpo"], 4, 2
        args.train, args.test, args.sft_limit = 24, 12, 4
    return args


def main() -> None:
    args = arguments()
    began = time.process_time()
    folder = questions((args.out / "questions").resolve(), args.train, args.test)
    curves: dict[str, list[list[dict[str, float]]]] = {arm: [] for arm in args.arms}
    for seed in args.seeds:
        begin = start(folder, args, seed)
        for name in args.arms:
            out = args.out / f"{name}-s{seed}"
            if (
                checkpoint.latest(out / "checkpoints") is None
                or not (out / "checkpoints" / f"step-{args.steps:06d}").exists()
            ):
                run(out, begin, folder, args, seed, ARMS[name])
            curves[name].append(curve(folder, begin, out, args))
            print(name, seed, [f"{row['ordered']:.2f}/{row['shuffled']:.2f}" for row in curves[name][-1]], flush=True)
    paid = {name: paid_share([args.out / f"{name}-s{seed}" for seed in args.seeds]) for name in args.arms}
    text = table(curves, paid)
    (args.out / "video_learning.md").write_text(text, encoding="utf-8")
    figure(curves, args.out / "video_learning.png")
    print(text)
    print(f"{(time.process_time() - began) / 60:.1f} minutes of one core")


if __name__ == "__main__":
    main()
