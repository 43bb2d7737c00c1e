"""Goals in the dashboard."""

from __future__ import annotations

import random
from typing import Any

from assay.envs.gui_agent.goals.parts import Goal, choose, click, command, has, in_row, lacks, now, number, only, tab

_FREE: list[list[Any]] = [["did"], ["page"]]


def _cards(state: dict[str, Any]) -> list[str]:
    return list(state["targets"])


def pin(state: dict[str, Any], rng: random.Random) -> Goal:
    """Pin two cards."""
    chosen = rng.sample(_cards(state), 2)
    others = [each for each in _cards(state) if each not in chosen]
    done = only(state["pinned"], chosen, others, "pinned")
    script = [tab("Overview"), *(click(key=f"pin.{each}") for each in chosen)]
    return Goal(f"Pin the cards {chosen[0]} and {chosen[1]}.", done, _FREE, script)


def details(state: dict[str, Any], rng: random.Random) -> Goal:
    """Look closer at one card while another is pinned."""
    one, other = rng.sample(_cards(state), 2)
    others = [lacks("pinned", value=each) for each in _cards(state) if each != one]
    done = [has("pinned", value=one), *others, now("opened", value=[other])]
    script = [tab("Overview"), click(key=f"pin.{one}"), click(key=f"details.{other}")]
    return Goal(f"Pin the card {one}, then open the details of {other}.", done, _FREE, script)


def filters(state: dict[str, Any], rng: random.Random) -> Goal:
    """Choose the period, and whether figures change by themselves."""
    periods = [each for each in ("Today", "This week", "This month", "This year") if each != state["period"]]
    period, live = rng.choice(periods), not state["live"]
    done = [now("period", value=period), now("live", value=live)]
    script = [*choose("period", period), click(key="live")]
    text = f"Set the period to {period} and turn live updates {'on' if live else 'off'}."
    return Goal(text, done, _FREE, script)


def acknowledge(state: dict[str, Any], rng: random.Random) -> Goal:
    """Confirm one alert."""
    gone = rng.choice(state["alerts"])
    left = [each for each in state["alerts"] if each != gone]
    script = [tab("Alerts"), click(*in_row(gone, "alert table")), command("acknowledge")]
    return Goal(f"Acknowledge the alert of {gone}.", [now("alerts", value=left)], _FREE, script)


def target(state: dict[str, Any], rng: random.Random) -> Goal:
    """Set a target."""
    card = rng.choice(_cards(state))
    value = rng.choice([each for each in range(1000, 9000, 50) if each != state["targets"][card]])
    done = [now("targets", value={**state["targets"], card: value})]
    script = [tab("Targets"), *number(f"goal.{card}", str(value)), command("apply")]
    return Goal(f"Set the target of {card} to {value} and apply it.", done, _FREE, script)


def dismiss(state: dict[str, Any], rng: random.Random) -> Goal | None:
    """Away with all alerts, and an overview for the month."""
    if state["period"] == "This month":
        return None
    done = [now("alerts", value=[]), now("period", value="This month")]
    script = [tab("Alerts"), command("dismiss"), *choose("period", "This month")]
    return Goal("Dismiss all alerts and set the period to This month.", done, _FREE, script)


GOALS = (pin, details, filters, acknowledge, target, dismiss)
