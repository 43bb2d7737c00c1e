"""VideoMME and LVBench on records made in their published formats, with real video files."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from assay.envs import env_class
from assay.envs.video_keyframes.benchmarks import MissingVideosWarning
from assay.envs.video_keyframes.options import Options
from assay.envs.video_keyframes.rollup import tables
from assay.envs.video_keyframes.sources import load_source
from assay.envs.video_keyframes.sources.lvbench import read_lvbench
from assay.envs.video_keyframes.sources.videomme import read_videomme
from assay.verifiers import Score

av = pytest.importorskip("av", reason="video files need PyAV")
SRT = """1
00:00:00,000 --> 00:00:01,500
<font color="white" size=".72c">First words</font>

2
00:00:01,500 --> 00:00:03,000
second words
"""


def write_video(path, frames=12, fps=4, size=(48, 32)):
    """A clip whose grey rises by the frame."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg4", rate=fps)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for number in range(frames):
            picture = np.full((size[1], size[0], 3), 20 * number % 256, np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode())


def mme_row(number=1, video="abc123", **change):
    return {
        "video_id": f"{number:03d}", "duration": "short", "domain": "Knowledge", "sub_category": "Law",
        "url": "https://example.org/watch?v=abc123", "videoID": video, "question_id": f"{number:03d}-1",
        "task_type": "Counting Problem", "question": "How many cars pass?",
        "options": ["A. One.", "B. Two.", "C. Three.", "D. None."], "answer": "B",
    } | change  # fmt: skip


def mme_folder(folder, rows, form="jsonl", videos=("abc123",)):
    for video in videos:
        write_video(folder / "data" / f"{video}.mp4")
    if form == "parquet":
        parquet = pytest.importorskip("pyarrow.parquet")
        import pyarrow

        (folder / "videomme").mkdir(parents=True)
        parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "videomme" / "test-00000-of-00001.parquet")
    elif form == "csv":
        with (folder / "test.csv").open("w", newline="", encoding="utf-8") as file:
            out = csv.DictWriter(file, list(rows[0]))
            out.writeheader()
            out.writerows({**row, "options": json.dumps(row["options"])} for row in rows)
    else:
        lines = "\n".join(map(json.dumps, rows))
        (folder / f"test.{form}").write_text(lines if form == "jsonl" else json.dumps(rows), encoding="utf-8")


QUESTION = "What does the man hold?\n(A) A cup\n(B) A red kite\n(C) Nothing\n(D) A dog"


def lv_video(key="vid1", **change):
    qa = {"uid": "7", "question": QUESTION, "answer": "B", "question_type": ["entity recognition", "reasoning"],
          "time_reference": "00:01-00:02"} | change  # fmt: skip
    return {"key": key, "type": "sports", "video_info": {"duration_minutes": 1}, "qa": [qa]}


def lv_row(**change):
    return {"video_path": "vid1.mp4", "question": QUESTION, "answer": "B"} | change


def lv_folder(folder, rows, name="video_info.meta.jsonl", videos=("all_videos/vid1.mp4",)):
    for video in videos:
        write_video(folder / video)
    (folder / name).write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


def options(source, folder, **change):
    return Options(source=source, path=str(folder), split="test", K=4, fps=2.0, **change)


def play(source, folder, action, **change):
    """The messages and images of the first question, and the score of an action."""
    env = env_class("video_keyframes")(source=source, path=str(folder), split="test", K=4, fps=2.0, **change)
    obs, _ = env.reset(seed=0, options={"task_id": env.tasks[0].id})
    *_, info = env.step(action)
    text = "".join(
        part.get("text", "") for message in obs["messages"] for part in message["content"] if part["type"] == "text"
    )
    return text, obs["images"], info["score"]


@pytest.mark.parametrize("form", ["jsonl", "json", "csv", "parquet"])
def test_videomme_in_every_form(tmp_path, form):
    mme_folder(tmp_path, [mme_row(), mme_row(2, answer="D", duration="long")], form)
    records = read_videomme(tmp_path, options("videomme", tmp_path))
    assert [record.answer for record in records] == ["B", "D"]
    assert records[0].options == ("One.", "Two.", "Three.", "None.")
    assert records[0].video == str(tmp_path / "data" / "abc123.mp4")
    assert records[1].source["duration"] == "long"
    assert records[0].kind == "Counting Problem"


