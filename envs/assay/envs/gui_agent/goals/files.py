"""Goals in the file manager."""

from __future__ import annotations

import random
from typing import Any

from assay.envs.gui_agent.goals.parts import Goal, Step, choose, click, command, in_row, now

_FREE: list[list[Any]] = [["did"], ["place"], ["past"], ["selected"], ["held"]]
_PLACES = ("Pictures", "Music", "Documents")


def _go(place: str) -> Step:
    return click(name=place, path="places")


def _files(state: dict[str, Any], place: str) -> list[str]:
    return [name for name in state["tree"][place] if "." in name and not name.startswith(".")]


def delete(state: dict[str, Any], rng: random.Random) -> Goal:
    """Throw a file away."""
    place = rng.choice(_PLACES[:2])
    name = rng.choice(_files(state, place))
    left = [each for each in state["tree"][place] if each != name]
    done = [now("tree", place, value=left), now("tree", "Wastebasket", value=[*state["tree"]["Wastebasket"], name])]
    script = [_go(place), click(*in_row(name, "file list")), command("delete")]
    return Goal(f'Delete the file "{name}" in {place}.', done, _FREE, script)


def copy(state: dict[str, Any], rng: random.Random) -> Goal | None:
    """Copy a file from one place to another."""
    here, there = rng.sample(_PLACES, 2)
    names = [name for name in _files(state, here) if name not in state["tree"][there]]
    if not names:
        return None
    name = rng.choice(names)
    script = [_go(here), click(*in_row(name, "file list")), command("copy"), _go(there), command("paste")]
    done = [now("tree", there, value=[*state["tree"][there], name])]
    return Goal(f'Copy the file "{name}" from {here} to {there}.', done, _FREE, script)


def new_folder(state: dict[str, Any], rng: random.Random) -> Goal:
    """Make a folder somewhere."""
    place = rng.choice(_PLACES[:2])
    done = [now("tree", place, value=["Folder 1", *state["tree"][place]]), now("tree", "Folder 1", value=[])]
    return Goal(f"Make a new folder in {place}.", done, _FREE, [_go(place), command("new_folder")])


def hidden(state: dict[str, Any], rng: random.Random) -> Goal:
    """See the hidden files of a place."""
    place = rng.choice(("Pictures", "Music"))
    done = [now("place", value=place), now("hidden", value=True)]
    script = [_go(place), command("hidden_files")]
    return Goal(f"Open {place} and show the hidden files there.", done, _FREE, script)


def only(state: dict[str, Any], rng: random.Random) -> Goal:
    """List one kind of file of a place."""
    place, kind = rng.choice(("Pictures", "Music")), rng.choice(("Text", "Document", "Picture", "Table", "Archive"))
    done = [now("place", value=place), now("filter", value=kind)]
    script = [_go(place), *choose("kinds", kind)]
    return Goal(f"Open {place} and list only what is of the type {kind}.", done, _FREE, script)


def enter(state: dict[str, Any], rng: random.Random) -> Goal | None:
    """Make a folder within a folder."""
    folders = [name for name in state["tree"]["Documents"] if name in state["tree"]]
    if not folders:
        return None
    folder = rng.choice(folders)
    done = [now("tree", folder, value=["Folder 1", *state["tree"][folder]]), now("tree", "Folder 1", value=[])]
    script = [click(*in_row(folder, "file list")), command("open"), command("new_folder")]
    return Goal(f'Make a new folder inside the folder "{folder}" of Documents.', done, _FREE, script)


GOALS = (delete, copy, new_folder, hidden, only, enter)
