"""Goals in the form."""

from __future__ import annotations

import random
from typing import Any

from assay.envs.gui_agent.goals.parts import Goal, Step, choose, click, command, now, number, press, tab, write
from assay.envs.gui_grounding.qt.words import CITIES, COUNTRIES, STREETS, person

_FREE: list[list[Any]] = [["did"], ["step"]]
_STEPS = ("Person", "Delivery", "Payment")
_REMARKS = ("Ring twice", "Back door, please", "No hurry", "Call before you come")


def _go(step: str) -> Step:
    return tab(f"{_STEPS.index(step) + 1}. {step}")


def _fill(key: str, text: str) -> list[Step]:
    return [click(key=key), press("ctrl+a"), write(text)]


def _values(changes: dict[str, Any]) -> list[dict[str, Any]]:
    return [now("values", key, value=value) for key, value in changes.items()]


def name(state: dict[str, Any], rng: random.Random) -> Goal:
    """Who it is."""
    first, last = person(rng).split()
    changes = {"Person.First name": f"{first}a", "Person.Surname": last}
    script = [_go("Person"), *(step for key, text in changes.items() for step in _fill(key, text))]
    text = f'Enter "{first}a" as first name and "{last}" as surname.'
    return Goal(text, _values(changes), _FREE, script)


def address(state: dict[str, Any], rng: random.Random) -> Goal:
    """Where it goes."""
    city = rng.choice([each for each in CITIES if each != state["values"]["Delivery.City"]])
    country = rng.choice([each for each in COUNTRIES if each != state["values"]["Delivery.Country"]])
    changes = {"Delivery.City": city, "Delivery.Country": country}
    script = [_go("Delivery"), *(step for key, item in changes.items() for step in choose(key, item))]
    return Goal(f"Choose {city} as city and {country} as country of the delivery.", _values(changes), _FREE, script)


def street(state: dict[str, Any], rng: random.Random) -> Goal:
    """The street and the number of the house."""
    road = rng.choice([each for each in STREETS if each != state["values"]["Delivery.Street"]])
    house = str(rng.randrange(1, 200))
    changes = {"Delivery.Street": road, "Delivery.House number": house}
    script = [_go("Delivery"), *(step for key, text in changes.items() for step in _fill(key, text))]
    return Goal(f"Have it delivered to {road}, house number {house}.", _values(changes), _FREE, script)


def parcel(state: dict[str, Any], rng: random.Random) -> Goal:
    """How many, and how fast."""
    count, speed = rng.randrange(2, 99), rng.choice(("Express", "Collect"))
    changes = {"Delivery.Number of items": count, "Delivery.Speed": speed}
    script = [_go("Delivery"), *number("Delivery.Number of items", str(count))]
    script.append(click(key=f"Delivery.Speed.{speed}"))
    return Goal(f"Order {count} items with the speed {speed}.", _values(changes), _FREE, script)


def submit(state: dict[str, Any], rng: random.Random) -> Goal:
    """Accept the terms and hand the form in."""
    ways = [each for each in ("Call", "Letter", "Message") if each != state["values"]["Person.Preferred way"]]
    way = rng.choice(ways)
    changes = {"Person.Preferred way": way, "Payment.Accept the terms": True}
    script = [_go("Person"), click(key=f"Person.Preferred way.{way}"), _go("Payment")]
    script += [click(key="Payment.Accept the terms"), command("finish")]
    done = [*_values(changes), now("submitted", value={**state["values"], **changes})]
    text = f"Choose {way} as the preferred way of contact, accept the terms and hand the form in."
    return Goal(text, done, _FREE, script)


def remark(state: dict[str, Any], rng: random.Random) -> Goal:
    """A remark, handed in."""
    words = rng.choice(_REMARKS)
    script = [_go("Payment"), click(key="Payment.Remarks"), write(words), command("finish")]
    changes = {"Payment.Remarks": words}
    done = [*_values(changes), now("submitted", value={**state["values"], **changes})]
    return Goal(f'Write "{words}" under Remarks and hand the form in.', done, _FREE, script)


GOALS = (name, address, street, parcel, submit, remark)
