"""The tree of an evaluation: numbers against slow ones, pictures, eval-agent, and the study of several models."""

from __future__ import annotations

import json
import math
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from assay.envs.episode import Episode, Outcome, Turn
from assay.envs.intervals import Interval, weighted, wilson
from assay.envs.spatial_tree import drawing, report
from assay.envs.tasks import Task
from assay.training import cli
from assay.training.config import TrainConfig
from assay.training.configfile import write_config
from assay.training.stored import write_episodes
from assay.training.studies import cli as studies
from assay.verifiers.score import Score
from assay.verifiers.spatial.tree import LEAVES, WEIGHTS, rollup

SMALL = ["--env", "spatial_tree", "--env.leaf", "distance", "--env.template", "nearer", "--env.size", "64"]


def scores_of(seed=0, missing=()):
    draw = np.random.default_rng(seed)
    return {leaf.key: draw.random(int(draw.integers(1, 9))).tolist() for leaf in LEAVES if leaf.key not in missing}


def slow_score(found, path, weights):
    """Weighted means by recursion over names, straight from the definition."""
    if len(path) == 3:
        key = next(leaf.key for leaf in LEAVES if (leaf.level, leaf.branch, leaf.name) == path)
        return sum(found[key]) / len(found[key]) if key in found else None
    children = {}
    for leaf in LEAVES:
        names = (leaf.level, leaf.branch, leaf.name)
        if names[: len(path)] == path:
            child = names[: len(path) + 1]
            children[child] = (1.0, WEIGHTS[weights][leaf.level][leaf.branch], leaf.weight)[len(path)]
    known = [(w, s) for child, w in children.items() if (s := slow_score(found, child, weights)) is not None]
    return sum(w * s for w, s in known) / sum(w for w, _ in known) if known else None


@pytest.mark.parametrize("weights", ["published", "paper", "json"])
@pytest.mark.parametrize("missing", [(), ("distance", "size", "shape", "route", "allo")])
def test_every_node_is_the_weighted_mean_of_what_was_measured_below_it(weights, missing):
    found = scores_of(3, missing)
    nodes = report.tree_of(found, {}, weights)
    assert len(nodes) == 1 + 4 + 11 + 27
    for node in nodes:
        wanted = slow_score(found, node.path, weights)
        assert (node.score is None) == (wanted is None)
        if wanted is not None:
            assert node.score.mean == pytest.approx(wanted)
            assert 0 <= node.score.low < node.score.mean < node.score.high <= 1
    by_path = {node.path: node for node in nodes}
    assert by_path[()].coverage == pytest.approx((27 - len(missing)) / 27)
    assert by_path[()].tasks == sum(map(len, found.values()))
    assert (by_path["L1", "Geometry"].score is None) == bool(missing)
    everything = {leaf.path: sum(found[leaf.key]) / len(found[leaf.key]) for leaf in LEAVES if leaf.key in found}
    assert by_path[()].score.mean == pytest.approx(rollup(everything, weights, "renorm").total)


def test_the_published_row_of_a_model_comes_out_of_its_branches():
    branches = {"Geometry": 47.8, "Motion": 32.6, "L1/Relation": 44.4, "Localization": 61.6, "Orientation": 47.9,
                "Understanding": 50.5, "Memory": 61.5, "Causal Reasoning": 47.6, "Sequential Planning": 58.2,
                "Goal-Driven Execution": 28.3, "Open-World Exploration": 63.3}  # fmt: skip
    names = {leaf.key: branches.get(leaf.branch, branches.get(f"{leaf.level}/{leaf.branch}")) for leaf in LEAVES}
    nodes = report.tree_of({key: [value / 100] for key, value in names.items()}, {})
    found = {"/".join(node.path): round(100 * node.score.mean, 2) for node in nodes if len(node.path) < 2}
    assert found == {"": 50.05, "L1": 49.30, "L2": 53.80, "L3": 51.31, "L4": 45.80}


