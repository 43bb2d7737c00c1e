"""The scaffold that asks for a confidence: what is shown, what is read, what is taught."""

from __future__ import annotations

import pytest

from assay.agents.policy import Completion
from assay.agents.scaffolds import CONFIDENCE, layout_tokens, make_scaffold
from assay.agents.scaffolds.chat import ChatScaffold
from assay.agents.scaffolds.confidence import ConfidenceScaffold
from assay.agents.scaffolds.confidence_prompts import drawn, filled_in, instruction
from assay.verifiers.calibration import PATTERNS, read_strict

ASK = [{"role": "system", "content": "Classify."}, {"role": "user", "content": "meow"}]
GOOD = "Whiskers.</think>\n<answer> cat </answer><analysis>?</analysis><confidence>0.7</confidence>"
LOOSE = "<answer>cat</answer> I am 70% sure. <confidence>70%</confidence>"


def said(text: str) -> Completion:
    return Completion(text)


def test_the_instruction_follows_the_system_message_or_the_last_one() -> None:
    scaffold = ConfidenceScaffold()
    told = scaffold.opening(ASK)
    assert told[0]["content"].startswith("Classify.\n\nWhatever was said")
    assert told[1] == ASK[1]
    assert ASK[0]["content"] == "Classify."
    (only,) = scaffold.opening(ASK[1:])
    assert only["content"].startswith("meow\n\n")
    parts = [{"type": "image"}, {"type": "text", "text": "what is it?"}]
    (seen,) = scaffold.opening([{"role": "user", "content": parts}])
    assert seen["content"][:2] == parts
    assert "<confidence>" in seen["content"][2]["text"]
    assert len(parts) == 2


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_instruction_names_the_blocks_of_the_pattern_in_order(pattern: str) -> None:
    text = instruction(pattern)
    tags = [{"t": "<think>", "a": "<answer> ", "b": "<analysis>", "c": "<confidence>"}[letter] for letter in pattern]
    where = [text.index(tag) for tag in tags]
    assert where == sorted(where)
    assert ("probable" in text) == ("c" in pattern)
    long = instruction(pattern, long=True)
    assert long.startswith(text)
    assert ("two ways" in long) == ("b" in pattern)


def test_the_answer_is_the_action_and_the_confidence_a_part() -> None:
    scaffold = make_scaffold("confidence")
    assert scaffold.action(said(GOOD)) == "cat"
    assert scaffold.parts(said(GOOD)) == {"format": 1.0, "confidence": 0.7}
    assert scaffold.action(said(LOOSE)) == ""
    assert scaffold.parts(said(LOOSE)) == {"format": 0.0, "confidence": 0.0}


def test_an_evaluation_reads_leniently() -> None:
    scaffold = make_scaffold("confidence", lenient=True)
    assert scaffold.action(said(LOOSE)) == "cat"
    assert scaffold.parts(said(LOOSE)) == {"format": 1.0, "confidence": 0.7}
    assert scaffold.parts(said("<answer>cat</answer>")) == {"format": 0.0, "confidence": 0.0}
    assert scaffold.action(said("cat")) == ""


def test_other_scaffolds_state_nothing() -> None:
    for scaffold in (ChatScaffold(), make_scaffold("edit", lenient=True), make_scaffold("shell")):
        assert scaffold.parts(said(GOOD)) == {}
        assert scaffold.demonstration("cat", "k") == "cat"
    assert layout_tokens("chat") == 0


@pytest.mark.parametrize("name", CONFIDENCE)
def test_demonstrations_are_read_back(name: str) -> None:
    scaffold = make_scaffold(name)
    keys = [f"task-{k}" for k in range(200)]
    seen = [scaffold.parts(said(scaffold.demonstration("cat", key))) for key in keys]
    assert {part["format"] for part in seen} == {1.0}
    assert {part["confidence"] for part in seen} == {k / 10 for k in range(1, 10)}
    assert [part["confidence"] for part in seen] == [drawn(key) for key in keys]
    assert scaffold.action(said(scaffold.demonstration("cat", "k"))) == "cat"
    assert layout_tokens(name) >= 28


def test_versions_differ_in_pattern_and_length() -> None:
    short, long = make_scaffold("confidence").opening(ASK), make_scaffold("confidence-long").opening(ASK)
    assert len(long[0]["content"]) > len(short[0]["content"]) + 300
    assert "<think>" not in make_scaffold("confidence-ac").opening(ASK)[0]["content"]
    assert read_strict(filled_in("x", "ta", 0.5), "ta").formatted
    with pytest.raises(ValueError, match="tabc"):
        ConfidenceScaffold(pattern="cab")
