"""Goals in the spreadsheet."""

from __future__ import annotations

import random
from typing import Any

from assay.envs.gui_agent.goals.parts import Goal, Step, choose, click, command, now, number, tab, write

_FREE: list[list[Any]] = [["did"], ["sheet"], ["cell"]]
_COLUMNS = {"A": "Name", "B": "City", "C": "Count", "D": "Price"}
_Cells = dict[str, str]


def _draw(state: dict[str, Any], rng: random.Random) -> tuple[str, _Cells, int]:
    """A sheet, its cells, and the number of its records; they stand from row 2 on."""
    name = rng.choice(list(state["cells"]))
    cells: _Cells = state["cells"][name]
    return name, cells, sum(key.startswith("A") for key in cells) - 1


def _at(key: str) -> Step:
    return click(key=f"grid.{int(key[1:]) - 1}.{ord(key[0]) - 65}")


def enter(state: dict[str, Any], rng: random.Random) -> Goal:
    """Change one number."""
    sheet, cells, count = _draw(state, rng)
    key = f"C{rng.randrange(2, min(count, 8) + 2)}"
    value = str(rng.choice([each for each in range(500, 1000) if str(each) != cells[key]]))
    text = f"On the sheet {sheet}, set the count of {cells['A' + key[1:]]} to {value}."
    done = [now("cells", sheet, value={**cells, key: value})]
    return Goal(text, done, _FREE, [tab(sheet), _at(key), write(f"{value}\n")])


def record(state: dict[str, Any], rng: random.Random) -> Goal:
    """Add a record below the last one."""
    sheet, cells, count = _draw(state, rng)
    row = count + 2
    fresh = {f"A{row}": rng.choice(("Umbrella", "Violin", "Wagon")), f"C{row}": str(rng.randrange(2, 400))}
    text = f'On the sheet {sheet}, write "{fresh[f"A{row}"]}" into A{row} and {fresh[f"C{row}"]} into C{row}.'
    script = [tab(sheet)]
    for key, value in fresh.items():
        script += [_at(key), write(f"{value}\n")]
    return Goal(text, [now("cells", sheet, value={**cells, **fresh})], _FREE, script)


def total(state: dict[str, Any], rng: random.Random) -> Goal:
    """The sum of a column below it."""
    sheet, cells, count = _draw(state, rng)
    letter, row = rng.choice("CD"), count + 2
    meaning, word = rng.choice((("sum", "sum"), ("average", "average")))
    values = [float(cells[f"{letter}{each}"]) for each in range(row - 1, 1, -1)]
    value = sum(values) if meaning == "sum" else sum(values) / len(values)
    done = [now("cells", sheet, value={**cells, f"{letter}{row}": f"{value:.2f}"})]
    text = f"On the sheet {sheet}, put the {word} of the column {_COLUMNS[letter]} into {letter}{row}, right below it."
    return Goal(text, done, _FREE, [tab(sheet), _at(f"{letter}{row}"), command(meaning)])


def sort(state: dict[str, Any], rng: random.Random) -> Goal | None:
    """Sort the records by a column."""
    sheet, cells, count = _draw(state, rng)
    letter, meaning = rng.choice("ACD"), rng.choice(("sort_up", "sort_down"))
    rows = [{c: cells[f"{c}{row}"] for c in _COLUMNS} for row in range(2, count + 2)]

    def order(each: dict[str, str]) -> Any:
        return each[letter] if letter == "A" else float(each[letter])

    ordered = sorted(rows, key=order, reverse=meaning == "sort_down")
    after = {f"{c}1": cells[f"{c}1"] for c in _COLUMNS}
    after |= {f"{c}{row}": each[c] for row, each in enumerate(ordered, 2) for c in _COLUMNS}
    if after == cells:
        return None
    how = "ascending" if meaning == "sort_up" else "descending"
    text = f"Sort the sheet {sheet} by {_COLUMNS[letter]}, in {how} order."
    done = [now("cells", sheet, value=after)]
    return Goal(text, done, _FREE, [tab(sheet), _at(f"{letter}3"), command(meaning)])


def delete_row(state: dict[str, Any], rng: random.Random) -> Goal:
    """Take a record out."""
    sheet, cells, count = _draw(state, rng)
    gone = rng.randrange(2, min(count, 8) + 2)
    after = {}
    for key, value in cells.items():
        row = int(key[1:])
        if row != gone:
            after[f"{key[0]}{row - (row > gone)}"] = value
    text = f"On the sheet {sheet}, delete the row of {cells[f'A{gone}']}."
    done = [now("cells", sheet, value=after)]
    return Goal(text, done, _FREE, [tab(sheet), _at(f"A{gone}"), command("delete_row")])


def figures(state: dict[str, Any], rng: random.Random) -> Goal:
    """How figures are written."""
    form = rng.choice([each for each in ("Number", "Percent", "Currency", "Date") if each != state["format"]])
    digits = rng.choice([each for each in range(10) if each != state["digits"]])
    script = [*choose("format", form), *number("digits", str(digits))]
    done = [now("format", value=form), now("digits", value=digits)]
    return Goal(f"Set the format to {form} with {digits} digits.", done, _FREE, script)


GOALS = (enter, record, total, sort, delete_row, figures)