def test_a_perfect_score_of_few_tasks_is_not_taken_for_certain():
    node = report.tree_of({"distance": [1.0] * 4}, {"distance": 0.5})[0]
    assert node.score.mean == 1.0
    assert node.score.low == pytest.approx(wilson(4, 4).low)
    assert node.guess == 0.5
    assert node.coverage == pytest.approx(1 / 27)


def test_intervals_of_weighted_means_hold_the_truth_nineteen_times_of_twenty():
    draw, truth, weights, n = np.random.default_rng(1), (0.2, 0.7, 0.5), (0.65, 0.1, 0.25), 30
    right = sum(w * p for w, p in zip(weights, truth, strict=True)) / sum(weights)
    held = 0
    for _ in range(1000):
        parts = [(w, wilson(int(draw.binomial(n, p)), n)) for w, p in zip(weights, truth, strict=True)]
        interval = weighted(parts)
        held += interval.low <= right <= interval.high
    assert 0.93 <= held / 1000 <= 0.98
    alone = Interval(0.4, 0.2, 0.7)
    assert weighted([(3.0, alone)]) == pytest.approx(alone)


def task(leaf, number, difficulty=1, verifier="spatial.mcq", choices=4):
    found = next(each for each in LEAVES if each.key == leaf)
    truth = {"verifier": verifier, "answer": "A", "choices": list("abcdef"[:choices]), "leaf": leaf}
    meta = {"leaf": leaf, "level": found.level, "branch": found.branch, "difficulty": difficulty}
    return Task(f"{leaf}-{number}", [{"role": "user", "content": "?"}], truth, meta)


def judged(*values):
    return [Score(value, {"score": value}, correct=value > 0.5) for value in values]


def test_a_task_counts_once_whatever_its_samples_and_unscored_ones_not_at_all():
    tasks = [task("distance", 0), task("distance", 1), task("route", 2, choices=2), task("allo", 3)]
    (table,) = report.tables(SimpleNamespace(weights="published"), tasks, [judged(0, 1), judged(1), judged(0.25), []])
    rows = {row[0].strip(): row for row in table.rows}
    assert rows["Distance"][1] == 0.75
    assert rows["Distance"][4:6] == (0.25, 2)
    assert rows["Route"][1:2] + rows["Route"][4:6] == (0.25, 0.5, 1)
    assert rows["overall"][1] == pytest.approx((0.75 + 0.25) / 2)
    assert "Allo" not in rows
    assert rows["L2"][1] is None
    assert "published weights" in table.title
    assert report.tables(SimpleNamespace(weights="published"), tasks, [[]] * 4) == []


@pytest.mark.parametrize(
    ("truth", "wanted"),
    [({"verifier": "spatial.mcq", "choices": [1, 2, 3, 4]}, 0.25), ({"verifier": "spatial.yesno"}, 0.5),
     ({"verifier": "spatial.cogmap", "choices": [1, 2]}, 0.1), ({"verifier": "spatial.mra"}, 0.0), ({}, 0.0)],
)  # fmt: skip
def test_what_guessing_letters_earns(truth, wanted):
    assert report.guess_of(truth) == pytest.approx(wanted)


def test_correlations_are_pearsons():
    draw = np.random.default_rng(5)
    columns = [{leaf.key: float(draw.random()) for leaf in LEAVES} for _ in range(7)]
    r, counts = drawing.pearson(columns)
    data = [[column[leaf.key] for column in columns] for leaf in LEAVES]
    assert np.allclose(r, np.corrcoef(data))
    assert (counts == 7).all()


def test_what_does_not_vary_or_is_not_there_has_no_correlation():
    keys = [leaf.key for leaf in LEAVES]
    columns = [{keys[0]: 0.1 * k, keys[1]: 0.5, keys[2]: -0.1 * k} | ({keys[3]: 0.2 * k} if k < 2 else {})
               for k in range(4)]  # fmt: skip
    r, counts = drawing.pearson(columns)
    assert r[0, 2] == pytest.approx(-1.0)
    assert math.isnan(r[0, 1])
    assert math.isnan(r[1, 1])
    assert math.isnan(r[0, 3])
    assert counts[0, 3] == 2


