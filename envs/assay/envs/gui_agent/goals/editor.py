"""Goals in the text editor."""

from __future__ import annotations

import random
from typing import Any

from assay.envs.gui_agent.goals.parts import Goal, choose, click, command, now, only, press, tab, write

_FREE: list[list[Any]] = [["did"], ["current"]]
_LINES = ("Call the plumber", "Buy two stamps", "The end", "Checked and approved", "See page 12", "Water the ferns")
_WORDS = {"the": "THE", "and": "&", "shed": "barn", "map": "chart", "winter": "spring", "pan": "pot"}
_SWITCHES = {"bold": "bold", "italic": "italic", "underline": "underline", "word_wrap": "word wrap"}


def new(state: dict[str, Any], rng: random.Random) -> Goal:
    """Write a new document."""
    line = rng.choice(_LINES)
    done = [now(part, "untitled-1.txt", value=line) for part in ("documents", "saved")]
    script = [command("new"), click(key="text.untitled-1.txt"), write(line), command("save")]
    return Goal(f'Write "{line}" into a new document and save it.', done, _FREE, script)


def append(state: dict[str, Any], rng: random.Random) -> Goal:
    """Add a line at the end."""
    name, line = rng.choice(list(state["documents"])), rng.choice(_LINES)
    text = f"{state['documents'][name]}\n{line}"
    done = [now(part, name, value=text) for part in ("documents", "saved")]
    script = [tab(name), click(key=f"text.{name}"), press("ctrl+end"), write(f"\n{line}"), command("save")]
    return Goal(f'Add the line "{line}" at the end of {name} and save it.', done, _FREE, script)


def replace(state: dict[str, Any], rng: random.Random) -> Goal | None:
    """Swap a word throughout a document."""
    name = rng.choice(list(state["documents"]))
    words = [word for word in _WORDS if word in state["documents"][name]]
    if not words:
        return None
    word = rng.choice(words)
    text = state["documents"][name].replace(word, _WORDS[word])
    done = [now(part, name, value=text) for part in ("documents", "saved")]
    script = [] if state["find"]["shown"] else [command("find")]
    script += [tab(name), click(key="wanted"), write(word), click(key="instead"), write(_WORDS[word])]
    script += [command("replace"), command("save")]
    said = f'In {name}, replace "{word}" by "{_WORDS[word]}" everywhere with the find bar, and save it.'
    return Goal(said, done, [*_FREE, ["find"]], script)


def rewrite(state: dict[str, Any], rng: random.Random) -> Goal:
    """Put one line in place of a whole document, unsaved."""
    name, line = rng.choice(list(state["documents"])), rng.choice(_LINES)
    script = [tab(name), click(key=f"text.{name}"), press("ctrl+a"), write(line)]
    text = f'Replace the whole text of {name} by "{line}"; do not save it.'
    return Goal(text, [now("documents", name, value=line)], _FREE, script)


def capitals(state: dict[str, Any], rng: random.Random) -> Goal:
    """Turn a document into capitals."""
    name = rng.choice(list(state["documents"]))
    text = state["documents"][name].upper()
    script = [tab(name), click(key=f"text.{name}"), press("ctrl+a"), command("upper")]
    return Goal(f"Turn the whole text of {name} into capitals.", [now("documents", name, value=text)], _FREE, script)


def reading(state: dict[str, Any], rng: random.Random) -> Goal:
    """Choose encoding and language."""
    encoding = rng.choice([each for each in ("UTF-8", "UTF-16", "Latin-1", "ASCII") if each != state["encoding"]])
    language = rng.choice([each for each in ("Markdown", "Python", "HTML") if each != state["language"]])
    script = [*choose("encoding", encoding), *choose("language", language)]
    done = [now("encoding", value=encoding), now("language", value=language)]
    return Goal(f"Set the encoding to {encoding} and the language to {language}.", done, _FREE, script)


def formats(state: dict[str, Any], rng: random.Random) -> Goal:
    """Turn two switches over."""
    chosen = rng.sample(list(_SWITCHES), 2)
    on = [each for each in chosen if each not in state["on"]]
    off = [each for each in chosen if each in state["on"]]
    named = " and ".join(f"{_SWITCHES[each]} {'on' if each in on else 'off'}" for each in chosen)
    others = [each for each in (*_SWITCHES, "read_only") if each not in chosen and each not in state["on"]]
    done = only(state["on"], on, [*off, *others], "on")
    return Goal(f"Turn {named}.", done, _FREE, [command(each) for each in chosen])


GOALS = (new, append, replace, rewrite, capitals, reading, formats)
