"""``spatial.gravity`` and ``spatial.angles``: three angles, each paid by how uncertain the truth is."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from assay.verifiers.registry import verifier
from assay.verifiers.score import Score
from assay.verifiers.spatial.layout import Layout
from assay.verifiers.spatial.reading import (
    OPTIONS,
    braced,
    fenced,
    laid,
    loads_loosely,
    number_in,
    number_of,
    one_object,
    text_of,
    verdict,
)
from assay.verifiers.video import attacks

GRAVITY = ("roll", "pitch", "vfov")
ANGLES = ("azimuth", "polar", "rotation")
_WRAPPING = frozenset({"azimuth", "rotation"})
GRAVITY_SAMPLES: tuple[Mapping[str, Any], ...] = (
    {"roll": 10.0, "pitch": 10.0, "vfov": 50.0, "u": {"roll": 2.0, "pitch": 2.0, "vfov": 5.0}},
    {"roll": -24.0, "pitch": 31.5, "vfov": 75.0, "u": {"roll": 2, "pitch": 2, "vfov": 5}},
)
ANGLE_SAMPLES: tuple[Mapping[str, Any], ...] = (
    {"azimuth": 40.0, "polar": 65.0, "rotation": 0.0, "u": {"azimuth": 10.0, "polar": 5.0, "rotation": 5.0}},
    {"azimuth": 359.0, "polar": 120.0, "rotation": 200.0, "u": {"azimuth": 10.0, "polar": 5.0, "rotation": 5.0}},
)


def _wanted(truth: Mapping[str, Any], keys: Sequence[str]) -> tuple[dict[str, float], dict[str, float]]:
    unsure = truth.get("u")
    if not isinstance(unsure, Mapping):
        raise ValueError(f"the truth's u holds the uncertainties of {', '.join(keys)}, in degrees")
    return {key: number_of(truth, key) for key in keys}, {key: number_of(unsure, key, "truth's u") for key in keys}


def closeness(off: float, uncertainty: float) -> float:
    """``exp(-off^2 / (2 u^2))``, in [0, 1]; 0 where u is not above 0.

    Raises:
        OverflowError: under a distance that has no square, as in the benchmark's program.
    """
    if uncertainty <= 0:
        return 0.0
    worth = math.exp(-(off**2) / (2 * uncertainty**2))
    return max(0.0, min(worth, 1.0)) if worth == worth else 0.0


def apart(first: float, second: float, wraps: bool) -> float:
    """Degrees between two angles; the short way round where they wrap at 360."""
    off = abs(first - second)
    return min(off % 360, 360 - off % 360) if wraps else off


def official_numbers(text: str, keys: Sequence[str]) -> list[Any] | None:
    """The values that the benchmark's program reads, in the order of the keys; None where it reads none.

    A fenced block first, then from the first to the last brace, then ``key: number`` for all of the keys.
    """
    said = fenced(text, "```json\n", "\n```")
    said = fenced(text, "```\n", "\n```") if said is None else said
    said = braced(text) if said is None else said
    if said is None:
        found = [re.search(rf"{key}[\"']?\s*[:=]\s*(-?\d+\.?\d*)", text, re.IGNORECASE) for key in keys]
        pairs = ", ".join(f'"{key}": {match.group(1)}' for key, match in zip(keys, found, strict=True) if match)
        said = f"{{{pairs}}}" if all(found) else text
    try:
        data = loads_loosely(said)
    except (ValueError, RecursionError):
        return None
    values = [data.get(key) for key in keys] if isinstance(data, dict) else [None]
    return None if any(value is None for value in values) else values


def _official(text: str, wanted: Mapping[str, float], unsure: Mapping[str, float]) -> dict[str, float] | None:
    values = official_numbers(text, list(wanted))
    if values is None or not all(isinstance(value, int | float) for value in values):
        return None
    try:
        return {
            key: closeness(abs(value - wanted[key]), unsure[key]) for key, value in zip(wanted, values, strict=True)
        }
    except OverflowError:
        return None


def _judge(
    response: str, truth: Mapping[str, Any], keys: Sequence[str], layout: Layout, weight: float, parity: bool
) -> Score:
    wanted, unsure = _wanted(truth, keys)
    text, problem = text_of(response, layout, parity)
    shares: dict[str, float] | None = None
    if text is not None and parity:
        shares = _official(text, wanted, unsure)
    elif text is not None:
        data, problem = one_object(text)
        values = {key: number_in((data or {}).get(key)) for key in keys}
        if data is not None and all(value is not None for value in values.values()):
            shares = {
                key: closeness(apart(value or 0.0, wanted[key], key in _WRAPPING), unsure[key])
                for key, value in values.items()
            }
    if shares is None:
        problem = problem or f"no JSON object with the numbers {', '.join(keys)}"
        return verdict(response, 0.0, weight, False, False, problem, **dict.fromkeys(keys, 0.0))
    score = sum(shares.values()) / len(shares)
    within = all(share >= math.exp(-0.5) - 1e-12 for share in shares.values())
    said = ", ".join(f"{key} {share:.3f}" for key, share in shares.items())
    return verdict(response, score, weight, within, True, said, **shares)


def _answer(wanted: Mapping[str, float], off: float = 0.0) -> str:
    return json.dumps({key: value + off for key, value in wanted.items()})


def _tools(keys: Sequence[str]) -> dict[str, Any]:
    """The gold, the attacks and the ladder of a verifier of these keys."""

    def gold(truth: Mapping[str, Any], **options: Any) -> str:
        return laid(_answer(_wanted(truth, keys)[0]), options)

    def ladder(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
        wanted, unsure = _wanted(truth, keys)
        for off in (9.0, 3.0, 2.0, 1.0, 0.5, 0.0):
            yield laid(json.dumps({key: wanted[key] + off * unsure[key] for key in keys}), options)

    def candidates(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
        wanted = _wanted(truth, keys)[0]
        for off in (0.0, 77.0, -101.0, 150.0):
            yield laid(_answer(wanted, off), options)

    def tries(truth: Mapping[str, Any], **options: Any) -> Iterator[str]:
        wanted = _wanted(truth, keys)[0]
        right, wrong = _answer(wanted), _answer(wanted, 90.0)
        first = f'"{keys[0]}": {wanted[keys[0]]}'
        listed = [right + wrong, wrong + right, f"{right} or {wrong}", f"[{right}, {wrong}]", right[:-1], right[1:]]
        listed += [
            right.replace(first, f'"{keys[0]}": 999, {first}'),
            right.replace(first, first.replace(": ", ": [") + "]"),
        ]
        for value in ("NaN", "Infinity", "-Infinity", "1e999", "true", "null", '"0"', "9" * 400):
            listed.append("{" + ", ".join(f'"{key}": {value}' for key in keys) + "}")
        listed.append(", ".join(f"{key}: {value}" for key, value in wanted.items()))
        listed.append(json.dumps({keys[0]: wanted[keys[0]]}))
        listed.append(" ".join(str(value) for value in wanted.values()))
        for text in listed:
            yield laid(text, options)
        yield from attacks.tags(right, wrong)

    return {"gold": gold, "monotone": ladder, "candidates": candidates, "attacks": tries}


@verifier("spatial.gravity", options=OPTIONS, samples=GRAVITY_SAMPLES, partial=True, **_tools(GRAVITY))
def gravity(
    response: str,
    truth: Mapping[str, Any],
    *,
    layout: Layout = "any",
    format_weight: float = 0.0,
    parity: bool = False,
) -> Score:
    """Where down is: roll, pitch and vertical field of view of the camera, each worth ``exp(-d^2 / (2 u^2))``.

    The gravity direction in the camera's frame (right, down, forward) is ``g = R_cw (0, 0, -1)``, and pitch =
    atan2(-gx, sqrt(gy^2 + gz^2)), roll = atan2(gy, gz), as the paper defines them. The score is the mean of the
    three; ``correct`` where each is within its u. A missing, infinite or repeated value earns nothing at all.

    ``parity`` reads fenced blocks, from the first to the last brace, and ``roll: 3`` without braces.

    Parts: ``score``; ``roll``, ``pitch``, ``vfov``, each in [0, 1]; ``format``.

    Args:
        response: ``{"roll": 2.0, "pitch": -5.5, "vfov": 60}``, alone or in text.
        truth: ``roll``, ``pitch``, ``vfov`` in degrees and their uncertainties ``"u": {...}``; u of 0 or less pays
            nothing.
        layout, format_weight, parity: see the options.

    Raises:
        ValueError: malformed truth.
    """
    return _judge(response, truth, GRAVITY, layout, format_weight, parity)


@verifier("spatial.angles", options=OPTIONS, samples=ANGLE_SAMPLES, partial=True, **_tools(ANGLES))
def angles(
    response: str,
    truth: Mapping[str, Any],
    *,
    layout: Layout = "any",
    format_weight: float = 0.0,
    parity: bool = False,
) -> Score:
    """The pose of an object: azimuth, polar angle and rotation, each worth ``exp(-d^2 / (2 u^2))``.

    As :func:`gravity`, but azimuth and rotation go round: 359 is 2 degrees from 1. ``parity`` does not go round.

    Parts: ``score``; ``azimuth``, ``polar``, ``rotation``, each in [0, 1]; ``format``.

    Args:
        response: ``{"azimuth": 40, "polar": 65, "rotation": 0}``, alone or in text.
        truth: ``azimuth``, ``polar``, ``rotation`` in degrees and their uncertainties ``"u": {...}``.
        layout, format_weight, parity: see the options.

    Raises:
        ValueError: malformed truth.
    """
    return _judge(response, truth, ANGLES, layout, format_weight, parity)