def test_a_question_of_videomme_is_asked_and_judged(tmp_path):
    mme_folder(tmp_path, [mme_row()])
    text, images, score = play("videomme", tmp_path, "B", times=False)
    assert text.strip().endswith("How many cars pass?\nA. One.\nB. Two.\nC. Three.\nD. None.\nThe best answer is:")
    assert [image.size for image in images] == [(48, 32)] * 4
    assert (score.reward, score.correct) == (1.0, True)
    assert play("videomme", tmp_path, "(C)")[2].correct is False
    assert play("videomme", tmp_path, "A, B, C")[2].correct is False
    assert play("videomme", tmp_path, "<think>x</think><answer>B</answer>", think=True)[2].correct is True


def test_the_official_reading_of_letters(tmp_path):
    mme_folder(tmp_path, [mme_row(answer="C")])
    listed = "A. or B. or maybe C. then"
    assert play("videomme", tmp_path, listed)[2].correct is False
    assert play("videomme", tmp_path, listed, parity=True)[2].correct is False  # a bare letter at the start wins
    assert play("videomme", tmp_path, f"Say {listed}", parity=True)[2].correct is True


def test_subtitles_of_the_frames_that_are_shown(tmp_path):
    mme_folder(tmp_path, [mme_row()])
    (tmp_path / "subtitle").mkdir()
    (tmp_path / "subtitle" / "abc123.srt").write_text(SRT, encoding="utf-8")
    text, _, _ = play("videomme", tmp_path, "B", subtitles=True, selector="uniform")
    assert "First words\nsecond words" in text
    assert text.index("First words") < text.index("How many cars")
    assert "subtitles" in text
    assert "First words" not in play("videomme", tmp_path, "B")[0]


@pytest.mark.parametrize("content", [b"", b"\x00" * 5000, b"no times here", b"00:00:01,000 --> 00:00:02,000"])
def test_broken_subtitles_are_passed_over(tmp_path, content):
    mme_folder(tmp_path, [mme_row()])
    (tmp_path / "subtitle").mkdir()
    (tmp_path / "subtitle" / "abc123.srt").write_bytes(content)
    with pytest.warns(UserWarning, match=r"abc123\.srt"):
        text, _, score = play("videomme", tmp_path, "B", subtitles=True)
    assert "subtitles are listed" not in text
    assert score.correct is True


def test_a_missing_video_counts_as_wrong_and_says_so(tmp_path):
    mme_folder(tmp_path, [mme_row(2, video="gone"), mme_row()])
    with pytest.warns(MissingVideosWarning, match=r"1 of 2 videos of videomme are missing, such as gone"):
        text, images, score = play("videomme", tmp_path, "B")
    assert "cannot be read" in text
    assert list(images) == []
    assert (score.reward, score.correct, score.parts["lost"]) == (0.0, False, 1.0)
    assert "gone.mp4" in score.detail
    with pytest.warns(MissingVideosWarning):
        assert play("videomme", tmp_path, "B", mode="select")[2].correct is False


def test_no_video_at_all_is_the_wrong_folder(tmp_path):
    mme_folder(tmp_path, [mme_row()], videos=())
    (tmp_path / "videos_chunked_01.zip").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"none of the 1 videos .*unpack videos_chunked_01\.zip first"):
        load_source(options("videomme", tmp_path))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"options": ["One", "Two"]}, "options"), ({"options": "A. x"}, "options"), ({"options": None}, "options"),
        ({"options": ["A. x", "C. y"]}, "options"), ({"answer": "E"}, "answer"), ({"answer": None}, "answer"),
        ({"duration": "huge"}, "duration"), ({"videoID": "../../etc/passwd"}, "videoID"),
        ({"videoID": "/etc/passwd"}, "videoID"), ({"videoID": "a\x00b"}, "videoID"), ({"videoID": ["x"]}, "videoID"),
        ({"question": "  "}, "question"), ({"domain": {"a": 1}}, "domain"), ({"question_id": None}, "question_id"),
    ],
)  # fmt: skip
def test_a_corrupt_row_names_file_row_and_field(tmp_path, change, field):
    mme_folder(tmp_path, [mme_row(), mme_row(2, **change)])
    with pytest.raises(ValueError, match=rf"test\.jsonl:2: field '{field}'") as raised:
        load_source(options("videomme", tmp_path))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("test.jsonl", b'{"a": 1}\n{"a"', r"test\.jsonl:1: field"), ("test.jsonl", b"[1]", r"test\.jsonl:1: an object"),
        ("test.jsonl", b"\xff\xfe\x00", "not UTF-8"), ("test.json", b"{}", "a list of objects"),
        ("test.json", b"[" * 100_000, "not JSON"), ("test.json", b"[3]", "row 1: an object"),
        ("test.parquet", b"PAR1 no", "Parquet"), ("test.csv", b"a,b\n1\n", "row 1 does not have"),
        ("test.jsonl", b"", "no questions"),
    ],
)  # fmt: skip
def test_a_corrupt_file_is_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message) as raised:
        load_source(options("videomme", tmp_path))
    assert "\n" not in str(raised.value)
    assert name in str(raised.value) or content == b""


