"""The shell scaffold: one block or none, and outputs that give way without touching what was sampled."""

from __future__ import annotations

from typing import Any

import pytest

from assay.agents.policy import Completion
from assay.agents.scaffolds import PIPELINES, SCAFFOLDS, check_scaffold, make_scaffold
from assay.agents.scaffolds.chat import ChatScaffold
from assay.agents.scaffolds.shell import SYSTEM, ShellScaffold, block_problem
from assay.verifiers.parse.fences import fences

ENV = [{"role": "system", "content": "the environment's"}, {"role": "user", "content": "a problem"}]


def shell(**options: Any) -> ShellScaffold:
    return ShellScaffold(**options)


@pytest.mark.parametrize(
    ("said", "command"),
    [
        ("I look.\n```bash\nls -la\n```\nDone.", "ls -la"),
        ("```sh\nls\npwd\n```", "ls\npwd"),
        ("```python\nprint(1)\n```\n```bash\nls\n```", "ls"),
        ("<think>```bash\nrm -rf /\n```</think>```bash\nls\n```", "ls"),
        ("````bash\ncat > a.md <<'EOF'\n```\ncode\n```\nEOF\n````", "cat > a.md <<'EOF'\n```\ncode\n```\nEOF"),
        ("```BASH\nls\n```", "ls"),
    ],
)
def test_the_one_block_is_the_action(said: str, command: str) -> None:
    action = shell().action(Completion(said))
    assert action.split("\n", 1)[0].strip("`") == "bash"
    assert "\n".join(action.split("\n")[1:-1]) == command
    assert block_problem(action) == ""
    assert shell().repair(Completion(said), ENV, 0) is None


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("I am done.", "no ```bash block"),
        ("", "no ```bash block"),
        ("<think>```bash\nls\n```", "no ```bash block"),
        ("```python\nprint(1)\n```", "no ```bash block"),
        ("```bash\nls\n```\n```bash\nls\n```", "2 ```bash blocks"),
        ("```bash\nls", "never closed"),
    ],
)
def test_anything_else_is_sent_back_and_then_left_to_the_environment(said: str, word: str) -> None:
    scaffold = shell(repairs=1)
    (message,) = scaffold.repair(Completion(said), ENV, 0) or []
    assert message["role"] == "user"
    assert word in message["content"]
    assert scaffold.repair(Completion(said), ENV, 1) is None
    assert block_problem(scaffold.action(Completion(said))).startswith("There is no")
    assert fences(scaffold.action(Completion(said)))[0].text == "\n".join(said.splitlines())


def test_the_opening_keeps_the_problem_and_replaces_the_rules() -> None:
    assert shell().opening(ENV) == [{"role": "system", "content": SYSTEM}, ENV[1]]
    assert shell().opening(ENV[1:]) == [{"role": "system", "content": SYSTEM}, ENV[1]]
    assert shell(system="").opening(ENV) == ENV


def conversation(outputs: list[int]) -> list[dict[str, Any]]:
    messages = list(ENV)
    for number, size in enumerate(outputs):
        messages += [{"role": "assistant", "content": f"turn {number} " + "x" * 500}]
        messages += [{"role": "user", "content": "o" * size}]
    return messages


def test_the_older_half_of_the_outputs_gives_way_first() -> None:
    scaffold, messages = shell(keep=2), conversation([1000, 40, 2000, 3000, 4000, 5000, 6000])
    once = scaffold.shorten(messages)
    assert once is not None
    outputs = [one["content"] for one in once if one["role"] == "user"][1:]
    assert ["left out" in text for text in outputs] == [True, False, True, False, False, False, False]
    assert "2,000 characters" in outputs[2]
    assert [one for one in once if one["role"] == "assistant"] == messages[2::2]
    assert once[:2] == ENV
    lengths = [sum(len(one["content"]) for one in messages)]
    while once is not None:
        lengths.append(sum(len(one["content"]) for one in once))
        last, once = once, scaffold.shorten(once)
    assert lengths == sorted(lengths, reverse=True)
    assert len(set(lengths)) == len(lengths) == 4  # the untouched one, then 2, 3 and 4 of the four long ones
    assert [len(one["content"]) for one in last if one["role"] == "user"][-2:] == [5000, 6000]
    assert messages == conversation([1000, 40, 2000, 3000, 4000, 5000, 6000])


@pytest.mark.parametrize("outputs", [[], [5000], [5000, 5000]])
def test_the_last_outputs_stay(outputs: list[int]) -> None:
    assert shell(keep=2).shorten(conversation(outputs)) is None
    assert ChatScaffold().shorten(conversation(outputs)) is None


def test_scaffolds_by_name() -> None:
    assert [type(make_scaffold(name)).__name__ for name in SCAFFOLDS[:4]] == [
        "ChatScaffold",
        "ShellScaffold",
        "EditScaffold",
        "ConfidenceScaffold",
    ]
    with pytest.raises(
        ValueError, match=r"unknown scaffold 'shel'; did you mean 'shell'\? there are: chat, shell, edit"
    ):
        make_scaffold("shel")
    with pytest.raises(ValueError, match="only eval-agent can do"):
        make_scaffold("agentless-mini")
    check_scaffold("agentless-mini", (*SCAFFOLDS, *PIPELINES))
