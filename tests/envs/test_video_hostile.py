"""Hostile and broken video files through the whole environment: an episode, or a wrong answer that says why."""

from __future__ import annotations

import gzip
import os
import random
import warnings
from fractions import Fraction

import numpy as np
import pytest

from assay.envs import env_class
from assay.envs.tasks import TaskSet
from assay.envs.video_keyframes.container import VideoWarning
from assay.envs.video_keyframes.options import Options
from assay.envs.video_keyframes.records import Record
from assay.envs.video_keyframes.tasks import task_of

av = pytest.importorskip("av", reason="video files need PyAV")
MOST_SHOWN = 40_000_000
"""Pixels of all images of one observation, whatever the file."""


def write(path, frames=8, size=(64, 48), codec="mpeg4", fps=4, times=None, still=False, **more):
    with av.open(str(path), "w", **more) as out:
        stream = out.add_stream(codec, rate=fps)
        stream.width, stream.height = size
        stream.pix_fmt = {"ffv1": "bgr0", "gif": "rgb8"}.get(codec, "yuv420p")
        stream.time_base = stream.codec_context.time_base = Fraction(1, fps)
        for number in range(frames):
            rgb = np.full((size[1], size[0], 3), 0 if still else 37 * number % 256, np.uint8)
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            frame.pts = number if times is None else times[number]
            out.mux(stream.encode(frame.reformat(format=stream.pix_fmt)))
        out.mux(stream.encode())


def sound(path):
    with av.open(str(path), "w") as out:
        stream = out.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        out.mux(stream.encode(frame))
        out.mux(stream.encode())


def cut(path, share, **more):
    write(path, frames=40, **more)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])


