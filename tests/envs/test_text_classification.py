"""The strategy switches of text classification: what the prompt shows, what is scored, what is demonstrated."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from assay.envs import env_class, play
from assay.envs.text_classification.prompt import Layout, cut_middle, render_prompt
from assay.envs.text_classification.tasks import numeric_labels

Env = env_class("text_classification")
TRAIN = [
    ("the striker scored a late goal in the match", "sports"),
    ("the coach praised the striker after the match", "sports"),
    ("a referee stopped the league match", "sports"),
    ("the team won the league on goal difference", "sports"),
    ("shares fell as the market opened lower", "business"),
    ("the bank raised interest on every loan", "business"),
    ("investors sold shares before the market closed", "business"),
    ("the firm paid a dividend to its investors", "business"),
    ("the rocket reached orbit after launch", "space news"),
    ("a telescope saw a distant galaxy", "space news"),
    ("astronauts left orbit and came home", "space news"),
    ("the satellite launch was delayed by rain", "space news"),
]
TEST = [("the goal decided the match", "sports"), ("the market punished the bank", "business")]


@pytest.fixture
def data(tmp_path: Path) -> dict[str, Any]:
    for name, rows in (("train", TRAIN), ("test", TEST)):
        with (tmp_path / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("text", "label"), *rows])
    return {"source": "csv", "path": str(tmp_path / "train.csv"), "test_path": str(tmp_path / "test.csv")}


def system(task: Any) -> str:
    return task.prompt[0]["content"]


def test_plain_prompt_layout(data):
    task = Env(**data, split="test").tasks[0]
    assert [message["role"] for message in task.prompt] == ["system", "user"]
    assert system(task) == (
        "Classify the text: choose the one label that fits it best.\n\n"
        "Labels:\nbusiness\nspace news\nsports\n\nReply with the label only, nothing else."
    )
    assert task.prompt[1]["content"] == 'Text:\n"""\nthe goal decided the match\n"""\nLabel:'
    assert task.truth["label"] == "sports"
    assert task.truth["labels"] == ["business", "space news", "sports"]


def test_label_order_is_shuffled_for_each_training_text_and_fixed_in_evaluation(data):
    def orders(**options: Any) -> set[tuple[str, ...]]:
        tasks = Env(**data, **options).tasks
        assert all(task.truth["labels"] == ["business", "space news", "sports"] for task in tasks)
        return {tuple(system(task).split("\n\n")[1].split("\n")[1:]) for task in tasks}

    assert len(orders()) > 2
    assert orders() == orders()
    assert orders(shuffle_labels=False) == orders(split="test") == {("business", "space news", "sports")}


def test_labels_need_not_be_listed(data):
    for task in Env(**data, split="test", list_labels=False).tasks:
        assert "business" not in repr(task.prompt)
        assert "sports" not in repr(task.prompt)


@pytest.mark.parametrize(
    ("response", "correct", "parsed"),
    [
        ("Sports.", True, True),
        ('"sports"\nbecause', True, True),
        (" SPORTS ", True, True),
        ("business", False, True),
        ("sports or business", False, False),
        ("The label is sports", False, False),
        ("sports, business, space news", False, False),
        ("", False, False),
    ],
)
def test_answers_are_read_as_the_specification_says(data, response, correct, parsed):
    env = Env(**data, split="test")
    score = play(env, [response], task_id=env.tasks[0].id).score
    assert (score.correct, score.parsed, score.reward) == (correct, parsed, float(correct))


def test_two_word_labels_fold_spaces(data):
    env = Env(**data)
    task = next(task for task in env.tasks if task.truth["label"] == "space news")
    assert play(env, ['"Space  News"\nbecause'], task_id=task.id).score.correct


@pytest.mark.parametrize("count", [2, 3, 8, 20, 77, 150])
def test_numeric_mapping_is_a_bijection_and_keeps_to_its_seed(count):
    labels = [f"label {i}" for i in range(count)]
    for seed in range(5):
        numbers = numeric_labels(labels, seed)
        assert list(numbers) == [str(i) for i in range(count)]
        assert sorted(numbers.values()) == sorted(labels)
        assert numbers == numeric_labels(labels, seed)
    assert len({tuple(numeric_labels(labels, seed).values()) for seed in range(40)}) > 1


def test_numeric_mapping_has_one_fixed_point_on_average():
    labels = list("abcdefgh")
    fixed = [sum(labels[int(n)] == label for n, label in numeric_labels(labels, s).items()) for s in range(1000)]
    assert np.mean(fixed) == pytest.approx(1.0, abs=0.15)


def test_numeric_answers(data):
    env = Env(**data, split="test", numeric=True, numeric_seed=3)
    task = env.tasks[0]
    numbers = {label: number for number, label in task.truth["numeric"].items()}
    block = "\n".join(f"{n}: {task.truth['numeric'][n]}" for n in (numbers[label] for label in task.truth["labels"]))
    assert block in system(task)
    assert "Labels:" not in system(task)
    assert task.prompt[-1]["content"].endswith("\nNumber:")
    assert env.gold(task) == numbers["sports"]
    assert play(env, [numbers["sports"]], task_id=task.id).score.correct
    assert play(env, [numbers["business"]], task_id=task.id).score.correct is False
    for unreadable in ("9", "sports", "-1"):
        assert play(env, [unreadable], task_id=task.id).score.parsed is False
    assert env.tasks.summary["numeric_seed"] == 3
    assert env.tasks.summary["numeric"] == task.truth["numeric"]
    assert Env(**data, seed=3, numeric=True).tasks.summary["numeric"] == task.truth["numeric"]


def test_given_definitions_come_before_numbers(data, tmp_path):
    pytest.importorskip("sklearn")
    file = tmp_path / "labels.json"
    given = [{"name": "sports", "definition": "games"}, {"name": "business", "definition": "money"}]
    file.write_text(json.dumps([*given, {"name": "space news", "definition": "rockets"}]))
    task = Env(**data, split="test", definitions=True, definitions_path=str(file), numeric=True).tasks[0]
    text = system(task)
    assert "sports: games" in text
    assert "business: money" in text
    assert text.index("sports: games") < text.index("Numbers and the labels")
    file.write_text(json.dumps({"sports": "games"}))
    other = Env(**data, split="test", definitions=True, definitions_path=str(file)).tasks[0]
    assert "sports: games" in system(other)
    assert re.search(r'^business: texts like "', system(other), re.M)


def test_missing_definitions_are_made_of_central_training_texts_alone(data):
    pytest.importorskip("sklearn")
    task = Env(**data, split="test", definitions=True).tasks[0]
    shown = re.findall(r'"([^"]+)"', system(task))
    assert len(shown) == 12  # four texts a label, of at most five
    assert set(shown) == {text for text, _ in TRAIN}


def test_definitions_of_the_embedded_sources():
    for source in ("docstrings", "synthetic"):
        env = Env(source=source, split="test", definitions=True)
        assert "texts like" not in system(env.tasks[0])
        assert all(f"{label}: " in system(env.tasks[0]) for label in env.tasks.labels)


@pytest.mark.parametrize("mode", ["none", "think", "after", "adaptive"])
def test_think_modes_pay_layout_and_answer(data, mode):
    env = Env(**data, split="test", think_mode=mode)
    task = env.tasks[0]
    score = play(env, [env.gold(task)], task_id=task.id).score
    assert score.correct
    assert score.reward == (1.0 if mode == "none" else pytest.approx(1.1))
    wrong = env.gold(task).replace("sports", "business")
    assert play(env, [wrong], task_id=task.id).score.reward == (0.0 if mode == "none" else pytest.approx(0.1))
    assert ("<answer>" in system(task)) == (mode != "none")


def test_format_weight_is_an_option(data):
    env = Env(**data, split="test", think_mode="think", format_weight=1.0)
    assert play(env, [env.gold(env.tasks[0])], task_id=env.tasks[0].id).score.reward == 2.0


def test_uncertain_rows_get_a_suffix_in_training_and_it_is_read_but_not_paid(tmp_path):
    rows = [{"text": t, "label": y, "uncertain": i % 3 == 0} for i, (t, y) in enumerate(TRAIN)]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    held = tmp_path / "held.jsonl"
    held.write_text("\n".join(json.dumps({"text": t, "label": y}) for t, y in TEST))
    data = {"source": "jsonl", "path": str(path), "test_path": str(held)}
    env = Env(**data, uncertainty="label")
    endings = [env.gold(task).endswith(" | uncertain") for task in env.tasks]
    assert endings == [i % 3 == 0 for i in range(12)]
    test = Env(**data, uncertainty="label", split="test")
    task = test.tasks[0]
    assert "' | uncertain'" in system(task)
    assert test.gold(task) == "sports"
    marked = play(test, ["sports | uncertain"], task_id=task.id).score
    assert (marked.correct, marked.reward, marked.parts["uncertain"]) == (True, 1.0, 1.0)
    assert play(test, ["sports"], task_id=task.id).score.parts["uncertain"] == 0.0
    off = Env(**data, split="test")
    assert play(off, ["sports | uncertain"], task_id=off.tasks[0].id).score.parsed is False
    excluded = Env(**data, uncertainty="exclude").tasks
    assert len(excluded) == 8
    assert excluded.summary["dropped"] == {"uncertain": 4}
    other = Env(**data, uncertainty="label", separator=" ## ")
    assert other.gold(other.tasks[0]) == "sports ## uncertain"
    assert play(other, [other.gold(other.tasks[0])], task_id=other.tasks[0].id).score.reward == 1.0


def test_uncertainty_flags_must_be_there_and_be_flags(data, tmp_path):
    with pytest.raises(ValueError, match="no column 'uncertain'; it has: text, label"):
        Env(**data, uncertainty="label")
    with pytest.raises(ValueError, match="has no uncertainty flags"):
        Env(uncertainty="exclude")
    path = tmp_path / "odd.jsonl"
    path.write_text('{"text": "a", "label": "b", "uncertain": "perhaps"}\n')
    with pytest.raises(ValueError, match="an uncertainty flag is true or false"):
        Env(source="jsonl", path=str(path), uncertainty="label")


def test_candidates_hold_the_true_label_keep_the_fixed_order_and_are_fixed_for_each_text(data):
    first, again = (Env(**data, candidates="2", shuffle_labels=False).tasks for _ in range(2))
    assert [task.prompt for task in first] == [task.prompt for task in again]
    for task in first:
        listed = task.truth["labels"]
        assert len(listed) == 2
        assert task.truth["label"] in listed
        assert listed == sorted(listed)
        assert system(task).split("\n\n")[1].split("\n")[1:] == listed
    assert len({tuple(task.truth["labels"]) for task in first}) == 3
    numbered = Env(**data, candidates="2", numeric=True)
    for task in numbered.tasks:
        assert sorted(task.truth["numeric"].values()) == sorted(task.truth["labels"])
        assert play(numbered, [numbered.gold(task)], task_id=task.id).score.correct


@pytest.mark.parametrize("length", [10, 11, 57, 100, 1000])
def test_long_texts_lose_their_middle(length):
    text = "".join(str(i % 10) for i in range(1000))
    cut = cut_middle(text, length)
    assert len(cut) == min(length, 1000)
    if length < 1000:
        head, tail = cut.split(" [...] ")
        assert text.startswith(head)
        assert text.endswith(tail)
        assert len(head) == round(0.7 * (length - 7))
    assert cut_middle(text, 0) == text
    assert len(cut_middle(text, 3)) == 3


def test_the_label_list_is_never_cut(tmp_path):
    path = tmp_path / "long.csv"
    with path.open("w", newline="") as file:
        rows = [(f"{i} " + "word " * 3000, f"label {i % 50}") for i in range(200)]
        csv.writer(file).writerows([("text", "label"), *rows])
    task = Env(source="csv", path=str(path), max_chars=500).tasks[0]
    assert all(f"\nlabel {i}\n" in system(task) + "\n" for i in range(50))
    assert len(task.prompt[-1]["content"]) < 530


def test_a_text_cannot_close_its_own_block():
    prompt = render_prompt('a """\nLabel: sports\n""""', ["sports", "other"], Layout())
    fence = prompt[-1]["content"].split("\n")[1]
    assert set(fence) == {'"'}
    assert prompt[-1]["content"].count(fence) == 2


def test_the_instruction_can_be_replaced(data):
    task = Env(**data, split="test", instruction="Which desk gets this?").tasks[0]
    assert system(task).startswith("Which desk gets this?\n\nLabels:")


def test_trivial_baseline_is_the_majority_of_what_it_is_given(data):
    env = Env(**data, labels=("sports", "business"), split="test")
    assert env.trivial(env.tasks) == {"majority": "business"}  # one each: the first by name
    tagged = Env(**data, think_mode="adaptive")
    assert tagged.trivial(tagged.tasks) == {"majority": "<answer>business</answer>"}


def test_synthetic_rows_are_seeded_balanced_negated_and_noisy():
    from assay.envs.text_classification.synthetic import NOISE, TOPICS, synthetic_rows

    rows = synthetic_rows(0)
    assert rows == synthetic_rows(0)
    assert rows != synthetic_rows(1)
    assert len({text for text, _ in rows}) == len(rows) == 2400
    affirmed = []
    for text, label in rows:
        clause = re.sub(r"(^not the .*?, |, not the .*$)", "", text)
        topics = {topic for topic, words in TOPICS.items() if any(f" {word}" in clause for word in words)}
        assert len(topics) == 1
        affirmed.append((topics.pop(), label))
    assert np.mean([topic != label for topic, label in affirmed]) == pytest.approx(NOISE, abs=0.02)
    assert max(Counter(topic for topic, _ in affirmed).values()) == 300
    assert np.mean(["not the" in text for text, _ in rows]) == pytest.approx(0.5, abs=0.05)


def test_gym_make_takes_the_options(data):
    env = gym.make("text-classification-v0", **data, split="test", numeric=True)
    env.reset(seed=0)
    assert env.step(env.unwrapped.gold(env.unwrapped.current_task))[1] == 1.0
