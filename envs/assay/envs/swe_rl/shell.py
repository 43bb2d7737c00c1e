"""The agent's side of a repo episode: an action into a command, a result into an observation; pure but for one call."""

from __future__ import annotations

import posixpath
import shlex

from assay.envs.swe_rl.boxes import TESTBED, TOOLS_AT, Place
from assay.envs.swe_rl.inside.agent_tools import SUBMITTED
from assay.sandbox import ExecResult, FileRefused, Sandbox
from assay.verifiers.parse.fences import fences

LANGUAGES = ("bash", "sh", "shell")
LONGEST = 200_000
NO_COMMAND = (
    "Nothing was run: an answer holds exactly one ```bash block, and this one holds {}. Answer again; "
    "a block with the command submit ends the work."
)
BAD_COMMAND = "Nothing was run: {}. Answer again."


def command_of(action: str) -> tuple[str, str]:
    """The command that an action holds, and what is wrong with the action; one of the two is empty.

    That is the text of the only ```bash block, or the whole action where it holds no fence at all.
    """
    blocks = [fence for fence in fences(action) if fence.language.lower() in LANGUAGES]
    if not blocks and "```" not in action and "~~~" not in action:
        command = action.strip()
    elif len(blocks) == 1:
        command = blocks[0].text
    else:
        return "", NO_COMMAND.format(len(blocks) or "none")
    if not command.strip():
        return "", BAD_COMMAND.format("the command is empty")
    if "\0" in command:
        return "", BAD_COMMAND.format("a command cannot hold the character NUL")
    if len(command) > LONGEST:
        return "", BAD_COMMAND.format(f"the command has {len(command):,} characters, more than {LONGEST:,}")
    return command.encode("utf-8", "replace").decode("utf-8"), ""


def prelude(place: Place) -> str:
    """Lines before every command: the repository and pytest importable, our tools on ``PATH``."""
    sources = [f'"$ASSAY_ROOT"{shlex.quote(_joined(source))}' for source in place.sources]
    paths = [f'"$ASSAY_ROOT"{shlex.quote(path)}' for path in place.paths]
    own = f"{shlex.quote(posixpath.dirname(place.python))}:" if place.python.startswith("/") else ""
    return f'export PATH="$ASSAY_ROOT"{TOOLS_AT}/bin:{own}"$PATH" PYTHONPATH={":".join(sources + paths)}\n'


def _joined(source: str) -> str:
    return TESTBED if source in ("", ".") else f"{TESTBED}/{source}"


def run(box: Sandbox, command: str, place: Place, timeout: float) -> tuple[ExecResult, bool]:
    """The result of a command, and whether it submitted."""
    result = box.exec(prelude(place) + command, timeout=timeout)
    if "submit" not in command:
        return result, False
    try:
        return result, bool(box.read_file(SUBMITTED, 64))
    except FileRefused:
        return result, False


def observation(result: ExecResult, limit: int, timeout: float) -> str:
    """What the agent sees of a command: how it ended, then what it printed, the middle left out if it is long."""
    if result.timed_out:
        head = f"[not done after {timeout:g} seconds: it was ended, with every process that it had started]"
    elif result.oom:
        head = f"[exit status {result.exit_code}; a process was ended for want of memory]"
    else:
        head = f"[exit status {result.exit_code}]"
    if result.truncated:
        head += f" [{result.truncated:,} bytes of output were not kept]"
    return f"{head}\n{shortened(result.text(), limit)}".rstrip("\n")


def shortened(text: str, limit: int) -> str:
    """At most ``limit`` characters of a text, from its head and its tail, with a line that says what is missing."""
    if len(text) <= limit:
        return text
    half = max(limit // 2, 1)
    return f"{text[:half]}\n[{len(text) - 2 * half:,} characters left out]\n{text[-half:]}"
