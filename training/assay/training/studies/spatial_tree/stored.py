"""What a stored evaluation says of the spatial tree."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from assay.envs.spatial_tree.report import Node, guess_of, tree_of
from assay.training.configfile import CONFIG, read_config
from assay.training.errors import UserError
from assay.training.stored import episode_files, read_episodes
from assay.verifiers.spatial.tree import BY_KEY, Weights

ENVS = ("spatial_tree", "spatial-tree-v0")


@dataclass(frozen=True)
class Model:
    """One evaluation.

    Attributes:
        name: how it is called.
        found: leaf key -> a score in 0..1 for each task, the mean over its samples.
        guesses: leaf key -> what guessing letters earns.
    """

    name: str
    found: dict[str, list[float]]
    guesses: dict[str, float]

    @property
    def means(self) -> dict[str, float]:
        """Leaf key -> mean score."""
        return {key: sum(values) / len(values) for key, values in self.found.items()}

    def tree(self, weights: Weights) -> list[Node]:
        """Every node of the tree."""
        return tree_of(self.found, self.guesses, weights)


def read_model(path: Path, name: str) -> Model:
    """The newest evaluation of a folder of ``eval-agent --out`` or ``train-agent``.

    Raises:
        UserError: one line, if it holds none, or one of another environment.
    """
    if not (path / CONFIG).is_file():
        raise UserError(f"{path} holds no evaluation: give folders of eval-agent --env spatial_tree")
    env = read_config(path).env
    if env not in ENVS:
        raise UserError(f"{path} is an evaluation of {env}, not of spatial_tree")
    files = episode_files(path, "eval")
    if not files:
        raise UserError(f"{path} has no stored episodes: evaluate with eval-agent, or train without --log.no-episodes")
    scores: dict[tuple[str, str], list[float]] = {}
    guesses: dict[tuple[str, str], float] = {}
    for episode in read_episodes(files[-1:]):
        leaf = str(episode.truth.get("leaf", ""))
        if episode.score is None or leaf not in BY_KEY:
            continue
        task = (leaf, episode.task_id)
        scores.setdefault(task, []).append(episode.score.parts.get("score", float(bool(episode.score.correct))))
        guesses[task] = guess_of(episode.truth)
    if not scores:
        raise UserError(f"{files[-1]} has no scored episode of the spatial tree")
    found: dict[str, list[float]] = {}
    chance: dict[str, list[float]] = {}
    for task, values in scores.items():
        found.setdefault(task[0], []).append(sum(values) / len(values))
        chance.setdefault(task[0], []).append(guesses[task])
    return Model(name, found, {key: sum(each) / len(each) for key, each in chance.items()})
