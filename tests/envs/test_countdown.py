"""Countdown: instances can be solved, the solver is exact, demonstrations are right and varied, options are heeded."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction

import pytest

from assay.envs import env_class, play
from assay.envs.countdown.solver import solve
from assay.verifiers import score
from assay.verifiers.maths.arithmetic import canonical, combine, numbers, parse, value, write

Env = env_class("countdown")


def reachable(given: tuple[int, ...]) -> set[Fraction]:
    """Every value of some of the numbers: pairs are joined until one number is left, in all ways."""
    found: set[Fraction] = set()

    def join(parts: tuple[Fraction, ...]) -> None:
        if len(parts) == 1:
            found.add(parts[0])
            return
        for i, j in itertools.permutations(range(len(parts)), 2):
            rest = tuple(part for k, part in enumerate(parts) if k not in (i, j))
            for symbol in "+-*/":
                reached = combine(symbol, parts[i], parts[j])
                if reached is not None:
                    join((*rest, reached))

    for size in range(1, len(given) + 1):
        for chosen in set(itertools.combinations(given, size)):
            join(tuple(map(Fraction, chosen)))
    return found


@pytest.mark.parametrize("seed", range(6))
def test_the_solver_finds_a_solution_exactly_where_there_is_one(seed):
    rng = random.Random(seed)
    given = tuple(rng.randint(1, 9) for _ in range(rng.choice([2, 3, 3])))
    known = reachable(given)
    for target in range(-10, 60):
        found = solve(given, target)
        assert bool(found) == (target in known)
        assert all(score("math.countdown", write(each), {"numbers": list(given), "target": target}).correct
                   for each in found)  # fmt: skip
        assert len({canonical(each) for each in found}) == len(found)


def test_the_solver_knows_the_hard_ones():
    assert [write(each) for each in solve([3, 3, 8, 8], 24, use="all")] == ["8/(3-8/3)"]
    assert any(value(each) == 24 for each in solve([1, 5, 5, 5], 24, use="all"))
    assert solve([1, 1, 1, 1], 24) == []
    assert solve([7], 7) == [7]
    assert all(sorted(numbers(each)) == [2, 3, 4] for each in solve([2, 3, 4], 24, use="all"))
    assert {write(each) for each in solve([2, 2], 4)} == {"2+2", "2*2"}
    with pytest.raises(ValueError, match="1 to 6 numbers"):
        solve([1] * 7, 3)


def test_all_solutions_of_an_instance_by_hand():
    by_hand = ("2*5", "2+3+5")
    assert {canonical(each) for each in solve([2, 3, 5], 10)} == {canonical(parse(text)) for text in by_hand}
    by_hand = ("2*3", "2+4", "(4-2)*3", "4*3/2")
    assert {canonical(each) for each in solve([2, 3, 4], 6)} == {canonical(parse(text)) for text in by_hand}


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5, 6])
def test_every_level_has_solvable_instances_of_its_size(level):
    from assay.envs.countdown.options import LEVELS

    size = LEVELS[level]
    tasks = Env(levels=(level,), instances=60).tasks
    for task in tasks:
        given, target = task.truth["numbers"], task.truth["target"]
        assert len(given) == size.numbers
        assert max(given) <= size.limit
        assert 1 <= target <= size.highest
        assert target not in given
        assert task.meta["level"] == level
        assert play(Env(tasks=tasks), [task.truth["solution"]], task_id=task.id).score.correct


@pytest.mark.parametrize(
    "options",
    [{}, {"terse": True}, {"tries": 3}, {"think_mode": "think", "tries": 2}, {"think_mode": "after"},
     {"think_mode": "adaptive"}, {"use": "all"}, {"levels": (3,), "limit": 20, "highest": 99}],
)  # fmt: skip
def test_demonstrations_earn_full_reward(options):
    env = Env(instances=120, split="test", **options)
    best = 1.1 if options.get("think_mode") else 1.0
    for task in env.tasks:
        assert play(env, [env.gold(task)], task_id=task.id).score.reward == pytest.approx(best)


def test_demonstrations_are_drawn_among_all_solutions_and_tries_fail_truthfully():
    plain, tried = Env(levels=(2,), instances=300), Env(levels=(2,), instances=300, tries=3)
    lengths = {len(numbers(parse(plain.gold(task)))) for task in plain.tasks}
    assert lengths == {2, 3}
    assert any(plain.gold(task) != task.truth["solution"] for task in plain.tasks)
    counts = set()
    for task in tried.tasks:
        *wrong, last = tried.gold(task).split("\n")
        counts.add(len(wrong))
        assert last.endswith(f"={task.truth['target']}")
        for line in wrong:
            said, claimed = line.split("=")
            assert value(parse(said)) == int(claimed) != task.truth["target"]
    assert counts == {0, 1, 2, 3}
    other = Env(levels=(2,), instances=300, seed=0, tries=3)
    assert [other.gold(task) for task in other.tasks] == [tried.gold(task) for task in tried.tasks]


def test_prompts_tell_the_numbers_and_the_target_and_no_solution():
    for options in ({}, {"terse": True}, {"think_mode": "think"}, {"use": "all"}):
        for task in Env(instances=40, **options).tasks:
            text = "\n".join(message["content"] for message in task.prompt)
            assert " ".join(map(str, task.truth["numbers"])) in text
            assert str(task.truth["target"]) in text
            assert Env.gold(task) not in text
    terse = Env(instances=40, terse=True).tasks[0]
    assert terse.prompt[0]["content"] == f"{' '.join(map(str, terse.truth['numbers']))} = {terse.truth['target']}"


def test_identity_is_numbers_and_target_whatever_the_wording():
    plain, other = Env(instances=200), Env(instances=200, terse=True, tries=2, think_mode="think")
    assert plain.tasks.ids == other.tasks.ids
    held_out = Env(instances=200, split="test").tasks
    assert not set(plain.tasks.ids) & set(held_out.ids)
    assert set(Env(levels=(2,), instances=100).tasks.ids) <= set(Env(levels=(2,), instances=200).tasks.ids)


def test_the_majority_answer_is_right_on_some_tasks_and_no_other_constant_on_more():
    env = Env(instances=400)
    answer = env.trivial(env.tasks)["majority"]
    solved = sum(env.score([answer], task.truth).correct for task in env.tasks)
    assert solved >= 1
    rivals = [f"{a}{sign}{b}" for a in range(1, 10) for b in range(1, 10) for sign in "+-*/"]
    best = max(sum(bool(env.score([text], task.truth).correct) for task in env.tasks) for text in rivals)
    assert solved == best


def test_answers_that_differ_by_order_are_one():
    truth = Env(instances=20).tasks[0].truth
    assert Env.answer_key(["3*4+5"], truth) == Env.answer_key(["hm\n5 + (4*3)=17"], truth)
    assert Env.answer_key(["3*4+5"], truth) != Env.answer_key(["3*5+2"], truth)
    assert Env.answer_key(["no  idea"], truth) == "no idea"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"levels": (7,)}, "countdown has levels 1 to 6, not 7"),
        ({"levels": ()}, "at least one level and one instance"),
        ({"numbers": 7}, "2 to 6 numbers, not 7"),
        ({"limit": -1}, "a limit and a highest target of at least 1"),
        ({"instances": 0}, "at least one level and one instance"),
        ({"split": "dev"}, "the dev split of countdown is empty: give dev_share"),
        ({"instances": 1, "split": "test", "test_share": 0.0}, "the test split of countdown is empty: ask for more"),
    ],
)
def test_options_that_cannot_work(options, message):
    with pytest.raises(ValueError, match=message):
        Env(**options)


def test_longer_answers_get_more_tokens():
    def tokens(**options):
        return Env.answer_tokens(Env(instances=20, **options).options)

    assert tokens() < tokens(tries=2) < tokens(think_mode="think")


def test_rewards_lie_in_the_range_that_is_told():
    for options, best in (({}, 1.0), ({"think_mode": "think", "format_weight": 0.25}, 1.25)):
        env = Env(instances=40, **options)
        assert env.reward_range(env.options) == (0.0, best)
        rewards = [env.score([text], env.tasks[0].truth).reward for text in ("", "1+1", env.gold(env.tasks[0]))]
        assert (min(rewards), max(rewards)) == (0.0, best)