def test_in_two_turns_the_cue_waits_for_the_second(tmp_path):
    mme_folder(tmp_path, [mme_row()])
    env = env_class("video_keyframes")(
        source="videomme", path=str(tmp_path), split="test", K=4, fps=2.0, mode="select", beta=0.0
    )
    first, _ = env.reset(seed=0)
    assert "How many cars" in str(first["messages"])
    assert "best answer is:" not in str(first["messages"])
    second, reward, done, _, _ = env.step("[0, 3]")
    assert (reward, done) == (0.0, False)
    assert str(second["messages"]).count("best answer is:") == 1
    assert len(second["images"]) == len(first["images"]) + 2
    *_, info = env.step("B")
    assert (info["score"].reward, info["score"].correct) == (1.0, True)


def test_questions_that_are_not_in_the_folder_come_from_the_hub(tmp_path, monkeypatch):
    hub = pytest.importorskip("huggingface_hub")
    published, asked = tmp_path / "published", []
    mme_folder(published, [mme_row()], "parquet", videos=())
    mine = tmp_path / "mine"
    write_video(mine / "abc123.mp4")

    def fetch(repo, **more):
        asked.append((repo, more["repo_type"]))
        return str(published)

    monkeypatch.setattr(hub, "snapshot_download", fetch)
    (task,) = load_source(options("videomme", mine))
    assert task.prompt[0]["content"][0]["video"] == f"file:{mine / 'abc123.mp4'}"
    assert asked == [("lmms-lab/Video-MME", "dataset")]

    def fail(repo, **more):
        raise OSError("no route\nto host")

    monkeypatch.setattr(hub, "snapshot_download", fail)
    with pytest.raises(ValueError, match=r"cannot be fetched from the hub \(no route\)"):
        load_source(options("videomme", mine))


def test_options_of_the_whole(tmp_path):
    rows = [mme_row(n, task_type="OCR Problems" if n % 2 else "Action Reasoning") for n in range(1, 7)]
    mme_folder(tmp_path, rows)
    assert len(load_source(options("videomme", tmp_path, limit=4))) == 4
    assert len(load_source(options("videomme", tmp_path, kinds=("OCR Problems",)))) == 3
    with pytest.raises(ValueError, match="check kinds"):
        load_source(options("videomme", tmp_path, kinds=("x",)))
    with pytest.raises(ValueError, match="test split only"):
        load_source(Options(source="videomme", path=str(tmp_path), split="train"))
    with pytest.raises(ValueError, match="path=FOLDER"):
        load_source(Options(source="videomme", split="test"))
    with pytest.raises(ValueError, match="no such folder"):
        load_source(options("videomme", tmp_path / "none"))
    mme_folder(tmp_path, [mme_row(), mme_row()])
    with pytest.raises(ValueError, match=r"test\.jsonl:2: .*the same question"):
        load_source(options("videomme", tmp_path))


def test_lvbench_as_one_object_a_video(tmp_path):
    lv_folder(tmp_path, [lv_video()])
    (record,) = read_lvbench(tmp_path, options("lvbench", tmp_path))
    assert (record.question, record.options) == ("What does the man hold?", ("A cup", "A red kite", "Nothing", "A dog"))
    assert record.events == ((1.0, 2.0),)
    assert record.source["question_type"] == ["entity recognition", "reasoning"]
    text, images, score = play("lvbench", tmp_path, "(B)")
    assert "What does the man hold?\n" in text
    assert len(images) == 4
    assert score.correct is True


