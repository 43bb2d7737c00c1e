import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.verifiers import parse


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<answer>a</answer>", ["a"]),
        ("x<answer>a</answer>y<answer>b</answer>z", ["a", "b"]),
        ("<answer>a<answer>b</answer>c</answer>", ["a<answer>b</answer>c"]),
        ("<answer>a", []),
        ("<answer>a <answer>b</answer>", ["b"]),
        ("a</answer>", []),
        ("</answer><answer>a</answer>", ["a"]),
        ("<Answer>a</Answer>", []),
        ("<answer\n>a</answer>", []),
        ("<answer>a\nb</answer>", ["a\nb"]),
        ("<answer></answer>", [""]),
        ("<answer>1<answer>2</answer><answer>3</answer>", ["2", "3"]),
    ],
)
def test_blocks_nested_repeated_and_unclosed(text, found):
    assert parse.blocks(text, "answer") == found
    assert parse.last_block(text, "answer") == (found[-1] if found else None)


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("<answer>a</answer>", "a"),
        ("x <answer> a </answer> y", " a "),
        ("<answer>a</answer><answer>b</answer>", None),
        ("<answer>a<answer>b</answer></answer>", None),
        ("<answer>a", None),
        ("a</answer>", None),
        ("</answer>a<answer>", None),
        ("", None),
    ],
)
def test_the_strict_block_takes_exactly_one_pair(text, inside):
    assert parse.block(text, "answer") == inside


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("plain", "plain"),
        ("<think>a</think>b", "b"),
        ("a</think>b", "b"),
        ("<think>a</think>b<think>c</think>d", "d"),
        ("<think>never closed", None),
        ("<think>a</think>b<think>c", None),
    ],
)
def test_after_think(text, rest):
    assert parse.after_think(text) == rest


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": 1}', [{"a": 1}]),
        ('first {"a": 1} then {"b": {"c": 2}} end', [{"a": 1}, {"b": {"c": 2}}]),
        ('{"a": 1', []),
        ('{"a": {"b": 2}', [{"b": 2}]),
        ('use { here {"a": 1}', [{"a": 1}]),
        ('{"a": 1, "a": 2}', []),
        ('{"a": NaN}', []),
        ('{"a": Infinity} {"b": 1}', [{"b": 1}]),
        ('{"a": "}{"}', [{"a": "}{"}]),
        ("[1, 2]", []),
        ('[{"a": 1}]', [{"a": 1}]),
        ('```json\n{"a": 1}\n```', [{"a": 1}]),
        ('{"a": "' + "x" * 3000 + '"}', [{"a": "x" * 3000}]),
        ("\\frac{1}{2} " * 400 + '{"a": [1, 2.5, true, null, "\\u00e9"]}', [{"a": [1, 2.5, True, None, "é"]}]),
        ('{"a": ' + "9" * 5000 + '} {"b": 1}', [{"b": 1}]),
        ("", []),
    ],
)
def test_json_objects(text, found):
    assert list(parse.json_objects(text)) == found
    assert parse.last_json(text) == (found[-1] if found else None)


@given(
    st.dictionaries(st.text(), st.integers() | st.text() | st.lists(st.booleans()), max_size=5), st.text(), st.text()
)
def test_a_json_object_is_found_in_any_text(value, before, after):
    text = before.replace("{", "") + json.dumps(value) + after.replace("{", "")
    assert list(parse.json_objects(text)) == [value]


@pytest.mark.parametrize("text", ['{"a":' * 200_000, "{" * 1_000_000, '{"' * 500_000, '{"a":[' * 160_000])
def test_hostile_json_ends(text):
    assert parse.last_json(text) is None


def test_fences_nest_repeat_and_may_stay_open():
    text = "a\n```python\nx = 1\n```\nb\n~~~\ny\n~~~\n````md\n```\ninner\n```\n````\n```js\nopen"
    assert [(f.language, f.text, f.closed) for f in parse.fences(text)] == [
        ("python", "x = 1", True),
        ("", "y", True),
        ("md", "```\ninner\n```", True),
        ("js", "open", False),
    ]
    assert [f.text for f in parse.fences(text, "PYTHON")] == ["x = 1"]
    assert parse.fences("inline ```code``` here") == []
    assert parse.fences("```a `b` c\nx\n```") == [parse.Fence("", "", False)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (r"\boxed{42}", ["42"]),
        (r"\boxed{\frac{1}{2}} and \boxed{3}", [r"\frac{1}{2}", "3"]),
        (r"\boxed{a \boxed{b} c}", [r"a \boxed{b} c"]),
        (r"\boxed{a", []),
        (r"\boxed{a \boxed{b}", ["b"]),
        (r"\boxed{\{1, 2\}}", [r"\{1, 2\}"]),
        (r"\boxed {7}", ["7"]),
        (r"\fbox{x}", ["x"]),
        (r"boxed{x}", []),
        (r"} \boxed{x}", ["x"]),
        (r"\boxed{}", [""]),
    ],
)
def test_boxes(text, found):
    assert parse.boxes(text) == found
    assert parse.last_box(text) == (found[-1] if found else None)


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B", "B"), ("b", "B"), ("(B)", "B"), ("B.", "B"), ("**B**", "B"), (r"\boxed{B}", "B"), ("$B$", "B"),
        (r"\text{(C)}", "C"), ("The answer is (C).", "C"), ("Answer: D", "D"), ("answer is **A**", "A"),
        ("Option B is right", "B"), ("The answer is A or B", "A"), ("answer: A. No, answer: B", None),
        ("A and B", None), ("ABCD", None), ("A dog", None), ("E", None), ("", None), ("the answer is apple", None),
    ],
)  # fmt: skip
def test_choice(text, letter):
    assert parse.choice(text) == letter


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("42", ["42"]),
        ("1,234 and 5.5", ["1234", "5.5"]),
        ("1,2,3", ["1", "2", "3"]),
        ("-3 +4 .5 1e-5 2E3", ["-3", "+4", ".5", "1e-5", "2E3"]),
        ("x2 2x a_3", []),
        ("ends 7.", ["7"]),
        ("1,234,567.89", ["1234567.89"]),
        ("٣", []),
        ("3-4", ["3", "4"]),
        ("1.2.3", []),
    ],
)
def test_numbers(text, found):
    assert parse.numbers(text) == found
    assert parse.last_number(text) == (found[-1] if found else None)
    assert parse.only_number(text) == (found[0] if len(found) == 1 else None)


def test_fold_joins_what_people_write_alike():
    assert parse.fold("  Straße\n\tÜBER ") == "strasse über"
    assert parse.fold("e\u0301") == parse.fold("\u00e9") == parse.fold("É")
    assert parse.squeeze(" a \u00a0 b\n") == "a b"


@given(st.text(max_size=40))
def test_nfc_is_the_standard_one_for_real_text(text):
    assert parse.nfc(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize("marks", ["\u0301\u0323", "\u0f73", "\u0f75\u0f81", "\u0344"])
def test_nfc_leaves_what_would_take_quadratic_time(marks):
    text = "a" + marks * 300_000
    assert parse.nfc(text) == text


@given(st.text())
def test_nothing_in_parse_raises(text):
    for name in ("answer", "think"):
        parse.blocks(text, name)
        parse.block(text, name)
    parse.after_think(text)
    parse.last_json(text)
    parse.fences(text)
    parse.boxes(text)
    parse.choice(text)
    parse.numbers(text)
    parse.quote(text)
    assert "\n" not in parse.quote(text)
