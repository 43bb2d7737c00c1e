"""Questions about signs in footage: exact, fair to a blind guesser, found again in the files, in one split each."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from assay.envs.errors import InfraError
from assay.envs.video_keyframes.events import verify
from assay.envs.video_keyframes.events.answerer import Asked, answered, glimpses_of
from assay.envs.video_keyframes.events.detect import Seen, signs_in
from assay.envs.video_keyframes.events.footage import clips, of_split, shots, stretches
from assay.envs.video_keyframes.events.plan import FULL, GAP, PLACES, RATE, Event, Timing, spread, uniform_times
from assay.envs.video_keyframes.events.quizzes import KINDS, write_quiz
from assay.envs.video_keyframes.events.render import put, with_events, write_h264
from assay.envs.video_keyframes.events.signs import SIGNS, Sign
from assay.envs.video_keyframes.events.spec import Spec, key_of, make_video, quiz_of, spec_of, video_of

SMALL = {"seconds": 48.0, "width": 96, "height": 72, "hidden_from": 8}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ASSAY_CACHE", str(tmp_path / "cache"))


def quizzes(kind, count, hidden=16):
    timing = Timing(96.0, uniform_times(96.0, hidden))
    return [write_quiz(kind, random.Random(f"{kind} {n}"), timing) for n in range(count)]


@pytest.mark.parametrize("kind", KINDS)
def test_signs_stay_apart_and_out_of_sight_of_a_uniform_sample(kind):
    hidden = uniform_times(96.0, 16)
    assert len(hidden) == 16
    assert (hidden[0], hidden[-1]) == (0.0, 95.0)
    for quiz in quizzes(kind, 60):
        assert list(quiz.events) == sorted(quiz.events, key=lambda each: each.start)
        assert quiz.events[0].start >= GAP
        assert quiz.events[-1].end <= 96.0 - GAP
        for one, other in zip(quiz.events, quiz.events[1:], strict=False):
            assert other.start - one.end >= GAP
        for event in quiz.events:
            assert not any(event.start <= at < event.end for at in hidden)
            assert event.start * RATE == int(event.start * RATE)
            assert any(event.start <= second < event.end for second in range(96))  # some candidate sees it


@pytest.mark.parametrize("kind", KINDS)
def test_letters_and_options_tell_nothing(kind):
    """The right option is uniform over letters, and over the values of a fixed set; options never repeat."""
    found = quizzes(kind, 400, hidden=0)
    letters = Counter(quiz.letter for quiz in found)
    assert set(letters) == set("ABCD")
    assert max(letters.values()) < 140  # 100 expected, deviation 8.7
    for quiz in found:
        assert len(set(quiz.options)) == 4
        assert quiz.telling
    if kind in ("count", "duration", "where"):
        values = Counter(quiz.options[quiz.answer] for quiz in found)
        assert len(values) == 4
        assert max(values.values()) < 140


def test_shown_has_each_colour_and_shape_twice():
    for quiz in quizzes("shown", 30):
        words = Counter(word for option in quiz.options for word in option.split()[1:])
        assert set(words.values()) == {2}


def test_too_short_a_video_is_one_line():
    with pytest.raises(ValueError, match="do not fit into a video of 9 seconds"):
        write_quiz("before", random.Random(0), Timing(9.0))
    with pytest.raises(ValueError, match="no kind of question 'why'; there are shown, order"):
        write_quiz("why", random.Random(0), Timing(96.0))


def test_starts_are_spread_evenly():
    """A single sign begins anywhere with equal chance."""
    rng = random.Random(3)
    starts = [spread(rng, [2.0], Timing(42.0))[0] for _ in range(2000)]
    share, _ = np.histogram(starts, bins=4, range=(GAP, 38.0))
    assert share.min() > 420


@pytest.mark.parametrize("size", [(96, 72), (160, 120), (320, 180)])
def test_every_sign_is_read_wherever_it_stands(size):
    noise = np.random.default_rng(5).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    for number, sign in enumerate(SIGNS):
        place = (*PLACES, FULL)[number % 5]
        assert signs_in(put(noise, [Event(sign, 0.0, 1.0, place)])) == [Seen(sign, place)]


@pytest.mark.parametrize("level", [0, 128, 255])
def test_plain_and_noisy_pictures_have_no_sign(level):
    assert signs_in(np.full((120, 160, 3), level, np.uint8)) == []
    assert signs_in(np.random.default_rng(level).integers(0, 256, (120, 160, 3), dtype=np.uint8)) == []


def test_a_plate_is_found_in_a_white_picture():
    white = np.full((120, 160, 3), 255, np.uint8)
    sign = Sign("blue", "bar")
    assert signs_in(put(white, [Event(sign, 0, 1, "top left")])) == [Seen(sign, "top left")]


@pytest.mark.parametrize("kind", KINDS)
def test_a_made_video_shows_its_truth_and_the_reader_answers_from_all_its_frames(kind, tmp_path):
    spec = Spec(kind, 0, **SMALL)
    path = video_of(spec)
    assert video_of(spec) == path
    quiz = quiz_of(spec)
    assert verify.disagreement(path, quiz) == ""
    from assay.envs.video_keyframes.decode import candidates, probe

    facts = probe(path)
    assert (facts.codec, facts.width, facts.height, facts.frames) == ("h264", 96, 72, 192)
    frames = list(candidates(path))
    seconds = [frame.seconds for frame in frames]
    glimpses = glimpses_of([frame.rgb for frame in frames], seconds)
    asked = Asked(kind, str(quiz.about or ""), quiz.options)
    assert answered(asked, glimpses, seconds, random.Random(0)) == quiz.answer


def test_a_file_that_shows_something_else_is_refused(tmp_path, monkeypatch):
    spec = Spec("where", 1, **SMALL)
    quiz = quiz_of(spec)
    other = quiz_of(replace(spec, number=2))
    path = tmp_path / "x.mp4"
    size = (spec.width, spec.height)
    write_h264(path, with_events(shots((), random.Random(1), spec.seconds, size), other.events), size)
    assert verify.disagreement(path, other) == ""
    assert "is seen, not" in verify.disagreement(path, quiz) or "are seen, not" in verify.disagreement(path, quiz)
    late = replace(other, events=tuple(each._replace(start=each.start + 1, end=each.end + 1) for each in other.events))
    assert "is seen from" in verify.disagreement(path, late)
    wrong = replace(other, answer=(other.answer + 1) % 4)
    assert "what is seen answers" in verify.disagreement(path, wrong)
    monkeypatch.setattr("assay.envs.video_keyframes.events.spec.disagreement", lambda path, quiz: "nothing is seen")
    with pytest.raises(InfraError, match=r"a where video does not show what it should \(nothing is seen\)"):
        video_of(spec)
    assert not list((tmp_path / "cache").rglob("*.mp4"))  # nothing half-made stays


def test_a_spec_is_one_line_and_decides_every_pixel(tmp_path):
    spec = Spec("count", 3, **SMALL)
    assert spec_of(spec.line()) == spec
    first, second = tmp_path / "a.mp4", tmp_path / "b.mp4"
    make_video(spec, first, ())
    make_video(spec, second, ())
    assert first.read_bytes() == second.read_bytes()
    assert key_of(spec, ()) != key_of(replace(spec, seed=1), ())
    for line in ("", "[]", "{}", '{"kind": 3, "number": 1}', "[" * 100_000):
        with pytest.raises(ValueError, match=r"reference of the events source"):
            spec_of(line)


def test_footage_of_one_split_is_in_no_other():
    try:
        files = clips()
    except ImportError as error:
        pytest.skip(str(error))
    pool = stretches(files)
    parts = [of_split(pool, split, 0.2, 0.1) for split in ("train", "dev", "test")]
    assert sum(map(len, parts)) == len(pool) == len({each.key for part in parts for each in part})
    assert all(parts)
    assert of_split(tuple(reversed(pool)), "test", 0.2, 0.1) == parts[2]
    with pytest.raises(ValueError, match="leave none for train"):
        of_split(pool, "train", 1.0, 0.0)


def test_real_footage_moves_and_ends_up_in_the_file(tmp_path):
    try:
        pool = stretches(clips())
    except ImportError as error:
        pytest.skip(str(error))
    frames = list(shots(pool, random.Random(2), 10.0, (96, 72)))
    assert len(frames) == 10 * RATE
    assert {frame.shape for frame in frames} == {(72, 96, 3)}
    assert len({frame.tobytes() for frame in frames}) > RATE
    spec = Spec("order", 0, "test", footage="clips", **SMALL)
    assert verify.disagreement(video_of(spec), quiz_of(spec)) == ""


def test_the_reader_guesses_evenly_where_nothing_was_seen():
    for kind in KINDS:
        if kind == "count":
            continue  # none seen means that few are likelier than many
        quiz = quizzes(kind, 1)[0]
        asked = Asked(kind, str(quiz.about or ""), quiz.options)
        said = Counter(answered(asked, [], [0.0, 50.0], random.Random(n)) for n in range(200))
        assert len(said) == 4
