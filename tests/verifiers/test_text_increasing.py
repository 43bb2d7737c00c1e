"""Rewards of the synthetic tasks of RL4LMs: increasing numbers, and dates."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.verifiers import score
from assay.verifiers.text.increasing import increasing_share, initial_run


@pytest.mark.parametrize(
    ("text", "reward"),
    [
        ("1 2 3 2", 0.3),
        ("a b", 0.0),
        ("", 0.0),
        ("5", 0.1),
        ("1 and 2 or 3", 0.3),
        ("3 3 4", 0.1),
        ("-2 -1 0", 0.3),
        ("1 2 3 4 5 6 7 8 9 10", 1.0),
        (" ".join(map(str, range(30))), 1.0),
        ("1 2 3 " + "word " * 27, 0.1),
        ("nan inf 1e3 1 2", 0.2),
        ("\u0663 \u0664", 0.0),
        ("9" * 400, 0.0),
    ],
)
def test_rewards(text: str, reward: float) -> None:
    assert increasing_share(text, 20) == pytest.approx(reward)


@given(st.lists(st.integers(-5, 5), max_size=8))
def test_the_run_is_the_longest_increasing_prefix(numbers: list[int]) -> None:
    prefixes = [n for n in range(len(numbers) + 1) if numbers[:n] == sorted(set(numbers[:n]))]
    assert initial_run(numbers) == max(prefixes)


def test_a_text_has_a_length() -> None:
    with pytest.raises(ValueError, match="min_tokens"):
        increasing_share("1 2", 0)


@pytest.mark.parametrize(("text", "reward"), [("due 2024-05-01", 1.0), ("due 2024-5-1", 0.0), ("a b", 0.0)])
def test_the_date_reward_is_a_pattern(text: str, reward: float) -> None:
    assert score("text.regex", text, {"pattern": r"\d{4}-\d{2}-\d{2}"}, mode="search").reward == reward
