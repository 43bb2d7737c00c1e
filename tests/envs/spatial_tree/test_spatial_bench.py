"""Records in the format of SpatialTree-Bench: every metric, media, frames of clips, and what is refused in one line."""

from __future__ import annotations

import base64
import io
import json

import gymnasium as gym
import numpy as np
import pytest
from PIL import Image

import assay.envs  # noqa: F401 - registers the environment
from assay.envs.spatial_tree import clips
from assay.envs.spatial_tree.bench_words import slots_in
from assay.verifiers import registry

LEAF = {
    "multichoiceeval": ("L1", "Relation", "Correspondence"),
    "meanrelativeacc": ("L1", "Geometry", "Distance"),
    "gravityeval": ("L1", "Orientation", "Gravity"),
    "judge": ("L2", "Underst.", "RelationUnderstanding"),
    "gpteval": ("L2", "Underst.", "Motion Understanding"),
    "affmask": ("L2", "Underst.", "Affordance"),
    "cogmapeval": ("L2", "Memory", "CognitiveMap"),
    "agenticnaveval": ("L4", "Goal-Driven Execution", "AgenticNavigation"),
    "manipulateeval": ("L4", "Goal-Driven Execution", "Robotic Arm"),
}


def record(metric, answer, hint=None, leaf=None, **given):
    extra = {"metricfunc": metric, "pe_style": "default"}
    extra |= {f"spatree{place}": name for place, name in enumerate(leaf or LEAF[metric])}
    row = {"question": "What is it? <image>", "option": [], "answer": answer, "question_type": "mcq",
           "image": ["images/a.jpg"], "video": [], "video_info": [], "hint": json.dumps(hint) if hint else "",
           "extra_info": json.dumps(extra)}  # fmt: skip
    return row | given


def mask_of(value=255):
    pixels = np.zeros((20, 30), np.uint8)
    pixels[5:9, 10:20] = value
    packed = io.BytesIO()
    Image.fromarray(pixels).save(packed, "PNG")
    return base64.b64encode(packed.getvalue()).decode()


LETTERS = ["A. a chair", "B. a lamp", "C. a desk"]
MAP = {"objects": [{"name": "chair", "position": [1, 1], "facing": "up"}, {"name": "lamp", "position": [5, 1]}],
       "views": [{"name": "view 1", "position": [5, 8], "facing": "up"}]}  # fmt: skip
STEP = {"translation_step_size": 0.02, "rotation_step_size": 0.45}
POSES = [[0, 0, 0, 0, 0, 0, 1], [0.1, 0, 0.2, 0, 0, 0, 1]]
EVERY = [
    record("multichoiceeval", "B", option=LETTERS),
    record("multichoiceeval", "2.5", question_type="open", leaf=("L1", "Geometry", "Size")),
    record("meanrelativeacc", "1.75", question_type="open"),
    record("gravityeval", '{"roll": 3, "pitch": -4.5, "vfov": 60}', {"roll_unc": 2, "pitch_unc": 2, "vfov_unc": 5}),
    record("judge", "Yes"),
    record("gpteval", "The camera pans left, then moves forward past a red sofa."),
    record("affmask", mask_of()),
    record("cogmapeval", "A", {"cogmap": json.dumps(MAP), "id_type": "among"}, option=LETTERS),
    record("agenticnaveval", "", {"optimal_rel_pose": POSES, "0->1": STEP}),
    record("manipulateeval", "", {"optimal_rel_pose": POSES, "0->1": STEP}),
]
METRICS = ["mcq", "mra", "mra", "gravity", "yesno", "caption", "affmask", "cogmap", "agentic_nav", "manipulate"]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "images").mkdir()
    Image.new("RGB", (64, 48), "red").save(tmp_path / "images" / "a.jpg")
    return tmp_path


def write(folder, rows, name="test.jsonl"):
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def opened(folder, **options):
    return gym.make("spatial-tree-v0", source="bench", split="test", path=str(folder), **options).unwrapped


