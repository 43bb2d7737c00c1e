"""From a published record to what our verifier compares with, by the record's ``metricfunc``."""

from __future__ import annotations

import base64
import binascii
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from assay.envs.spatial_tree.bench_words import slots_in
from assay.envs.video_keyframes.benchmarks import text_of
from assay.verifiers.spatial.poses import ROTATION_STEP, TRANSLATION_STEP

Row = Mapping[str, Any]
MOST_PIXELS = 1 << 24
"""A larger mask is refused."""
_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Asked(NamedTuple):
    """What a record asks for.

    Attributes:
        metric: the verifier, without ``spatial.``.
        truth: what it compares with.
        ask: how to answer.
        options: texts without letters, in order; empty for an open question.
    """

    metric: str
    truth: dict[str, Any]
    ask: str
    options: tuple[str, ...] = ()


def asked(row: Row, metricfunc: str, hint: Mapping[str, Any], where: str) -> Asked:
    """What a record asks for.

    Args:
        row: the record.
        metricfunc: of its ``extra_info``.
        hint: its ``hint``, decoded.
        where: what an error begins with.

    Raises:
        ValueError: one line that begins with ``where`` and names the field.
    """
    if metricfunc == "multichoiceeval" and row.get("question_type") == "open":
        metricfunc = "meanrelativeacc"
    if metricfunc not in _READERS:
        known = ", ".join(_READERS)
        raise ValueError(f"{where}: field 'extra_info': there is no metricfunc {metricfunc[:40]!r}; there are: {known}")
    return _READERS[metricfunc](row, hint, where)


def object_of(value: Any, field: str, where: str) -> dict[str, Any]:
    """A field that is a JSON object, as text or decoded; empty text is an empty one.

    Raises:
        ValueError: one line that names the field.
    """
    if value is None or value == "":
        return {}
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise ValueError(f"{where}: field {field!r} is not JSON") from None
    if not isinstance(value, dict):
        raise ValueError(f"{where}: field {field!r} is a JSON object, got {type(value).__name__}")
    return value


def options_of(row: Row, where: str) -> tuple[list[str], list[str]]:
    """The options as the record has them, and without the letters that it puts in front.

    Raises:
        ValueError: one line; fewer than two, more than 26, or letters in another order.
    """
    given = row.get("option")
    if not isinstance(given, list | tuple) or not all(isinstance(each, str) and each.strip() for each in given):
        raise ValueError(f"{where}: field 'option' is a list of texts, got {str(given)[:60]!r}")
    if not 2 <= len(given) <= len(_UPPER):
        raise ValueError(f"{where}: field 'option' has {len(given)} options, not 2 to {len(_UPPER)}")
    plain = []
    for letter, option in zip(_UPPER, given, strict=False):
        mark = re.match(r"\s*\(?([A-Z])[.):]\s*", option)
        if mark and mark.group(1) != letter:
            raise ValueError(f"{where}: field 'option': option {letter} is marked {mark.group(1)}")
        plain.append((option[mark.end() :] if mark else option).strip() or option.strip())
    return [each.strip() for each in given], plain


def _choice(row: Row, hint: Mapping[str, Any], where: str) -> Asked:
    marked, plain = options_of(row, where)
    answer, letters = text_of(row, "answer", where).rstrip("."), _UPPER[: len(plain)]
    if len(answer) != 1 or answer not in letters:
        raise ValueError(f"{where}: field 'answer' is one of {', '.join(letters)}, got {answer[:20]!r}")
    ask = "Answer with the letter of the right option only."
    return Asked("mcq", {"answer": answer, "choices": marked}, ask, tuple(plain))


def _number(row: Row, hint: Mapping[str, Any], where: str) -> Asked:
    answer = text_of(row, "answer", where)
    try:
        finite = abs(float(answer)) < 1e6
    except ValueError:
        finite = False
    if not finite:
        raise ValueError(f"{where}: field 'answer' is a number, got {answer[:20]!r}")
    return Asked("mra", {"answer": answer}, "Answer with one number only.")


def _angles(row: Row, hint: Mapping[str, Any], where: str) -> Asked:
    said = object_of(row.get("answer"), "answer", where)
    metric, keys = ("angles", ("azimuth", "polar", "rotation")) if "azimuth" in said else ("gravity", _GRAVITY)
    for key in keys:
        if key not in said:
            raise ValueError(f"{where}: field 'answer' has no {key!r}")
        if f"{key}_unc" not in hint:
            raise ValueError(f"{where}: field 'hint' has no '{key}_unc'")
    truth = {key: said[key] for key in keys} | {"u": {key: hint[f"{key}_unc"] for key in keys}}
    form = ", ".join(f'"{key}": degrees' for key in keys)
    return Asked(metric, truth, f"Answer with one JSON object only: {{{form}}}.")


_GRAVITY = ("roll", "pitch", "vfov")


def _yesno(row: Row, hint: Mapping[str, Any], where: str) -> Asked:
    answer = text_of(row, "answer", where).lower().rstrip(".")
    if answer not in ("yes", "no"):
        raise ValueError(f"{where}: field 'answer' is yes or no, got {answer[:20]!r}")
    return Asked("yesno", {"answer": answer}, "Answer with yes or no only.")


