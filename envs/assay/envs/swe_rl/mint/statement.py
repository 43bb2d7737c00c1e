"""The text of a task: the maintainers' words where there are any, else what the tests expect, in plain sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from assay.envs.swe_rl.mint.changelog import points

STOP = frozenset({
    "the", "and", "for", "with", "now", "fix", "fixed", "fixes", "added", "add", "adds", "support", "from", "that",
    "when", "this", "not", "are", "can", "use", "self", "def", "return", "import", "none", "true", "false", "has",
    "python", "test", "tests", "new", "also", "have", "all", "any",
})  # fmt: skip


def from_notes(
    name: str,
    notes: str,
    failing: Sequence[str],
    needed: Sequence[str],
    messages: Sequence[str] = (),
    expected: Sequence[str] = (),
) -> str:
    """A request to change ``name``.

    Args:
        name: of the project.
        notes: what the maintainers say of the change; may be empty.
        failing: node ids of the tests that must turn.
        needed: the interface section's lines.
        messages: texts that the tests compare with.
        expected: some expectations of the tests, for where there are no notes.
    """
    lines = [f"{name}: a change is wanted", ""]
    if notes.strip():
        lines += ["The maintainers describe it like this:", "", notes.strip(), ""]
    else:
        lines += ["These things do not work as they should:", ""]
        lines += [f"- {each}" for each in behaviours(failing)]
        lines += _examples(expected)
        lines += [""]
    return "\n".join(lines + _sections(needed, messages)).rstrip() + "\n"


def from_failures(name: str, failing: Sequence[str], reasons: Sequence[str]) -> str:
    """A report that something which worked is broken, without a word on where.

    Args:
        name: of the project.
        failing: node ids of the tests that fail.
        reasons: some expectations of the tests, such as ``assert size(3) == 4``.
    """
    lines = [
        f"{name}: something that used to work is broken",
        "",
        "Since a recent change these do not work any more:",
        "",
    ]
    lines += [f"- {each}" for each in behaviours(failing)]
    lines += _examples(reasons[:3])
    lines += ["", "Find the cause in the source and repair it; the expected behaviour is the former one."]
    return "\n".join(lines) + "\n"


def behaviours(failing: Iterable[str], most: int = 8) -> list[str]:
    """Test names as phrases: ``tests/test_size.py::TestSize::test_of_empty_list[0]`` is "size: of empty list"."""
    found: dict[str, None] = {}
    for each in failing:
        path, _, rest = each.partition("::")
        area = _phrase(re.sub(r"^(test_)?(.*?)(_tests?)?\.py$", r"\2", path.rsplit("/", 1)[-1]))
        name = re.split(r"\[", rest)[0].split("::")[-1]
        what = _phrase(re.sub(r"^test_?", "", name))
        found[f"{area}: {what}" if what else area] = None
    kept = list(found)
    more = len(kept) - most
    return kept[:most] + ([f"and {more} more of the kind"] if more > 0 else [])


def matching_points(notes: str, patch: str, failing: Iterable[str], most: int = 2) -> str:
    """The points of release notes whose words are those of a small patch and its tests; empty if none fits."""
    listed = points(notes)
    wanted = _words(patch) | {word for each in failing for word in _words(each.replace("_", " "))}
    scored = []
    for point in listed:
        words = _words(point) - STOP
        scored.append((len(words & wanted) / (2 + len(words)), point))
    best = sorted(scored, key=lambda pair: -pair[0])[:most]
    return "\n".join(f"- {point}" for score, point in best if score > 0.2)


def _examples(expected: Sequence[str]) -> list[str]:
    return ["", "What is expected, among other things:", "", *(f"    {each}" for each in expected)] if expected else []


def _sections(needed: Sequence[str], messages: Sequence[str]) -> list[str]:
    lines: list[str] = []
    if needed:
        lines += [
            "## Interface",
            "",
            "The solution provides these, by these names:",
            "",
            *(f"- {each}" for each in needed),
            "",
        ]
    if messages:
        lines += ["Texts that are expected word for word:", "", *(f"- `{each}`" for each in messages), ""]
    return lines


def _phrase(name: str) -> str:
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name).replace("_", " ")
    return re.sub(r"\s+", " ", spaced).strip().lower()


def _words(text: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Za-z_][A-Za-z_0-9]{2,}", text)}
