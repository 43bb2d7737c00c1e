"""The reward arithmetic of keyframe-aware GRPO, to the digits of its reconstruction."""

from __future__ import annotations

from statistics import fmean, stdev

import pytest

from assay.verifiers.video import contrast_bonus, keyframe_saliency, kf_reward, length_bonus


def rewards(acc, p_contrast, saliency, fmt=1.0, **constants):
    p = fmean(acc)
    return [kf_reward(each, fmt, p, p_contrast, saliency, **constants) for each in acc]


def advantages(values):
    middle, spread = fmean(values), stdev(values)
    return [(value - middle) / (spread + 1e-4) for value in values]


def test_three_of_eight_right():
    found = rewards([1, 1, 0, 0, 0, 0, 0, 1], 0.25, 0.75)
    assert found == pytest.approx([2.45, 2.45, 1, 1, 1, 1, 1, 2.45])
    assert sorted({round(value, 4) for value in advantages(found)}) == [-0.7245, 1.2075]


def test_the_contrast_does_better():
    found = rewards([1, 0, 0, 0, 0, 0, 0, 0], 0.5, 0.75)
    assert sorted(found) == pytest.approx([1.0] * 7 + [2.15])


def test_all_wrong():
    found = rewards([0.0] * 8, 0.25, 0.75)
    assert found == [1.0] * 8
    assert advantages(found) == [0.0] * 8


def test_mu_is_lenient_at_08_and_strict_at_1():
    assert contrast_bonus(0.4, 0.5) == 0.3
    assert contrast_bonus(0.4, 0.5, mu=1.0) == 0.0
    assert contrast_bonus(0.0, 0.0) == 0.0
    assert contrast_bonus(0.5, 0.0, alpha=0.7) == 0.7


def test_an_image_has_no_contrast():
    assert kf_reward(1.0, 1.0, 1.0, None, 1.0) == 2.0
    assert contrast_bonus(1.0, None) == 0.0


def test_beta_0_is_t_grpo_and_half_right_answers_share():
    assert kf_reward(1.0, 0.0, 1.0, 0.0, 0.9, beta=0.0) == 1.3
    assert kf_reward(0.1, 0.0, 1.0, 0.0, 0.9) == 0.1
    assert kf_reward(0.11, 0.0, 1.0, 0.0, 1.0) == pytest.approx(0.61)


def test_length():
    assert length_bonus([1, 1, 0, 1], [320, 512, 400, 513]) == [0.2, 0.2, 0.0, 0.0]
    assert length_bonus([1, 0, 0], [400, 400, 400]) == [0.0, 0.0, 0.0]


def test_saliency_of_a_set():
    s = [0.0, 0.0, 0.5, 1.0, 0.5, 0.1464, 0.2929, 0.1464]
    assert keyframe_saliency(s, [3, 5]) == pytest.approx(1.1464 / 1.5)
    assert keyframe_saliency(s, [3], 2) == pytest.approx(1 / 1.5)
    assert keyframe_saliency(s, [3, 2]) == 1.0
    assert keyframe_saliency([0.0] * 4, [1]) == 1.0
