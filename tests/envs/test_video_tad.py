import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

from assay.envs.video_keyframes import tad
from assay.envs.video_keyframes.features import DIMENSIONS, colours, embed, thumbnail

BY_HAND = np.array([[1, 0]] * 3 + [[0, 1]] * 3 + [[1, 1]] * 2, dtype=np.float64)


def clip_of(rng, frames=None, dimensions=None):
    """A random clip: noise, stretches of repeated frames and jumps, some of it of few distinct values (many ties)."""
    n = frames or int(rng.integers(1, 90))
    d = dimensions or int(rng.integers(1, 6))
    kind = rng.integers(3)
    if kind == 0:
        return rng.normal(size=(n, d))
    if kind == 1:
        return rng.integers(-1, 2, size=(n, d)).astype(np.float64)
    scenes = rng.normal(size=(max(1, n // 7), d))
    return scenes[np.sort(rng.integers(len(scenes), size=n))] + 0.01 * rng.normal(size=(n, d))


def slow_prominence(s, t):
    lowest = []
    for step in (-1, 1):
        at, low = t, s[t]
        while 0 <= at < len(s) and s[at] <= s[t]:
            low = min(low, s[at])
            at += step
        lowest.append(low)
    return s[t] - max(lowest)


def slow_choice(e, k):
    """The definition, line by line, in plain Python."""
    n = len(e)
    v = [0.0]
    for before, after in pairwise(e):
        lengths = np.linalg.norm(before) * np.linalg.norm(after)
        v.append(round(1 - (before @ after) / lengths, 12))
    smooth = [round(0.25 * v[max(0, t - 1)] + 0.5 * v[t] + 0.25 * v[min(n - 1, t + 1)], 12) for t in range(n)]
    if n <= k:
        return list(range(n))
    if max(smooth) - min(smooth) < 1e-6:
        return sorted({int(np.floor(t * (n - 1) / (k - 1) + 0.5)) for t in range(k)}) if k > 1 else [(n - 1) // 2]
    s = [round((x - min(smooth)) / (max(smooth) - min(smooth)), 12) for x in smooth]
    need = np.mean(s) + 0.5 * np.std(s)
    ranks = {}
    for t in range(n):
        before, after = s[t - 1] if t else -1, s[t + 1] if t + 1 < n else -1
        if s[t] > before and s[t] >= after and s[t] >= need:
            ranks[t] = round(0.5 * s[t] + 0.5 * slow_prominence(s, t), 12)
    chosen = []
    for t in sorted(ranks, key=lambda t: (-ranks[t], t)):
        if len(chosen) < k and all(abs(t - c) >= max(1, n // (2 * k)) for c in chosen):
            chosen.append(t)
    while len(chosen) < k:
        marks = sorted([-1, n, *chosen])
        gaps = [(marks[i + 1] - marks[i], -i) for i in range(len(marks) - 1)]
        i = -max(gaps)[1]
        chosen.append((marks[i] + marks[i + 1]) // 2)
    return sorted(chosen)


def test_the_numbers_worked_by_hand():
    v = tad.variation(BY_HAND)
    assert v == pytest.approx([0, 0, 0, 1, 0, 0, 0.2929, 0], abs=5e-5)
    s = tad.smoothed(v)
    assert s == pytest.approx([0, 0, 0.5, 1, 0.5, 0.1464, 0.2929, 0.1464], abs=5e-5)
    assert tad.apexes(s).tolist() == [3]
    assert tad.prominence(s, 3) == pytest.approx(0.8536, abs=5e-5)
    selection = tad.choose(BY_HAND, 2)
    assert selection.rank[3] == pytest.approx(0.9268, abs=5e-5)
    assert np.flatnonzero(selection.rank).tolist() == [3]
    assert selection.indices == (3, 5)
    assert selection.saliency == pytest.approx((1 + 0.1464) / (1 + 0.5), abs=5e-5)


def test_a_static_clip_is_sampled_evenly():
    selection = tad.choose(np.ones((10, 3)), 4)
    assert selection.indices == (0, 3, 6, 9)
    assert selection.saliency == 1.0
    assert not selection.curve.any()
    assert not selection.rank.any()
    assert tad.choose(np.ones((9, 3)), 1).indices == (4,)


def test_no_more_frames_than_asked_for_gives_them_all():
    assert tad.choose(BY_HAND[:3], 8).indices == (0, 1, 2)
    assert tad.choose(BY_HAND[:3], 8).saliency == 1.0
    assert tad.choose(BY_HAND[:1], 1).indices == (0,)


def test_invariants_on_a_thousand_random_clips():
    rng = np.random.default_rng(7)
    for _ in range(1000):
        e, k = clip_of(rng), int(rng.integers(1, 20))
        selection = tad.choose(e, k)
        indices = selection.indices
        assert list(indices) == sorted(set(indices))
        assert len(indices) == min(k, len(e))
        assert indices[0] >= 0
        assert indices[-1] < len(e)
        assert 0 <= selection.saliency <= 1
        scaled = tad.choose(e * float(rng.uniform(0.01, 300)), k)
        assert scaled.indices == indices
        forward, backward = tad.variation(e), tad.variation(e[::-1])
        assert backward[1:] == pytest.approx(forward[1:][::-1], abs=1e-12)


def test_choices_equal_the_definition_in_plain_python():
    rng = np.random.default_rng(8)
    for _ in range(400):
        e, k = clip_of(rng), int(rng.integers(1, 12))
        e = e[np.abs(e).sum(axis=1) > 0] if np.abs(e).sum() else np.ones_like(e)
        assert list(tad.choose(e, k).indices) == slow_choice(e, k)


def test_prominence_equals_a_walk():
    rng = np.random.default_rng(9)
    for _ in range(200):
        s = rng.integers(0, 6, size=int(rng.integers(1, 30))) / 5
        for t in range(len(s)):
            assert tad.prominence(s, t) == pytest.approx(slow_prominence(s, t), abs=0)


def test_an_apex_may_be_an_end_or_the_left_of_a_plateau():
    assert tad.apexes(np.array([1.0, 0, 0, 0, 0, 1])).tolist() == [0, 5]
    assert tad.apexes(np.array([0.0, 0, 1, 1, 1, 0])).tolist() == [2]
    assert tad.apexes(np.array([0.0, 0.2, 0, 0, 1, 0]), kappa=0.5).tolist() == [4]


def test_apexes_too_close_give_way_and_gaps_are_halved():
    rank = np.zeros(40)
    rank[[10, 12, 30]] = 0.9, 0.8, 0.7
    assert tad.distil(rank, [10, 12, 30], 2) == (10, 30)  # 12 is within 40 // 4
    assert tad.distil(rank, [], 3) == (9, 19, 29)
    assert tad.distil(np.array([0.5, 0.5]), [0, 1], 1) == (0,)  # the earlier among equals


def miniature(seed, frames=300, events=4, length=6, noise=0.05, dimensions=16):
    """Embeddings of a clip with short events on a constant background, and when each begins."""
    rng = np.random.default_rng(seed)
    background, *shown = rng.normal(size=(events + 1, dimensions)) / np.sqrt(dimensions)
    e = np.tile(background, (frames, 1))
    room = frames - events * (3 * length)
    starts = np.sort(rng.integers(length, room - length, size=events)) + np.arange(events) * 3 * length
    for start, picture in zip(starts, shown, strict=True):
        e[start : start + length] = picture
    return e + noise * rng.normal(size=e.shape), starts


def test_short_events_are_caught_where_uniform_and_random_frames_miss_them():
    hits = {"tad": [], "uniform": [], "random": []}
    for seed in range(200):
        e, starts = miniature(seed)
        picks = {
            "tad": tad.choose(e, 8).indices,
            "uniform": tad.evenly(len(e), 8),
            "random": np.random.default_rng(seed).choice(len(e), 8, replace=False),
        }
        for name, chosen in picks.items():
            hits[name] += [any(start - 1 <= t <= start + 6 for t in chosen) for start in starts]
    assert np.mean(hits["tad"]) >= 0.95
    assert np.mean(hits["uniform"]) <= 0.3
    assert np.mean(hits["random"]) <= 0.3


def test_saliency_is_the_share_of_the_largest():
    curve = np.array([0.0, 1.0, 0.5, 0.25])
    assert tad.saliency_of(curve, [1, 2], 2) == 1.0
    assert tad.saliency_of(curve, [3], 2) == pytest.approx(0.25 / 1.5)
    assert tad.saliency_of(curve, [1, 1], 2) == pytest.approx(1 / 1.5)
    assert tad.saliency_of(curve, [], 2) == 0.0
    assert tad.saliency_of(np.zeros(4), [0], 2) == 1.0
    with pytest.raises(IndexError):
        tad.saliency_of(curve, [9], 2)


def test_empty_embeddings_are_alike_and_huge_ones_do_not_overflow():
    assert tad.variation([[0, 0], [0, 0], [1, 0]]).tolist() == [0, 0, 1]
    assert tad.variation([[1e200, 0], [1e200, 0], [0, 1e-200], [0, 1]]).tolist() == [0, 0, 1, 0]


@pytest.mark.parametrize("e", [np.zeros((0, 3)), np.zeros((3, 0)), np.zeros(3), [[1.0, np.nan]], [[np.inf, 1.0]]])
def test_what_is_no_embedding_is_refused(e):
    with pytest.raises(ValueError, match="embeddings"):
        tad.choose(e, 2)


@pytest.mark.parametrize("k", [0, -1])
def test_no_frames_asked_for_is_refused(k):
    for call in (lambda: tad.choose(BY_HAND, k), lambda: tad.evenly(4, k), lambda: tad.select([], k)):
        with pytest.raises(ValueError, match="at least one frame"):
            call()


def frames_of(numbers, size=(72, 128)):
    for number in numbers:
        rgb = np.full((*size, 3), 40, dtype=np.uint8)
        rgb[:, : 8 * number % size[1]] = (200, 30 * number % 256, 90)
        yield rgb


def test_selection_takes_frames_as_they_come():
    shown = [0] * 10 + [5] * 3 + [0] * 10 + [9] * 3 + [0] * 10
    indices, saliency = tad.select(frames_of(shown), 4)
    assert len(indices) == 4
    assert any(9 <= t <= 14 for t in indices)
    assert any(22 <= t <= 27 for t in indices)
    assert saliency > 0.5
    with pytest.raises(ValueError, match="no frames"):
        tad.select(iter(()), 4)


def test_selection_takes_other_embeddings():
    frames = [np.full((4, 4, 3), value, np.uint8) for value in (9, 9, 9, 90, 9, 9, 9, 9)]
    hot = {9: [1.0, 0.0], 90: [0.0, 1.0]}
    indices, saliency = tad.select(frames, 2, embed=lambda rgb: hot[int(rgb[0, 0, 0])])
    chosen = tad.choose([hot[int(rgb[0, 0, 0])] for rgb in frames], 2)
    assert (indices, saliency) == (list(chosen.indices), chosen.saliency)
    assert 3 in indices or 4 in indices


def test_selection_of_given_frames_does_not_keep_them():
    def peak(count):
        tracemalloc.start()
        try:
            tad.select(frames_of([number % 7 for number in range(count)]), 4)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(5)  # what is loaded at first use
    frame = 72 * 128 * 3
    assert peak(300) - peak(100) < 20 * frame  # of 200 more frames only features stay, and copies of those


def test_features_have_length_one_in_each_half():
    rgb = np.random.default_rng(0).integers(0, 256, size=(50, 70, 3), dtype=np.uint8)
    e = embed(rgb)
    assert e.shape == (DIMENSIONS,) == (80,)
    assert np.linalg.norm(e) == pytest.approx(1)
    assert np.linalg.norm(e[:64]) == pytest.approx(np.linalg.norm(e[64:]))
    assert np.isfinite(embed(np.zeros((9, 9, 3), np.uint8))).all()


def test_the_thumbnail_averages_blocks():
    rgb = np.zeros((16, 24, 3), np.uint8)
    rgb[:2, :3] = 255  # one cell of the 8 x 8 grid
    small = thumbnail(rgb)
    assert small.shape == (8, 8)
    assert small[0, 0] == pytest.approx(255)
    assert small.sum() == pytest.approx(255)
    assert thumbnail(np.full((1, 3, 3), 7, np.uint8)) == pytest.approx(np.full((8, 8), 7.0))
    ramp = np.repeat(np.arange(100, dtype=np.uint8)[:, None, None], 3, axis=2) * np.ones((1, 10, 1), np.uint8)
    assert thumbnail(ramp)[:, 0] == pytest.approx(
        [ramp[t * 100 // 8 : (t + 1) * 100 // 8, 0, 0].mean() for t in range(8)]
    )


def test_colours_fall_into_greys_and_hues():
    for value, place in ((0, 0), (63, 0), (64, 1), (255, 3)):
        assert np.flatnonzero(colours(np.full((2, 2, 3), value, np.uint8))).tolist() == [place]
    wheel = {(255, 0, 0): 4, (255, 255, 0): 6, (0, 255, 0): 8, (0, 255, 255): 10, (0, 0, 255): 12, (255, 0, 255): 14}
    for colour, place in wheel.items():
        assert np.flatnonzero(colours(np.array([[colour]], np.uint8))).tolist() == [place]
    rgb = np.random.default_rng(0).integers(0, 256, size=(40, 40, 3), dtype=np.uint8)
    assert colours(rgb).sum() == pytest.approx(1)


@pytest.mark.parametrize("frame", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)])
def test_what_is_no_frame_is_refused(frame):
    with pytest.raises(ValueError, match="a frame is uint8"):
        embed(frame)