def _map(row: Row, hint: Mapping[str, Any], where: str) -> Asked:
    base = _choice(row, hint, where) if row.get("option") else _bare_choice(row, where)
    drawn = object_of(hint.get("cogmap"), "hint", where)
    if not drawn:
        raise ValueError(f"{where}: field 'hint' has no cogmap with objects")
    ask = (
        'Draw the map as one JSON object, {"chair": {"position": [x, y], "facing": "up"}, ...}, on a grid of 10 by 10, '
        "x to the right and y downwards, with up, down, left or right for what faces somewhere. Then give the letter "
        "of the right option."
    )
    return base._replace(metric="cogmap", truth={**base.truth, "map": drawn}, ask=ask)


def _bare_choice(row: Row, where: str) -> Asked:
    """A question that has its options in its text: as many letters as it takes."""
    answer = text_of(row, "answer", where).rstrip(".")
    if len(answer) != 1 or answer not in _UPPER:
        raise ValueError(f"{where}: field 'answer' is a letter, got {answer[:20]!r}")
    count = max(4, _UPPER.index(answer) + 1)
    return Asked("mcq", {"answer": answer, "choices": [f"option {letter}" for letter in _UPPER[:count]]}, "")


def _mask(row: Row, hint: Mapping[str, Any], where: str) -> Asked:
    from PIL import Image

    packed = text_of(row, "answer", where).rpartition("base64,")[2]
    try:
        with Image.open(io.BytesIO(base64.b64decode(packed, validate=True))) as image:
            if image.width * image.height > MOST_PIXELS:
                raise ValueError(f"{image.width} x {image.height} pixels are too many")
            pixels = np.asarray(image.convert("L"))
    except (OSError, ValueError, SyntaxError, binascii.Error, Image.DecompressionBombError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"{where}: field 'answer' is no picture in base64 ({reason[:80]})") from None
    height, width = pixels.shape
    mask = {"width": width, "height": height, "rows": [_runs(row_) for row_ in pixels]}
    ask = "Answer with the point only, [x, y]: shares of the picture's width and height, from its top left corner."
    return Asked("affmask", {"mask": mask}, ask)


def _runs(values: Any) -> list[list[int]]:
    """A row of a mask as pairs of a length and a value, without the zeros at its end."""
    starts = np.flatnonzero(np.r_[True, values[1:] != values[:-1]])
    lengths = np.diff(np.r_[starts, len(values)])
    runs = [[int(n), int(values[at])] for at, n in zip(starts, lengths, strict=True)]
    return runs[:-1] if runs[-1][1] == 0 else runs


def _description(row: Row, hint: Mapping[str, Any], where: str) -> Asked:
    answer = text_of(row, "answer", where)
    right, wrong = slots_in(answer)
    if not right:
        raise ValueError(f"{where}: field 'answer' describes nothing, got {answer[:40]!r}")
    return Asked("caption", {"keywords": right, "wrong": wrong, "reference": answer}, "Answer in one or two sentences.")


def _poses(metric: str) -> Callable[[Row, Mapping[str, Any], str], Asked]:
    def read(row: Row, hint: Mapping[str, Any], where: str) -> Asked:
        poses = hint.get("optimal_rel_pose")
        segments = sorted((key for key in hint if re.fullmatch(r"\d{1,6}->\d{1,6}", key)), key=_first)
        if not isinstance(poses, list) or len(poses) < 2:
            raise ValueError(f"{where}: field 'hint' has no optimal_rel_pose of two poses or more")
        if not segments or not all(isinstance(hint[key], dict) for key in segments):
            raise ValueError(f"{where}: field 'hint' has no segments such as '0->1'")
        moves = [hint[key].get("translation_step_size", TRANSLATION_STEP) for key in segments]
        turns = [hint[key].get("rotation_step_size", np.deg2rad(ROTATION_STEP).item()) for key in segments]
        return Asked(metric, {"poses": poses, **_steps(metric, moves, turns), "unit": "radians"}, _ACT[metric])

    return read


def _steps(metric: str, moves: Sequence[Any], turns: Sequence[Any]) -> dict[str, Any]:
    if metric == "agentic_nav":
        return {"translation_step": moves[-1], "rotation_step": turns[-1]}
    return {"translation_step": list(moves), "rotation_step": list(turns)}


def _first(key: str) -> int:
    return int(key.partition("->")[0])


_ACT = {
    "agentic_nav": 'Answer with one JSON object only: {"actions": [...], "step_nums": [...]}; step_nums are 0 to 10.',
    "manipulate": (
        'Answer with one JSON object only: {"step_1": {"actions": [...], "step_nums": [...]}, "step_2": ...}; '
        "step_nums are 0 to 10."
    ),
}
_READERS: Mapping[str, Callable[[Row, Mapping[str, Any], str], Asked]] = {
    "multichoiceeval": _choice,
    "meanrelativeacc": _number,
    "gravityeval": _angles,
    "judge": _yesno,
    "cogmapeval": _map,
    "affmask": _mask,
    "gpteval": _description,
    "agenticnaveval": _poses("agentic_nav"),
    "manipulateeval": _poses("manipulate"),
}