def test_every_metric_becomes_a_task_of_its_leaf_with_its_verifier(folder):
    tasks = opened(write(folder, EVERY)).tasks
    assert [task.truth["verifier"] for task in tasks] == [f"spatial.{name}" for name in METRICS]
    assert [task.meta["leaf"] for task in tasks] == [
        "correspondence", "size", "distance", "gravity", "relation_understanding", "motion_understanding",
        "affordance", "cognitive_map", "agentic_navigation", "robotic_arm",
    ]  # fmt: skip
    assert tasks[3].truth["u"] == {"roll": 2, "pitch": 2, "vfov": 5}
    nav = tasks[8].truth
    assert (nav["translation_step"], nav["rotation_step"], nav["unit"]) == (0.02, 0.45, "radians")
    assert len(set(tasks.ids)) == len(EVERY)


@pytest.mark.parametrize("number", range(len(EVERY)), ids=METRICS)
def test_the_gold_answer_earns_everything_and_nonsense_nothing(folder, number):
    env = opened(write(folder, [EVERY[number]]))
    obs, _ = env.reset(seed=0)
    assert [image.size for image in obs["images"]] == [(64, 48)]
    text = "".join(part.get("text", "") for part in obs["messages"][0]["content"])
    assert "What is it?" in text
    assert "<image>" not in text
    score = env.step(env.expert())[4]["score"]
    assert score.parts["score"] == pytest.approx(1.0, abs=0.01), score.detail
    assert score.correct
    assert opened(folder).reset(seed=0)
    fresh = opened(folder)
    fresh.reset(seed=0)
    assert fresh.step("nothing of it")[4]["score"].parts["score"] == 0


def test_letters_stand_once_before_the_options_and_the_official_reading_knows_them(folder):
    env = opened(write(folder, [EVERY[0]]))
    shown = env.reset(seed=0)[0]["messages"][0]["content"][-1]["text"]
    assert "A. a chair\nB. a lamp\nC. a desk" in shown
    assert env.tasks[0].truth["choices"] == LETTERS
    parity = opened(folder, parity=True).tasks[0].truth
    assert registry.score("spatial.mcq", "The correct option is B", parity, parity=True).correct


def test_frames_are_chosen_as_the_benchmark_does():
    def slow(listed, total):  # the rule of the spec, in words
        if listed:
            return listed if len(listed) <= 32 else [listed[int(i)] for i in np.linspace(0, len(listed) - 1, 32)]
        count = 32 if total > 240 else 16
        return [int(i) for i in np.linspace(0, total - 1, count)]

    for listed, total in (([3, 9], 0), (list(range(0, 200, 2)), 0), ([], 240), ([], 241), ([], 5), ([], 1)):
        assert clips.chosen_frames(listed, total) == slow(listed, total)
    assert len(clips.chosen_frames([], 240)) == 16
    assert len(clips.chosen_frames([], 241)) == 32
    assert len(clips.chosen_frames(list(range(33)), 0)) == 32


