"""Bash and nothing else: one command block a turn, its output back, until ``submit``; in the spirit of mini-swe-agent.

The history is linear: every turn sees all turns before it, as they were sampled. Where the context runs short the older
half of the outputs gives way to a note; what the policy said itself stays. That rewrites history, so the transcript
forks: the row so far is closed with its exact tokens, and the shortened conversation begins the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assay.agents.chat import text_of
from assay.agents.policy import Completion
from assay.agents.scaffolds.chat import ChatScaffold, Think, without_thoughts
from assay.envs.tasks import Message
from assay.verifiers.parse.fences import fences

SYSTEM = """\
You mend a software repository by running bash commands in it.

Answer every time with one or two sentences about what you do next and why, followed by exactly one block:

```bash
a command, or several lines of a script
```

The block runs in a new bash in the root of the repository; afterwards you see what it printed. Folders, variables and \
functions are gone in the next block, files stay. Nothing can be typed into a running command, and there is no network.

A good course: look at the files, reproduce the problem, change the code (with sed, a here-document or a short Python \
script), run your reproduction and the tests again. Change no test: tests of others decide whether the problem is gone.

When it is, answer with a block whose only command is:

```bash
submit
```
"""

NO_BLOCK = "There is no ```bash block in this answer, so nothing was run. Answer again with exactly one."
MANY_BLOCKS = "There are {} ```bash blocks in this answer, so none was run. Answer again with exactly one."
UNCLOSED = "The ```bash block is never closed by a line of ```, so nothing was run. Answer again, with a shorter block."
ELIDED = "[{:,} characters of output were left out here to save room; run the command again to see them]"

WORTH = 400
"""Characters from which on an output is worth leaving out: several times the note's."""

SHELLS = ("bash", "sh", "shell")


class ShellScaffold(ChatScaffold):
    """A shell agent for environments whose action is one fenced bash block.

    The environment's system message gives way to :data:`SYSTEM`; its other messages, the problem among them, stay, and
    so do its answers to commands.

    Args:
        tokenizer: of the policy, or a :class:`~assay.agents.chat.Chat` of it; None for policies without tokens.
        think: see :class:`~assay.agents.scaffolds.chat.ChatScaffold`. Thoughts between ``<think>`` tags are never run.
        system: the system message; empty keeps the environment's.
        repairs: how often in a row an answer without exactly one block is sent back; then the environment gets it.
        keep: how many of the long outputs, the last ones, are never left out.
    """

    def __init__(
        self, tokenizer: Any = None, *, think: Think = "auto", system: str = SYSTEM, repairs: int = 2, keep: int = 2
    ) -> None:
        super().__init__(tokenizer, think=think)
        self.system = system
        self.repairs = repairs
        self.keep = keep

    def opening(self, messages: Sequence[Message]) -> list[Message]:
        """The environment's messages under the scaffold's own system message."""
        if not self.system:
            return list(messages)
        rest = [message for message in messages if message["role"] != "system"]
        return [{"role": "system", "content": self.system}, *rest]

    def repair(self, completion: Completion, shown: Sequence[Message], tries: int) -> list[Message] | None:
        """What is wrong with an answer that does not hold exactly one block, as a user message."""
        problem = block_problem(completion.text)
        if not problem or tries >= self.repairs:
            return None
        return [{"role": "user", "content": problem}]

    def action(self, completion: Completion) -> str:
        """The one block, fenced, without the words around it.

        Where there is not exactly one the whole answer is fenced as text, so that no environment takes prose for a
        command.
        """
        if block_problem(completion.text):
            return fenced(completion.text, "text")
        (block,) = _blocks(completion.text)
        return fenced(block, "bash")

    def shorten(self, messages: Sequence[Message]) -> list[Message] | None:
        """The conversation with the older half of its long outputs, all but the last ``keep``, replaced by notes."""
        spoken = next((i for i, message in enumerate(messages) if message["role"] == "assistant"), len(messages))
        outputs = [i for i in range(spoken, len(messages)) if messages[i]["role"] != "assistant"]
        long = [i for i in outputs if len(text_of(messages[i])) > WORTH]
        long = long[: max(0, len(long) - self.keep)]
        if not long:
            return None
        older = set(long[: (len(long) + 1) // 2])
        return [{**one, "content": _note(one)} if i in older else one for i, one in enumerate(messages)]


def fenced(text: str, language: str) -> str:
    """A text as a fenced block, by a fence long enough to hold it."""
    fence = "```"
    while any(line.lstrip().startswith(fence) for line in text.splitlines()):
        fence += "`"
    return f"{fence}{language}\n{text}\n{fence}"


def block_problem(text: str) -> str:
    """Why an answer does not hold exactly one command block, as a sentence to the policy; empty if it does."""
    found = _blocks(text)
    if len(found) == 1:
        return ""
    if found:
        return MANY_BLOCKS.format(len(found))
    unclosed = any(fence.language.lower() in SHELLS and not fence.closed for fence in fences(_spoken(text)))
    return UNCLOSED if unclosed else NO_BLOCK


def _blocks(text: str) -> list[str]:
    return [f.text for f in fences(_spoken(text)) if f.closed and f.language.lower() in SHELLS]


def _spoken(text: str) -> str:
    return without_thoughts(text) if "<think>" in text or "</think>" in text else text


def _note(message: Message) -> str:
    return ELIDED.format(len(text_of(message)))
