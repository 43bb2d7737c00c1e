"""``analysis-ensemble``: the answer stays, its analysis is sampled several times, and the confidences are averaged.

By convexity the mean of several confidences never has a larger Brier score, question by question, than they have on
average (RLCR, arXiv 2507.16806, section 5).
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import fmean

from assay.agents.policy import Completion, Policy, Request
from assay.verifiers.calibration.parse import read_strict

_OPENING, _CLOSING = "<confidence>", "</confidence>"


class AnalysisEnsemble:
    """A policy whose completions state the mean confidence of several analyses of the same answer.

    The policy is asked as always. Each completion that keeps its layout is then taken up again after its answer,
    with the very tokens that were sampled, until there are ``analyses`` of them. The text states the mean; tokens and
    log-probabilities are those of the first completion.

    Args:
        policy: continues from token ids.
        decode: token ids to text.
        encode: messages to token ids, for requests without ids.
        analyses: K, the first one included.
        pattern: the blocks, with an analysis after the answer.

    Raises:
        ValueError: if there are fewer than two analyses, or the pattern has none after the answer.
    """

    def __init__(
        self,
        policy: Policy,
        decode: Callable[[Sequence[int]], str],
        encode: Callable[[Request], tuple[int, ...]],
        *,
        analyses: int,
        pattern: str = "tabc",
    ) -> None:
        if analyses < 2:
            raise ValueError(f"an ensemble takes at least 2 analyses, got {analyses}")
        if "abc" not in pattern:
            raise ValueError(f"the layout {pattern} has no analysis after the answer to sample again")
        self.policy, self.decode, self.encode = policy, decode, encode
        self.analyses, self.pattern = analyses, pattern

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion a request.

        Raises:
            ValueError: if the policy returns no tokens.
        """
        first = self.policy.generate(requests)
        more: list[Request] = []
        heads: list[tuple[int, str]] = []
        for i, (request, said) in enumerate(zip(requests, first, strict=True)):
            for again, head in self._again(request, said):
                more.append(again)
                heads.append((i, head))
        stated: list[list[float]] = [[] for _ in first]
        for (i, head), tail in zip(heads, self.policy.generate(more) if more else [], strict=True):
            read = read_strict(head + tail.text, self.pattern)
            if read.formatted:
                stated[i].append(read.confidence)
        return [self._joined(said, others) for said, others in zip(first, stated, strict=True)]

    def _again(self, request: Request, said: Completion) -> list[tuple[Request, str]]:
        """Requests that go on after the answer, each with the text that it goes on from."""
        read = read_strict(said.text, self.pattern)
        if not read.formatted:
            return []
        if not said.ids:
            raise ValueError("analyses are sampled again from tokens, and this policy returns none")
        answered = said.text[: read.end]
        kept = bisect_left(range(len(said.ids)), True, key=lambda k: self.decode(said.ids[:k]).startswith(answered))
        room = request.sampling.max_tokens - kept
        if room < 1:
            return []
        ids, head = self.encode(request) + said.ids[:kept], self.decode(said.ids[:kept])
        sampling = replace(request.sampling, max_tokens=room)
        return [
            (replace(request, ids=ids, seed=_seed(request.seed, k), sampling=sampling), head)
            for k in range(1, self.analyses)
        ]

    def _joined(self, said: Completion, others: Sequence[float]) -> Completion:
        if not others:
            return said
        mean = fmean([read_strict(said.text, self.pattern).confidence, *others])
        start = said.text.rindex(_OPENING) + len(_OPENING)
        end = said.text.rindex(_CLOSING)
        return replace(said, text=f"{said.text[:start]}{mean:.6f}{said.text[end:]}")


def _seed(seed: int, k: int) -> int:
    digest = hashlib.blake2b(f"{seed}\x1fanalysis\x1f{k}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
