"""The loop: tasks -> rollouts -> scores -> advantages -> objective -> step -> (log, evaluate, checkpoint).

It names no method, no environment and no model. Everything random is a hash of the seed and a position, so a checkpoint
is weights, moments and a few counters, and a resumed run repeats the unbroken one.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from assay.agents.rollout import Rollout
from assay.training import checkpoint, sft
from assay.training.assemble import Parts, assemble, facts_of, resolved
from assay.training.calibration import layout_kept
from assay.training.companion import STATE as COMPANION
from assay.training.companion import Worth, by_rollout
from assay.training.config import SFTConfig, TrainConfig
from assay.training.configfile import write_config
from assay.training.curriculum import held_out
from assay.training.display import Display
from assay.training.evaluate import Evaluation, evaluate, trivial_baselines
from assay.training.feeds import make_feed
from assay.training.frozen import STATE
from assay.training.guards import Best, Guarded, Passes
from assay.training.logs import MetricsLog
from assay.training.memory_io import memory_tensors
from assay.training.mixture import blended
from assay.training.monitors import Monitors
from assay.training.objectives.anchors import Anchors, Refresh
from assay.training.objectives.schedule import RolloutPlan
from assay.training.preflight import suited
from assay.training.rollout_episode import derive_seed
from assay.training.rundir import continuation, drop_episodes_after, run_dir
from assay.training.stored import write_episodes
from assay.training.update import learning_rate
from assay.training.value.critic import ValueCritic

READABLE = 0.5
"""Share of readable answers below which an untrained model is warmed up unless told otherwise."""


@dataclass(frozen=True)
class RunResult:
    """How a run ended.

    Attributes:
        run_dir: where everything is.
        before: the untrained model on the held-out tasks (None in a resumed run).
        after: the last evaluation.
        stopped: why it ended early, or None.
    """

    run_dir: Path
    before: Evaluation | None
    after: Evaluation | None
    stopped: str | None


def train(config: TrainConfig, display: Display | None = None) -> RunResult:
    """Train a policy.

    Args:
        config: what to do; ``config.resume`` continues the run in ``config.out``.
        display: shows progress; default: one on standard output.

    Raises:
        UserError, ValueError, ModelError: one line that says what to do.
    """
    config = suited(config)
    folder, saved = run_dir(config), continuation(config)
    shown = display or Display(config.steps, f"{config.env} · {config.recipe} · {config.model.name} -> {folder}")
    with shown:
        shown.note("loading tasks and model")
        torch.manual_seed(config.seed)  # initialises what is added to a model; everything else has its own generator
        parts = assemble(config, saved, shown)
        folder.mkdir(parents=True, exist_ok=True)
        with MetricsLog(folder, config, None if saved is None else checkpoint.read_state(saved)["step"]) as log:
            recipe, env = resolved(parts)
            write_config(folder, config, recipe=recipe, env=env)
            return Run(config, folder, parts, log, shown, saved).play()


class Run:
    """One run and its position in it."""

    def __init__(
        self, config: TrainConfig, folder: Path, parts: Parts, log: MetricsLog, display: Display, saved: Path | None
    ) -> None:
        self.config, self.dir, self.parts, self.log, self.display = config, folder, parts, log, display
        self.monitors = Monitors(config.monitor)
        self.feed = make_feed(parts, config, folder, parts.logged)
        self.steps = config.steps
        self.held_out = held_out(parts.test, config.eval.tasks)
        self.step, self.version = 0, 0
        self.best, self.waited = -1.0, 0
        self.before: Evaluation | None = None
        self.after: Evaluation | None = None
        self.measured = -1
        self.anchors: Anchors = parts.recipe.anchors()
        self.guarded = Guarded(parts.recipe.guards(), Best(folder / "checkpoints", parts.weights))
        self.resumed = saved is not None
        if saved is not None:
            state = checkpoint.read_state(saved)
            self.step, self.version = state["step"], state["version"]
            self.best, self.waited, self.measured = state["best"], state["waited"], state["measured"]
            self.feed.position = state["position"]
            self.monitors.load_state_dict(state["monitors"])
            self.anchors = self.anchors.restored(state["anchors"])
            if self.guarded.rules:
                self.guarded.restore(state["guards"])
        drop_episodes_after(folder, self.step)
        parts.frozen.prune(folder / "checkpoints")  # what a killed run wrote ahead of a checkpoint

    def play(self) -> RunResult:
        """Everything from the first evaluation to the report."""
        config, stopped = self.config, self.guarded.tripped
        with self.parts.collector(config) as collector, self.parts.judge(config) as judge:
            if self.resumed:
                self.display.note(f"continuing after step {self.step}")
            else:
                self._begin(judge)
            self.feed.prepare(collector, self.display.phase, self.display.note, self.step > 0)
            self.steps = self.feed.steps(config.steps)
            self.display.expect(self.steps)
            while self.step < self.steps and stopped is None:
                stopped = self._one_step(collector)
                if config.eval.every and self.step % config.eval.every == 0:
                    stalled = self._evaluate(judge)
                    stopped = stopped if self.step == self.steps else stalled or stopped
                    self._refresh_after_evaluation()
                if stopped is None and config.save_every and self.step % config.save_every == 0:
                    self._save()
            if self.measured != self.step:
                self._evaluate(judge)
            stopped = self.guarded.tripped or stopped
            self._save()
        if stopped:
            self.display.note(f"stopped: {stopped}", style="yellow")
        if config.log.report:
            from assay.training.report import write_report

            self.display.note(f"report: {write_report(self.dir)}")
        return RunResult(self.dir, self.before, self.after, stopped)

    def _begin(self, judge: Any) -> None:
        """Baselines, the untrained model, the warm-up."""
        parts = self.parts
        known = parts.train
        if self.config.eval_options:  # training answers in the form that held-out tasks ask for
            options = {**parts.test_options, "split": parts.env_options.get("split", "train")}
            known = parts.env(**options).tasks
        trivial = trivial_baselines(parts.env, known, self.held_out, **parts.test_options)
        for name, found in trivial.items():
            self.log.write("baseline", 0, name=name, **found.to_metrics())
            self.display.evaluation({"name": name, **found.to_metrics()})
        self.before = self._judge(judge, "untrained")
        self.log.write("baseline", 0, name="untrained", **self.before.to_metrics())
        self.guarded.check(self.before)
        chosen = self._warm_up_for(self.before)
        found = self.before
        if chosen.epochs:
            self.display.evaluation({"name": "untrained", **self.before.to_metrics()})
            found = self._warm_up(chosen, judge) or self._judge(judge, "000000")
        self._measured(found)
        self.guarded.look(0, found, parts.recipe.merit(found))
        parts.frozen.begin(parts.updater.objective.companions)
        if parts.critic is not None:
            parts.updater.critic = ValueCritic(parts.scorer, parts.critic)
        self._refresh_after_evaluation()
        self._save()

    def _warm_up_for(self, untrained: Evaluation) -> SFTConfig:
        """The warm-up: what was asked for, or a short one by itself where little that the model says can be read."""
        asked = self.config.sft
        if asked.epochs >= 0:
            return asked
        readable = min(untrained.parsed, layout_kept(untrained.rollouts, self.parts.scaffold))
        if readable >= READABLE or self.parts.env.gold(self.parts.train[0]) is None:
            return replace(asked, epochs=0)
        chosen = replace(asked, epochs=4, examples=asked.examples or 64)
        self.display.note(
            f"{100 * readable:.0f} % of what the untrained model says can be read, so that there is next to no "
            f"reward to learn from: warming up on {chosen.examples} gold answers (--sft.epochs 0 goes without)"
        )
        return chosen

    def _warm_up(self, config: SFTConfig, judge: Any) -> Evaluation | None:
        """Imitate; with ``config.keep`` best, the evaluation of the weights that were kept."""
        parts = self.parts
        passes = Passes(self.dir / "warm-up", parts.weights, parts.recipe) if config.keep == "best" else None
        tasks = sft.choose(parts.train, config, self.config.seed)
        env = parts.env(tasks=parts.train, **parts.env_options)
        rows = sft.demonstrations(env, tasks, parts.chat, parts.scaffold)
        steps = config.epochs * -(-len(rows) // config.batch_size)
        with self.display.phase("warm-up", steps) as phase:

            def on_step(step: int, steps: int, loss: float) -> None:
                more = {}
                if passes is not None and step * config.epochs % steps == 0:
                    name = f"pass{step * config.epochs // steps}"
                    more = passes.offer(self._judge(judge, name))
                self.log.write("sft", 0, sft_step=step, sft_steps=steps, loss=loss, **more)
                phase.advance()

            sft.warm_up(parts.scorer, parts.weights, parts.updater.optimizer, rows, config, self.config.seed, on_step)
        parts.updater.optimizer.state.clear()  # moments of imitation say nothing about reward
        return None if passes is None else passes.put_back()

    def _one_step(self, collector: Any) -> str | None:
        """Sample, learn, log; returns why to stop, if there is a reason."""
        config, began = self.config, time.perf_counter()
        plan = self.parts.schedule.plan(
            self.step, RolloutPlan(config.rollout.groups, config.rollout.group_size, config.rollout.temperature)
        )
        collector.policy = self.parts.sampler(plan.sampler, config.model.engine)
        with self.display.phase("sampling", plan.rollouts) as phase:
            experience = self.feed.gather(collector, plan, self.step, lambda _: phase.advance())
        metrics = self.feed.describe(experience)
        lr = learning_rate(config.optim, self.step, self.steps) * plan.lr_scale
        learn_from = time.perf_counter()
        before = self.parts.frozen.snapshot() if self.anchors.looks_back else None
        worth: list[Worth] = []
        if any(rollout.episode.outcome.learnable for rollout in experience.kept):
            batch = self.feed.batch(experience, self.version)
            if plan.sampler != "policy":
                batch.data.behaviour_logp, batch.data.rollout_logp = batch.data.rollout_logp, None
            metrics = self.parts.updater(batch, lr, self.step, derive_seed(config.seed, "compose", self.step)) | metrics
            worth = by_rollout(experience.kept, batch.data, self.parts.updater.advantage)
            self.version += 1
        if self.parts.companion is not None:
            metrics |= self.parts.companion.learn(worth, self.parts.train)
        self.step += 1
        total = time.perf_counter() - began
        metrics |= {
            "lr": lr,
            "seconds_rollout": experience.seconds,
            "seconds_train": time.perf_counter() - learn_from,
            "samples_per_s": len(experience.sampled) / total,
            "tokens_per_s": metrics["tokens"] / total,
        }
        if not experience.logged:
            self._store("train", experience.sampled)
        if experience.contrast:
            self._store("contrast", experience.contrast)
        self.log.write("train", self.step, **metrics)
        self.display.step(self.step, metrics)
        self.anchors, wanted = self.anchors.after_step(self.step, metrics)
        self._refresh(wanted, before)
        return self._watch(metrics)

    def _refresh_after_evaluation(self) -> None:
        assert self.after is not None
        self.anchors, wanted = self.anchors.after_evaluation(self.step, blended(self.after.accuracy, self.after.by))
        self._refresh(wanted)

    def _refresh(self, wanted: Refresh | None, before: dict[str, Tensor] | None = None) -> None:
        """Do what the recipe's rule asks for, between two steps."""
        frozen = self.parts.frozen
        names = wanted.names & frozen.scorers.keys() if wanted is not None else frozenset()
        if wanted is None or not names:
            return
        lagging = names & wanted.lagging if before is not None else frozenset()
        frozen.refresh(names - lagging, self.step)
        frozen.refresh(lagging, self.step - 1, before)
        if wanted.clear_moments:
            self.parts.updater.optimizer.state.clear()
        if wanted.reason:
            self.log.write("refresh", self.step, names=sorted(names), clear_moments=wanted.clear_moments,
                           reason=wanted.reason)  # fmt: skip
            self.display.note(f"step {self.step}: {', '.join(sorted(names))} replaced by the policy: {wanted.reason}")

    def _watch(self, metrics: dict[str, float]) -> str | None:
        for alert in self.monitors.check(self.step, metrics):
            self.log.write("alert", self.step, name=alert.name, value=alert.value, limit=alert.limit,
                           message=alert.message)  # fmt: skip
            self.display.note(f"step {self.step}: {alert.name} {alert.value:.3g}: {alert.message}", style="yellow")
            if self.monitors.stop:
                return f"{alert.name} passed its limit"
        return None

    def _evaluate(self, judge: Any) -> str | None:
        """Measure the held-out accuracy; returns why to stop, if it has not improved for long enough.

        Where a guard trips, the best weights are put back and measured: the run ends with them.
        """
        stalled = self._measured(self._judge(judge, f"{self.step:06d}"))
        assert self.after is not None
        tripped = self.guarded.look(self.step, self.after, self.parts.recipe.merit(self.after))
        if tripped is None:
            return stalled
        best = self.guarded.best.put_back()
        self.parts.updater.optimizer.state.clear()  # moments of weights that are gone
        message = f"{tripped}: the weights of step {best} were put back"
        self.log.write("alert", self.step, name="guard", restored=best, message=message)
        self.display.note(f"step {self.step}: {message}", style="yellow")
        self._measured(self._judge(judge, f"{self.step:06d}"), restored=best)
        return tripped

    def _measured(self, found: Evaluation, **more: Any) -> str | None:
        self.after, self.measured = found, self.step
        self.log.write("eval", self.step, split=self.config.eval.split, **found.to_metrics(), **more)
        self.display.evaluation({"step": self.step, "split": self.config.eval.split, **found.to_metrics()})
        if found.accuracy > self.best:
            self.best, self.waited = found.accuracy, 0
            return None
        self.waited += 1
        patience = self.config.eval.patience
        return f"no better accuracy in {patience} evaluations" if patience and self.waited >= patience else None

    def _judge(self, judge: Any, name: str) -> Evaluation:
        config = self.config.eval
        with self.display.phase("evaluating", len(self.held_out) * config.samples) as phase:
            found = evaluate(judge, self.held_out, samples=config.samples, seed=0, on_done=lambda _: phase.advance())
        if self.config.log.episodes:
            write_episodes(self.dir / "episodes" / f"eval-{name}.jsonl", [r.episode for r in found.rollouts])
        return found

    def _store(self, kind: str, rollouts: Sequence[Rollout]) -> None:
        if self.config.log.episodes:
            path = self.dir / "episodes" / f"{kind}-{self.step:06d}.jsonl"
            write_episodes(path, [rollout.episode for rollout in rollouts])

    def _save(self) -> None:
        folder = self.dir / "checkpoints"
        saved = checkpoint.latest(folder)
        known = {} if saved is None else checkpoint.read_state(saved)
        if known.get("step") == self.step and known.get("guards") == self.guarded.state():
            return
        state = {
            "version": self.version,
            "position": self.feed.position,
            "best": self.best,
            "waited": self.waited,
            "measured": self.measured,
            "monitors": self.monitors.state_dict(),
            "objective": self.parts.updater.objective.state(),
            "anchors": self.anchors.state(),
            "guards": self.guarded.state(),
            "facts": facts_of(self.parts, self.config),
            STATE: self.parts.frozen.origin,
        }
        parts = self.parts
        critic = parts.updater.critic
        extra = {
            "memory": memory_tensors(parts.updater.memory),
            "critic": {} if critic is None else critic.tensors(),
            COMPANION: {} if parts.companion is None else parts.companion.tensors(),
        }
        parts.frozen.keep(self.step)
        self.feed.save()
        checkpoint.write(folder, self.step, parts.model, parts.tokenizer, parts.weights, parts.updater.optimizer, state,
                         self.config.keep, extra)  # fmt: skip
        parts.frozen.prune(folder)
        self.guarded.best.prune()
