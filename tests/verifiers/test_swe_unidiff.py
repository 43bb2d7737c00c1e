"""``swe.unidiff`` and the reader of unified diffs."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.verifiers import score
from assay.verifiers.audit import audit
from assay.verifiers.swe import PatchError, file_diffs, parse_patch, unified_diff

PATCH = (
    "diff --git a/pkg/b.py b/pkg/b.py\nindex 1..2 100644\n--- a/pkg/b.py\n+++ b/pkg/b.py\n"
    "@@ -1,2 +1,2 @@ import os\n-def sort(x):\n+def sort(x: list):\n     return x\n"
)
RENAME = (
    "diff --git a/o.py b/n.py\nsimilarity index 90%\nrename from o.py\nrename to n.py\n--- a/o.py\n+++ b/n.py\n"
    "@@ -1 +1 @@\n-b\n+c\n"
)
NEW = "diff --git a/new.py b/new.py\nnew file mode 100644\n--- /dev/null\n+++ b/new.py\n@@ -0,0 +1 @@\n+x\n\\ No newline at end of file\n"  # noqa: E501
DELETED = "diff --git a/d.py b/d.py\ndeleted file mode 100644\n--- a/d.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
BINARY = "diff --git a/x.png b/x.png\nindex 1..2 100644\nBinary files a/x.png and b/x.png differ\n"
GIT_BINARY = "diff --git a/y.bin b/y.bin\nindex 1..2 100644\nGIT binary patch\nliteral 3\nabc\n\n"
MODE = "diff --git a/s.sh b/s.sh\nold mode 100644\nnew mode 100755\n"
DATA = Path(__file__).parents[2] / "../shared/data/swebench/lite_dev.jsonl"


def reward(response, patch=PATCH, **options):
    return score("swe.unidiff", response, {"patch": patch}, **options).reward


@pytest.mark.parametrize("parity", [False, True])
def test_the_values_of_the_official_code(parity):
    assert reward(PATCH, parity=parity) == 1
    assert reward("", parity=parity) == 0
    assert reward("no diff at all", parity=parity) == 0
    assert reward("@@ -1 +1 @@\n-a\n+b\n", parity=parity) == 0
    assert reward(PATCH + RENAME, parity=parity) == 0.5
    assert score("swe.unidiff", "", {"patch": ""}, parity=True).reward == 1


def test_a_reference_that_changes_no_text_file_is_refused():
    for patch in ("", BINARY, MODE, "not a diff"):
        with pytest.raises(ValueError, match="no text file"):
            reward("", patch)


def test_files_are_read_by_kind():
    text = "From: me\n\n---\n f | 2 +-\n" + PATCH + RENAME + NEW + BINARY + DELETED + GIT_BINARY + MODE + "-- \n2.3\n"
    assert file_diffs(text) == {
        "pkg/b.py": "@@ -1,2 +1,2 @@ import os\n-def sort(x):\n+def sort(x: list):\n     return x",
        "o.py": "rename from o.py to n.py\n@@ -1,1 +1,1 @@\n-b\n+c",
        "new.py": "@@ -0,0 +1,1 @@\n+x\n\\ No newline at end of file",
        "d.py": "@@ -1,1 +0,0 @@\n-x",
        "s.sh": "",
    }
    assert [patch.binary for patch in parse_patch(text)] == [False, False, False, True, False, True, False]


def test_a_plain_diff_and_an_empty_context_line():
    text = "--- a.py\t2020\n+++ a.py\t2021\n@@ -1,3 +1,3 @@\n a\n\n-b\n+c\n"
    assert file_diffs(text) == {"a.py": "@@ -1,3 +1,3 @@\n a\n \n-b\n+c"}
    assert file_diffs("```diff\n" + text + "```\n") == file_diffs(text)


@pytest.mark.parametrize(
    "text",
    [
        "@@ -1 +1 @@\n-a\n+b\n",
        "--- a/x\n+++ b/x\n@@ -1,2 +1 @@\n-a\n+b\n",
        "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n-c\n+b\n",
        "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\nb\n",
        "+++ b/x\n@@ -1 +1 @@\n-a\n+b\n",
        "diff --git a/x b/x\n--- a/x\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n",
        "\\ No newline at end of file\n",
        "new file mode 100644\n",
        "GIT binary patch\n",
    ],
)
def test_what_is_no_diff(text):
    with pytest.raises(PatchError):
        parse_patch(text)
    assert file_diffs(text) == {}


def test_two_sections_for_one_file_are_both_counted():
    decoy = PATCH.replace("list", "dict")
    assert reward(decoy + PATCH) < 0.75
    assert reward(PATCH + decoy) < 0.75
    assert reward(decoy + PATCH, parity=True) == 1


def test_layout_does_not_matter_by_default():
    assert reward("\n  " + PATCH.replace("\n", "\r\n")) == 1
    assert reward(PATCH.rstrip("\n")) == 1
    assert reward(PATCH.rstrip("\n"), parity=True) == 1


def test_discrete():
    assert reward(PATCH.replace("list", "dict"), discrete=True) == 0
    assert reward(PATCH, discrete=True) == 1


LINES = st.lists(st.sampled_from(["a", "b", "", " c", "-d", "+e", "@@", "--- x"]), max_size=20).map("\n".join)


@given(LINES, LINES)
def test_a_diff_that_we_write_is_read_back(old, new):
    body = unified_diff(old, new)
    if body:
        hunks = parse_patch(f"--- a/x\n+++ b/x\n{body}\n")[0].hunks
        signs = [[line[0] for line in hunk[1:]] for hunk in hunks]
        assert sum(sign.count("-") + sign.count(" ") for sign in signs) <= len(old.splitlines())
        added = "".join(line[1:] for hunk in hunks for line in hunk[1:] if line[0] in "+ ")
        assert added in "\n".join(new.splitlines()) + "\n" or len(hunks) > 1


def test_real_patches_are_read():
    if not DATA.exists():
        pytest.skip("the SWE-bench rows are not beside the repository")
    rows = [json.loads(line) for line in DATA.read_text().splitlines()]
    for row in rows:
        for key in ("patch", "test_patch"):
            assert len(parse_patch(row[key])) == row[key].count("diff --git ")
        assert reward(row["patch"], row["patch"]) == 1
        assert reward(row["test_patch"], row["patch"]) == 0


PIECES = st.sampled_from(
    [PATCH, RENAME, NEW, BINARY, MODE, "\n", "--- a/x\n", "+++ b/x\n", "@@ -1 +1 @@\n", "-a\n", "+b\n",
     " c\n", "\r", "\\ No newline at end of file\n", "@@ -9999999999999999999999,1 +1 @@\n", "diff --git a b\n",
     "\ud800", "@@ -٣ +1 @@"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=12).map("".join) | st.text(st.characters(exclude_categories=())))
def test_any_text_is_scored(text):
    for options in ({}, {"parity": True}):
        verdict = score("swe.unidiff", text, {"patch": PATCH}, **options)
        assert 0 <= verdict.reward <= 1
        assert "\n" not in verdict.detail


def test_long_texts_are_read_in_linear_time():
    for unit in ("Binary files a and b ", "\n", "diff --git a/x ", "--- a\n", "@@ -1 +1 @@", PATCH, PATCH + "\n" * 99):
        assert 0 <= reward(unit * (2_000_000 // len(unit))) <= 1
        assert 0 <= reward(PATCH + unit * (2_000_000 // len(unit))) <= 1


@pytest.mark.parametrize("options", [{}, {"discrete": True}], ids=str)
def test_the_audit(options):
    report = audit("swe.unidiff", size=100_000, **options)
    assert report.ok, report.table()
