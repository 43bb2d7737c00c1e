"""What the papers behind the recipes say, as entries that measurements can hold up or contradict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from assay.training.stats import Interval, paired_difference

Sign = Literal["more", "less", "no less"]
Verdict = Literal["holds", "does not", "undecided"]


@dataclass(frozen=True)
class Check:
    """A difference that a claim implies: ``left`` minus ``right`` in ``metric``, paired by seed.

    ``right`` may be ``start``, the policy before training. ``entropy drift`` is the distance of the entropy from that
    of the start. "no less" allows ``margin``.
    """

    metric: str
    left: str
    sign: Sign
    right: str
    margin: float = 0.0

    def judged(self, found: Interval) -> Verdict:
        """Whether the whole interval is on one side."""
        if self.sign == "less":
            found = Interval(-found.mean, -found.high, -found.low)
        edge = -self.margin if self.sign == "no less" else 0.0
        return "holds" if found.low > edge else "does not" if found.high < edge else "undecided"


@dataclass(frozen=True)
class Claim:
    """A claim of a paper.

    Attributes:
        key: its name on the command line.
        paper: arXiv number.
        says: what the paper says, in our words.
        setting: the kind of run it is tried on, a key of ``study_recipes.SETTINGS``.
        checks: all must hold.
    """

    key: str
    paper: str
    says: str
    setting: str
    checks: tuple[Check, ...]

    @property
    def arms(self) -> list[str]:
        """The arms that it needs."""
        named = [arm for check in self.checks for arm in (check.left, check.right)]
        return [arm for arm in dict.fromkeys(named) if arm != "start"]


def overall(verdicts: list[Verdict]) -> Verdict:
    """A claim holds if all of it does, and does not if any of it does not."""
    if "does not" in verdicts:
        return "does not"
    return "undecided" if "undecided" in verdicts else "holds"


def difference(check: Check, summary: Mapping[str, Mapping[str, Mapping[str, object]]]) -> Interval:
    """``left`` minus ``right`` of a study's summary, paired by seed, with its 95 % interval."""
    return paired_difference(_values(check.left, check.metric, summary), _values(check.right, check.metric, summary))


def _values(arm: str, metric: str, summary: Mapping[str, Mapping[str, Mapping[str, object]]]) -> list[float]:
    start, arms = summary["start"], summary["arms"]
    if metric == "entropy drift":
        begun = float(start["entropy"])  # type: ignore[arg-type]
        return [abs(value - begun) for value in _values(arm, "entropy", summary)]
    seeds = len(next(iter(next(iter(arms.values())).values())))  # type: ignore[arg-type]
    values = [start[metric]] * seeds if arm == "start" else arms[arm][metric]
    return [float(value) for value in values]  # type: ignore[union-attr, arg-type]


_PROLONGED = "prorl:kl_beta=0.3,reset_on_stall=false,n_samples=0,temperature=0,dynamic_sampling=false"
_BROAD = "brorl:temperature=0,dynamic_sampling=false,lr_batch_scaling=none"
ENTRIES = {
    "siren": "siren:coef=0.5",
    "remix": "remix:reincarnate_at=20",
    "clip-higher": "grpo:clip_high=0.28",
    "prorl-fixed": _PROLONGED,
    "prorl-reset": f"{_PROLONGED},reset_period=10,reset_cooldown=0",
    "brorl-4x32": f"{_BROAD},prompts_per_step=4,n_samples=32",
    "brorl-32x4": f"{_BROAD},prompts_per_step=32,n_samples=4",
    "ppo": "ppo:epochs=1",
    "nlpo": "nlpo:epochs=1,mask_min_tokens=2",
}
"""Arms that are not their recipe's defaults: constants for the size of the model and of the runs, the same samples and
the same optimiser steps as the others."""


def entry(arm: str) -> str:
    """What ``--recipes`` is told of an arm."""
    return f"{arm}@{ENTRIES[arm]}" if arm in ENTRIES else arm


CLAIMS = (
    Claim("nsr", "2506.01347", "Learning from wrong answers alone keeps pass@k at large k, where learning from right "
          "answers alone loses it; weighting right answers by a tenth does too.", "plain",
          (Check("pass@256", "nsr", "more", "psr"), Check("pass@256", "w-reinforce", "more", "psr"),
           Check("pass@256", "nsr", "no less", "start", 0.02))),
    Claim("psr", "2506.01347", "Learning from right answers alone buys pass@1 with diversity: pass@256 falls below "
          "that of the policy it started from.", "plain",
          (Check("pass@1", "psr", "more", "start"), Check("pass@256", "start", "more", "psr"))),
    Claim("clip-higher", "2503.14476", "A higher upper clip keeps more entropy (DAPO, section 3.1).", "plain",
          (Check("entropy", "clip-higher", "more", "grpo"),)),
    Claim("siren", "2509.25133", "The regulariser holds entropy near where it began, without losing accuracy.", "plain",
          (Check("entropy drift", "siren", "less", "dr-grpo"), Check("pass@1", "siren", "no less", "dr-grpo", 0.03))),
    Claim("rorecomp", "2509.25958", "Recomposed batches shorten answers at equal accuracy.", "plain",
          (Check("length", "rorecomp", "less", "grpo"), Check("pass@1", "rorecomp", "no less", "grpo", 0.03))),
    Claim("remix", "2507.06892", "Replay reaches the accuracy of fresh rollouts with fewer of them.", "plain",
          (Check("sampled", "remix", "less", "grpo"), Check("pass@1", "remix", "no less", "grpo", 0.03))),
    Claim("rover", "2509.24981", "Valuing the random policy finds more different right answers at equal accuracy.",
          "plain", (Check("distinct", "rover", "more", "grpo"), Check("pass@1", "rover", "no less", "grpo", 0.03))),
    Claim("nft", "2505.18116", "Learning from wrong answers too beats rejection fine-tuning.", "plain",
          (Check("pass@1", "nft", "more", "rft"),)),
    Claim("pacs", "2509.02522", "Keeps more entropy than GRPO at equal accuracy.", "plain",
          (Check("entropy", "pacs", "more", "grpo"), Check("pass@1", "pacs", "no less", "grpo", 0.03))),
    Claim("prorl", "2505.24864", "Resetting the reference goes on gaining where a fixed reference with a strong "
          "divergence term holds the policy back.", "plain", (Check("pass@1", "prorl-reset", "more", "prorl-fixed"),)),
    Claim("brorl", "2510.01180", "Many rollouts of few tasks beat few rollouts of many, at equal samples.", "plain",
          (Check("pass@1", "brorl-4x32", "more", "brorl-32x4"),)),
    Claim("nlpo", "2210.01241", "Drawing from the likeliest tokens of a lagging copy is no worse than PPO.", "plain",
          (Check("pass@1", "nlpo", "no less", "ppo", 0.03),)),
    Claim("rlcr", "2507.16806", "Paying for calibration lowers the calibration error at equal accuracy.", "confidence",
          (Check("ece", "rlcr", "less", "dr-grpo"), Check("pass@1", "rlcr", "no less", "dr-grpo", 0.03))),
    Claim("a-lol", "2305.14718", "From logs, weighting by what beats the starting policy is better than likelihood and "
          "than likelihood weighted by the reward.", "logged",
          (Check("pass@1", "a-lol", "more", "nll"), Check("pass@1", "a-lol", "more", "wbc"))),
    Claim("copg", "2406.19185", "From logs alone, pairs of answers improve the policy that gave them.", "logged",
          (Check("pass@1", "copg", "more", "start"),)),
)  # fmt: skip
