"""``assay-episodes``: read stored episodes, play them again, score them again."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import IO, Any, NoReturn

from rich.console import Console
from rich.panel import Panel
from rich.progress import track
from rich.text import Text

from assay.envs.base import TaskEnv, text_of
from assay.envs.episode import Episode
from assay.envs.tasks import Task, TaskSet
from assay.training.configfile import CONFIG
from assay.training.errors import UserError
from assay.training.stored import environments, expand, extremes, read_episodes
from assay.verifiers.score import Score

_EPILOG = """examples:
  assay-episodes worst runs/mine -n 5
  assay-episodes show runs/mine/episodes/eval-000060.jsonl --task 3f2a
  assay-episodes replay runs/mine
  assay-episodes rescore runs/mine --verifier classify.label -o mode=contains --out again.jsonl
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message} ({self.prog} --help says how)")


def run(argv: list[str]) -> int:
    """Carry out one command line; the exit code (1 where a replay disagrees)."""
    arguments = _parser().parse_args(argv)
    code: int = arguments.run(arguments)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = _Parser("assay-episodes", description="Stored episodes: read them, play them again, score them again.",
                     epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    words = parser.add_subparsers(required=True, metavar="show|best|worst|replay|rescore", parser_class=_Parser)
    for name, about, action in (
        ("show", "print episodes in order", show),
        ("best", "print the highest rewards", best),
        ("worst", "print the lowest rewards", worst),
        ("replay", "carry out the stored actions again and compare the scores", replay_all),
        ("rescore", "score the stored responses again, also with another verifier", rescore_all),
    ):
        word = words.add_parser(name, help=about, description=about)
        word.add_argument("files", nargs="+", metavar="FILE", help="a .jsonl of episodes, or a run directory")
        word.set_defaults(run=action)
        if name in ("show", "best", "worst"):
            word.add_argument("-n", type=int, default=10, help="how many (10)")
            word.add_argument("--task", default="", help="only tasks whose id begins so")
        else:
            word.add_argument(
                "--out", default="", help="file for the episodes with their new scores; - is standard output"
            )
        if name == "rescore":
            word.add_argument("--verifier", default="", help="another verifier than the environment's own")
            word.add_argument("-o", "--option", action="append", default=[], metavar="NAME=VALUE",
                              help="an option of that verifier; may be given again")  # fmt: skip
    return parser


def _chosen(arguments: argparse.Namespace) -> Iterator[Episode]:
    for episode in read_episodes(expand(arguments.files)):
        if episode.task_id.startswith(arguments.task):
            yield episode


def show(arguments: argparse.Namespace) -> int:
    """Print the first episodes."""
    found = (episode for _, episode in zip(range(arguments.n), _chosen(arguments), strict=False))
    return _print(found)


def best(arguments: argparse.Namespace) -> int:
    """Print the episodes of highest reward."""
    return _print(extremes(_chosen(arguments), arguments.n)[0])


def worst(arguments: argparse.Namespace) -> int:
    """Print the episodes of lowest reward."""
    return _print(extremes(_chosen(arguments), arguments.n)[1])


def _print(episodes: Iterable[Episode]) -> int:
    console = Console()
    shown = 0
    for episode in episodes:
        console.print(panel(episode))
        shown += 1
    if not shown:
        raise UserError("no such episode among the files")
    return 0


def panel(episode: Episode) -> Panel:
    """An episode for a terminal: conversation, verdict, parts."""
    body = Text()
    for turn in episode.turns:
        for message in turn.messages:
            body.append(f"{message.get('role', '')}\n", style="dim")
            body.append(f"{visible(_words(message))}\n\n")
        body.append("response\n", style="dim")
        body.append(f"{visible(turn.action) or '(empty)'}\n\n", style="cyan")
    score = episode.score
    if score is None:
        body.append(f"{episode.outcome.value}: {visible(episode.error)}", style="yellow")
    else:
        parts = "".join(f", {name} {value:g}" for name, value in score.parts.items())
        good = score.correct if score.correct is not None else score.reward > 0
        body.append(f"reward {score.reward:g}{parts}", style="green" if good else "red")
        body.append(f"\n{visible(score.detail)}" if score.detail else "")
    return Panel(body, title=Text(f"{episode.env_id} {episode.task_id}"), title_align="left", border_style="dim")


def _words(message: dict[str, Any]) -> str:
    try:
        return text_of(message)
    except (KeyError, TypeError):
        return json.dumps(message, ensure_ascii=False, default=str)


def visible(text: str) -> str:
    """Text without control characters, so that a stored response cannot steer the terminal."""
    return "".join(c if c in "\n\t" or (ord(c) >= 32 and not 127 <= ord(c) < 160) else "�" for c in text)


def replay_all(arguments: argparse.Namespace) -> int:
    """Carry out the stored actions again; 1 where a score differs."""
    from assay.envs.replay import replay

    again: list[Episode] = []
    differing: list[str] = []
    for path in expand(arguments.files):
        for episode in _progress(list(read_episodes([path])), path.name):
            if episode.score is None:
                continue
            played = replay(episode, environment(path, episode))
            again.append(played)
            if not same(played.score, episode.score):
                differing.append(f"{path.name} task {episode.task_id}: {_reward(episode)} -> {_reward(played)}")
    if not again:
        raise UserError("none of these episodes was scored, so there is nothing to replay")
    _write(arguments.out, again)
    for line in differing[:20]:
        print(line, file=sys.stderr)
    print(f"{len(again)} episodes replayed, {len(again) - len(differing)} scores agree", file=sys.stderr)
    return 1 if differing else 0


def environment(path: Path, episode: Episode) -> TaskEnv:
    """An environment that knows the episode's task: the run's own where its configuration is at hand.

    Without one the task is rebuilt from the stored prompt and truth.

    Raises:
        UserError: if the episode was stored without its truth.
    """
    stored = path.parent.parent / CONFIG
    if stored.exists():
        for env in _environments(stored.parent):
            if episode.task_id in set(env.tasks.ids):
                return env
    if not episode.truth:
        raise UserError(f"{path}: the episode of task {episode.task_id} was stored without its truth")
    from assay.envs.registry import env_class

    task = Task(episode.task_id, list(episode.turns[0].messages), dict(episode.truth), dict(episode.meta))
    return env_class(episode.env_id)(tasks=TaskSet([task]))


_environments = cache(environments)


def rescore_all(arguments: argparse.Namespace) -> int:
    """Score the stored responses again."""
    episodes = [episode for episode in read_episodes(expand(arguments.files)) if episode.score is not None]
    if not episodes:
        raise UserError("none of these episodes was scored, so there is nothing to score again")
    options = dict(_option(given) for given in arguments.option)
    if options and not arguments.verifier:
        raise UserError("-o sets an option of the verifier that --verifier names: give both")
    scores = _verified(episodes, arguments.verifier, options) if arguments.verifier else _own(episodes)
    again = [dataclasses.replace(episode, score=score) for episode, score in zip(episodes, scores, strict=True)]
    _write(arguments.out, again)
    kept = sum(same(old.score, new.score) for old, new in zip(episodes, again, strict=True))
    print(f"{len(again)} episodes scored again, {kept} scores unchanged; {_change(episodes, again)}", file=sys.stderr)
    return 0


def _own(episodes: Sequence[Episode]) -> list[Score]:
    from assay.envs.replay import rescore

    return [rescore(episode) for episode in _progress(episodes, "scoring")]


def _verified(episodes: Sequence[Episode], name: str, options: dict[str, Any]) -> list[Score]:
    """Scores under a named verifier; one that compares answers sees the episodes of a task together.

    Where it is the environment's own verifier, the options stored with the task hold unless they are given. One that
    reads confidences sees the whole completion, any other the action.
    """
    from assay.envs.replay import stated_again
    from assay.verifiers import registry

    try:
        verifier = registry.get(name)
    except KeyError as error:
        raise UserError(str(error.args[0])) from None
    groups: dict[str, list[int]] = defaultdict(list)
    for index, episode in enumerate(episodes):
        groups[episode.task_id if verifier.group else str(index)].append(index)
    scores: dict[int, Score] = {}
    for indices in _progress(list(groups.values()), "scoring"):
        chosen = [episodes[i] for i in indices]
        whole = verifier.name.startswith("calibration.")
        responses = [str(one.meta.get("said", one.actions[-1])) if whole else one.actions[-1] for one in chosen]
        found = verifier.score_group(responses, chosen[0].truth, **options)
        joined = found if whole else [stated_again(one, score) for one, score in zip(chosen, found, strict=True)]
        scores |= dict(zip(indices, joined, strict=True))
    return [scores[i] for i in range(len(episodes))]


def _option(given: str) -> tuple[str, Any]:
    name, equals, value = given.partition("=")
    if not equals:
        raise UserError(f"-o takes NAME=VALUE, got {given!r}")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def same(one: Score | None, other: Score | None) -> bool:
    """Whether two scores agree: verdict, readability, reward and parts to the last bits that JSON keeps."""
    if one is None or other is None:
        return one is other
    return (one.reward, one.parts, one.correct, one.parsed) == (other.reward, other.parts, other.correct, other.parsed)


def _change(before: Sequence[Episode], after: Sequence[Episode]) -> str:
    return ", ".join(f"mean {name} {_mean(before, name)} -> {_mean(after, name)}" for name in ("reward", "correct"))


def _mean(episodes: Sequence[Episode], name: str) -> str:
    values = [getattr(episode.score, name) for episode in episodes]
    known = [float(value) for value in values if value is not None]
    return f"{sum(known) / len(known):.4f}" if known else "none"


def _reward(episode: Episode) -> str:
    return "no score" if episode.score is None else f"{episode.score.reward:g}"


def _progress(items: Sequence[Any], name: str) -> Iterable[Any]:
    console = Console(stderr=True)
    return track(items, name, console=console, transient=True, disable=not console.is_terminal)


def _write(out: str, episodes: Sequence[Episode]) -> None:
    def lines(file: IO[str]) -> None:
        for episode in episodes:
            file.write(episode.to_json() + "\n")

    if out == "-":
        lines(sys.stdout)
    elif out:
        with Path(out).open("w", encoding="utf-8", errors="replace") as file:
            lines(file)
