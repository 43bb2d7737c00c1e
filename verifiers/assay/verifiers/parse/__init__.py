"""Reading an answer out of free text; every function is linear in the length of the text and never raises on a str."""

from assay.verifiers.parse.boxed import boxes, last_box
from assay.verifiers.parse.choices import choice, last_number, numbers, only_number
from assay.verifiers.parse.fences import Fence, fences
from assay.verifiers.parse.fold import fold, nfc, quote, squeeze
from assay.verifiers.parse.objects import json_objects, last_json
from assay.verifiers.parse.tags import after_think, block, blocks, count_tags, last_block

__all__ = [
    "Fence",
    "after_think",
    "block",
    "blocks",
    "boxes",
    "choice",
    "count_tags",
    "fences",
    "fold",
    "json_objects",
    "last_block",
    "last_box",
    "last_json",
    "last_number",
    "nfc",
    "numbers",
    "only_number",
    "quote",
    "squeeze",
]
