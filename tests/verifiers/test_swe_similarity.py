"""``swe.similarity`` and its parts: the numbers of the paper's code, equality with plain implementations, hazards."""

import difflib
import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.verifiers import score
from assay.verifiers.audit import audit
from assay.verifiers.swe import (
    Edit,
    FormatError,
    apply_edits,
    compare,
    diffs,
    parse_edits,
    predicted_contents,
    render_edits,
    render_response,
    similarity_reward,
    split_response,
    unified_diff,
)
from assay.verifiers.swe.ratio import ratio

CONTEXT = {"b.py": "def sort_list(lst):\n    return sorted(lst)"}
OLD, NEW = "def sort_list(lst):", "def sort_list(lst: list[int]) -> list[int]:"
TRUTH = {"context": CONTEXT, "oracle": {"b.py": NEW + "\n    return sorted(lst)"}}
EXACT = Edit("b.py", OLD, NEW)


def reward(response, **options):
    return score("swe.similarity", response, TRUTH, **options).reward


def respond(*edits, thought="hm"):
    return render_response(edits, thought)


@pytest.mark.parametrize("parity", [False, True])
@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (respond(EXACT), 1.0),
        (respond(Edit("b.py", OLD, "def sort_list(lst: list) -> list:")), 0.95),
        (respond(Edit("b.py", "    return sorted(lst)", "    return list(sorted(lst))")), 0.605128),
        (respond(EXACT, Edit("c.py", "", "x = 1")), 0.5),
        (respond(Edit("c.py", "", "x = 1")), 0.0),
        (respond(Edit("b.py", OLD, OLD)), -1.0),
        (respond(Edit("b.py", "def other():", NEW)), -1.0),
        (respond(Edit("b.py", "return sorted(lst)", "return list(lst)")), -1.0),
        (respond(), -1.0),
        (respond(EXACT, thought=" "), -1.0),
        (respond(EXACT).replace("<think>", "<think>a</think><think>"), -1.0),
        (respond(EXACT).replace("<solution>", ""), -1.0),
        ("<think>hm</think>", -1.0),
    ],
)
def test_the_numbers_of_the_official_code(response, expected, parity):
    assert reward(response, parity=parity) == pytest.approx(expected, abs=5e-7)


def test_correct_means_equal():
    near = score("swe.similarity", respond(Edit("b.py", OLD, NEW + " ")), TRUTH)
    assert 0.9 < near.reward < 1
    assert near.correct is False
    exact = score("swe.similarity", respond(EXACT), TRUTH)
    assert (exact.correct, exact.parts) == (True, {"format": 1.0, "similarity": 1.0, "files": 1.0})
    assert score("swe.similarity", respond(EXACT, Edit("c.py", "", "x")), TRUTH).correct is False


def test_discrete_pays_for_equality_only():
    assert [reward(r, discrete=True) for r in (respond(EXACT), respond(Edit("b.py", OLD, NEW + " ")), "")] == [1, 0, -1]


def test_a_blank_search_is_paid_by_the_official_code_and_refused_by_ours():
    response = respond(Edit("b.py", "", "# x"))
    assert reward(response, parity=True) == pytest.approx(0.5556, abs=5e-5)
    assert reward(response, strict_empty_search=False) == pytest.approx(0.5556, abs=5e-5)
    assert reward(response) == -1
    assert reward(respond(Edit("b.py", "    ", "    pass\n    "))) == -1
    assert apply_edits({"a": ""}, [Edit("a", "", "x")]) == {"a": "x"}
    with pytest.raises(FormatError, match="not empty"):
        apply_edits({}, [Edit("a", "", "x"), Edit("a", "", "y")])


def test_tags_out_of_order_are_read_by_the_official_code_only():
    response = "<solution>" + respond(EXACT).split("<solution>")[1] + "<think>hm</think>"
    assert reward(response, parity=True) == 1
    assert reward(response) == -1


def test_other_names_of_the_truth_and_malformed_ones():
    row = {"code_context": CONTEXT, "oracle_new_content": TRUTH["oracle"]}
    assert score("swe.similarity", respond(EXACT), row).reward == 1
    for truth in ({}, {"context": CONTEXT}, {**TRUTH, "oracle": {"b.py": None}}, {**TRUTH, "oracle": CONTEXT}):
        with pytest.raises(ValueError):
            score("swe.similarity", respond(EXACT), truth)
    with pytest.raises(ValueError, match="max_chars"):
        score("swe.similarity", "", TRUTH, max_chars=-1)


