"""From windows to goals: windows are opened once to read the state they start in, and goals are drawn from it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import count
from typing import Any

from assay.envs.candidates import seeded
from assay.envs.gui_agent.goals import APPS, MAKERS
from assay.envs.gui_agent.goals.parts import Goal
from assay.envs.gui_agent.options import Options
from assay.envs.gui_agent.prompt import render_prompt
from assay.envs.gui_agent.session import Session, View
from assay.envs.gui_agent.states import solved
from assay.envs.gui_grounding.options import Options as GroundingOptions
from assay.envs.gui_grounding.protocol import Protocol, protocol_of
from assay.envs.gui_grounding.qt.worker import shared_worker
from assay.envs.tasks import Task, TaskSet, content_id, split_of

_PER_WINDOW = 4
"""Goals drawn from one window."""
_MOST_WINDOWS = 20_000


def build_tasks(options: Options) -> TaskSet:
    """The goals of a split. Windows are opened in the worker that all screenshots of this process share.

    Raises:
        ValueError: one line, for names that are none, or a split that stays empty.
        ImportError: one line, if PySide6 is missing.
        InfraError: if the worker dies.
    """
    return _build(options)


@lru_cache(maxsize=16)
def _build(options: Options) -> TaskSet:
    kinds = _kinds(options)
    protocol = protocol_of_agent(options)
    per_app: dict[str, list[str]] = {}
    for kind in kinds:
        per_app.setdefault(kind.partition(".")[0], []).append(kind)
    if not shares_allow(options):
        raise ValueError(f"the {options.split} split is empty: check test_share and dev_share")
    session = Session(worker=shared_worker())
    found: dict[str, Task] = {}
    made = dict.fromkeys(kinds, 0)
    seeds = {app: _seeds(options, app) for app in per_app}
    for _ in range(_MOST_WINDOWS):
        if len(found) >= options.count:
            return TaskSet(list(found.values())[: options.count])
        app = min(per_app, key=lambda each: sum(made[kind] for kind in per_app[each]))
        rarest = sorted(per_app[app], key=lambda kind: made[kind])
        _draw(options, protocol, session, app, next(seeds[app]), rarest, made, found)
    raise ValueError(f"only {len(found)} goals could be drawn: give a smaller count")


def _seeds(options: Options, app: str) -> Iterator[int]:
    """The windows of an application that are in the split."""
    for number in count():
        if split_of(window_key(app, options.seed, number), options.test_share, options.dev_share) == options.split:
            yield number


def _draw(
    options: Options, protocol: Protocol, session: Session, app: str, seed: int, kinds: list[str],
    made: dict[str, int], found: dict[str, Task],
) -> None:  # fmt: skip
    """Add a few goals of one window to ``found``, the rarest kinds first."""
    window = {"kind": app, "seed": seeded("gui-agent", options.seed, app, seed).getrandbits(32), "hard": False}
    view = session.open(window, picture=False)
    drawn = 0
    for kind in kinds:
        goal = MAKERS[kind](view.state, seeded("gui-agent-goal", kind, window["seed"]))
        if goal is None or solved(goal.to_dict(), view.state, view.state):
            continue
        task = task_of(options, protocol, kind, window, view, goal)
        found[task.id] = task
        made[kind] += 1
        drawn += 1
        if drawn == _PER_WINDOW:
            return


def task_of(options: Options, protocol: Protocol, kind: str, window: dict[str, Any], view: View, goal: Goal) -> Task:
    """The task of a goal in a window; the truth holds the goal and its script, the meta data what may be shown."""
    prompt = render_prompt(goal.text, view.size, protocol, options.finish, options.max_turns)
    truth = {
        "goal": {"conditions": goal.conditions, "free": goal.free}, "script": goal.script, "finish": options.finish,
    }  # fmt: skip
    meta = {
        "split": options.split, "source": "qt", "app": window["kind"], "goal": kind, "window": window,
        "steps": len(goal.script), "size": list(view.size), "shown": list(protocol.shown(view.size)),
        "scale": list(protocol.scale(view.size)), "protocol": protocol.to_dict(),
    }  # fmt: skip
    return Task(content_id("gui-agent", window, goal.text, goal.conditions), prompt, truth, meta)


def window_key(app: str, seed: int, number: int) -> str:
    """What decides the split of a window."""
    return f"gui-agent/{app}/{seed}/{number}"


def protocol_of_agent(options: Options) -> Protocol:
    """The pinned object of the model family, as in gui-grounding-v0.

    Raises:
        ValueError: one line, where the options contradict each other.
    """
    shared = {name: getattr(options, name) for name in ("family", "coord", "max_image_tokens", "max_side", "think")}
    return protocol_of(GroundingOptions(source="qt", multi_answer=False, system_prompt=options.system_prompt, **shared))


def shares_allow(options: Options) -> bool:
    """Whether a split has any windows."""
    shares = {"test": options.test_share, "dev": options.dev_share}
    shares["train"] = 1.0 - sum(shares.values())
    return shares[options.split] > 0.0


def _kinds(options: Options) -> list[str]:
    for name, given, known in (("apps", options.apps, APPS), ("goals", options.goals, tuple(MAKERS))):
        strange = [each for each in given if each not in known]
        if strange:
            raise ValueError(f"option {name!r} has no {strange[0]!r}; there are: {', '.join(known)}")
    kinds = [
        kind
        for kind in MAKERS
        if (not options.apps or kind.partition(".")[0] in options.apps) and (not options.goals or kind in options.goals)
    ]
    if not kinds:
        raise ValueError("no kind of goal is both in apps and in goals")
    return kinds