@pytest.mark.parametrize("row", [lv_row(), lv_row(question="What does the man hold?",
                                 options=["A cup", "A red kite", "Nothing", "A dog"])])  # fmt: skip
def test_lvbench_as_one_row_a_question(tmp_path, row):
    lv_folder(tmp_path, [row | {"question_type": "reasoning", "type": "cartoon"}], "test.jsonl", ("vid1.mp4",))
    (record,) = read_lvbench(tmp_path, options("lvbench", tmp_path))
    assert record.options == ("A cup", "A red kite", "Nothing", "A dog")
    assert (record.kind, record.source["video_type"]) == ("reasoning", "cartoon")
    assert play("lvbench", tmp_path, "B")[2].correct is True


@pytest.mark.parametrize(
    ("reference", "events"),
    [("01:05-02:00", ((65.0, 120.0),)), ("1:01:05-1:02:00", ((3665.0, 3720.0),)), ("", ()), (None, ()), ("soon", ()),
     ("02:00-01:00", ()), ("1" * 100_000, ()), ([1, 2], ())],
)  # fmt: skip
def test_time_references(tmp_path, reference, events):
    lv_folder(tmp_path, [lv_video(time_reference=reference)])
    assert read_lvbench(tmp_path, options("lvbench", tmp_path))[0].events == events


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (lv_video(question="No options"), r"jsonl:1: question 1: field 'question'"),
        (lv_video(question="(A) a\n(B) b"), r"question 1: field 'question'"),
        (lv_video(question="What?\n(A) a\n(C) b"), r"question 1: field 'question'"),
        (lv_video(answer="Z"), r"question 1: field 'answer'"), (lv_video(question_type=[3]), r"field 'question_type'"),
        (lv_video(key="../x"), r"jsonl:1: field 'key'"), (lv_video() | {"qa": 3}, r"jsonl:1: field 'qa'"),
        (lv_video() | {"qa": [3]}, r"question 1: field 'qa'"), ({"question": QUESTION}, r"field 'video_path'"),
        (lv_row(options=["x"]), r"field 'options'"),
    ],
)  # fmt: skip
def test_a_corrupt_row_of_lvbench(tmp_path, row, message):
    lv_folder(tmp_path, [row])
    with pytest.raises(ValueError, match=message) as raised:
        load_source(options("lvbench", tmp_path))
    assert "video_info.meta.jsonl" in str(raised.value)


def scored(right, **more):
    return Score(float(right), {"accuracy": float(right), **more}, bool(right))


def test_tables_of_videomme(tmp_path):
    rows = [
        mme_row(1), mme_row(2, duration="long", domain="Life Record", sub_category="Food"),
        mme_row(3, duration="medium", domain="Life Record", sub_category="Travel", task_type="OCR Problems"),
        mme_row(4, duration="long", domain="Life Record", sub_category="Food"),
    ]  # fmt: skip
    mme_folder(tmp_path, rows)
    tasks = load_source(options("videomme", tmp_path))
    lost = Score(0.0, {"lost": 1.0}, False, False)
    scores = [[scored(1)], [scored(0), scored(1)], [lost], []]
    overall, duration, domain, sub, task_type = tables("videomme", tasks, scores)
    assert overall.rows == (("videomme", 0.5, 3, 0, 1),)
    assert duration.rows == (("short", 1.0, 1), ("medium", 0.0, 1), ("long", 0.5, 1))
    assert domain.rows == (("Knowledge", 1.0, 1), ("Life Record", 0.25, 2))
    assert [row[0] for row in sub.rows] == ["Food", "Law", "Travel"]
    assert task_type.rows == (("OCR Problems", 0.0, 1), ("Counting Problem", 0.75, 2))


def test_tables_of_lvbench(tmp_path):
    lv_folder(tmp_path, [lv_video(), lv_video(uid="8", question_type=["reasoning"])])
    tasks = load_source(options("lvbench", tmp_path))
    overall, kinds, types = tables("lvbench", tasks, [[scored(1)], [Score(0.0, {}, False, False)]])
    assert overall.rows == (("lvbench", 0.5, 2, 1, 0),)
    assert kinds.rows == (("entity recognition", 1.0, 1), ("reasoning", 0.5, 2))
    assert types.rows == (("sports", 0.5, 2),)
