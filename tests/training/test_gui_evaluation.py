"""``eval-agent`` on GUI grounding: the benchmark's table, baselines, pictures, and what goes wrong."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from assay.envs import env_class
from assay.envs.gui_grounding.records import Record, write_records
from assay.training import cli
from assay.training.cli_tables import contact_sheet
from assay.training.curriculum import held_out
from assay.training.evaluate import trivial_baselines


def pro(folder, count=30):
    """ScreenSpot-Pro's own format: 30 annotations, a third of them in the middle of the screen."""
    (folder / "images" / "x").mkdir(parents=True)
    (folder / "annotations").mkdir()
    Image.new("RGB", (640, 480), "white").save(folder / "images" / "x" / "a.png")
    rows = [
        {"img_filename": "x/a.png", "img_size": [640, 480], "instruction": f"Click {i}", "application": "gimp",
         "platform": "linux", "group": "CAD" if i % 2 else "Dev", "ui_type": "text" if i % 3 else "icon",
         "bbox": [300, 220, 340, 260] if i % 3 == 0 else [10, 10, 20, 20]} for i in range(count)
    ]  # fmt: skip
    (folder / "annotations" / "x.json").write_text(json.dumps(rows))
    return folder


def evaluated(out):
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    return next(line for line in lines if line["kind"] == "eval"), [
        line for line in lines if line["kind"] == "baseline"
    ]


def run(tmp_path, *more, model="centre"):
    out = tmp_path / "out"
    command = ["--env", "gui_grounding", "--model", model, "--out", str(out), *more]
    assert cli.evaluate(command) == 0
    return out


def test_a_benchmark_prints_its_own_table_and_stores_the_protocol(tmp_path, capsys):
    where = str(pro(tmp_path / "pro"))
    out = run(tmp_path, "--env.source", "screenspot-pro", "--env.path", where, "--tasks", "20")
    said = capsys.readouterr().out
    for word in ("screenspot-pro (%)", "group", "text", "icon", "dev", "cad", "overall", "first right", "mean N"):
        assert word in said, said
    found, baselines = evaluated(out)
    assert found["protocol"]["benchmark"] == "screenspot-pro"
    assert (found["protocol"]["max_image_tokens"], found["protocol"]["coord"]) == (5600, "abs_resized")
    table = found["tables"][0]
    overall = dict(zip(table["columns"], table["rows"][-1], strict=True))
    assert overall["n"] == found["n"] == 20
    assert overall["all"] == pytest.approx(found["accuracy"])
    assert (overall["icon"], overall["text"]) == (1.0, 0.0)
    assert baselines == []
    assert not (out / "images").exists()


def test_pictures_and_a_contact_sheet(tmp_path, capsys):
    where = str(pro(tmp_path / "pro"))
    out = run(tmp_path, "--env.source", "screenspot-pro", "--env.path", where, "--tasks", "14", "--save-images")
    assert "contact-sheet.png and 14 beside it" in capsys.readouterr().out
    pictures = sorted(path.name for path in (out / "images").iterdir())
    assert len(pictures) == 15
    with Image.open(out / "images" / "contact-sheet.png") as sheet:
        assert sheet.width == 3 * 640 + 4 * 12
        assert sheet.height > 4 * 480
    out = run(tmp_path, "--env.source", "screenspot-pro", "--env.path", where, "--tasks", "2", "--samples", "2",
              "--save-images", model="random")  # fmt: skip
    assert len(list((out / "images").iterdir())) == 5  # those of the first run are gone


def test_environments_without_pictures_say_so(tmp_path, capsys):
    command = [
        "--env",
        "countdown",
        "--model",
        "oracle",
        "--tasks",
        "4",
        "--out",
        str(tmp_path / "out"),
        "--save-images",
    ]
    assert cli.evaluate(command) == 0
    assert "countdown has no pictures of its episodes" in capsys.readouterr().out


def test_a_sheet_of_a_few():
    assert contact_sheet([Image.new("RGB", (100, 50))]).size == (640 + 24, 320 + 24)
    assert contact_sheet([Image.new("RGB", (1280, 640))] * 4).size == (3 * 652 + 12, 2 * 332 + 12)


