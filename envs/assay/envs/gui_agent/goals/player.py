"""Goals in the media player."""

from __future__ import annotations

import random
from typing import Any

from assay.envs.gui_agent.goals.parts import Goal, click, command, double_click, in_row, now, number, only

_FREE: list[list[Any]] = [["did"], ["list"]]
_SWITCHES = {"shuffle": "shuffle", "repeat": "repeat", "mute": "mute"}


def play(state: dict[str, Any], rng: random.Random) -> Goal:
    """Play a song of the list, and have the list repeated."""
    song = rng.choice([each for each in state["songs"] if each != state["current"]])
    done = [now("current", value=song), now("playing", value=True)]
    script = [double_click(*in_row(song, "song list"))]
    text = f'Play the song "{song}"'
    if "repeat" not in state["on"]:
        done += only(state["on"], ["repeat"], [each for each in ("shuffle", "mute") if each not in state["on"]], "on")
        script.append(command("repeat"))
        text += " and turn repeat on"
    return Goal(f"{text}.", done, [*_FREE, ["position"]], script)


def skip(state: dict[str, Any], rng: random.Random) -> Goal:
    """Go on by some songs."""
    by = rng.randrange(2, 4)
    song = state["songs"][(state["songs"].index(state["current"]) + by) % len(state["songs"])]
    done = [now("current", value=song), now("playing", value=True)]
    text = f'Skip from "{state["current"]}" {by} songs ahead.'
    return Goal(text, done, [*_FREE, ["position"]], [command("next")] * by)


def remove(state: dict[str, Any], rng: random.Random) -> Goal:
    """Take two songs off the list."""
    gone = rng.sample(state["songs"], 2)
    left = [each for each in state["songs"] if each not in gone]
    script = [step for song in gone for step in (click(*in_row(song, "song list")), command("remove_track"))]
    text = f'Remove the songs "{gone[0]}" and "{gone[1]}" from the list.'
    return Goal(text, [now("songs", value=left)], [*_FREE, ["current"]], script)


def speed(state: dict[str, Any], rng: random.Random) -> Goal:
    """How fast it plays."""
    value = rng.choice((0.5, 0.75, 1.25, 1.5, 1.75, 2.25, 2.5))
    done = [now("speed", value=value), now("playing", value=True)]
    script = [*number("speed", f"{value:.2f}"), command("play")]
    return Goal(f"Set the speed to {value:.2f} and start the music.", done, _FREE, script)


def modes(state: dict[str, Any], rng: random.Random) -> Goal:
    """Turn two switches over."""
    chosen = rng.sample(list(_SWITCHES), 2)
    on = [each for each in chosen if each not in state["on"]]
    off = [each for each in chosen if each in state["on"]]
    others = [each for each in _SWITCHES if each not in chosen and each not in state["on"]]
    named = " and ".join(f"{_SWITCHES[each]} {'on' if each in on else 'off'}" for each in chosen)
    done = only(state["on"], on, [*off, *others], "on")
    return Goal(f"Turn {named}.", done, _FREE, [command(each) for each in chosen])


GOALS = (play, skip, remove, speed, modes)
