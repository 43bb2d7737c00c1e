"""Image classification: closed lists, protocols, drawings, and what is paid."""

from __future__ import annotations

import warnings
from collections import Counter
from typing import Any

import numpy as np
import pytest

from assay.envs import env_class, play
from assay.envs.candidates import candidate_count, draw_candidates, seeded
from assay.envs.image_classification import shapes
from assay.envs.image_classification.pictures import open_picture
from assay.envs.image_classification.protocol import Item, cross_gains, few_shot, halve, harmonic_mean

Env = env_class("image_classification")


@pytest.mark.parametrize(
    ("classes", "listed"),
    [(10, 10), (47, 47), (74, 74), (75, 30), (100, 40), (102, 40), (196, 78), (397, 100), (1000, 100)],
)
def test_candidate_counts_of_the_paper(classes, listed):
    assert candidate_count(classes) == listed
    assert candidate_count(classes, "all") == classes
    assert candidate_count(classes, "20") == min(20, classes)


@pytest.mark.parametrize("rule", ["", "some", "1", "0", "-3", "2.5", "²"])
def test_other_candidate_rules_are_refused(rule):
    with pytest.raises(ValueError, match="candidates must be auto, all or a number of at least 2"):
        candidate_count(100, rule)


def test_drawn_candidates_hold_the_truth_at_any_place_and_no_class_twice():
    classes = [f"c{i}" for i in range(12)]
    places, others = Counter(), Counter()
    for i in range(4000):
        drawn = draw_candidates(classes, "c3", 5, seeded("test", i))
        assert len(set(drawn)) == 5
        places[drawn.index("c3")] += 1
        others.update(set(drawn) - {"c3"})
    assert max(places.values()) - min(places.values()) < 160  # 800 each, sd 25
    assert max(others.values()) - min(others.values()) < 200  # about 1455 each, sd 30
    assert draw_candidates(classes, "c3", 5, seeded("a")) == draw_candidates(classes, "c3", 5, seeded("a"))
    with pytest.raises(ValueError, match="'zz' is not among the 12 classes"):
        draw_candidates(classes, "zz", 5, seeded("a"))


@pytest.mark.parametrize(
    ("base", "new", "expected"),
    [(62.1, 66.27, 64.12), (67.4, 70.73, 69.02), (81.17, 79.15, 80.15), (83.42, 81.88, 82.64)],
)
def test_harmonic_means_of_the_paper(base, new, expected):
    assert harmonic_mean(base, new) == pytest.approx(expected, abs=0.006)
    assert harmonic_mean(0, 0) == 0


@pytest.mark.parametrize("count", [2, 3, 10, 11, 47, 101])
def test_halves_are_disjoint_complete_and_even(count):
    classes = [f"c{i}" for i in range(count)]
    base, new = halve(classes)
    assert base + new == classes
    assert len(base) - len(new) in (0, 1)


def test_cross_gains_are_differences_to_the_untrained_model():
    accuracy = {("a", "b"): 70.0, ("a", "c"): 40.0, ("b", "c"): 55.0}
    assert cross_gains(accuracy, {"b": 60.0, "c": 50.0}) == {("a", "b"): 10.0, ("a", "c"): -10.0, ("b", "c"): 5.0}
    with pytest.raises(ValueError, match="no zero-shot accuracy for c"):
        cross_gains(accuracy, {"b": 60.0})


def test_shots_are_exact_nested_and_independent_of_order():
    items = [Item(f"{label}{i}", label, f"{label}-{i}") for label in "abc" for i in range(9)]
    four = few_shot(items, list("abc"), 4, 0)
    assert Counter(item.label for item in four) == {"a": 4, "b": 4, "c": 4}
    assert set(few_shot(items, list("abc"), 2, 0)) < set(four)
    assert set(few_shot(items[::-1], list("abc"), 4, 0)) == set(four)
    assert set(few_shot(items, list("abc"), 4, 1)) != set(four)
    assert len(few_shot(items, list("ab"), 0, 0)) == 18
    with pytest.raises(ValueError, match="class 'a' has 9 training images, fewer than shots=10"):
        few_shot(items, list("abc"), 10, 0)


