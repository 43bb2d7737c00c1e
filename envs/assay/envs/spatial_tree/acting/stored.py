"""Scenes as JSON, so that an episode can be played from its task alone, wherever and whenever."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from assay.envs.spatial_tree.engine import Light, Part, Scene, Thing

DIGITS = 4
"""Decimals that are kept: a tenth of a millimetre."""


def stored(scene: Scene) -> dict[str, Any]:
    """A scene as JSON-serialisable data, rounded: show :func:`restored` of it, not the scene that it was made of."""
    return {"light": _told(scene.light), "things": [_told(thing) for thing in scene.things]}


def restored(data: Mapping[str, Any]) -> Scene:
    """The inverse of :func:`stored`."""
    things = []
    for told in data["things"]:
        parts = tuple(Part(**_kept(part)) for part in told["parts"])
        things.append(Thing(**_kept({**told, "parts": parts})))
    return Scene(tuple(things), Light(**_kept(data["light"])))


def _told(value: Any) -> dict[str, Any]:
    """The fields of a dataclass that are not at their default."""
    found = {}
    for field in fields(value):
        given = getattr(value, field.name)
        if field.default is MISSING or given != field.default:
            found[field.name] = _plain(given)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Part):
        return _told(value)
    return round(value, DIGITS) if isinstance(value, float) else value


def _kept(data: Mapping[str, Any]) -> dict[str, Any]:
    """Values as the dataclasses have them: tuples in place of lists."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