def test_a_correlation_is_told_from_none_where_its_interval_leaves_out_zero():
    assert not drawing.telling(1.0, 3)
    assert not drawing.telling(0.62, 10)
    assert drawing.telling(-0.64, 10)
    assert not drawing.telling(math.nan, 10)


def test_the_page_lists_every_ability_with_its_weights():
    page = (Path(__file__).parents[3] / "docs" / "spatial-tree.md").read_text(encoding="utf-8")
    for leaf in LEAVES:
        assert re.search(rf"`{leaf.key}` \({leaf.weight:g}0?\)".replace("(0.", "(."), page), leaf.key
        branch = WEIGHTS["published"][leaf.level][leaf.branch]
        assert re.search(rf"{leaf.branch} \({branch:g}0?\)".replace("(0.", "(."), page), leaf.branch


@pytest.fixture
def matplotlib():
    return pytest.importorskip("matplotlib")


def test_the_picture_of_one_model_shows_every_score_and_where_guessing_lies(matplotlib):
    found = scores_of(2, ("shape",))
    nodes = report.tree_of(found, {"route": 0.25, "allo": 0.4})
    axes = drawing.tree({"": nodes}, "published").axes[0]
    lengths = sorted(bar.get_width() for bar in axes.patches)
    assert lengths == pytest.approx(sorted(node.score.mean for node in nodes if node.score is not None))
    texts = [text.get_text() for text in axes.texts]
    assert all(leaf.name in texts for leaf in LEAVES)
    assert texts.count("not measured") == 1
    marks = {line.get_xdata()[0] for line in axes.lines if line.get_color() == "#d92d20"}
    assert {0.25, 0.4} <= marks
    assert "96 % of abilities" in axes.figure.get_suptitle()


def test_what_nobody_measured_takes_no_room(matplotlib):
    figure = drawing.tree({"": report.tree_of({"distance": [1.0]}, {})}, "paper")
    texts = {text.get_text() for text in figure.axes[0].texts}
    assert {"L4", "Motion", "Shape"} <= texts
    assert not {"Allo", "Memory", "Route"} & texts


def test_several_models_are_dots_with_a_legend(matplotlib):
    trees = {name: report.tree_of(scores_of(seed), {}) for seed, name in enumerate("abc")}
    axes = drawing.tree(trees, "published").axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a", "b", "c"]
    assert len(axes.containers) == 3 * 43
    with pytest.raises(ValueError, match="1 to 8 models, not 9"):
        drawing.tree({str(k): trees["a"] for k in range(9)}, "published")


def test_the_picture_of_correlations_writes_what_is_apart_from_zero(matplotlib):
    columns = [{"distance": k / 9, "size": k / 9, "route": (k % 2) / 2} for k in range(10)]
    figure = drawing.correlations(columns, "over 10 models")
    assert [text.get_text() for text in figure.axes[0].texts] == ["1.0", "1.0"]
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["Distance", "Size", "Route"]
    assert "over 10 models" in figure.get_suptitle()


def test_one_model_is_correlated_over_difficulties_only_where_there_are_three(matplotlib):
    options = SimpleNamespace(weights="published")
    tasks = [task(leaf, k, k) for k in (1, 2, 3) for leaf in ("distance", "route")]
    scores = [judged(value) for value in (0.9, 0.8, 0.6, 0.5, 0.1, 0.3)]
    figures = report.figures(options, tasks, scores)
    assert list(figures) == ["spatial-tree", "spatial-correlations"]
    assert "3 difficulties of one model" in figures["spatial-correlations"].get_suptitle()
    assert list(report.figures(options, tasks[:4], scores[:4])) == ["spatial-tree"]
    assert list(report.figures(options, tasks[::2], scores[::2])) == ["spatial-tree"]
    assert report.figures(options, tasks, [[]] * 6) == {}


@pytest.fixture
def rendered():
    pytest.importorskip("pybullet")


