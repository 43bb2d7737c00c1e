"""Drawing tokens: the distribution is the right one, and each row is on its own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.agents.engines.sampling import draw, truncate, uniforms
from assay.agents.policy import Sampling

PLAIN = Sampling(1)


def slow_keep(logits: list[float], temperature: float, top_k: int, top_p: float) -> set[int]:
    """Top-k then top-p, by the definitions, one token at a time."""
    order = sorted(range(len(logits)), key=lambda i: (-logits[i], i))
    order = order[: top_k or None]
    weights = np.exp((np.array([logits[i] for i in order]) - max(logits)) / temperature)
    probs = weights / weights.sum()
    kept, mass = set(), 0.0
    for token, prob in zip(order, probs, strict=True):
        if kept and mass >= top_p:
            break
        kept.add(token)
        mass += prob
    return kept


def test_units_are_a_stream_of_the_seed() -> None:
    assert np.array_equal(uniforms(5, 3), uniforms(5, 9)[:3])
    assert not np.array_equal(uniforms(5, 3), uniforms(6, 3))
    assert np.array_equal(uniforms(-1, 3), uniforms(-1, 3))
    many = np.concatenate([uniforms(seed, 4) for seed in range(4000)])
    assert abs(many.mean() - 0.5) < 0.01
    assert abs(np.corrcoef(many[:-4], many[4:])[0, 1]) < 0.03  # neighbouring seeds have nothing in common
    assert many.min() >= 0
    assert many.max() < 1


def test_inverse_cdf_takes_each_token_on_its_own_interval() -> None:
    probs = torch.tensor([0.1, 0.0, 0.6, 0.3])
    units = torch.tensor([0.0, 0.0999, 0.1001, 0.6999, 0.7001, 1 - 2**-53], dtype=torch.float64)
    drawn = draw(probs.log().repeat(6, 1), units, [PLAIN] * 6)
    assert drawn.tolist() == [0, 0, 2, 2, 3, 3]


def test_a_banned_last_token_is_never_drawn() -> None:
    logits = torch.tensor([[0.0, 0.0, -torch.inf]])
    assert draw(logits, torch.tensor([1 - 2**-53], dtype=torch.float64), [PLAIN]).item() == 1


def test_zero_temperature_is_the_first_best_token() -> None:
    logits = torch.tensor([[0.0, 2.0, 2.0], [3.0, 2.0, 2.0]])
    units = torch.full((2,), 0.99, dtype=torch.float64)
    assert draw(logits, units, [Sampling(1, 0.0)] * 2).tolist() == [1, 0]
    mixed = draw(logits[[0, 0]], units, [Sampling(1, 0.0), PLAIN])
    assert mixed.tolist() == [1, 2]


@given(
    logits=st.lists(st.floats(-5, 5, width=32), min_size=2, max_size=12, unique=True),
    temperature=st.floats(0.25, 3),
    top_k=st.integers(0, 12),
    top_p=st.floats(0.05, 1),
)
@settings(max_examples=200, deadline=None)
def test_truncation_keeps_what_the_definition_keeps(
    logits: list[float], temperature: float, top_k: int, top_p: float
) -> None:
    heated = torch.tensor([logits], dtype=torch.float64) / temperature
    kept = truncate(heated, [Sampling(1, temperature, top_p, top_k)])
    expected = slow_keep(logits, temperature, top_k, top_p)
    found = {i for i, value in enumerate(kept[0].tolist()) if value > -torch.inf}
    near = slow_keep(logits, temperature, top_k, top_p - 1e-9), slow_keep(logits, temperature, top_k, top_p + 1e-9)
    assert found in (expected, *near)
    assert all(kept[0, i] == heated[0, i] for i in found)


def test_rows_of_different_settings_do_not_meet() -> None:
    torch.manual_seed(0)
    logits = torch.randn(5, 40)
    units = torch.rand(5, dtype=torch.float64)
    plans = [PLAIN, Sampling(1, 0.0), Sampling(1, 0.7, 0.8), Sampling(1, 1.3, 1.0, 5), Sampling(1, 0.5, 0.9, 3)]
    together = draw(logits, units, plans).tolist()
    alone = [int(draw(logits[i : i + 1], units[i : i + 1], [plans[i]])) for i in range(5)]
    assert together == alone


@pytest.mark.parametrize("plan", [PLAIN, Sampling(1, 0.6), Sampling(1, 1.5, 0.9, 8)], ids=["plain", "cold", "cut"])
def test_frequencies_follow_the_distribution(plan: Sampling) -> None:
    logits = torch.randn(12, generator=torch.Generator().manual_seed(1))
    count = 20_000
    units = torch.from_numpy(np.array([uniforms(seed, 1)[0] for seed in range(count)]))
    drawn = draw(logits.repeat(count, 1), units, [plan] * count)
    kept = slow_keep(logits.tolist(), plan.temperature, plan.top_k, plan.top_p)
    expected = torch.softmax(logits.double() / plan.temperature, -1)
    expected[[i for i in range(12) if i not in kept]] = 0.0
    expected = expected / expected.sum() * count
    seen = torch.bincount(drawn, minlength=12).double()
    assert seen[expected == 0].sum() == 0
    inside = expected > 0
    chi2 = float(((seen - expected)[inside] ** 2 / expected[inside]).sum())
    assert chi2 < 40  # 11 degrees of freedom: p is about 4e-5, and the seeds are fixed