def listed(task: Any) -> list[str]:
    text = task.prompt[0]["content"][1]["text"]
    return text.split("[")[1].split("]")[0].split(", ")


@pytest.mark.parametrize("classes", [20, 100])
def test_lists_are_fixed_for_each_image_and_hold_the_truth(classes):
    tasks, again = (Env(classes=classes, split="test").tasks for _ in range(2))
    assert [task.prompt for task in tasks] == [task.prompt for task in again]
    for task in tasks:
        assert listed(task) == task.truth["labels"]
        assert task.truth["label"] in listed(task)
        assert len(set(listed(task))) == candidate_count(classes)
    assert len({tuple(listed(task)) for task in tasks}) == len(tasks)
    other = Env(classes=classes, split="test", seed=1).tasks
    assert {tuple(listed(task)) for task in other} != {tuple(listed(task)) for task in tasks}


def test_few_shot_protocol():
    train, test = Env(classes=20).tasks, Env(classes=20, split="test").tasks
    assert Counter(task.truth["label"] for task in train) == dict.fromkeys(shapes.class_names(20), 4)
    assert Counter(task.truth["label"] for task in test) == dict.fromkeys(shapes.class_names(20), 10)
    assert len(Env(classes=20, shots=0).tasks) == 400
    assert train.summary["rows"] == {"train": 80, "test": 200, "dev": 100}
    assert test.summary["majority_share"] == pytest.approx(0.05)


def test_base_to_new_protocol():
    options: dict[str, Any] = {"classes": 21, "protocol": "base-to-new"}
    names = shapes.class_names(21)
    train = Env(**options).tasks
    base, new = (Env(**options, split="test", part=part).tasks for part in ("base", "new"))
    assert len(train) == 11 * 4
    assert train.labels == base.labels == names[:11]
    assert new.labels == names[11:]
    assert Env(**options, part="new").tasks.ids == train.ids
    for tasks in (train, base, new):
        assert {task.truth["label"] for task in tasks} == set(tasks.labels)
        assert all(set(listed(task)) <= set(tasks.labels) for task in tasks)


def test_cross_protocol_trains_on_one_and_tests_on_another():
    pytest.importorskip("sklearn")
    options: dict[str, Any] = {"classes": 20, "protocol": "cross", "to": "digits"}
    assert Env(**options).tasks.labels == shapes.class_names(20)
    test = Env(**options, split="test")
    assert test.tasks.labels[:3] == ["zero", "one", "two"]
    assert test.tasks.summary["source"] == "digits of scikit-learn"
    with pytest.raises(ValueError, match="protocol cross is evaluated on another data set"):
        Env(protocol="cross", to="shapes", split="test")


def reward(mode: str, response: str, **options: Any) -> tuple[float, bool | None]:
    env = Env(classes=20, split="test", think_mode=mode, **options)
    task = next(task for task in env.tasks if task.truth["label"] == "red circle")
    score = play(env, [response], task_id=task.id).score
    return score.reward, score.correct


@pytest.mark.parametrize(
    ("mode", "response", "expected"),
    [
        ("none", "red circle", (1.0, True)),
        ("none", " red circle\n", (1.0, True)),
        ("none", "Red circle", (0.0, False)),
        ("none", "red circle.", (0.0, False)),
        ("none", "<think>round</think>red circle", (0.0, False)),
        ("think", "<think>round</think><answer>red circle</answer>", (2.0, True)),
        ("think", "<think>round</think>\n<answer>Red Circle</answer>", (2.0, True)),
        ("think", "<think>round</think><answer>blue triangle</answer>", (1.0, False)),
        ("think", "so: <think>round</think><answer>red circle</answer>", (1.0, True)),
        ("after", "<answer>red circle</answer><think>round</think>", (2.0, True)),
        ("after", "<think>round</think><answer>red circle</answer>", (1.0, True)),
        ("adaptive", "<answer>red circle</answer>", (2.0, True)),
        ("adaptive", "<think>round</think><answer>red circle</answer>", (2.0, True)),
    ],
)
def test_rewards_of_the_think_modes(mode, response, expected):
    assert reward(mode, response) == expected


