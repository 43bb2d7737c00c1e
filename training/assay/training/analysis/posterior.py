"""How far a policy is from the distribution that KL-penalised reinforcement learning aims at.

With a prior pi0, a reward R and beta > 0, the target is pi*(x) = pi0(x) exp(R(x) / beta) / Z, and for every policy
E[R] - beta KL(pi || pi0) = beta ln Z - beta KL(pi || pi*) (Korbak et al. 2022, arXiv:2205.11275, eq. 5 to 8): what is
left to gain is the divergence to the target. Everything here is of one prompt; average over prompts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
FEW = 10.0
"""Effective samples below which an estimate is not to be trusted."""


@dataclass(frozen=True)
class Exact:
    """Of a policy over an enumerable set of responses.

    Attributes:
        target: pi*, [N].
        log_z: ln Z.
        kl_to_target: KL(pi || pi*), nats.
        kl_from_target: KL(pi* || pi), nats; infinite where the policy misses what the target has.
        distance: total variation.
        entropy, target_entropy: nats.
        reward, target_reward: E[R] under either.
        objective: E[R] - beta KL(pi || pi0).
        best: beta ln Z, its largest value.
    """

    target: Array
    log_z: float
    kl_to_target: float
    kl_from_target: float
    distance: float
    entropy: float
    target_entropy: float
    reward: float
    target_reward: float
    objective: float
    best: float

    @property
    def collapsed(self) -> bool:
        """Whether the policy has less than half of the target's entropy."""
        return self.entropy < 0.5 * self.target_entropy


def exact(policy: Array, prior: Array, reward: Array, beta: float) -> Exact:
    """All of it, by enumeration.

    Args:
        policy: probabilities [N].
        prior: probabilities [N], positive where the policy is.
        reward: [N]; -inf forbids a response.
        beta: reward units a nat, positive.

    Raises:
        ValueError: if beta is not positive, or every response is forbidden.
    """
    _positive(beta)
    with np.errstate(divide="ignore"):
        log_p = np.log(prior) + reward / beta
        log_policy, log_prior = np.log(policy), np.log(prior)
    log_z = _logsumexp(log_p)
    if log_z == -np.inf:
        raise ValueError("no response has a reward above -inf: there is no target")
    target = np.exp(log_p - log_z)
    kl_prior = _expect(policy, log_policy - log_prior)
    mean = _expect(policy, reward)
    return Exact(
        target=target,
        log_z=log_z,
        kl_to_target=_expect(policy, log_policy - (log_p - log_z)),
        kl_from_target=_expect(target, (log_p - log_z) - log_policy),
        distance=float(np.abs(policy - target).sum() / 2),
        entropy=-_expect(policy, log_policy),
        target_entropy=-_expect(target, log_p - log_z),
        reward=mean,
        target_reward=_expect(target, reward),
        objective=mean - beta * kl_prior,
        best=beta * log_z,
    )


class Estimate(NamedTuple):
    """Of a policy known by samples.

    Attributes:
        log_z: ln Z from the prior's samples; biased low.
        effective: effective number of the prior's samples, (sum w)^2 / sum w^2.
        kl_to_target: KL(pi || pi*) from the policy's samples; may come out slightly below 0.
        kl_from_target: KL(pi* || pi), self-normalised, from the prior's samples.
        distance: total variation, likewise.
        reward, target_reward: E[R] under either.
    """

    log_z: float
    effective: float
    kl_to_target: float
    kl_from_target: float
    distance: float
    reward: float
    target_reward: float

    @property
    def reliable(self) -> bool:
        """Whether the prior's samples say anything of the target."""
        return self.effective >= FEW


@dataclass(frozen=True)
class Samples:
    """Responses with their reward and sequence log-probabilities under policy and prior, each [n]."""

    reward: Array
    policy: Array
    prior: Array


def estimate(of_prior: Samples, of_policy: Samples, beta: float) -> Estimate:
    """The same from samples, by importance sampling from the prior.

    Args:
        of_prior: what the prior said.
        of_policy: what the policy said.
        beta: reward units a nat, positive.

    Raises:
        ValueError: if beta is not positive, or no sample of the prior has a reward above -inf.
    """
    _positive(beta)
    log_w = of_prior.reward / beta
    log_z = _logsumexp(log_w) - np.log(len(log_w))
    if log_z == -np.inf:
        raise ValueError("no sample of the prior has a reward above -inf: sample more of it")
    share = np.exp(log_w - _logsumexp(log_w))
    log_target = of_prior.prior + log_w - log_z
    # pi / pi* at the prior's samples; its mean under the target is 1.
    off = np.exp(np.clip(of_prior.policy - log_target, -700, 700))
    return Estimate(
        log_z=float(log_z),
        effective=float(1.0 / (share**2).sum()),
        kl_to_target=float(log_z + np.mean(of_policy.policy - of_policy.prior - of_policy.reward / beta)),
        kl_from_target=_expect(share, log_target - of_prior.policy),
        distance=float(0.5 * (share * np.abs(1.0 - off)).sum()),
        reward=float(of_policy.reward.mean()),
        target_reward=_expect(share, of_prior.reward),
    )


def bootstrap(of_prior: Samples, of_policy: Samples, beta: float, rounds: int = 200, seed: int = 0) -> dict[str, Array]:
    """95 % percentile intervals [2] of every field of :func:`estimate`, by resampling both sets."""
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(rounds):
        parts = []
        for samples in (of_prior, of_policy):
            pick = rng.integers(len(samples.reward), size=len(samples.reward))
            parts.append(Samples(samples.reward[pick], samples.policy[pick], samples.prior[pick]))
        drawn.append(estimate(parts[0], parts[1], beta))
    table = np.array(drawn)
    return {name: np.percentile(table[:, i], [2.5, 97.5]) for i, name in enumerate(Estimate._fields)}


def _positive(beta: float) -> None:
    if not beta > 0:
        raise ValueError(f"the target needs a positive beta, got {beta:g}")


def _expect(weight: Array, values: Array) -> float:
    """sum weight x values, where a weight of 0 makes 0 of anything."""
    return float(np.sum(weight[weight > 0] * values[weight > 0]))


def _logsumexp(values: Array) -> float:
    top = float(values.max())
    return top if top == -np.inf else top + float(np.log(np.exp(values - top).sum()))
