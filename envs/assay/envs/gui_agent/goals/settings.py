"""Goals in the settings."""

from __future__ import annotations

import random
from typing import Any

from assay.envs.gui_agent.goals.parts import Goal, Step, choose, click, command, now, number

_FREE: list[list[Any]] = [["did"], ["page"], ["shown"]]
_CHOICES = {
    "Display.Resolution": ("1280 x 800", "1920 x 1080", "2560 x 1440"),
    "Display.Refresh rate": ("60 Hz", "75 Hz", "144 Hz"),
    "Sound.Speaker": ("Built-in", "Headphones", "HDMI"),
    "Sound.Microphone": ("Built-in", "Webcam", "Headset"),
    "Network.Band": ("2.4 GHz", "5 GHz", "Both"),
    "Privacy.Keep recent files for": ("A day", "A week", "For ever"),
}
_RADIOS = {
    "Display.Smoothing": ("None", "Grey", "Subpixel"),
    "Power.Profile": ("Saver", "Balanced", "Performance"),
}
_NUMBERS = {
    "Display.Font size": (6, 32),
    "Network.Port": (1, 9999),
    "Power.Sleep after": (1, 120),
    "Power.Dim after": (1, 60),
}


def _goal(text: str, state: dict[str, Any], changes: dict[str, Any], steps: list[Step]) -> Goal:
    done = [now("applied", value={**state["applied"], **changes})]
    return Goal(text, done, _FREE, [*steps, command("apply")])


def _page(key: str) -> Step:
    return click(name=key.partition(".")[0], path="category list")


def _label(key: str) -> str:
    page, _, label = key.partition(".")
    return f"{label} ({page})"


def _switches(state: dict[str, Any]) -> list[str]:
    return [key for key, value in state["applied"].items() if isinstance(value, bool)]


def _toggled(key: str) -> list[Step]:
    return [_page(key), click(key=key)]


def switch(state: dict[str, Any], rng: random.Random) -> Goal | None:
    """Turn a switch over."""
    keys = _switches(state)
    if not keys:
        return None
    key = rng.choice(keys)
    value = not state["applied"][key]
    text = f"Turn {_label(key)} {'on' if value else 'off'} and apply it."
    return _goal(text, state, {key: value}, _toggled(key))


def switches(state: dict[str, Any], rng: random.Random) -> Goal | None:
    """Turn switches over on two pages."""
    keys = _switches(state)
    rng.shuffle(keys)
    first = keys[0] if keys else ""
    second = next((key for key in keys if key.partition(".")[0] != first.partition(".")[0]), "")
    if not second:
        return None
    changes = {key: not state["applied"][key] for key in (first, second)}
    named = " and ".join(f"{_label(key)} {'on' if value else 'off'}" for key, value in changes.items())
    return _goal(f"Turn {named}, then apply both.", state, changes, [*_toggled(first), *_toggled(second)])


def choice(state: dict[str, Any], rng: random.Random) -> Goal | None:
    """Choose from a list."""
    keys = [key for key in _CHOICES if key in state["applied"]]
    if not keys:
        return None
    key = rng.choice(keys)
    value = rng.choice([each for each in _CHOICES[key] if each != state["applied"][key]])
    text = f"Set {_label(key)} to {value} and apply it."
    return _goal(text, state, {key: value}, [_page(key), *choose(key, value)])


def radio(state: dict[str, Any], rng: random.Random) -> Goal | None:
    """Choose one of a few."""
    keys = [key for key in _RADIOS if key in state["applied"]]
    if not keys:
        return None
    key = rng.choice(keys)
    value = rng.choice([each for each in _RADIOS[key] if each != state["applied"][key]])
    text = f"Choose {value} as {_label(key)} and apply it."
    return _goal(text, state, {key: value}, [_page(key), click(key=f"{key}.{value}")])


def amount(state: dict[str, Any], rng: random.Random) -> Goal | None:
    """Set a number."""
    keys = [key for key in _NUMBERS if key in state["applied"]]
    if not keys:
        return None
    key = rng.choice(keys)
    least, most = _NUMBERS[key]
    value = rng.choice([each for each in range(least, most + 1) if abs(each - state["applied"][key]) > 2])
    text = f"Set {_label(key)} to {value} and apply it."
    return _goal(text, state, {key: value}, [_page(key), *number(key, str(value))])


GOALS = (switch, switches, choice, radio, amount)