def test_line_ends():
    context = {"a.py": "x = 1\r\ny = 2\r\nz = 3\r\n"}
    edit = Edit("a.py", "x = 1\ny = 2", "x = 1\ny = 3")
    assert apply_edits(context, [edit]) == {"a.py": "x = 1\r\ny = 3\r\nz = 3\r\n"}
    with pytest.raises(FormatError, match="not in"):
        apply_edits(context, [edit], parity=True)
    with pytest.raises(FormatError, match="not in"):
        apply_edits({"a.py": "x = 1\r\ny = 2\n"}, [edit])
    assert reward(respond(EXACT).replace("\n", "\r\n")) == 1


def test_later_edits_see_earlier_results_and_all_places_are_replaced():
    edits = [Edit("a", "x", "y"), Edit("b", "p", "q"), Edit("a", "y", "z")]
    assert apply_edits({"a": "x\n x\nx1", "b": "p"}, edits) == {"a": "z\n x\nz1", "b": "q"}


def test_edits_cannot_blow_a_file_up():
    doubling = [Edit("a", "x", "x\nx")] * 60
    with pytest.raises(FormatError, match="too long"):
        apply_edits({"a": "x"}, doubling)
    with pytest.raises(FormatError, match="too long"):
        apply_edits({"a": "\n" * 10_000}, [Edit("a", "", "y" * 100_000)], strict_empty_search=False)
    swaps = [Edit("a", "x", "y"), Edit("a", "y", "x")] * 200
    with pytest.raises(FormatError, match="too long to apply"):
        apply_edits({"a": "x\n" * 500_000}, swaps)


OFFICIAL = r"```.*?\n### (.*)\n<<<<<<< SEARCH\n([\s\S]*?)\n=======\n([\s\S]*?)\n>>>>>>> REPLACE\n```"
PIECES = st.sampled_from(
    ["```", "`", "\n### a", "\n", "\n<<<<<<< SEARCH\n", "\n=======\n", "\n>>>>>>> REPLACE\n```", "x", "### b\n",
     "```\n### p\n<<<<<<< SEARCH\n", "python", "\r", "\u2028", "```\n### q\n<<<<<<< SEARCH\nx\n=======\ny"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=30).map("".join))
def test_edits_are_read_as_the_official_pattern_reads_them(text):
    assert [tuple(edit) for edit in parse_edits(text)] == re.findall(OFFICIAL, text)


def plain_diff(old, new):
    return "\n".join(list(difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm=""))[2:])


LINES = st.lists(st.sampled_from(["a", "b", "c", "", "d e"]), max_size=30).map("\n".join)


@given(LINES, LINES)
def test_diffs_are_those_of_the_standard_library(old, new):
    assert unified_diff(old, new) == plain_diff(old, new)


def test_diffs_of_long_files_with_popular_lines_are_too():
    rng = random.Random(0)
    old = [rng.choice(["a", "b", f"line {k}"]) for k in range(600)]
    new = [line for line in old if rng.random() < 0.9] + ["a"] * 9
    assert unified_diff("\n".join(old), "\n".join(new)) == plain_diff("\n".join(old), "\n".join(new))


def patched(old, diff):
    """What applying a diff gives, and a check that it fits."""
    lines, result, at = old.splitlines(), [], 0
    for line in diff.split("\n"):
        if line.startswith("@@"):
            start, _, length = line.split()[1][1:].partition(",")
            begin = int(start) - (length != "0")
            result += lines[at:begin]
            at = begin
        elif line.startswith("+"):
            result.append(line[1:])
        else:
            assert lines[at] == line[1:]
            result += [line[1:]] if line.startswith(" ") else []
            at += 1
    return "\n".join(result + lines[at:])


def test_where_a_diff_would_cost_too_much_it_is_one_block():
    rng = random.Random(0)
    names = [f"line {k}" for k in range(200)]
    old, new = ("\n".join(["head"] * 5 + rng.choices(names, k=20_000) + ["tail"] * 5) for _ in range(2))
    diff = unified_diff(old, new)
    assert diff.startswith("@@ -3,20006 +3,20006 @@\n head\n head\n head\n-line ")
    assert diff.endswith(" tail\n tail\n tail")
    assert patched(old, diff) == new
    assert patched(new, unified_diff(new, old)) == old


ALPHABETS = st.sampled_from(["a", "ab", "abc \n"])
PAIRS = ALPHABETS.flatmap(lambda letters: st.tuples(st.text(letters, max_size=60), st.text(letters, max_size=60)))


@given(PAIRS, st.integers(1, 200))
def test_the_ratio_is_that_of_the_standard_library(pair, budget):
    a, b = pair
    expected = difflib.SequenceMatcher(None, a, b, autojunk=False).ratio()
    assert ratio(a, b) == (expected, True)
    bounded, exact = ratio(a, b, max_chars=30, budget=budget)
    assert 0 <= bounded <= 1
    assert bounded == expected if exact else True