def test_eval_agent_prints_the_tree_and_says_where_its_picture_is(rendered, matplotlib, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = [*SMALL, "--env.count", "10", "--model", "oracle", "--tasks", "0"]
    for _ in range(2):  # the same again is written to the same folder
        assert cli.evaluate(words) == 0
    said = capsys.readouterr().out
    assert "published weights" in said
    assert "Geometry" in said
    picture = tmp_path / "runs" / "eval-spatial_tree-oracle" / "spatial-tree.png"
    assert f"figure: {picture.relative_to(tmp_path)}" in said
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert [each.name for each in (tmp_path / "runs").iterdir()] == ["eval-spatial_tree-oracle"]
    assert not list(picture.parent.glob(".*"))


def test_without_matplotlib_the_table_is_there_and_one_line_says_what_to_install(
    rendered, tmp_path, monkeypatch, capsys
):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    out = tmp_path / "run"
    assert cli.evaluate([*SMALL, "--env.count", "5", "--model", "random", "--tasks", "0", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "Geometry" in said
    assert "drawing the tree needs matplotlib: pip install 'assay[train]'" in said
    assert not list(out.glob("*.png"))


def stored(folder, found, env="spatial_tree"):
    """An evaluation as eval-agent leaves it."""
    episodes = [
        Episode("x", f"{leaf}-{k}", 0, [Turn([], "A")], Outcome.SCORED, Score(value, {"score": value}, correct=True),
                truth={"leaf": leaf, "verifier": "spatial.mcq", "choices": ["a", "b"]})
        for leaf, values in found.items() for k, value in enumerate(values)
    ]  # fmt: skip
    folder.mkdir()
    write_config(folder, TrainConfig(env=env, out=str(folder)), command=["eval-agent"])
    write_episodes(folder / "episodes" / "eval-000000.jsonl", episodes)
    return str(folder)


def test_the_study_draws_several_models(matplotlib, tmp_path, capsys):
    runs = [stored(tmp_path / name, scores_of(seed)) for seed, name in enumerate(("a", "b", "c", "d"))]
    out = tmp_path / "tree"
    assert studies.main(["spatial-tree", *runs[:3], f"big={runs[3]}", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "| ability (published weights) | a | b | c | big |" in said
    assert {path.name for path in out.iterdir()} == {
        "table.md", "summary.json", "spatial-tree.png", "spatial-correlations.png"
    }  # fmt: skip
    summary = json.loads((out / "summary.json").read_text())
    tree = report.tree_of(scores_of(3), {})
    assert summary["models"]["big"][""] == pytest.approx(list(tree[0].score))
    assert len(summary["correlations"]) == 27 * 26 // 2
    pair = next(each for each in summary["correlations"] if {each["a"], each["b"]} == {"distance", "route"})
    means = [[np.mean(scores_of(seed)[key]) for seed in range(4)] for key in ("distance", "route")]
    assert pair["r"] == pytest.approx(np.corrcoef(means)[0, 1])


def test_two_models_are_not_correlated_and_nine_not_all_drawn(matplotlib, tmp_path, capsys):
    runs = [stored(tmp_path / f"m{k}", {"distance": [k / 10] * 3, "route": [0.5]}) for k in range(9)]
    assert studies.main(["spatial-tree", *runs[:2], "--out", str(tmp_path / "two")]) == 0
    assert "no correlations: they take 3 evaluations or more, and here are 2" in capsys.readouterr().out
    assert not (tmp_path / "two" / "spatial-correlations.png").exists()
    assert studies.main(["spatial-tree", *runs, "--out", str(tmp_path / "nine")]) == 0
    assert "the figure of the tree shows the best 8 of 9" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "nowhere holds no evaluation: give folders of eval-agent"),
        (["other"], "other is an evaluation of countdown, not of spatial_tree"),
        (["empty"], "no scored episode of the spatial tree"),
        (["fine", "fine"], "two evaluations are called fine: give names, such as"),
        (["fine", "--weights", "mine"], "invalid choice: 'mine'"),
        ([], "the following arguments are required"),
    ],
)
def test_what_the_study_cannot_use_is_said_in_one_line(tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    stored(tmp_path / "other", {}, env="countdown")
    stored(tmp_path / "empty", {})
    stored(tmp_path / "fine", {"distance": [1.0]})
    assert studies.main(["spatial-tree", *words, "--out", "out"]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.strip().count("\n") == 0