def test_guesses_that_look_at_nothing_stand_beside_every_model(tmp_path):
    env, where = env_class("gui_grounding"), str(pro(tmp_path / "pro"))
    options = {"source": "screenspot-pro", "path": where, "split": "test"}
    found = trivial_baselines(env, None, held_out(env(**options).tasks, 30), **options)
    assert set(found) == {"random", "centre"}
    assert found["centre"].accuracy == pytest.approx(1 / 3)
    assert found["random"].accuracy < 0.2


def test_a_model_is_compared_with_them(tmp_path, capsys):
    where = str(pro(tmp_path / "pro"))
    picked = ["--env.source", "screenspot-pro", "--env.path", where, "--tasks", "6"]
    out = run(tmp_path, *picked, model="constant:[]")
    assert evaluated(out)[1] == []  # a constant is a baseline itself
    out = run(tmp_path, *picked, model="oracle")
    assert evaluated(out)[0]["accuracy"] == 1.0
    capsys.readouterr()


def test_records_of_ones_own(tmp_path, capsys):
    picture = Image.new("RGB", (640, 480), "white")
    records = [
        Record("x", (640, 480), f"Click {kind}", (9, 9, 90, 90), kind=kind) for kind in ("literal", "functional")
    ]
    write_records(tmp_path / "set", [(record, picture) for record in records])
    picked = ["--env.source", "jsonl", "--env.path", str(tmp_path / "set"), "--env.test-share", "1"]
    found, _ = evaluated(run(tmp_path, *picked, model="oracle"))
    assert [row[0] for row in found["tables"][0]["rows"]] == ["literal", "functional", "overall"]
    capsys.readouterr()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda f: (f / "images" / "x" / "a.png").unlink(), "field 'img_filename': no such image"),
        (
            lambda f: (f / "images" / "x" / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n"),
            "field 'img_filename': cannot read",
        ),
        (
            lambda f: (f / "annotations" / "x.json").write_text('[{"bbox": 1}]'),
            "x.json: item 1: no field 'img_filename'",
        ),
        (lambda f: (f / "annotations" / "x.json").unlink(), "has no annotations"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(tmp_path, capsys, spoil, said):
    folder = pro(tmp_path / "pro")
    spoil(folder)
    command = [
        "--env",
        "gui_grounding",
        "--env.source",
        "screenspot-pro",
        "--env.path",
        str(folder),
        "--model",
        "centre",
    ]
    assert cli.evaluate([*command, "--out", str(tmp_path / "out")]) != 0
    error = capsys.readouterr().err.strip()
    assert said in error
    assert len(error.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_training_run_records_the_protocol(tmp_path):
    from types import SimpleNamespace

    from assay.training.assemble import resolved
    from assay.training.recipes import get_recipe

    env, options = env_class("gui_grounding"), {"source": "screenspot-pro", "path": str(pro(tmp_path / "pro"))}
    options |= {"split": "test", "family": "qwen3-vl"}
    parts = SimpleNamespace(env=env, env_options=options, train=env(**options).tasks, recipe=get_recipe("aepo"))
    recipe, settings = resolved(parts)
    assert recipe["clip_high"] == 0.4
    assert (settings["family"], settings["protocol"]["coord"], settings["protocol"]["factor"]) == (
        "qwen3-vl",
        "rel1000",
        32,
    )


def test_a_missing_reader_is_one_line(tmp_path, capsys, monkeypatch):
    from assay.envs.gui_grounding import baselines

    monkeypatch.setitem(__import__("sys").modules, "rapidocr_onnxruntime", None)
    baselines._reader.cache_clear()
    command = ["--env", "gui_grounding", "--env.source", "screenspot-pro", "--env.path", str(pro(tmp_path / "pro"))]
    assert cli.evaluate([*command, "--model", "ocr", "--out", str(tmp_path / "out")]) != 0
    assert "pip install 'assay[ocr]'" in capsys.readouterr().err
