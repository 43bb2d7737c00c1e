"""Instructions for elements: three kinds, each fits one visible element alone. No Qt is needed for them."""

from __future__ import annotations

import json
import random
import re

import pytest

from assay.envs.gui_grounding.elements import Element
from assay.envs.gui_grounding.instructions import write_instructions


def element(name: str, x: float, y: float, **facts) -> Element:
    facts = {"role": "button", "path": "tool bar", "key": f"{name}{x}{y}"} | facts
    return Element(box=(x, y, x + 39, y + 19), name=name, **facts)


def written(elements, kind, count=20):
    made = [
        each for seed in range(count) for each in write_instructions(elements, random.Random(seed), 3, kinds=(kind,))
    ]
    return {(each.text.rstrip("."), each.element.key) for each in made}


def test_an_instruction_that_fits_two_elements_is_never_written():
    twins = [element("Save", 0, 0), element("Save", 50, 0, path="File menu", role="menu item")]
    texts = {text for text, _ in written(twins, "literal")}
    assert texts
    assert all(re.search("File menu|menu item|button|tool bar", text) for text in texts)
    assert not written([element("Save", 0, 0), element("Save", 50, 0)], "literal")


def test_a_disabled_twin_counts_but_is_no_target():
    twins = [element("Save", 0, 0), element("Save", 50, 0, target=False)]
    assert not written(twins, "literal")
    alone = [element("Save", 0, 0, target=False)]
    assert not written(alone, "literal")


def test_a_description_that_names_the_label_is_not_written():
    assert not written([element("Save", 0, 0, about="save the work")], "functional")
    assert not written([element("Printing", 0, 0, about="print the page")], "functional")
    assert written([element("Save", 0, 0, about="keep the work on disk")], "functional")
    same = [element("Save", 0, 0, about="keep it", meaning="save"), element("", 50, 0, about="hold it", meaning="save")]
    assert not written([*same[:1], element("", 50, 0, path="tool bar", about="hold it", meaning="save")], "functional")


def test_places_are_told_from_geometry():
    row = [element("Cut", 0, 0), element("", 50, 0), element("Paste", 100, 0)]
    middle = {text for text, key in written(row, "spatial") if key == row[1].key}
    assert any(text.endswith("the second button from the left in the tool bar") for text in middle)
    assert any(text.endswith("the button directly to the right of the Cut button") for text in middle)
    fields = [element("", 0, 30 * i, role="field", path="Address", label=f"L{i}") for i in range(3)]
    assert any(text.endswith("the second field under Address") for text, _ in written(fields, "spatial"))


def test_no_instruction_is_written_twice():
    cards = [element("Details", 0, 60 * i, path=f"Card {i}") for i in range(2)]
    for seed in range(30):
        texts = [each.text for each in write_instructions(cards, random.Random(seed), 12)]
        assert len(set(texts)) == len(texts)


def test_records_of_elements_survive_json():
    one = element("Save", 1.5, 2, about="keep", row="3", column="Price")
    assert Element.from_dict(json.loads(json.dumps(one.to_dict()))) == one
    with pytest.raises(ValueError, match="four numbers"):
        Element.from_dict({"box": [1, 2, 3], "role": "button"})
    with pytest.raises(ValueError, match="role"):
        Element.from_dict({"box": [1, 2, 3, 4]})