def film(path, frames):
    """A clip whose frame n is grey n * 12, each for a tenth of a second."""
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.bit_rate = 2_000_000
        for n in range(frames):
            grey = np.full((48, 64, 3), n * 12, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(stream.encode())


def greys(env):
    return [round(float(np.asarray(image).mean()) / 12) for image in env.reset(seed=0)[0]["images"]]


def test_the_frames_of_a_clip_are_shown_by_number(folder):
    (folder / "videos").mkdir()
    film(folder / "videos" / "v.mp4", 20)
    row = record("multichoiceeval", "B", option=LETTERS, video=["videos/v.mp4"], leaf=("L1", "Motion", "Ego"))
    listed = row | {"video_info": [{"frame_index": [2, 11, 5, 19, 400]}]}
    assert greys(opened(write(folder, [listed]))) == [2, 11, 5, 19, 19]  # past the end: the last one
    assert greys(opened(write(folder, [row]))) == clips.chosen_frames([], 20)
    env = opened(folder)
    env.reset(seed=0)
    assert env.picture(env.current_task, ["B"], None).width == 640


@pytest.mark.parametrize("name", ["test.json", "records.json", "data/test-00000-of-00001.parquet"])
def test_json_and_parquet_hold_the_same_tasks(folder, name):
    wanted = [task.truth for task in opened(write(folder, EVERY)).tasks]
    (folder / "test.jsonl").unlink()
    (folder / "data").mkdir()
    if name.endswith("json"):
        (folder / name).write_text(json.dumps(EVERY), encoding="utf-8")
    else:
        arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        parquet.write_table(arrow.Table.from_pylist(EVERY), folder / name)
    assert [task.truth for task in opened(folder).tasks] == wanted


def test_a_level_or_leaf_can_be_chosen_and_one_file_named(folder):
    write(folder, EVERY)
    assert {task.meta["level"] for task in opened(folder, level="L1").tasks} == {"L1"}
    found = opened(folder / "test.jsonl", leaf=("affordance",)).tasks
    assert [task.meta["leaf"] for task in found] == ["affordance"]
    assert found[0].meta["template"] == "affmask"


BROKEN = [
    ({"option": "A. a chair"}, "field 'option' is a list of texts"),
    ({"option": ["A. one"]}, "field 'option' has 1 options"),
    ({"option": ["B. one", "A. two"]}, "field 'option': option A is marked B"),
    ({"answer": "D"}, "field 'answer' is one of A, B, C, got 'D'"),
    ({"answer": ""}, "field 'answer'"),
    ({"question": None}, "field 'question'"),
    ({"image": [3]}, "field 'image' is a list of paths"),
    ({"image": ["images/b.jpg"]}, "field 'image': no such file: .*b.jpg"),
    ({"image": ["../x.jpg"]}, "field 'image': '../x.jpg' is outside of"),
    ({"image": ["/etc/passwd"]}, "field 'image': '/etc/passwd' is outside of"),
    ({"image": ["a\x00b"]}, "field 'image': .* is outside of"),
    ({"video": ["videos/../../v.mp4"]}, "field 'video': .* is outside of"),
    ({"video": ["images/a.jpg"], "video_info": [{"frame_index": [-1]}]}, "field 'video_info': frame_index is a list"),
    ({"video": ["images/a.jpg"], "video_info": ["{"]}, "field 'video_info' is not JSON"),
    ({"video": ["images/a.jpg"]}, "field 'video': .*a.jpg"),
    ({"hint": "{not json"}, "field 'hint' is not JSON"),
    ({"hint": "[" * 100_000}, "field 'hint' is not JSON"),
    ({"extra_info": "[]"}, "field 'extra_info' is a JSON object, got list"),
    ({"extra_info": "{}"}, "field 'extra_info' has no spatree0"),
    ({"extra_info": '{"spatree0": "L1", "spatree2": "Flying"}'}, "L1 has no ability 'Flying'; it has: Distance, "),
    ({"extra_info": '{"spatree0": "L1", "spatree2": "Size", "metricfunc": "eval"}'}, "there is no metricfunc 'eval'"),
    ({"extra_info": '{"spatree0": "L1", "spatree2": "Size"}'}, "field 'metricfunc'"),
]


@pytest.mark.parametrize(("change", "said"), BROKEN, ids=[said[:30] for _, said in BROKEN])
def test_a_corrupt_record_names_file_row_and_field(folder, change, said):
    write(folder, [EVERY[4], EVERY[0] | change])
    with pytest.raises(ValueError, match=rf"test\.jsonl:2: .*{said}") as error:
        opened(folder)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 600


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (record("meanrelativeacc", "far"), "field 'answer' is a number, got 'far'"),
        (record("meanrelativeacc", "nan"), "field 'answer' is a number, got 'nan'"),
        (record("gravityeval", '{"roll": 3}', {"roll_unc": 2}), "field 'answer' has no 'pitch'"),
        (record("gravityeval", '{"roll": 3, "pitch": 1, "vfov": 2}', {"roll_unc": 2}), "'hint' has no 'pitch_unc'"),
        (record("gravityeval", '{"roll": "x", "pitch": 1, "vfov": 2}',
                {"roll_unc": 2, "pitch_unc": 2, "vfov_unc": 5}), "fields 'answer' and 'hint': .*roll"),
        (record("judge", "maybe"), "field 'answer' is yes or no"),
        (record("affmask", "!!!"), "field 'answer' is no picture in base64"),
        (record("affmask", base64.b64encode(b"no picture").decode()), "field 'answer' is no picture in base64"),
        (record("cogmapeval", "A", {}, option=LETTERS), "field 'hint' has no cogmap"),
        (record("cogmapeval", "A", {"cogmap": {"objects": [{"position": 3}]}}, option=LETTERS), "fields 'answer' and"),
        (record("agenticnaveval", "", {"0->1": STEP}), "field 'hint' has no optimal_rel_pose"),
        (record("agenticnaveval", "", {"optimal_rel_pose": POSES}), "field 'hint' has no segments"),
        (record("manipulateeval", "", {"optimal_rel_pose": [[0], [1]], "0->1": STEP}), "fields 'answer' and 'hint'"),
    ],
)  # fmt: skip
def test_a_truth_that_cannot_be_names_what_is_wrong(folder, row, said):
    with pytest.raises(ValueError, match=rf"test\.jsonl:1: .*{said}") as error:
        opened(write(folder, [row]))
    assert "\n" not in str(error.value)