def test_the_ratio_of_real_text_is_too():
    source = Path(difflib.__file__).read_text()
    rng = random.Random(0)
    for start in (0, 9_000, 30_000):
        b = source[start : start + 1_500]
        a = "\n".join(line for line in b.split("\n") if rng.random() < 0.9).replace("self", "this")
        assert ratio(a, b) == (difflib.SequenceMatcher(None, a, b, autojunk=False).ratio(), True)


def test_what_lies_past_the_cap_counts_as_unlike():
    a, b = "x" * 30_000, "x" * 30_000 + "y"
    assert ratio(a, b, max_chars=20_000) == (2 * 20_000 / 60_001, False)
    assert ratio(a, b)[0] == 2 * 30_000 / 60_001
    assert ratio(a, a, max_chars=20_000) == (1.0, True)
    padded = compare({"a": "+fix" + "\n+junk" * 100_000}, {"a": "+fix"})
    assert padded.files["a"] < 1e-4
    assert not padded.exact


def test_an_exhausted_budget_never_pays_more():
    rng = random.Random(0)
    b = "".join(rng.choice("abcdefgh ") for _ in range(2_000))
    a = "".join(rng.choice("abcdefgh ") for _ in range(2_000))
    values = [ratio(a, b, budget=budget)[0] for budget in (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000)]
    assert values == sorted(values)
    assert values[0] < values[-1] == ratio(a, b)[0]


def test_inserting_the_reference_as_a_comment_is_no_solution():
    response = respond(Edit("b.py", OLD, OLD + "\n# " + NEW))
    verdict = score("swe.similarity", response, TRUTH)
    honest = score("swe.similarity", respond(EXACT), TRUTH)
    assert verdict.correct is False
    assert verdict.reward < honest.reward
    assert reward(response, discrete=True) == 0


def test_nothing_changed_on_either_side_is_equal():
    assert similarity_reward(CONTEXT, {}, {}) == 1
    assert similarity_reward(CONTEXT, TRUTH["oracle"], {}) == 0
    assert diffs(CONTEXT, CONTEXT) == {}


@given(LINES, LINES, st.sampled_from(["\n", "\r\n"]))
def test_a_rendered_change_makes_that_change(old, new, end):
    old, new = old.replace("\n", end), new.replace("\n", end)
    edits = render_edits({"a": old}, {"a": new})
    if edits:
        assert apply_edits({"a": old}, edits) == {"a": new}
        assert predicted_contents(render_response(edits, "hm"), {"a": old}) == {"a": new}
    else:
        assert old == new or not old.strip() or edits is None


def test_a_file_that_holds_the_markers_cannot_be_rendered():
    assert render_edits({"a": "x\n=======\ny"}, {"a": "z"}) is None
    assert render_edits({"a": "x"}, {"a": "x\n>>>>>>> REPLACE\n```"}) is None


def test_the_solution_is_read_without_outer_whitespace():
    assert split_response("<think> a </think>\n<solution>\n b\n</solution>") == ("a", "b")


@given(st.text(st.characters(exclude_categories=())), st.booleans())
def test_any_text_is_scored(text, wrap):
    response = respond(Edit("b.py", OLD, text), Edit(text.replace("\n", ""), "", text)) if wrap else text
    for options in ({}, {"parity": True}, {"discrete": True, "strict_empty_search": False}):
        verdict = score("swe.similarity", response, TRUTH, **options)
        assert -1 <= verdict.reward <= 1
        assert "\n" not in verdict.detail


@pytest.mark.parametrize("options", [{}, {"discrete": True}, {"strict_empty_search": False}], ids=str)
def test_the_audit(options):
    if "strict_empty_search" in options:
        report = audit("swe.similarity", size=100_000, **options)
        assert [check.name for check in report.checks if check.failures] == ["attacks"]
    else:
        report = audit("swe.similarity", size=100_000, **options)
        assert report.ok, report.table()


def test_time_is_bounded_on_large_edits():
    source = Path(difflib.__file__).read_text()[:60_000]
    truth = {"context": {"a.py": source}, "oracle": {"a.py": source.replace("self", "this")}}
    noise = "".join(chr(33 + k % 90) + "\x00" for k in range(400_000))
    first = source.split("\n")[0]
    for text in (noise, "\n".join(noise), "s" * 900_000, "\n".join(source.split("\n")[::-1] * 12), "self" * 200_000):
        verdict = score("swe.similarity", respond(Edit("a.py", first, text)), truth)
        assert -1 <= verdict.reward < 0.2
