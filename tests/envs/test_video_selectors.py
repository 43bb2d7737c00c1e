from collections import Counter

import numpy as np
import pytest

from assay.envs.video_keyframes.selectors import gumbel_top_k, highest, pick, shuffled, view
from assay.envs.video_keyframes.tad import choose, evenly, saliency_of, variation

CLIP = np.repeat(np.random.default_rng(3).normal(size=(6, 8)), 10, axis=0)


def head(e, rank):
    return np.arange(len(e), dtype=np.float64) + 0 * rank


@pytest.mark.parametrize("name", ["tad", "uniform", "random", "scene_change", "tad-learned"])
@pytest.mark.parametrize("k", [1, 7, 60, 99])
def test_every_selector_gives_frames_in_time_order(name, k):
    selection = pick(name, CLIP, k, seed=1, head=head)
    assert list(selection.indices) == sorted(set(selection.indices))
    assert len(selection.indices) == min(k, len(CLIP))
    assert selection.saliency == saliency_of(selection.curve, selection.indices, k)
    reference = choose(CLIP, k)
    assert selection.curve.tolist() == reference.curve.tolist()
    assert selection.rank.tolist() == reference.rank.tolist()
    assert pick(name, CLIP, k, seed=1, head=head).indices == selection.indices


def test_each_selector_does_what_its_name_says():
    assert pick("tad", CLIP, 5).indices == choose(CLIP, 5).indices
    assert pick("uniform", CLIP, 5).indices == evenly(60, 5) == (0, 15, 30, 44, 59)
    assert pick("scene_change", CLIP, 5).indices == (10, 20, 30, 40, 50)
    assert pick("tad-learned", CLIP, 3, head=head).indices == (57, 58, 59)
    draws = {pick("random", CLIP, 5, seed=seed).indices for seed in range(20)}
    assert len(draws) > 10


def test_scene_changes_are_the_largest_differences():
    e = np.random.default_rng(5).normal(size=(40, 4))
    v = variation(e)
    chosen = pick("scene_change", e, 6).indices
    assert min(v[list(chosen)]) >= max(np.delete(v, list(chosen)))
    assert highest([1, 3, 3, 3], 2) == (1, 2)


def test_mistakes_are_told():
    with pytest.raises(ValueError, match="no selector 'tda'; there are tad"):
        pick("tda", CLIP, 3)
    with pytest.raises(ValueError, match="needs a trained head"):
        pick("tad-learned", CLIP, 3)
    with pytest.raises(ValueError, match="gave 5 logits for 60 frames"):
        pick("tad-learned", CLIP, 3, head=lambda e, rank: np.zeros(5))
    with pytest.raises(ValueError, match="finite"):
        gumbel_top_k([0.0, np.nan], 1)
    with pytest.raises(ValueError, match="temperature"):
        gumbel_top_k([0.0, 1.0], 1, temperature=-1)
    for name in ("uniform", "random", "scene_change"):
        with pytest.raises(ValueError, match="at least one frame"):
            pick(name, CLIP, 0)
    with pytest.raises(ValueError, match="no view 'upside'"):
        view("upside", choose(CLIP, 3), 3)


def test_draws_have_the_plackett_luce_distribution():
    logits, n = np.log([0.5, 0.3, 0.2]), 20_000
    drawn = Counter(gumbel_top_k(logits, 2, 1.0, seed) for seed in range(n))
    expected = {(a, b): p * q / (1 - p) for a, p in enumerate((0.5, 0.3, 0.2)) for b, q in enumerate((0.5, 0.3, 0.2))}
    for order in ((0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)):
        share = expected[order]
        assert drawn[order] / n == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / n))
    assert gumbel_top_k([0.0, 2.0, 2.0, 1.0], 3) == (1, 2, 3)
    assert gumbel_top_k(logits, 3, 1e-4, 5) == (0, 1, 2)


def test_views_show_the_same_number_of_frames_elsewhere_or_out_of_order():
    selection = choose(CLIP, 6)
    assert view("uniform", selection, 6) == evenly(60, 6)
    low = view("low_saliency", selection, 6)
    assert list(low) == sorted(low)
    assert max(selection.curve[list(low)]) <= min(np.delete(selection.curve, list(low)))
    for seed in range(50):
        order = view("shuffled", selection, 6, seed)
        assert sorted(order) == list(selection.indices)
        assert order != selection.indices
        assert order == view("shuffled", selection, 6, seed)
    assert shuffled((4,)) == (4,)
    assert shuffled(()) == ()
    assert shuffled((1, 2)) == (2, 1)
