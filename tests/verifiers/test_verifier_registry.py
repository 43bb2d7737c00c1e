import importlib.metadata
import pickle
import sys
import types

import pytest

from assay.verifiers import Option, Score, get, names, registry, score, score_group, verifier


@pytest.fixture
def scratch(monkeypatch):
    """A registry that forgets what a test adds."""
    names()
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))
    monkeypatch.setattr(registry, "_broken", {})
    return registry


def test_ours_are_listed_with_every_option_documented():
    assert {"classify.label", "classify.calibrated", "math.numeric", "text.f1", "text.regex"} <= set(names())
    for name in names():
        found = get(name)
        assert found.summary
        assert found.samples
        assert found.attacks
        for option in found.options.values():
            assert len(option.doc) > 10
            assert not option.choices or option.default in option.choices


def test_score_finds_by_name_and_passes_options():
    truth = {"answer": "Marie Curie"}
    assert score("text.f1", "marie curie", truth).reward == 1.0
    assert score("text.f1", "curie", truth, reward="f1").reward == pytest.approx(2 / 3)
    assert [s.reward for s in score_group("text.f1", ["marie curie", "x"], truth)] == [1.0, 0.0]


def test_an_unknown_name_suggests_the_closest():
    with pytest.raises(KeyError, match=r"classify\.label"):
        get("classify.lable")
    with pytest.raises(KeyError, match="did you mean"):
        score("nonsense", "", {})


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"speed": 1}, "no option 'speed'; it has: reward, parity"),
        ({"reward": "most"}, r"must be one of \['exact', 'f1'\]"),
    ],
)
def test_options_that_do_not_exist_are_refused(options, match):
    with pytest.raises(ValueError, match=match):
        score("text.f1", "x", {"answer": "x"}, **options)


def test_what_is_no_text_or_no_mapping_is_refused():
    with pytest.raises(TypeError, match="a response is a str, got NoneType"):
        score("text.f1", None, {"answer": "x"})
    with pytest.raises(ValueError, match="mapping"):
        score("text.f1", "x", "x")


def test_the_decorator_registers_and_returns_the_function(scratch):
    @verifier("my.length", options={"limit": Option("longest response")})
    def length(response, truth, *, limit=3):
        """Short is good."""
        return Score(float(len(response) <= limit))

    assert length("ab", {}).reward == 1.0
    assert score("my.length", "abcd", {}).reward == 0.0
    assert score("my.length", "abcd", {}, limit=4).reward == 1.0
    assert get("my.length").options["limit"].default == 3
    assert get("my.length").summary == "Short is good."


def test_registration_refuses_bad_names_undocumented_options_and_takeovers(scratch):
    def length(response, truth, *, limit=3):
        return Score(0.0)

    with pytest.raises(ValueError, match="dotted lower case"):
        verifier("Length")(length)
    with pytest.raises(ValueError, match="these differ: limit"):
        verifier("my.length")(length)
    with pytest.raises(ValueError, match="these differ: speed"):
        verifier("my.length", options={"limit": "a", "speed": "b"})(length)
    with pytest.raises(ValueError, match="is taken by assay"):
        verifier("text.f1", options={"limit": "a"})(length)


def test_a_group_verifier_sees_all_responses(scratch):
    @verifier("my.longest", group=True)
    def longest(responses, truth):
        """Pays the longest."""
        best = max(map(len, responses))
        return [Score(float(len(r) == best)) for r in responses]

    assert [s.reward for s in score_group("my.longest", ["a", "abc", "ab"], {})] == [0.0, 1.0, 0.0]
    assert score("my.longest", "a", {}).reward == 1.0
    with pytest.raises(TypeError):
        score_group("my.longest", ["a", 3], {})


def test_a_group_verifier_that_loses_scores_is_an_error(scratch):
    @verifier("my.forgetful", group=True)
    def forgetful(responses, truth):
        return [Score(0.0)]

    with pytest.raises(ValueError, match="returned 1 scores for 2 responses"):
        score_group("my.forgetful", ["a", "b"], {})


def test_entry_points_are_found_and_a_broken_one_does_no_harm(scratch, monkeypatch):
    module = types.ModuleType("somebodys_verifiers")
    exec(
        "from assay.verifiers import Score, verifier\n"
        "@verifier('theirs.any')\n"
        "def any_text(response, truth):\n"
        "    'Pays all.'\n"
        "    return Score(1.0)\n",
        module.__dict__,
    )
    scratch._registered.pop("theirs.any")

    class Point:
        def __init__(self, name, load):
            self.name, self.load = name, load

    def load():
        sys.modules["somebodys_verifiers"] = module
        verifier("theirs.any")(module.any_text)

    def fail():
        raise ImportError("no such thing")

    points = [Point("theirs", load), Point("broken", fail)]
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: points if group == "assay.verifiers" else [])
    monkeypatch.setattr(registry, "_plugins_loaded", False)
    assert score("theirs.any", "x", {}).reward == 1.0
    assert registry.broken_plugins() == {"broken": "ImportError: no such thing"}
    with pytest.raises(KeyError, match="failed to load: broken: ImportError"):
        get("theirs.other")


def test_scores_survive_json_and_pickle():
    found = score("classify.label", "cat", {"label": "cat", "labels": ["cat", "dog"]})
    assert Score.from_dict(found.to_dict()) == found
    assert pickle.loads(pickle.dumps(found)) == found
