"""``assay-study spatial-tree``: from stored evaluations to a table and two figures."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, get_args

from assay.training.errors import MissingExtraError, UserError
from assay.training.studies.runner import study_command
from assay.verifiers.spatial.tree import LEAVES, Weights

if TYPE_CHECKING:
    from assay.envs.spatial_tree.report import Node
    from assay.training.studies.spatial_tree.stored import Model

NAME = "spatial-tree"
SUMMARY = "stored evaluations of spatial_tree: the tree of each, and how abilities correlate"
HELP = """Draw the spatial tree of several evaluations, and how abilities correlate over them.

  eval-agent --env spatial_tree --model A --out runs/a     (and so on)
  assay-study spatial-tree runs/a runs/b small=runs/c --out runs/tree

NAME=FOLDER gives a model a name of its own; otherwise it is called as its folder.
Writes into --out: table.md, summary.json, spatial-tree.png and, of three
evaluations or more, spatial-correlations.png (Pearson's r of each pair of
abilities over the models). Nothing is played again."""
SHOWN = 8
"""Models in the figure of the tree; of more the best ones."""
FEWEST = 3
"""Models below which nothing correlates."""


@dataclass(frozen=True)
class Plan:
    """What to draw: folders by name, the weights of the tree, and where it goes."""

    runs: Mapping[str, Path]
    weights: Weights
    out: Path


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message} (assay-study spatial-tree --help lists the flags)")


def parse(argv: Sequence[str]) -> Plan:
    """The plan of a command line.

    Raises:
        UserError: one line, for what cannot work.
        SystemExit: code 0, after ``--help``.
    """
    parser = _Parser(prog="assay-study spatial-tree", description=HELP, allow_abbrev=False,
                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("runs", nargs="+", metavar="[NAME=]FOLDER", help="evaluations of spatial_tree")
    parser.add_argument("--weights", choices=get_args(Weights), default="published", help="of levels and branches")
    parser.add_argument("--out", default="runs/spatial-tree", help="folder of the results (runs/spatial-tree)")
    own = parser.parse_args(list(argv))
    runs: dict[str, Path] = {}
    for word in own.runs:
        name, equals, folder = word.partition("=")
        path = Path(folder if equals and not Path(word).exists() else word)
        label = name if equals and not Path(word).exists() else path.resolve().name
        if label in runs:
            raise UserError(f"two evaluations are called {label}: give names, such as a={runs[label]} b={path}")
        runs[label] = path
    return Plan(runs, own.weights, Path(own.out))


def main(argv: list[str]) -> int:
    """Draw what a command line asks for; the exit status."""
    plan = parse(argv)
    return study_command(plan.out, lambda: run(plan))


def run(plan: Plan) -> str:
    """Read, draw and write; returns what there is to say.

    Raises:
        UserError: one line that says what to do.
    """
    from assay.envs.spatial_tree import drawing
    from assay.training.studies.spatial_tree.stored import read_model

    models = [read_model(path, name) for name, path in plan.runs.items()]
    trees = {model.name: model.tree(plan.weights) for model in models}
    best = sorted(trees, key=lambda name: -_mean(trees[name][0]))[:SHOWN]
    shown = {name: nodes for name, nodes in trees.items() if name in best}
    try:
        figures = {"spatial-tree": drawing.tree(shown, plan.weights)}
        if len(models) >= FEWEST:
            figures["spatial-correlations"] = drawing.correlations(
                [model.means for model in models], f"over {len(models)} models"
            )
    except ImportError:
        raise MissingExtraError("matplotlib", "train") from None
    plan.out.mkdir(parents=True, exist_ok=True)
    table = markdown(trees, plan.weights)
    _write(plan.out / "table.md", table)
    _write(plan.out / "summary.json", json.dumps(summary(models, trees, plan.weights), indent=1))
    lines = [table]
    for name, figure in figures.items():
        part = plan.out / f".{name}.part.png"
        figure.savefig(part)
        os.replace(part, plan.out / f"{name}.png")
        lines.append(f"figure: {plan.out / name}.png")
    if len(models) < FEWEST:
        lines.append(f"no correlations: they take {FEWEST} evaluations or more, and here are {len(models)}")
    if len(models) > SHOWN:
        lines.append(f"the figure of the tree shows the best {SHOWN} of {len(models)}")
    return "\n".join(lines)


def _mean(node: Node) -> float:
    return -1.0 if node.score is None else node.score.mean


def markdown(trees: Mapping[str, Sequence[Node]], weights: Weights) -> str:
    """Nodes down, models across: score with its 95 % interval in percent; what nobody measured is left out."""
    lines = [f"| ability ({weights} weights) | {' | '.join(trees)} |", f"| --- |{' ---: |' * len(trees)}"]
    for nodes in zip(*trees.values(), strict=True):
        if all(node.score is None for node in nodes):
            continue
        cells = (
            "" if s is None else f"{100 * s.mean:.1f} [{100 * s.low:.1f}, {100 * s.high:.1f}]"
            for s in (node.score for node in nodes)
        )
        name = "/".join(nodes[0].path) or "overall"
        lines.append(f"| {name} | {' | '.join(cells)} |")
    covered = " | ".join(f"{100 * nodes[0].coverage:.0f} %" for nodes in trees.values())
    return "\n".join([*lines, f"| abilities measured | {covered} |"]) + "\n"


def summary(models: Sequence[Model], trees: Mapping[str, Sequence[Node]], weights: Weights) -> dict[str, Any]:
    """The numbers of the table and the correlations, as JSON-serialisable data; None where there is none."""
    from assay.envs.spatial_tree.drawing import pearson

    r, counts = pearson([model.means for model in models])
    keys = [leaf.key for leaf in LEAVES]
    pairs = [
        {"a": keys[i], "b": keys[j], "r": float(r[i, j]), "models": int(counts[i, j])}
        for i in range(len(keys)) for j in range(i) if r[i, j] == r[i, j]
    ]  # fmt: skip
    nodes = {
        name: {"/".join(node.path): None if node.score is None else list(node.score) for node in each}
        for name, each in trees.items()
    }
    return {"weights": weights, "models": nodes, "correlations": pairs}


def _write(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)
