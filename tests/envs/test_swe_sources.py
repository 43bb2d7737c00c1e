"""Rows from every kind of record, and one clear line for each that is none."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from assay.envs.errors import InfraError
from assay.envs.swe_rl import SweRlEnv
from assay.envs.swe_rl.bases import RepoError, base_of
from assay.envs.swe_rl.boxes import place_of
from assay.envs.swe_rl.formats import r2e_gym_row, swe_smith_row
from assay.envs.swe_rl.official import with_environment
from assay.envs.swe_rl.options import Options
from assay.envs.swe_rl.patches import paths_of
from assay.envs.swe_rl.repos import pristine
from assay.envs.swe_rl.rows import RowError, row_of
from assay.envs.swe_rl.sources import load_rows, read_records

PATCH = "diff --git a/pkg/a.py b/pkg/a.py\n--- a/pkg/a.py\n+++ b/pkg/a.py\n@@ -1 +1 @@\n-x = 1\n+x = 2\n"
TESTS = PATCH.replace("pkg/a.py", "tests/test_a.py")
ROW: dict[str, Any] = {
    "instance_id": "own__pkg-1",
    "repo": "own/pkg",
    "base_commit": "a" * 40,
    "patch": PATCH,
    "test_patch": TESTS,
    "problem_statement": "x should be 2",
    "hints_text": "",
    "created_at": "2024-01-01T00:00:00Z",
    "version": "1.0",
    "FAIL_TO_PASS": '["tests/test_a.py::test_x"]',
    "PASS_TO_PASS": ["tests/test_b.py::test_y[a b]"],
    "environment_setup_commit": "b" * 40,
}
LITE = Path(__file__).parents[3] / "shared/data/swebench/lite_dev.jsonl"


def test_a_row_is_read_whether_lists_are_lists_or_json():
    row = row_of(ROW, "here")
    assert row.fail_to_pass == ("tests/test_a.py::test_x",)
    assert row.pass_to_pass == ("tests/test_b.py::test_y[a b]",)
    assert row.test_files == ("tests/test_a.py", "tests/test_b.py")
    assert row_of(row.to_dict(), "again") == row
    assert row_of(json.loads(json.dumps(row.to_dict())), "again") == row


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"instance_id": ""}, "rows.jsonl:7: the row has no instance_id"),
        ({"base_commit": None}, r"rows.jsonl:7 \(own__pkg-1\): the row has no base_commit"),
        ({"base_commit": 12}, "base_commit must be text, got int"),
        ({"repo": ""}, "the row has no repo"),
        ({"patch": ""}, "the row has no patch"),
        ({"patch": "fix the bug"}, "patch is not a patch: it has no 'diff --git'"),
        ({"patch": PATCH.replace("-x = 1\n", "")}, "patch is not a patch: the last hunk of pkg/a.py is cut short"),
        ({"test_patch": "tests"}, "test_patch is not a patch"),
        ({"problem_statement": None}, "the row has no problem_statement"),
        ({"FAIL_TO_PASS": "[]"}, "FAIL_TO_PASS is empty, so an empty patch would resolve it"),
        ({"FAIL_TO_PASS": "test_x"}, "FAIL_TO_PASS is neither a list nor a JSON list"),
        ({"PASS_TO_PASS": [1]}, "PASS_TO_PASS must be a list of test names"),
        ({"PASS_TO_PASS": ROW["FAIL_TO_PASS"]}, "is in FAIL_TO_PASS and in PASS_TO_PASS"),
        ({"environment": "x"}, "environment is neither an object nor JSON of one"),
        ({"environment": [1]}, "environment must be an object, got list"),
        ({"rules": "mine"}, "rules must be swebench, swe-smith or r2e-gym"),
    ],
)
def test_a_bad_row_is_named_with_what_is_wrong(change, match):
    with pytest.raises(RowError, match=match):
        row_of({**ROW, **change}, "rows.jsonl:7")


def test_a_bad_row_of_a_file_is_named_by_its_line(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(ROW) + "\n" + json.dumps({k: v for k, v in ROW.items() if k != "base_commit"}) + "\n")
    with pytest.raises(ValueError, match=r"rows.jsonl:2 \(own__pkg-1\): the row has no base_commit"):
        SweRlEnv(task="repo", source="jsonl", path=str(path), test_share=0.0)


def test_files_of_every_suffix(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps([ROW]))
    (tmp_path / "b.json").write_text(json.dumps({"test": [ROW], "dev": [{**ROW, "instance_id": "own__pkg-2"}]}))
    assert read_records(tmp_path / "a.json") == [ROW]
    assert [record["split"] for record in read_records(tmp_path / "b.json")] == ["test", "dev"]
    for name, text in {"c.json": "{", "d.json": '"x"', "e.json": "[]"}.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(ValueError, match=name):
            read_records(tmp_path / name)
    arrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet

    pyarrow.parquet.write_table(arrow.Table.from_pylist([ROW | {"PASS_TO_PASS": ["t"]}]), tmp_path / "f.parquet")
    assert row_of(read_records(tmp_path / "f.parquet")[0], "f").pass_to_pass == ("t",)


def test_published_sets_keep_their_splits_and_name_their_images(tmp_path):
    path = tmp_path / "verified.jsonl"
    records = [
        {**ROW, "instance_id": f"own__pkg-{i}", "split": split} for i, split in enumerate(("test", "dev", "test"))
    ]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    rows = load_rows(Options(source="swebench-verified", path=str(path), split="test", task="repo"))
    assert [row.instance_id for row in rows] == ["own__pkg-0", "own__pkg-2"]
    assert rows[0].image == "swebench/sweb.eval.x86_64.own_1776_pkg-0:latest"
    assert rows[0].meta == {"level": "official", "source": "swebench-verified", "split": "test"}
    with pytest.raises(ValueError, match=r"verified.jsonl has no split 'train'"):
        load_rows(Options(source="swebench-verified", path=str(path), split="train"))
    gym = load_rows(Options(source="swe-gym", path=str(path), split="test", task="repo"))
    assert gym[0].image.startswith("xingyaoww/sweb.eval.x86_64.own")


def test_an_edit_task_needs_the_files(tmp_path):
    path = tmp_path / "verified.jsonl"
    path.write_text(json.dumps(ROW) + "\n")
    with pytest.raises(ValueError, match=r"can be a task with task=edit \(1: its files are only in an image"):
        SweRlEnv(source="swebench-verified", path=str(path), split="test")


def test_swe_smith_rows_are_turned_round(tmp_path):
    record = {k: v for k, v in ROW.items() if k not in ("test_patch", "base_commit")}
    record |= {"instance_id": "own__pkg.0a1b2c3d.lm_rewrite__9z8y", "image_name": "swesmith.x86_64.own__pkg.0a1b2c3d"}
    row = swe_smith_row(record, "x")
    assert "-x = 2\n+x = 1\n" in row.patch
    assert (row.rules, row.test_patch, row.image) == ("swe-smith", "", "swesmith.x86_64.own__pkg.0a1b2c3d")
    (tmp_path / "s.jsonl").write_text(json.dumps(record) + "\n")
    loaded = load_rows(Options(source="swe-smith", path=str(tmp_path / "s.jsonl"), split="train", task="repo"))
    assert loaded[0].image == "jyangballin/swesmith.x86_64.own_1776_pkg.0a1b2c3d"
    with pytest.raises(RowError, match="the bug cannot be turned round"):
        swe_smith_row({**record, "patch": "not one"}, "x")


def test_r2e_gym_rows_hold_the_commit_and_what_is_expected():
    file = {"header": {"file": {"path": "pkg/a.py"}}, "old_file_content": "x = 1\n", "new_file_content": "x = 2\n"}
    test = {"header": {"file": {"path": "tests/test_a.py"}}, "old_file_content": "", "new_file_content": "t\n"}
    record = {
        "repo_name": "pkg", "docker_image": "namanjain12/pkg_final:abc", "commit_hash": "c" * 40,
        "parsed_commit_content": json.dumps({"file_diffs": [file, test]}),
        "expected_output_json": json.dumps({"TestA.test_x": "PASSED"}),
        "problem_statement": "Look here:\n[ISSUE]\nx should be 2\n[/ISSUE]\nThanks.",
    }  # fmt: skip
    row = r2e_gym_row(record, "x")
    assert paths_of(row.patch) == ["pkg/a.py"]
    assert (row.problem_statement, row.rules, dict(row.expected)) == (
        "x should be 2",
        "r2e-gym",
        {"TestA.test_x": "PASSED"},
    )
    for missing in ("commit_hash", "parsed_commit_content", "expected_output_json"):
        with pytest.raises(RowError):
            r2e_gym_row({**record, missing: None}, "x")


@pytest.fixture(scope="module")
def mirror(tmp_path_factory):
    """A git repository with everything that makes trouble, and its commits before and after a fix."""
    folder = tmp_path_factory.mktemp("mirrors") / "own+pkg"
    folder.mkdir()

    def git(*words: str) -> str:
        env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        for role in ("AUTHOR", "COMMITTER"):
            env |= {f"GIT_{role}_NAME": "n", f"GIT_{role}_EMAIL": "e@example.org"}
        done = subprocess.run(["git", *words], cwd=folder, env=env, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    git("init", "-q", "-b", "main")
    files = {
        "pkg/a.py": b"x = 1\n", "tests/test_a.py": b"t = 1\n", "crlf.txt": b"a\r\nb\r\n", "latin.txt": b"caf\xe9\n",
        "blob.bin": bytes(range(256)), ".gitattributes": b"* text=auto eol=crlf\ntests export-ignore\n*.py ident\n",
        "id.py": b"# $Id$\n",
    }  # fmt: skip
    files |= {f"many/d{i % 50}/f{i}.txt": b"%d\n" % i for i in range(5000)}
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    git("-c", "core.attributesFile=/dev/null", "-c", "core.autocrlf=false", "add", "-A")
    stored = {path: git("hash-object", "--no-filters", path) for path in ("crlf.txt", "latin.txt", "blob.bin")}
    for path, oid in stored.items():
        git("hash-object", "-w", "--no-filters", path)
        git("update-index", "--cacheinfo", f"100644,{oid},{path}")
    git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},vendor/sub")
    git("commit", "-q", "-m", "base")
    base = git("rev-parse", "HEAD")
    (folder / "pkg/a.py").write_text("x = 2\n")
    git("commit", "-q", "-m", "the fix", "pkg/a.py")
    git("tag", "v2")
    (folder / ".git/hooks/post-checkout").write_text("#!/bin/sh\ntouch ran\n")
    return folder.parent, base, files


def test_a_mirror_gives_the_bytes_of_the_commit_and_one_commit_of_history(mirror, swe_cache):
    folder, base, files = mirror
    row = row_of({**ROW, "base_commit": base}, "x")
    tree = pristine(row, str(folder))
    assert pristine(row, str(folder)) == tree
    for path, data in files.items():
        assert (tree / path).read_bytes() == data, path
    assert not (tree / "vendor").exists()
    own = ["git", "-c", "safe.directory=*"]
    log = subprocess.run([*own, "log", "--all", "--format=%s"], cwd=tree, capture_output=True)
    assert log.stdout == b"The repository as it is\n"
    every = subprocess.run([*own, "cat-file", "--batch-all-objects", "--batch"], cwd=tree, capture_output=True)
    assert b"x = 1\n" in every.stdout
    assert b"x = 2\n" not in every.stdout


def test_a_partial_clone_is_told_and_can_be_done_with(mirror, tmp_path):
    folder, base, files = mirror
    clone = tmp_path / "own+pkg"
    shutil.copytree(folder / "own+pkg/.git", clone)
    oid = subprocess.run(["git", "-c", "safe.directory=*", "rev-parse", f"{base}:blob.bin"], cwd=clone,
                         capture_output=True, text=True).stdout.strip()  # fmt: skip
    (clone / "objects" / oid[:2] / oid[2:]).unlink()
    with pytest.raises(RepoError, match=r"lacks 1 file\(s\) of the commit, blob.bin among them"):
        base_of(row_of({**ROW, "base_commit": base}, "x"), str(tmp_path))
    found = base_of(row_of({**ROW, "base_commit": base, "environment": {"partial": True}}, "x"), str(tmp_path))
    assert set(files) - set(found.paths) == {"blob.bin"}


def test_edit_tasks_of_a_mirror(mirror, tmp_path):
    folder, base, _ = mirror
    (tmp_path / "rows.jsonl").write_text(json.dumps({**ROW, "base_commit": base}) + "\n")
    env = SweRlEnv(source="jsonl", path=str(tmp_path / "rows.jsonl"), repos=str(folder), split="test", test_share=1.0)
    assert env.tasks[0].truth["oracle"] == {"pkg/a.py": "x = 2\n"}
    assert env.tasks[0].meta["level"] == "official"


def test_where_files_cannot_be_had_one_line_says_why(mirror, tmp_path, swe_cache):
    folder, *_ = mirror
    cases = [
        (ROW, "", "give a folder of git repositories with repos=DIR"),
        (ROW, str(tmp_path / "none"), "there is no folder"),
        ({**ROW, "repo": "own/other"}, str(folder), r"no git repository of own/other; expected one at .*own\+other"),
        (ROW, str(folder), f"has no commit {'a' * 40}"),
        ({**ROW, "base_commit": "--output=x"}, str(folder), "does not name a commit"),
        ({**ROW, "environment": {"files": {"directory": "/no/such"}}}, "", "there is no folder /no/such"),
        ({**ROW, "environment": {"files": {"fixture": "nope"}}}, "", "no fixture is called 'nope'"),
    ]
    for record, repos, match in cases:
        with pytest.raises(RepoError, match=match):
            base_of(row_of(record, "x"), repos)
        with pytest.raises(InfraError, match=match):
            place_of(row_of(record, "x"), repos)
    (tmp_path / "empty").mkdir()
    empty = row_of({**ROW, "environment": {"files": {"directory": str(tmp_path / "empty")}}}, "x")
    with pytest.raises(InfraError, match="its repository has no files"):
        place_of(empty)


def test_a_plain_folder_brings_no_history_along(tmp_path, swe_cache):
    for path in ("a.py", ".git/HEAD", "sub/.git/config", "sub/b.py", "sub/__pycache__/b.pyc"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("x\n")
    (tmp_path / "link").symlink_to("a.py")
    tree = pristine(row_of({**ROW, "environment": {"files": {"directory": str(tmp_path)}}}, "x"))
    found = {path.relative_to(tree).as_posix() for path in tree.rglob("*") if ".git/" not in f"{path}/"}
    assert found == {"a.py", "sub", "sub/b.py", "link"}
    assert (tree / "link").is_symlink()


def test_rows_of_known_repositories_get_their_environment():
    row = with_environment(row_of({**ROW, "repo": "pvlib/pvlib-python", "version": "0.7"}, "x"))
    assert row.environment["python"] == "3.9"
    assert "pandas==1.1.5" in row.environment["requirements"]
    assert row.environment["project"] == {"name": "pvlib", "version": "0.7"}
    own = row_of({**ROW, "repo": "pvlib/pvlib-python", "environment": {"python": "3.12"}}, "x")
    assert with_environment(own) is own
    assert with_environment(row_of(ROW, "x")).environment == {}


@pytest.mark.skipif(not LITE.is_file(), reason="shared/data/swebench is not here")
def test_all_rows_of_lite_dev_are_read():
    rows = load_rows(Options(source="swebench-lite", path=str(LITE), split="dev", task="repo", repos="/mirrors"))
    assert len(rows) == 23
    assert all(row.environment.get("requirements") for row in rows if row.repo != "pyvista/pyvista")
    assert sum(len(row.fail_to_pass) for row in rows) == 34


def test_four_of_the_twenty_fixtures_are_held_out():
    held = {row.repo for row in load_rows(Options(split="test", task="repo"))}
    seen = {row.repo for row in load_rows(Options(split="train", task="repo"))}
    assert (len(held), len(seen), held & seen) == (4, 16, set())
    shares = Options(split="dev", dev_share=0.2, task="repo")
    assert {row.repo for row in load_rows(shares)} <= seen
