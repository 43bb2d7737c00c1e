"""Goals in the mail program."""

from __future__ import annotations

import random
from typing import Any

from assay.envs.gui_agent.goals.parts import Goal, Step, choose, click, command, now, write
from assay.envs.gui_grounding.qt.words import address_of, person

_FREE: list[list[Any]] = [["did"], ["folder"], ["search"], ["page"], ["selected"], ["letters", "*", "read"], ["draft"]]
_WORDS = ("I will be there.", "Thank you, that suits me.", "Not this week, sorry.", "Please send it again.", "Agreed.")
_SUBJECTS = ("Dinner on Tuesday", "The blue folder", "Train times", "A question", "Keys", "Next meeting")


def _letters(state: dict[str, Any], rng: random.Random, count: int) -> list[dict[str, Any]]:
    return rng.sample(state["letters"], count)


def _pick(state: dict[str, Any], letter: dict[str, Any], fewer: int = 0) -> Step:
    """Click a letter; ``fewer`` letters above it have left the list since."""
    row = [each["subject"] for each in state["letters"] if each["folder"] == state["folder"]].index(letter["subject"])
    return click(*({"key": f"letters.{row - fewer}.{column}"} for column in (1, 0)))


def archive(state: dict[str, Any], rng: random.Random) -> Goal:
    """Put a letter into the archive."""
    (letter,) = _letters(state, rng, 1)
    subject = letter["subject"]
    done = [now("letters", {"subject": subject}, "folder", value="Archive")]
    return Goal(f'Archive the letter "{subject}".', done, _FREE, [_pick(state, letter), command("archive")])


def junk(state: dict[str, Any], rng: random.Random) -> Goal:
    """Two letters of a kind nobody wants."""
    chosen = sorted(_letters(state, rng, 2), key=state["letters"].index)
    names = " and ".join(f'"{each["subject"]}"' for each in chosen)
    done = [now("letters", {"subject": each["subject"]}, "folder", value="Junk") for each in chosen]
    script = [step for gone, each in enumerate(chosen) for step in (_pick(state, each, gone), command("junk"))]
    return Goal(f"Mark the letters {names} as spam.", done, _FREE, script)


def star(state: dict[str, Any], rng: random.Random) -> Goal:
    """Flag the letter of a sender on a subject, and put it away."""
    (letter,) = _letters(state, rng, 1)
    at: list[Any] = ["letters", {"subject": letter["subject"]}]
    done = [now(*at, "starred", value=True), now(*at, "folder", value="Archive")]
    text = f'Put a star on the letter "{letter["subject"]}" from {letter["from"]}, then archive it.'
    script = [_pick(state, letter), command("star"), _pick(state, letter), command("archive")]
    return Goal(text, done, _FREE, script)


def unread(state: dict[str, Any], rng: random.Random) -> Goal | None:
    """Make a letter look new."""
    known = [each for each in state["letters"] if each["read"]]
    if not known:
        return None
    letter = rng.choice(known)
    done = [now("letters", {"subject": letter["subject"]}, "read", value=False)]
    text = f'Mark the letter "{letter["subject"]}" as unread.'
    return Goal(text, done, _FREE, [_pick(state, letter), command("unread")])


def send(state: dict[str, Any], rng: random.Random) -> Goal:
    """Write to somebody."""
    to, subject = address_of(person(rng)), rng.choice(_SUBJECTS)
    letter = {"to": to, "cc": "", "subject": subject, "text": "", "priority": "Normal"}
    script = [command("compose"), click(key="to"), write(to), click(key="subject"), write(subject), command("send")]
    text = f'Send a letter to {to} with the subject "{subject}"; leave the text empty.'
    return Goal(text, [now("sent", value=[letter])], _FREE, script)


def reply(state: dict[str, Any], rng: random.Random) -> Goal:
    """Answer a letter urgently."""
    (letter,) = _letters(state, rng, 1)
    words, subject, priority = rng.choice(_WORDS), letter["subject"], rng.choice(("Low", "High"))
    sent = {"to": address_of(letter["from"]), "cc": "", "subject": f"Re: {subject}", "text": words}
    sent["priority"] = priority
    script = [
        _pick(state, letter), command("reply"), *choose("priority", priority), click(key="text"), write(words),
        command("send"),
    ]  # fmt: skip
    text = f'Reply to the letter "{subject}" with the text "{words}" and {priority.lower()} priority, and send it.'
    return Goal(text, [now("sent", value=[sent])], _FREE, script)


GOALS = (archive, junk, star, unread, send, reply)
