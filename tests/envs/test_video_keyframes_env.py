"""The video environment: one turn or two, poorer views, lost videos, bad lists, records in files, the minter."""

from __future__ import annotations

import json
import random
import warnings
from collections import Counter

import gymnasium as gym
import numpy as np
import pytest

import assay.envs  # noqa: F401 - registers the environments
from assay.envs import play, replay, rescore
from assay.envs.episode import Episode
from assay.envs.mint import main as mint
from assay.envs.video_keyframes.baselines import BASELINES
from assay.envs.video_keyframes.events.footage import shots
from assay.envs.video_keyframes.events.render import write_h264
from assay.envs.video_keyframes.heads import NAMES, load_head, save_head
from assay.envs.video_keyframes.oracle import telling_frames
from assay.envs.video_keyframes.records import read_records, record_of
from assay.envs.video_keyframes.videos import file_of_ref, reference

ID = "video-keyframes-v0"
TINY = {"seconds": 48.0, "width": 96, "height": 72, "hidden_from": 8, "split": "test", "K": 8}


@pytest.fixture(scope="module", autouse=True)
def _one_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("ASSAY_CACHE", str(tmp_path_factory.mktemp("videos")))
        yield


@pytest.fixture(scope="module")
def footage(tmp_path_factory):
    """A video of the user's."""
    path = tmp_path_factory.mktemp("footage") / "holiday.mp4"
    write_h264(path, shots((), random.Random(8), 20.0, (96, 72)), (96, 72))
    return path


def make(**options):
    return gym.make(ID, **{**TINY, "count": 6, **options})


def texts(obs):
    return "".join(part.get("text", "<image>") for part in obs["messages"][-1]["content"])


def test_frames_come_in_time_order_with_their_seconds():
    env = make()
    obs, _ = env.reset(seed=0)
    assert len(obs["images"]) == 8
    seconds = [image.info["seconds"] for image in obs["images"]]
    assert seconds == sorted(seconds)
    assert texts(obs).startswith(f"{seconds[0]:.1f} s: <image>{seconds[1]:.1f} s: <image>")
    assert texts(make(times=False).reset(seed=0)[0]).startswith("<image><image>")
    assert len(make(K=500).reset(seed=0)[0]["images"]) == 48  # no more than there are


def test_poorer_views_show_other_frames_under_the_same_words():
    env = make(selector="tad")
    task = env.unwrapped.tasks[1]

    def shown(view):
        obs, _ = env.reset(seed=3, options={"task_id": task.id} | ({"view": view} if view else {}))
        env.step("A")
        return obs, env.unwrapped.evidence

    plain, kept = shown("")
    shuffled, other = shown("shuffled")
    assert texts(plain) == texts(shuffled)
    assert sorted(other["frames"]) == kept["frames"] != other["frames"]
    assert Counter(i.tobytes() for i in plain["images"]) == Counter(i.tobytes() for i in shuffled["images"])
    assert [i.tobytes() for i in plain["images"]] != [i.tobytes() for i in shuffled["images"]]
    assert shown("uniform")[1]["frames"] == [0, 7, 13, 20, 27, 34, 40, 47]
    assert shown("low_saliency")[1]["saliency"] < kept["saliency"]
    with pytest.raises(ValueError, match="there is no view 'upside_down'"):
        env.reset(options={"view": "upside_down"})


def test_select_takes_two_turns_and_pays_for_telling_frames_of_right_answers_only():
    env = make(mode="select")
    inner = env.unwrapped
    for task in inner.tasks:
        obs, _ = env.reset(seed=0, options={"task_id": task.id})
        assert "numbered from 0 to 47" in texts(obs)
        assert len(obs["images"]) == 1
        frames = json.loads(inner.expert())
        obs, reward, terminated, _, info = env.step(str(frames))
        assert (reward, terminated, len(obs["images"])) == (0.0, False, 1 + len(frames))
        assert "score" not in info
        assert "Answer with the letter" in texts(obs)
        *_, info = env.step(inner.expert())
        score = info["score"]
        assert score.correct
        assert score.reward == pytest.approx(1 + 0.2 * score.parts["saliency"])
        assert inner.evidence["frames"] == frames
        wrong = next(each for each in "ABCD" if each != task.truth["answer"])
        episode = play(env, [str(frames), wrong], seed=0, task_id=task.id)
        assert (episode.score.reward, episode.score.correct) == (0.0, False)
        stored = Episode.from_json(episode.to_json())
        assert rescore(stored) == stored.score
        assert json.loads(replay(stored, make(mode="select")).to_json()) == json.loads(stored.to_json())


@pytest.mark.parametrize(
    "said", ["", "all of them", "[]", "[48]", "[-1]", "[1, 1]", "[1.5]", "[0,1,2,3,4,5,6,7,8]", "[1] [2]", "\ud800"]
)
def test_a_list_that_cannot_be_read_ends_a_select_episode_as_a_failure(said):
    env = make(mode="select")
    env.reset(seed=0)
    _, reward, terminated, _, info = env.step(said)
    assert (reward, terminated) == (0.0, True)
    assert (info["score"].correct, info["score"].parsed) == (False, False)
    assert info["score"].detail.startswith("no frames: ")


