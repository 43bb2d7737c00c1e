"""Our verifiers as TRL reward functions. The contract needs no TRL."""

from __future__ import annotations

import json

import pytest

from assay.training.interop.trl import reward_func
from assay.training.interop.trl.reward import response_of
from assay.verifiers import registry
from assay.verifiers.score import Score

LABELS = ["ham", "spam"]


def said(text):
    return [{"role": "assistant", "content": text}]


def test_a_column_of_mappings():
    reward = reward_func("classify.label")
    truths = [{"label": "spam", "labels": LABELS, "numeric": None}] * 2  # Arrow fills in what other rows have
    assert reward(completions=["spam", "ham"], truth=truths) == [1.0, 0.0]
    assert reward.__name__ == "classify_label"


def test_a_column_of_json_and_conversations():
    reward = reward_func("classify.label")
    truths = [json.dumps({"label": "spam", "labels": LABELS})] * 2
    prompts = [[{"role": "user", "content": "?"}]] * 2
    assert reward(prompts=prompts, completions=[said("Spam."), said("spam or ham")], truth=truths) == [1.0, 0.0]


def test_a_column_for_each_key():
    reward = reward_func("classify.label")
    given = {"completions": ["spam", "ham"], "completion_ids": [[1], [2]], "prompts": ["a", "b"], "trainer_state": None}
    assert reward(**given, label=["spam", "spam"], labels=[LABELS, LABELS]) == [1.0, 0.0]
    renamed = reward_func("classify.label", truth={"label": "target", "labels": "choices"})
    assert renamed(**given, target=["ham", "ham"], choices=[LABELS] * 2) == [0.0, 1.0]


def test_options_of_the_row_and_of_the_function():
    row = {"label": "spam", "labels": LABELS, "options": {"equality": "strict"}}
    assert reward_func("classify.label")(completions=["Spam"], truth=[row]) == [0.0]
    assert reward_func("classify.label", equality="folded")(completions=["Spam"], truth=[row]) == [1.0]


def test_parts_are_logged():
    logged = {}
    truths = [{"label": "spam", "labels": LABELS}] * 4
    reward = reward_func("classify.label")
    reward(completions=["spam", "ham", "?", "spam"], truth=truths, log_metric=logged.__setitem__)
    assert logged["classify.label/accuracy"] == 0.5
    assert logged["classify.label/correct"] == 0.5


def test_mistakes():
    with pytest.raises(KeyError, match=r"classify\.label"):
        reward_func("classify.labl")
    with pytest.raises(ValueError, match="no option 'tone'"):
        reward_func("classify.label", tone="kind")
    with pytest.raises(ValueError, match="no column 'gold'"):
        reward_func("classify.label", truth="gold")(completions=["x"])
    with pytest.raises(ValueError, match="no column choices, target"):
        reward_func("classify.label", truth={"label": "target", "labels": "choices"})(completions=["x"])
    with pytest.raises(ValueError, match="not JSON"):
        reward_func("classify.label")(completions=["x"], truth=["spam"])
    with pytest.raises(ValueError, match="not a mapping"):
        reward_func("classify.label")(completions=["x"], truth=[3])


@pytest.mark.parametrize(
    ("completion", "text"),
    [
        ("as it is", "as it is"),
        (said("one"), "one"),
        ([*said("first"), {"role": "tool", "content": "ok"}, *said("last")], "last"),
        ([{"role": "assistant", "content": None, "tool_calls": []}], ""),
        ([{"role": "tool", "content": "ok"}], ""),
        (
            [{"role": "assistant", "content": [{"type": "text", "text": "in"}, {"type": "text", "text": " parts"}]}],
            "in parts",
        ),
        ([], ""),
    ],
)
def test_response_of(completion, text):
    assert response_of(completion) == text


def test_a_group_verifier_sees_a_prompt_s_completions_together(monkeypatch):
    def longest(responses, truth, *, base=0.0):
        """Reward the longest of a group."""
        top = max(map(len, responses))
        return [Score(base + float(len(response) == top)) for response in responses]

    made = registry.Verifier(
        "test.longest", longest, options={"base": registry.Option("floor", default=0.0)}, group=True
    )
    monkeypatch.setitem(registry._registered, "test.longest", made)
    given = {"prompts": ["p", "q", "p", "q"], "truth": [{"answer": 1}] * 4}
    completions = ["a", "long one", "bb", "short"]
    assert reward_func("test.longest", base=0.5)(completions=completions, **given) == [0.5, 1.5, 1.5, 0.5]
