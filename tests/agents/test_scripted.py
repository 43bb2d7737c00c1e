"""Policies without a model."""

from __future__ import annotations

from collections import Counter

import pytest

from assay.agents.engines.scripted import ActionsPolicy, ConstantPolicy, OraclePolicy, RandomLabelPolicy
from assay.agents.policy import Policy, Request

USER = {"role": "user", "content": "?"}


def test_the_oracle_reads_the_gold_answer() -> None:
    policy = OraclePolicy()
    assert isinstance(policy, Policy)
    requests = [Request([USER], context={"gold": text}) for text in ("a", "b")]
    assert [one.text for one in policy.generate(requests)] == ["a", "b"]
    with pytest.raises(ValueError, match="gold"):
        policy.generate([Request([USER])])


def test_random_labels_follow_the_seed_and_are_uniform() -> None:
    requests = [Request([USER], seed=seed, context={"labels": ["a", "b", "c"]}) for seed in range(3000)]
    drawn = [one.text for one in RandomLabelPolicy().generate(requests)]
    assert drawn[:50] == [RandomLabelPolicy().generate([request])[0].text for request in requests[:50]]
    assert all(abs(count - 1000) < 110 for count in Counter(drawn).values())
    assert {one.text for one in RandomLabelPolicy(["x", "y"]).generate(requests)} == {"x", "y"}
    with pytest.raises(ValueError, match="needs labels"):
        RandomLabelPolicy().generate([Request([USER])])


def test_constant_and_majority() -> None:
    assert [one.text for one in ConstantPolicy("no").generate([Request([USER])] * 2)] == ["no", "no"]
    assert ConstantPolicy.majority(["b", "a", "a", "b", "c"]).text == "b"
    with pytest.raises(ValueError, match="needs answers"):
        ConstantPolicy.majority([])


def test_a_sequence_is_played_by_turn_whatever_the_order_of_episodes() -> None:
    policy = ActionsPolicy(["first", "second"])
    said = {"role": "assistant", "content": "x"}
    later, start = Request([USER, said, USER]), Request([USER])
    beyond = Request([USER, said, USER, said, USER])
    assert [one.text for one in policy.generate([later, start, beyond])] == ["second", "first", "second"]
    assert ActionsPolicy(["first", "second"], opening=1).generate([later])[0].text == "first"
    with pytest.raises(ValueError, match="at least one"):
        ActionsPolicy([])
