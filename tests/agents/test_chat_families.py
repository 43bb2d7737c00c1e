"""For every family of chat templates: contexts only grow, and sampled tokens alone carry loss, as they were sampled."""

from __future__ import annotations

import importlib.resources
import importlib.util
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.agents.chat import Chat
from assay.agents.policy import Completion
from assay.agents.tiny import tiny_tokenizer
from assay.agents.transcript import Transcript

FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="<>|"), min_size=1, max_size=20)
TEXTS = WORDS.map(str.strip).filter(bool)
TURN = st.tuples(TEXTS, TEXTS, st.booleans())  # what the user says, what the policy says, whether it closes its turn
PLAIN = ["smollm2", "qwen2.5", "llama3"]


def shatter(chat: Chat, text: str, draw: random.Random) -> tuple[int, ...]:
    """Ids that decode to ``text`` but are rarely the ones that the tokenizer would give."""
    ids: list[int] = []
    while text:
        n = draw.randint(1, 4)
        ids.extend(chat.encode(text[:n]))
        text = text[n:]
    return tuple(ids)


def say(chat: Chat, text: str, closes: bool, draw: random.Random) -> Completion:
    ids = shatter(chat, text, draw)
    assert chat.tokenizer.decode(ids) == text
    ids = (*ids, chat.tokenizer.eos_token_id) if closes else ids
    return Completion(text, ids, tuple(-0.5 - i for i in range(len(ids))), "stop" if closes else "length")


def decoded(chat: Chat, ids: tuple[int, ...]) -> str:
    return str(chat.tokenizer.decode(ids, skip_special_tokens=False))


def play(chat: Chat, system: str | None, turns: list[tuple[str, str, bool]]) -> tuple[Transcript, list[Completion]]:
    draw = random.Random(0)
    transcript = chat.transcript()
    said: list[Completion] = []
    for i, (user, answer, closes) in enumerate(turns):
        new = [{"role": "user", "content": user}]
        before = transcript.ids
        if i:
            transcript.observe(new)
            assert transcript.ids[: len(before)] == before, "the context was rewritten"
            suffix = transcript.ids[len(before) :]
            assert chat.tokenizer.eos_token_id in (before[-1], suffix[0]), "the assistant turn was not closed"
            assert before[-1] != suffix[0], "the assistant turn was closed twice"
        else:
            transcript.open([{"role": "system", "content": system}, *new] if system else new)
        assert decoded(chat, transcript.ids) == chat.render(transcript.messages)
        said.append(say(chat, answer, closes, draw))
        transcript.add(said[-1])
    return transcript, said


@pytest.mark.parametrize("name", PLAIN)
@given(system=st.none() | TEXTS, turns=st.lists(TURN, min_size=1, max_size=4))
@FEW
def test_append_only(
    make_family: Callable[..., Chat], name: str, system: str | None, turns: list[tuple[str, str, bool]]
) -> None:
    chat = make_family(name)
    transcript, said = play(chat, system, turns)
    (branch,) = transcript.branches()
    assert branch.ids == transcript.ids
    sampled = [i for i, mine in enumerate(branch.sampled) if mine]
    assert [branch.ids[i] for i in sampled] == [token for one in said for token in one.ids]
    assert [branch.logprobs[i] for i in sampled] == [value for one in said for value in one.logprobs]
    assert all(branch.logprobs[i] == 0.0 for i in range(len(branch.ids)) if not branch.sampled[i])


@given(turns=st.lists(st.tuples(TEXTS, TEXTS, TEXTS, st.booleans()), min_size=1, max_size=4))
@FEW
def test_qwen3_forks_where_thoughts_are_dropped(
    make_family: Callable[..., Chat], turns: list[tuple[str, str, str, bool]]
) -> None:
    chat = make_family("qwen3")
    draw = random.Random(0)
    transcript, said = chat.transcript(), []
    for i, (user, thought, answer, closes) in enumerate(turns):
        new = [{"role": "user", "content": user}]
        transcript.observe(new) if i else transcript.open(new)
        assert decoded(chat, transcript.ids) == chat.render(transcript.messages)
        said.append(say(chat, f"<think>\n{thought}\n</think>\n\n{answer}", closes, draw))
        transcript.add(said[-1])
    branches = transcript.branches()
    assert len(branches) == len(turns)
    for branch, one in zip(branches, said, strict=True):
        assert branch.ids[-len(one.ids) :] == one.ids
        assert sum(branch.sampled) == len(one.ids), "earlier turns carry loss again"
    past = decoded(chat, branches[-1].segments[0].ids)
    assert "<think>" not in past
    assert all(turn[2] in past for turn in turns[:-1])


@given(turns=st.lists(TURN, min_size=2, max_size=4))
@FEW
def test_qwen3_without_thoughts_is_one_row(
    make_family: Callable[..., Chat], turns: list[tuple[str, str, bool]]
) -> None:
    transcript, _ = play(make_family("qwen3"), None, turns)
    assert len(transcript.branches()) == 1