@pytest.mark.parametrize("mode", ["answer", "select"])
def test_a_video_that_is_lost_counts_as_wrong_and_says_so(mode, tmp_path):
    (tmp_path / "x.mp4").write_bytes(b"not a video at all")
    record = {"video": "x.mp4", "question": "What?", "options": ["a", "b"], "answer": "A", "split": "test"}
    (tmp_path / "tasks.jsonl").write_text(json.dumps(record))
    env = gym.make(ID, source="files", path=str(tmp_path), split="test", mode=mode)
    obs, _ = env.reset(seed=0)
    assert obs["images"] == []
    *_, terminated, _, info = env.step("A")
    assert terminated
    assert (info["score"].correct, info["score"].reward) == (False, 0.0)
    assert "x.mp4" in info["score"].detail
    assert info["score"].parts["lost"] == 1.0


def test_the_reader_is_right_where_all_frames_are_shown_and_words_are_not():
    env = make(count=12, K=48)
    for task in env.unwrapped.tasks:
        obs, _ = env.reset(seed=0, options={"task_id": task.id})
        *_, info = env.step(BASELINES["reader"].answer(task, obs["images"], 0))
        assert info["score"].correct
    tasks = make(count=300).unwrapped.tasks
    for name in ("random", "words"):
        share = sum(BASELINES[name].answer(task, [], n) == task.truth["answer"] for n, task in enumerate(tasks)) / 300
        assert 0.15 < share < 0.35  # a quarter, deviation 0.025


def test_thoughts_are_asked_for_and_paid():
    env = make(think=True, format_weight=1.0)
    obs, _ = env.reset(seed=0)
    assert "between <answer> and </answer>" in texts(obs)
    task = env.unwrapped.current_task
    assert env.step(env.unwrapped.gold(task))[1] == 2.0
    env.reset(seed=0)
    assert env.step(task.truth["answer"])[1] == 0.0
    assert env.unwrapped.reward_range(env.unwrapped.options) == (0.0, 2.0)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"K": 0}, "K must be at least 1"),
        ({"fps": 0.0}, "fps must be above 0"),
        ({"kinds": ("why",)}, "source events has no kinds why; it has shown, order"),
        ({"width": 97}, "width and height are even"),
        ({"seconds": 5.0}, "do not fit"),
        ({"hidden_from": 40}, "do not fit"),
        ({"selector": "tad-learned"}, "needs head"),
        ({"source": "files"}, "source 'files' needs a path"),
        ({"path": "no-such-folder"}, "no footage at .*no-such-folder: give"),
    ],
)
def test_what_cannot_work_is_one_line(options, error):
    with pytest.raises(ValueError, match=error):
        make(**options)


def test_minted_questions_are_played_from_their_files(tmp_path, footage, capsys):
    out = tmp_path / "tasks"
    command = ["video", str(footage), "--out", str(out), "--count", "6", "--size", "96x72", "--seconds", "48"]
    command += ["--hidden-from", "8", "--test-share", "0.5", "--kinds", "order", "count", "where"]
    assert mint(command) == 0
    assert "6 questions" in capsys.readouterr().out
    records = read_records(out)
    assert Counter(record.split for record in records) == {"train": 3, "test": 3}
    assert len(list((out / "videos").iterdir())) == 6
    assert "| order | 1 | 1 |" in (out / "report.md").read_text()
    assert not list(tmp_path.glob(".*"))
    env = gym.make(ID, source="files", path=str(out), split="test", K=48)
    assert len(env.unwrapped.tasks) == 3
    for task in env.unwrapped.tasks:
        obs, _ = env.reset(seed=0, options={"task_id": task.id})
        assert env.step(BASELINES["reader"].answer(task, obs["images"], 0))[1] == 1.0
        assert env.unwrapped.picture(task, ["A"], None).size[0] > 100
    assert mint(command) == 2
    assert "exists and is not empty" in capsys.readouterr().err


def test_a_killed_mint_goes_on_from_its_videos(tmp_path, footage, monkeypatch, capsys):
    from assay.envs.video_keyframes.mint import write

    out = tmp_path / "tasks"
    command = ["video", str(footage), "--out", str(out), "--count", "3", "--size", "96x72", "--seconds", "32"]
    command += ["--hidden-from", "0", "--test-share", "0", "--kinds", "where"]
    real, made = write.make_video, []

    def dies(*given):
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(given)
        real(*given)

    monkeypatch.setattr(write, "make_video", dies)
    assert mint(command) == 130
    assert not out.exists()
    made.clear()
    assert mint(command) == 0
    assert len(made) == 1
    assert len(read_records(out)) == 3
    capsys.readouterr()