def test_a_mask_of_too_many_pixels_is_not_decoded(folder):
    packed = io.BytesIO()
    Image.new("1", (16_000, 2_000)).save(packed, "PNG")
    row = record("affmask", base64.b64encode(packed.getvalue()).decode())
    with pytest.raises(ValueError, match="16000 x 2000 pixels are too many"):
        opened(write(folder, [row]))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"split": "train"}, "source bench has a test split only, not train"),
        ({"path": ""}, "source bench needs path=FOLDER"),
        ({"path": "nowhere/at/all"}, "no such folder: nowhere/at/all"),
        ({"template": ("nearer",)}, "leave template away"),
        ({"leaf": ("route",)}, "has no record of route"),
    ],
)
def test_what_cannot_be_loaded_is_said_in_one_line(folder, options, said):
    given = {"source": "bench", "split": "test", "path": str(write(folder, EVERY))} | options
    with pytest.raises(ValueError, match=said) as error:
        gym.make("spatial-tree-v0", **given)
    assert "\n" not in str(error.value)


def test_a_data_set_of_the_hub_is_read_as_a_folder(folder, monkeypatch):
    hub = pytest.importorskip("huggingface_hub")
    asked = []
    monkeypatch.setattr(hub, "snapshot_download", lambda repo, **given: asked.append((repo, given)) or str(folder))
    assert len(opened("someone/benchmark", leaf=("distance",)).tasks if write(folder, EVERY) else ()) == 1
    assert asked == [("someone/benchmark", {"repo_type": "dataset"})]


def test_a_description_becomes_slots_with_their_opposites():
    right, wrong = slots_in("The camera pans LEFT, then moves forward; a red sofa is right behind.")
    told = {words[0]: other for words, other in zip(right, wrong, strict=True)}
    assert told["left"] == []  # both are said: neither is wrong
    assert told["right"] == []
    assert "backward" in told["forward"]
    assert {"red", "sofa", "pans"} <= told.keys()
    assert "camera" not in told
    truth = {"keywords": right, "wrong": wrong}
    assert registry.score("spatial.caption", "it goes backward", truth).parts["score"] == 0
    assert slots_in("the") == ([], [])
