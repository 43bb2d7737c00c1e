"""Rubrics: rewards composed of smaller ones, as a tree of plain values.

Every node is frozen, picklable and pure. A node scores one response with :meth:`Rubric.score` or all responses to one
task with :meth:`Rubric.group`. Each child's reward is kept under its name and the child's own parts under
``name/part``, before weighting, so that nothing that went into a reward is lost.

The leaves are here, the nodes that join them in :mod:`assay.verifiers.compose`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.verifiers import registry
from assay.verifiers.score import Score

Truth = Mapping[str, Any]


class Rubric(ABC):
    """A node of the tree."""

    @abstractmethod
    def group(self, responses: Sequence[str], truth: Truth) -> list[Score]:
        """The scores of all responses to one task, in order."""

    @abstractmethod
    def children(self) -> Iterator[tuple[str, Rubric]]:
        """The children by name."""

    @property
    def needs_group(self) -> bool:
        """Whether any node below compares responses with one another."""
        return any(child.needs_group for _, child in self.children())

    def score(self, response: str, truth: Truth) -> Score:
        """The score of one response.

        Raises:
            ValueError: if a node compares responses, since a group of one has nothing to compare; or on a malformed
                truth.
        """
        if self.needs_group:
            raise ValueError("this rubric compares the responses to one task: call group(responses, truth)")
        return self.group([response], truth)[0]

    def describe(self) -> str:
        """This node in a few words."""
        return type(self).__name__

    def tree(self, score: Score | None = None) -> str:
        """The tree, one node a line; with a score of this rubric, each node's reward beside it."""
        return "\n".join(self._lines("", "", score))

    def _lines(self, path: str, name: str, score: Score | None) -> Iterator[str]:
        label = f"{name}: {self.describe()}" if name else self.describe()
        if score is not None:
            value = score.reward if not path else score.parts.get(path)
            label += " = not scored" if value is None else f" = {value:g}"
        yield "  " * (path.count("/") + 1 if path else 0) + label
        for child_name, child in self.children():
            yield from child._lines(f"{path}/{child_name}" if path else child_name, child_name, score)


@dataclass(frozen=True)
class Leaf(Rubric):
    """A registered verifier.

    Attributes:
        verifier: its name.
        options: its options, as pairs.
        key: where its truth stands: ``truth[key]``; empty for the whole truth.
    """

    verifier: str
    options: tuple[tuple[str, Any], ...] = ()
    key: str = ""

    def group(self, responses: Sequence[str], truth: Truth) -> list[Score]:
        """See :class:`Rubric`."""
        if self.key and self.key not in truth:
            raise ValueError(f"the truth has no {self.key!r}, which {self.verifier} reads")
        own = truth[self.key] if self.key else truth
        return registry.score_group(self.verifier, responses, own, **dict(self.options))

    def children(self) -> Iterator[tuple[str, Rubric]]:
        """See :class:`Rubric`."""
        return iter(())

    @property
    def needs_group(self) -> bool:
        """See :class:`Rubric`."""
        return registry.get(self.verifier).group

    def describe(self) -> str:
        """See :class:`Rubric`."""
        options = ", ".join(f"{name}={value!r}" for name, value in self.options)
        return f"{self.verifier}({options})" if options else self.verifier


@dataclass(frozen=True)
class Call(Rubric):
    """Any function ``(response, truth) -> Score``; picklable if the function is."""

    function: Callable[[str, Truth], Score]

    def group(self, responses: Sequence[str], truth: Truth) -> list[Score]:
        """See :class:`Rubric`."""
        return [self.function(response, truth) for response in responses]

    def children(self) -> Iterator[tuple[str, Rubric]]:
        """See :class:`Rubric`."""
        return iter(())

    def describe(self) -> str:
        """See :class:`Rubric`."""
        return getattr(self.function, "__name__", repr(self.function))


def check_names(names: Sequence[str]) -> None:
    """Refuse children that could not be told apart in the parts of a score."""
    if not names:
        raise ValueError("a rubric needs at least one child")
    if len(set(names)) != len(names) or not all(name and "/" not in name for name in names):
        raise ValueError(f"children need distinct names without '/', got {list(names)}")


def prefixed(name: str, score: Score) -> dict[str, float]:
    """A child's reward under its name, and its parts under ``name/part``."""
    return {name: score.reward, **{f"{name}/{part}": value for part, value in score.parts.items()}}
