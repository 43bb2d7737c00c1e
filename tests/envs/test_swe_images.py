"""Tasks in container images: the answer in the image's history is out of reach, and official scripts are graded."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay.envs import TaskSet, play
from assay.envs.swe_rl import SweRlEnv
from assay.envs.swe_rl.evidence import Evidence
from assay.envs.swe_rl.images import is_hidden, needs_script, with_exit_status
from assay.envs.swe_rl.verdict import report_of, score_of

SCRIPT = (
    "#!/bin/bash\nset -uxo pipefail\ncd /testbed\n: '>>>>> Start Test Output'\n"
    "PYTHONPATH=/opt/assay/pytest python -m pytest -rA -p no:cacheprovider tests\n"
    ": '>>>>> End Test Output'\necho over\n"
)


def with_history(folder: Path, shelf: Any) -> bytes:
    """A tar of the shelf's repository whose history holds the fix."""
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    for role in ("AUTHOR", "COMMITTER"):
        env |= {f"GIT_{role}_NAME": "n", f"GIT_{role}_EMAIL": "e@example.org"}
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "base"]):
        if words[0] == "add":
            for path, text in shelf.tree.items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_text(text)
        subprocess.run(["git", *words], cwd=folder, env=env, check=True)
    (folder / "shelf/stock.py").write_text(shelf.fixed["shelf/stock.py"])
    for words in (["commit", "-qam", "the fix"], ["tag", "v2"], ["reset", "-q", "--hard", "HEAD~1"]):
        subprocess.run(["git", *words], cwd=folder, env=env, check=True)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.add(folder, "testbed")
    return out.getvalue()


@pytest.fixture(scope="module")
def image(shelf_on, tmp_path_factory) -> Iterator[str]:
    shelf = shelf_on("docker")
    from assay.sandbox.docker import build_host_closure, engine

    client = engine.connect().api
    made = client.create_container(build_host_closure(), command=["/none"])["Id"]
    client.put_archive(made, "/", with_history(tmp_path_factory.mktemp("history"), shelf))
    client.commit(made, repository="assay-test-shelf", tag="latest")
    client.remove_container(made)
    yield "assay-test-shelf:latest"
    client.remove_image("assay-test-shelf:latest", force=True)


@pytest.mark.docker
def test_an_episode_in_an_image(image, shelf_on):
    shelf = shelf_on("docker")
    environment = {"executable": os.path.join(os.path.realpath(sys.base_prefix), "bin/python3")}
    row = replace(shelf.row, image=image, environment=environment)
    truth = {"row": row.to_dict(), "reward": "tests"}
    start = SweRlEnv(task="repo", split="test").tasks[0]
    task = replace(start, truth=truth, id="f" * 16, meta={**start.meta, "task": "repo"})
    env = SweRlEnv(task="repo", tasks=TaskSet([task]), backend="docker", timeout=60.0, boxes=4)
    look = "git log --all --oneline | wc -l; git tag; git fsck --lost-found 2>/dev/null; git status --short; ls"
    env.reset(seed=0)
    said = env.step(look)[0]["messages"][-1]["content"]
    assert said == "[exit status 0]\n1\nREADME.md\npyproject.toml\nshelf\ntests"
    gold = play(env, [env.gold(task)], task_id=task.id)
    assert gold.score.correct is True, gold.score.detail
    assert play(env, ["touch x; submit"], task_id=task.id).score.correct is False
    env.close()


def test_official_scripts_are_graded_by_their_log(shelf):
    named = ["test_too_many", "test_none_there[1]", "test_take"]
    row = replace(
        shelf.row, eval_script=SCRIPT, log_parser="pytest", fail_to_pass=tuple(named[:2]), pass_to_pass=("x y",)
    )
    assert needs_script(row)
    assert not needs_script(replace(shelf.row, eval_script=SCRIPT))
    script = with_exit_status(SCRIPT)
    assert script.count("ASSAY_EXIT=$?\n: '>>>>> End Test Output'\n") == 1
    assert script.index("Test Exit Code: $ASSAY_EXIT") < script.index("echo over")
    assert with_exit_status("true") == "true"
    ids = [f"tests/test_stock.py::{name}" for name in named]
    lines = "".join(f"PASSED {name}\n" for name in ids)
    log = f"+ : '>>>>> Start Test Output'\n{lines}+ : '>>>>> End Test Output'\n>>>>> Test Exit Code: 0\n"
    listed = replace(row, fail_to_pass=tuple(ids[:2]), pass_to_pass=(ids[2],))

    def verdict(text: str) -> tuple[bool, bool]:
        found = report_of(listed, Evidence("p", True, report={"log": text, "parser": "pytest", "exit": 0}))
        assert found is not None
        return found.resolved, found.valid

    assert verdict(log) == (True, True)
    assert verdict(log.replace("PASSED " + ids[0], "FAILED " + ids[0])) == (False, True)
    assert verdict(log.replace("Code: 0", "Code: 1")) == (False, False)
    assert verdict(log + "\n>>>>> Tests Timed Out\n") == (False, False)
    assert verdict(lines) == (False, False)


def test_a_script_runs_in_a_sandbox(shelf):
    script = SCRIPT.replace("/opt/assay/pytest", shelf.place.paths[0])
    row = replace(shelf.row, eval_script=script, log_parser="pytest", fail_to_pass=("shelf",), pass_to_pass=())
    score = score_of(row, shelf_evidence(shelf, row), "tests")
    assert (score.correct, score.parts["valid"]) == (False, 1.0)
    evidence = shelf_evidence(shelf, row)
    assert evidence.report is not None
    assert "PASSED tests/test_stock.py::test_too_many" in str(evidence.report["log"])
    assert ">>>>> Test Exit Code: 0" in str(evidence.report["log"])


def shelf_evidence(shelf: Any, row: Any) -> Evidence:
    from assay.envs.swe_rl.grading import grade

    return grade(row, row.patch, shelf.place, shelf.open, 60.0)


def test_r2e_gym_wants_every_status_as_recorded(shelf):
    row = replace(shelf.row, rules="r2e-gym", expected={"TestA.test_x": "PASSED", "test_y": "FAILED"}, pass_to_pass=())
    assert needs_script(row)
    assert is_hidden(row, "r2e_tests/test_1.py")
    assert not is_hidden(shelf.row, "r2e_tests/test_1.py")

    def resolved(log: str) -> bool:
        return score_of(row, Evidence("p", True, report={"log": log, "parser": "", "exit": 1}), "tests").correct is True

    good = "PASSED r2e_tests/test_1.py::TestA::test_x\nFAILED r2e_tests/test_1.py::test_y - assert 0\n"
    assert resolved(good)
    assert not resolved(good.replace("FAILED", "PASSED"))
    assert not resolved(good + "PASSED r2e_tests/test_1.py::test_z\n")
    assert not resolved("")


def test_swe_smith_lets_an_absent_test_pass(shelf):
    ids = shelf.row.fail_to_pass
    report = {"version": 1, "nonce": "", "complete": True, "exit": 0, "collected": 1, "tests": {ids[0]: "passed"}}
    evidence = Evidence("p", True, report=report)
    assert score_of(shelf.row, evidence, "tests").correct is False
    assert score_of(replace(shelf.row, rules="swe-smith"), evidence, "tests").correct is True
