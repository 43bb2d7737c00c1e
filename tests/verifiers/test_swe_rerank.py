"""``swe.rerank``: the scores of the paper, fallbacks, ties, and the normal form of patches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.verifiers import score_group
from assay.verifiers.audit import audit
from assay.verifiers.swe import Candidate, Edit, normal_patch, render_response, rerank
from assay.verifiers.swe.normal import normal_text
from assay.verifiers.swe.vote import agreement, best_agreement, fewest_regressions, majority


def agreed(count, name=""):
    return frozenset(f"{name}{k}" for k in range(count))


def test_the_scores_of_the_paper():
    assert [agreement(agreed(n), range(p)) for n, p in ((3, 2), (2, 5), (0, 9))] == [18, 20, 0]
    many = [Candidate("p", 0, agreed(3))] * 2 + [Candidate("q", 0, agreed(2))] * 5 + [Candidate("r", 0)] * 9
    assert best_agreement(many, range(16)) == [2, 3, 4, 5, 6]
    assert rerank(many) == 2


def test_fewest_regressions_come_first():
    found = [Candidate("p", 2, agreed(5)), Candidate("q", 1, agreed(1)), Candidate("r", None, agreed(9))]
    assert fewest_regressions(found, range(3)) == [1]
    assert fewest_regressions(found[2:], [0]) == [0]
    assert rerank(found) == 1


def test_without_outcomes_the_majority_wins_and_ties_go_to_the_first_seen():
    patches = [Candidate(patch) for patch in ("", "b", "a", "c", "a", "b", "")]
    assert rerank(patches) == 1
    assert rerank([*patches, Candidate("c"), Candidate("c")]) == 3
    assert majority(patches, [4, 5, 2, 1]) == 4
    assert rerank([Candidate(""), Candidate("  ")]) is None
    assert rerank([]) is None


def test_a_filter_that_keeps_everything_gives_way():
    same_regressions = [Candidate("a", 1, agreed(1)), Candidate("b", 1, agreed(2)), Candidate("a", 1, agreed(1))]
    assert rerank(same_regressions) == 1
    same_tests = [Candidate("a", 1, agreed(1)), Candidate("b", 0, agreed(1)), Candidate("a", 1, agreed(1))]
    assert rerank(same_tests) == 1


def test_several_groups_may_tie():
    tied = [Candidate("a", 0, agreed(1, "x")), Candidate("b", 0, agreed(1, "y")), Candidate("c", 0), Candidate("b", 0)]
    assert best_agreement(tied, range(4)) == [0, 1]
    assert rerank(tied) == 0


CANDIDATES = st.lists(
    st.builds(
        Candidate,
        st.sampled_from(["", "a", "b", "c"]),
        st.none() | st.integers(0, 2),
        st.frozensets(st.sampled_from("xyz")),
    ),
    max_size=8,
)


@given(CANDIDATES)
def test_the_choice_against_its_definition(found):
    everything = [k for k in range(len(found)) if found[k].patch]
    chosen = rerank(found)
    if not everything:
        assert chosen is None
        return

    def fewest(among):
        count = {k: 10_000 if found[k].regressions is None else found[k].regressions for k in among}
        return [k for k in among if count[k] == min(count.values())]

    def agreeing(among):
        groups = {}
        for k in among:
            groups.setdefault(found[k].reproduced, []).append(k)
        top = max(len(t) ** 2 * len(p) for t, p in groups.items())
        return [k for t, p in groups.items() if len(t) ** 2 * len(p) == top for k in p]

    kept = everything
    for attempt in (
        fewest(everything), agreeing(everything), fewest(agreeing(everything)), agreeing(fewest(everything))
    ):  # fmt: skip
        kept = attempt if len(attempt) < len(everything) else kept
    votes = [sum(found[j].patch == found[k].patch for j in kept) for k in kept]
    assert chosen == kept[votes.index(max(votes))]


SOURCE = 'def f(x):\n    """Doc."""\n    # why\n    return x+1\n'


def test_comments_docstrings_and_layout_do_not_matter():
    context = {"a.py": SOURCE, "b.txt": "x\n"}
    one = {"a.py": "def f(x):\n    return x + 2  # two\n"}
    two = {"a.py": 'def f(x):\n\n    """Other."""\n    return (x+2)\n', "b.txt": "x  \n\n"}
    assert normal_patch(context, one) == normal_patch(context, two) != ""
    assert normal_patch(context, {"a.py": SOURCE.replace("# why", "# not")}) == ""
    assert normal_patch(context, {"a.py": SOURCE.replace("+1", "-1")}) != normal_patch(context, one)
    assert normal_text('class A:\n    "doc"\n', True) == "class A:\n    pass"
    assert normal_text('if a:\n    "x"\nelse:\n    "y"\n', True) == "if a:\n    pass"


def test_what_is_no_python_is_compared_as_text():
    assert normal_text("def f(:  \n\n", True) == "def f(:"
    for hostile in (
        "(" * 100_000,
        "-" * 100_000 + "1",
        "not " * 50_000 + "x",
        "x\x00",
        "1" + "+1" * 50_000,
        "a" * 300_000,
    ):
        assert normal_text(hostile, True).startswith(hostile[:3])


CONTEXT = {"a.py": SOURCE}
TRUTH = {"context": CONTEXT, "oracle": {"a.py": SOURCE.replace("x+1", "x+2")}}


def respond(line):
    return render_response([Edit("a.py", "    return x+1", line)], "hm")


def test_the_group():
    group = [respond("    return x+2"), "no", respond("    return x + 2  # two"), respond("    return x+3")]
    scores = score_group("swe.rerank", group, TRUTH)
    assert [s.reward for s in scores] == [1, 0, 1, 0]
    assert [s.correct for s in scores] == [True, False, True, False]
    assert [s.parsed for s in scores] == [True, False, True, True]
    assert scores[0].parts == {"chosen": 1.0, "votes": 0.5}
    outcomes = [{"regressions": 1}, {}, {"regressions": 1}, {"regressions": 0, "reproduced": ["t"]}]
    assert [s.reward for s in score_group("swe.rerank", group, {**TRUTH, "outcomes": outcomes})] == [0, 0, 0, 1]
    assert score_group("swe.rerank", [], TRUTH) == []


@pytest.mark.parametrize(
    "change",
    [{"outcomes": [{}]}, {"outcomes": [1, 2]}, {"outcomes": [{"regressions": "1"}, {}]}, {"context": None},
     {"oracle": {"a.py": SOURCE + "# x\n"}}, {"outcomes": [{"reproduced": "t"}, {}]}],
)  # fmt: skip
def test_malformed_truth(change):
    with pytest.raises(ValueError):
        score_group("swe.rerank", ["", ""], {**TRUTH, **change})


def test_the_audit():
    report = audit("swe.rerank", size=100_000)
    assert report.ok, report.table()