def test_footage_that_has_signs_of_its_own_gives_no_questions(tmp_path, capsys):
    source = file_of_ref(reference(make(count=2, kinds=("order",), hidden_from=0).unwrapped.tasks[0]))
    command = ["video", str(source), "--out", str(tmp_path / "o"), "--count", "6", "--size", "96x72", "--seconds", "48"]
    status = mint([*command, "--hidden-from", "0", "--kinds", "order", "--test-share", "0"])
    said = capsys.readouterr()
    assert status in (0, 1)
    assert len(read_records(tmp_path / "o")) < 6 if status == 0 else "none of the videos" in said.err


def test_mint_draws_a_sheet(tmp_path, footage, capsys):
    assert mint(["video", str(footage), "--frames", "4", "--sheet", str(tmp_path / "out.png")]) == 0
    assert "4 of 20 frames" in capsys.readouterr().out
    assert (tmp_path / "out.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["x.mp4"], "give --out DIR"),
        (["x.mp4", "--out", "o"], "no footage at x.mp4"),
        (["x.mp4", "--out", "o", "--count", "0"], "--count must be at least 1"),
        (["x.mp4", "--out", "o", "--size", "97x72"], "--size is WIDTHxHEIGHT"),
        (["x.mp4", "--out", "o", "--seconds", "9"], "do not fit"),
        (["x.mp4", "y.mp4", "--sheet", "o.png"], "--sheet draws one file"),
        (["x.mp4", "--sheet", "o.png"], "no such"),
    ],
)
def test_wrong_calls_of_the_minter_are_one_line(words, error, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert mint(["video", *words]) == 2
    said = capsys.readouterr().err
    assert error in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"video": ""}, "field 'video'"),
        ({"answer": "E"}, "the letter of one as its answer"),
        ({"options": "a"}, "field 'options'"),
        ({"problem": "poem"}, "field 'problem' is one of mcq"),
        ({"events": [[3, 1]]}, "field 'events'"),
        ({"split": "tset"}, "field 'split'"),
        ({"source": 3}, "field 'source'"),
    ],
)
def test_records_that_are_none_name_the_field(change, error):
    data = {"video": "a.mp4", "question": "What?", "options": ["a", "b"], "answer": "A"}
    assert record_of(data, "here").answer == "A"
    assert record_of(record_of(data, "here").to_dict() | {"options": ["a", "b"], "events": []}, "here").video == "a.mp4"
    with pytest.raises(ValueError, match=f"here: .*{error}"):
        record_of({**data, **change}, "here")


def test_records_outside_of_their_folder_are_refused(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "x.mp4").write_bytes(b"x")
    record = {"video": "../x.mp4", "question": "What?", "options": ["a", "b"], "answer": "A", "split": "test"}
    (tmp_path / "in" / "tasks.jsonl").write_text(json.dumps(record))
    with pytest.raises(ValueError, match=r"\.\./x\.mp4 is outside of"):
        gym.make(ID, source="files", path=str(tmp_path / "in"), split="test")


def test_telling_frames_are_the_events_first_and_then_their_edges():
    seconds = [float(n) for n in range(20)]
    events = [(10.5, 13.0), (3.0, 4.5)]
    assert telling_frames(events, seconds, 2) == [3, 11]
    assert telling_frames(events, seconds, 4) == [3, 4, 11, 12]
    assert telling_frames(events, seconds, 20) == [2, 3, 4, 5, 10, 11, 12, 13]
    assert telling_frames([], seconds, 2) == [0, 19]


def test_a_scorer_in_a_file_picks_the_frames(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {"w": 2.0, "b": -1.0, "hidden_weight": rng.normal(size=(3, 80)), "hidden_bias": np.ones(3),
              "out_weight": rng.normal(size=3), "out_bias": 0.5}  # fmt: skip
    save_head(tmp_path / "head.npz", arrays)
    e, q = rng.normal(size=(5, 80)), rng.random(5)
    mlp = np.array([arrays["out_weight"] @ np.maximum(arrays["hidden_weight"] @ row + 1, 0) + 0.5 for row in e])
    np.testing.assert_allclose(load_head(tmp_path / "head.npz")(e, q), 2 * q - 1 + mlp)
    env = make(selector="tad-learned", head=str(tmp_path / "head.npz"), count=1)
    assert len(env.reset(seed=0)[0]["images"]) == 8
    with pytest.raises(ValueError, match=f"missing: {NAMES[0]}"):
        save_head(tmp_path / "x.npz", {name: arrays[name] for name in NAMES[1:]})
    (tmp_path / "bad.npz").write_bytes(b"PK nothing")
    for name, error in (("bad.npz", r"is no \.npz file"), ("none.npz", "no such file")):
        with pytest.raises(ValueError, match=error):
            load_head(tmp_path / name)


def test_nothing_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = make(count=1)
        env.reset(seed=0)
        env.step("A")


def test_images_can_be_had_without_an_episode():
    env = make(count=2).unwrapped
    alone = [image.tobytes() for image in env.open_images(env.tasks[1])]
    obs, _ = env.reset(seed=0, options={"task_id": env.tasks[1].id})
    assert [image.tobytes() for image in obs["images"]] == alone