def scramble(path, count, **more):
    write(path, frames=40, **more)
    data, rng = bytearray(path.read_bytes()), random.Random(count)
    for _ in range(count):
        data[rng.randrange(len(data) // 3, len(data))] = rng.randrange(256)
    path.write_bytes(bytes(data))


NO_VIDEO = {
    "text.mp4": b"this is only a text file\n" * 500,
    "empty.mp4": b"",
    "zeros.mp4": bytes(100_000),
    "noise.mp4": random.Random(0).randbytes(100_000),
    "page.mp4": b"<!DOCTYPE html><html><body>404</body></html>",
    "picture.mp4": b"\x89PNG\r\n\x1a\n" + bytes(500),
    "packed.mp4": gzip.compress(bytes(5_000_000)),
    "list.mp4": b"ffconcat version 1.0\nfile /etc/passwd\nfile 'http://127.0.0.1:9/x.mp4'\n",
    "playlist.m3u8": b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n#EXTINF:10,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n",
    "session.sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=video 9 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "wide.y4m": b"YUV4MPEG2 W100000 H100000 F25:1\nFRAME\n" + bytes(1000),
    "long.y4m": b"YUV4MPEG2 W8192 H4608 F1:1\n" + b"FRAME\n" * 1000,
    "atoms.mp4": (b"\x00\x00\x00\x08ftyp" * 20_000) + b"\xff\xff\xff\xffmoov" * 20_000,
    "nested.mp4": b"".join((8 * (2000 - n)).to_bytes(4, "big") + b"moov" for n in range(2000)),
}
BROKEN = {
    "sound.mp4": sound,
    "none.mp4": lambda path: write(path, frames=0),
    "cut10.mp4": lambda path: cut(path, 0.1),
    "folder.mp4": lambda path: path.mkdir(),
    "loop.mp4": lambda path: path.symlink_to(path),
    "pipe.mp4": lambda path: os.mkfifo(path),
}
ODD = {
    "one.mp4": lambda path: write(path, frames=1),
    "two.mp4": lambda path: write(path, frames=2),
    "still.mp4": lambda path: write(path, frames=12, still=True),
    "dot.mkv": lambda path: write(path, size=(1, 1), codec="ffv1"),
    "thin.mkv": lambda path: write(path, frames=90, size=(4096, 2), codec="ffv1"),
    "tall.mkv": lambda path: write(path, frames=90, size=(2, 4096), codec="ffv1"),
    "gap.mkv": lambda path: write(path, times=[0, 1, 2, 3, 10**6, 10**6 + 1, 10**8, 10**8 + 9]),
    "moving.gif": lambda path: write(path, codec="gif"),
    "with 'quotes' -i #?%20 ü\n.mp4": write,
    "file:odd.mp4": write,
    "cut90.mkv": lambda path: cut(path, 0.9),
    "scrambled.mkv": lambda path: scramble(path, 60),
    "scrambled.avi": lambda path: scramble(path, 60),
}


def play(path, **change):
    """One episode with the right answer: the first observation, all images shown, and the score."""
    options = Options(split="test", **{"fps": 4.0, "K": 4, "source": "files", **change})
    record = Record(str(path), "What is it?", "B", ("a", "b"), events=((0.0, 1.0),))
    env = env_class("video_keyframes")(
        tasks=TaskSet([task_of(record, options, "test", f"file:{path}")]), split="test",
        **{"fps": 4.0, "K": 4, **change},
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VideoWarning)
        obs, info = env.reset(seed=0)
        shown, done = list(obs["images"]), False
        while not done:
            assert "path" not in info
            obs, _, done, _, info = env.step(env.unwrapped.expert() or "B")
            shown = [*shown, *obs["images"][len(shown) :]]
    assert sum(image.width * image.height for image in shown) <= MOST_SHOWN
    return obs, shown, info["score"]


@pytest.mark.parametrize("mode", ["answer", "select"])
@pytest.mark.parametrize("name", NO_VIDEO)
def test_what_is_no_video_is_a_wrong_answer_that_says_so(tmp_path, name, mode):
    path = tmp_path / name
    path.write_bytes(NO_VIDEO[name])
    obs, shown, score = play(path, mode=mode)
    assert (score.reward, score.correct, score.parts["lost"], shown) == (0.0, False, 1.0, [])
    assert name in score.detail
    assert "\n" not in score.detail
    assert "cannot be read" in str(obs["messages"])
    assert str(tmp_path) not in str(obs["messages"])


@pytest.mark.parametrize("name", BROKEN)
def test_files_without_a_frame(tmp_path, name):
    BROKEN[name](tmp_path / name)
    _, shown, score = play(tmp_path / name)
    assert (score.reward, score.correct, score.parts["lost"], shown) == (0.0, False, 1.0, [])
    assert name in score.detail


@pytest.mark.parametrize("mode", ["answer", "select"])
@pytest.mark.parametrize("name", ODD)
def test_odd_files_are_played(tmp_path, name, mode):
    path = tmp_path / name
    ODD[name](path)
    _, shown, score = play(path, mode=mode)
    assert shown
    assert score.correct is True
    assert score.parts["lost"] == 0.0


@pytest.mark.parametrize("view", ["", "shuffled", "uniform", "low_saliency"])
@pytest.mark.parametrize("selector", ["tad", "uniform", "random", "scene_change"])
def test_few_or_equal_frames_under_every_selector_and_view(tmp_path, selector, view):
    for name in ("one.mp4", "two.mp4", "still.mp4"):
        ODD[name](tmp_path / name)
        options = Options(split="test", source="files")
        record = Record(str(tmp_path / name), "What is it?", "B", ("a", "b"))
        tasks = TaskSet([task_of(record, options, "test", f"file:{tmp_path / name}")])
        env = env_class("video_keyframes")(tasks=tasks, split="test", K=16, fps=4.0, selector=selector)
        obs, _ = env.reset(seed=0, options={"view": view} if view else None)
        assert len(obs["images"]) == {"one.mp4": 1, "two.mp4": 2, "still.mp4": 12}[name]


def test_more_pixels_than_the_limit_are_scaled_down(tmp_path):
    write(tmp_path / "large.mp4", frames=2, size=(1920, 1080))
    _, shown, _ = play(tmp_path / "large.mp4", max_pixels=20_000)
    assert all(image.width * image.height <= 20_000 for image in shown)
    assert abs(shown[0].width / shown[0].height - 16 / 9) < 0.05


def test_a_file_that_vanishes_between_the_turns(tmp_path):
    path = tmp_path / "a.mp4"
    write(path)
    record = Record(str(path), "What is it?", "B", ("a", "b"))
    options = Options(split="test", source="files", mode="select", fps=4.0)
    tasks = TaskSet([task_of(record, options, "test", f"file:{path}")])
    env = env_class("video_keyframes")(tasks=tasks, split="test", mode="select", fps=4.0, K=2)
    env.reset(seed=0)
    path.unlink()
    *_, done, _, info = env.step("[0, 3]")
    assert done
    assert (info["score"].correct, info["score"].parts["lost"]) == (False, 1.0)


@pytest.mark.parametrize(
    "named",
    ["", "[]", "[99]", "[0, 0]", "[0, 1, 2, 3, 4, 5, 6, 7]", "[0][1]", "[" * 500_000, "[1" + ", 1" * 300_000, "\ud800"],
)  # fmt: skip
def test_frames_that_are_not_named_end_the_episode(tmp_path, named):
    write(tmp_path / "a.mp4")
    record = Record(str(tmp_path / "a.mp4"), "What is it?", "B", ("a", "b"))
    options = Options(split="test", source="files", mode="select")
    tasks = TaskSet([task_of(record, options, "test", f"file:{tmp_path / 'a.mp4'}")])
    env = env_class("video_keyframes")(tasks=tasks, split="test", mode="select", fps=4.0, K=4)
    env.reset(seed=0)
    *_, done, _, info = env.step(named)
    assert done
    assert (info["score"].reward, info["score"].parts["lost"]) == (0.0, 0.0)
    assert "no frames" in info["score"].detail