def test_parity_and_equality_are_passed_on():
    assert reward("none", " red circle") == (1.0, True)
    assert reward("none", " red circle", equality="strict") == (0.0, False)
    assert reward("none", "Red Circle.", equality="folded") == (1.0, True)
    assert reward("none", " red circle", parity=True) == (0.0, False)
    assert reward("think", "red circle") == (1.0, True)


def test_prompts_have_one_user_turn_an_image_and_the_question():
    task = Env(classes=20, question="Which sign?").tasks[0]
    (message,) = task.prompt
    assert message["role"] == "user"
    image, text = message["content"]
    assert image["type"] == "image"
    assert text["text"].startswith("Which sign?\nChoose one from this list: [")
    assert text["text"].endswith("Reply with the class name only, nothing else.")
    blank = Env(classes=20, prompt_template="Q {question} L {labels} {odd}", question="{labels}?").tasks[0]
    assert blank.prompt[0]["content"][1]["text"] == f"Q {{labels}}? L {', '.join(blank.truth['labels'])} {{odd}}"


def test_a_hundred_shapes_have_a_hundred_names_and_show_their_colour():
    names = shapes.class_names(100)
    assert len(set(names)) == 100
    for start in range(0, 100, 10):
        colours, kinds = zip(*(name.split() for name in names[start : start + 10]), strict=True)
        assert len(set(colours)) == len(set(kinds)) == 10
    for count in (1, 101):
        with pytest.raises(ValueError, match="2 to 100 classes"):
            shapes.class_names(count)
    for name in names[::7]:
        pixels = np.asarray(shapes.draw(0, name, 0)).reshape(-1, 3).astype(int)
        near = np.abs(pixels - shapes.COLOURS[name.split()[0]]).max(axis=1) <= 16
        assert 0.01 < near.mean() < 0.6, name


def test_drawings_depend_on_seed_class_and_variant_alone():
    first = shapes.draw(0, "red star", 1)
    assert first.size == (192, 192)
    assert first.mode == "RGB"
    assert shapes.draw(0, "red star", 1).tobytes() == first.tobytes()
    others = [shapes.draw(1, "red star", 1), shapes.draw(0, "red bar", 1), shapes.draw(0, "red star", 2)]
    assert all(other.tobytes() != first.tobytes() for other in others)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": 1}, "the shapes source has 2 to 100 classes; got classes=1"),
        ({"path": "x"}, "source 'shapes' takes no path"),
        ({"source": "folder"}, "source 'folder' needs a path"),
        ({"source": "folder", "path": "nowhere"}, "no such folder: nowhere"),
        ({"shots": 21}, "has 20 training images, fewer than shots=21"),
        ({"labels": ("red circle", "blue cow")}, "no row has the label 'blue cow'"),
        ({"labels": ("red circle",)}, "at least two labels"),
        ({"candidates": "1"}, "candidates must be auto"),
        ({"protocol": "zero-shot"}, "must be one of few-shot, base-to-new, cross"),
    ],
)
def test_wrong_options_are_one_line(options, message):
    with pytest.raises(ValueError) as caught:
        Env(**options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_observed_pictures_are_copies_and_the_cache_is_shared():
    open_picture.cache_clear()
    first, second = Env(classes=20, split="test"), Env(classes=20, split="test")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = first.reset(seed=0)[0]["images"][0]
    picture.paste((0, 0, 0), (0, 0, 384, 384))
    other = second.reset(seed=0)[0]["images"][0]
    assert open_picture.cache_info().hits == 1
    assert np.asarray(other).max() > 0