def test_qwen3_keeps_its_thoughts_when_told_to(make_family: Callable[..., Chat]) -> None:
    chat = make_family("qwen3")
    transcript = chat.transcript(keep_history=True)
    transcript.open([{"role": "user", "content": "one"}])
    transcript.add(say(chat, "<think>\nhm\n</think>\n\nyes", True, random.Random(0)))
    transcript.observe([{"role": "user", "content": "two"}])
    assert len(transcript.branches()) == 1
    assert "<think>\nhm\n</think>\n\nyes<|im_end|>\n<|im_start|>user\ntwo" in decoded(chat, transcript.ids)


def test_a_template_that_drops_its_own_empty_thought_forks(make_family: Callable[..., Chat]) -> None:
    chat = make_family("qwen3", enable_thinking=False)
    transcript = chat.transcript()
    transcript.open([{"role": "user", "content": "one"}])
    assert decoded(chat, transcript.ids).endswith("<think>\n\n</think>\n\n")
    transcript.add(say(chat, "yes", True, random.Random(0)))
    transcript.observe([{"role": "user", "content": "two"}])
    transcript.add(say(chat, "no", True, random.Random(0)))
    first, second = transcript.branches()
    assert decoded(chat, second.segments[0].ids).count("<think>") == 1
    assert sum(first.sampled) + sum(second.sampled) == first.sampled.count(True) + len(second.segments[1].ids)


def test_white_space_that_a_template_strips_is_kept_as_sampled(make_family: Callable[..., Chat]) -> None:
    chat = make_family("llama3")
    transcript = chat.transcript()
    transcript.open([{"role": "user", "content": "one"}])
    spoken = say(chat, " yes \n", True, random.Random(0))
    transcript.add(spoken)
    transcript.observe([{"role": "user", "content": "two"}])
    assert len(transcript.branches()) == 1
    assert "\n\n yes \n<|eot_id|><|start_header_id|>user" in decoded(chat, transcript.ids)


@pytest.mark.parametrize("name", [*PLAIN, "qwen3"])
def test_another_end_token_is_followed_by_the_closing_one(make_family: Callable[..., Chat], name: str) -> None:
    chat = make_family(name)
    ids = (*chat.encode("yes"), chat.tokenizer.convert_tokens_to_ids("<|endoftext|>"))
    suffix = chat.extend(Completion("yes", ids, (0.0,) * len(ids)), [{"role": "user", "content": "x"}])
    assert suffix[: len(chat.closing)] == chat.closing


@pytest.mark.parametrize(
    ("name", "file"), [("qwen2.5", "qwen2_5.jinja"), ("qwen3", "qwen3.jinja"), ("llama3", "llama3.jinja")]
)
def test_the_families_as_published(make_family: Callable[..., Chat], name: str, file: str) -> None:
    if importlib.util.find_spec("trl") is None:
        pytest.skip("the published templates come with trl")
    template = importlib.resources.files("trl") / "chat_templates" / file
    if not template.is_file():
        pytest.skip(f"this trl carries no {file}")
    ours = make_family(name)
    theirs = make_family(name)
    theirs.tokenizer.chat_template = template.read_text(encoding="utf-8")
    transcript, said = play(theirs, None, [("one two", "yes", True), ("three", "no", False), ("four", "maybe", True)])
    (branch,) = transcript.branches()
    assert sum(branch.sampled) == sum(len(one.ids) for one in said)
    system = {"role": "system", "content": "be brief"}
    messages = [system, *transcript.messages]
    if name == "llama3" or name == "qwen2.5":
        assert theirs.render(messages[:-1]) == ours.render(messages[:-1])
    thinking = [*transcript.messages[:-1], {"role": "assistant", "content": "<think>\nhm\n</think>\n\nyes"}]
    thinking.append({"role": "user", "content": "so?"})
    assert theirs.append_only(thinking) is (name != "qwen3")
    assert ours.append_only(thinking) is (name != "qwen3")


def test_smollm2_itself(smollm2: tuple[Any, Any]) -> None:
    chat = Chat(smollm2[1])
    transcript, said = play(chat, None, [("What is 2+2?", "It is 4.", True), ("And 3+3?", "6, héllo 日本", False)])
    assert decoded(chat, transcript.ids).startswith("<|im_start|>system\nYou are a helpful AI assistant named SmolLM")
    (branch,) = transcript.branches()
    assert sum(branch.sampled) == sum(len(one.ids) for one in said)


def test_a_tokenizer_without_template_is_refused() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = None
    with pytest.raises(ValueError, match="no chat template"):
        Chat(tokenizer)


def test_a_refusing_template_is_one_line(make_family: Callable[..., Chat]) -> None:
    chat = make_family("smollm2")
    chat.tokenizer.chat_template = "{{ raise_exception('roles must alternate') }}"
    with pytest.raises(ValueError, match="refuses messages of roles user: roles must alternate"):
        chat.open([{"role": "user", "content": "x"}])


def test_text_parts_are_joined_and_images_refused_by_a_text_model(make_family: Callable[..., Chat]) -> None:
    chat = make_family("smollm2")
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert chat.open([{"role": "user", "content": parts}]) == chat.open([{"role": "user", "content": "ab"}])
    with pytest.raises(ValueError, match="reads text only"):
        chat.open([{"role": "user", "content": [{"type": "image", "image": "x.png"}]}])
