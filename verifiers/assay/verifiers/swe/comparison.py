"""How alike two changes are: the reward of SWE-RL (arXiv 2502.18449, section 2.2), on any form of change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from assay.verifiers.swe.diff import diffs
from assay.verifiers.swe.edits import FormatError, apply_edits, parse_edits, split_response
from assay.verifiers.swe.ratio import BUDGET, ratio

MAX_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two changes, file by file.

    Attributes:
        files: the similarity of each file that either of them changes, in [0, 1].
        same: whether the two are equal.
        exact: whether every similarity is the exact one, not a lower bound.
    """

    files: Mapping[str, float]
    same: bool
    exact: bool

    @property
    def mean(self) -> float:
        """The mean over the files, 1 if there are none."""
        return sum(self.files.values()) / len(self.files) if self.files else 1.0


def compare(predicted: Mapping[str, str], oracle: Mapping[str, str], max_chars: int = MAX_CHARS) -> Comparison:
    """Compare two changes, each a diff per path; a file that only one of them changes has similarity 0.

    Args:
        predicted: the diffs that are judged.
        oracle: the reference.
        max_chars: how much of a diff is compared: what lies past it counts as unlike, and the time of one call is
            bounded to about half a second, after which what was not yet compared counts as unlike too. 0: no bounds.
    """
    both = [path for path in sorted(predicted) if path in oracle]
    budget = max(BUDGET // len(both), 1) if max_chars and both else 0
    files = dict.fromkeys(sorted({*predicted, *oracle}), 0.0)
    exact = True
    for path in both:
        if predicted[path] and oracle[path]:
            files[path], known = ratio(predicted[path], oracle[path], max_chars=max_chars, budget=budget)
            exact &= known
    return Comparison(files, dict(predicted) == dict(oracle), exact)


def similarity_reward(
    context: Mapping[str, str], oracle: Mapping[str, str], predicted: Mapping[str, str], max_chars: int = MAX_CHARS
) -> float:
    """The similarity of two sets of new file contents, in [0, 1]; 1 if neither changes anything.

    Args:
        context: the text of each file before.
        oracle: the reference text of each file that the reference changes.
        predicted: the text of each file that the prediction changes.
        max_chars: see :func:`compare`.
    """
    return compare(diffs(context, predicted), diffs(context, oracle), max_chars).mean


def predicted_contents(
    response: str, context: Mapping[str, str], *, strict_empty_search: bool = True, parity: bool = False
) -> dict[str, str]:
    """The files that a whole response (thinking and solution) makes.

    Raises:
        FormatError: a malformed response, one without edits, or edits that do not fit.
    """
    _, solution = split_response(response if parity else response.replace("\r\n", "\n"), parity=parity)
    edits = parse_edits(solution)
    if not edits:
        raise FormatError("the solution holds no edit")
    return apply_edits(context, edits, strict_empty_search=strict_empty_search, parity=parity)
