"""UI-Vision, element grounding (arXiv:2503.15661): boxes x1, y1, x2, y2 in pixels, corners in any order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from assay.envs.gui_grounding.benchmarks import Images, annotated, benchmark_tasks, box_of, files_in, folder_of, rows_of
from assay.envs.gui_grounding.options import Options
from assay.envs.gui_grounding.records import Record, numbers, text
from assay.envs.tasks import TaskSet

REPO = "ServiceNow/ui-vision"
SETTINGS = ("basic", "functional", "spatial")
CATEGORIES: dict[str, str] = {
    "education": "anki, zotero, grassgis, calibre, audacity, qgis, openboard, mendeley",
    "browsers": "brave, chromium, mozilla firefox, duckduckgo",
    "development": (
        "vscode, atom, freecad, eclipse, netbeans, pycharm, intellij idea, brackets, geany, bluefish, kdevelop, "
        "komodo edit, code::blocks, qt creator, arduino ide, spyder, ubuntu terminal, conky, bash, gedit"
    ),
    "productivity": (
        "libreoffice calc, libreoffice draw, libreoffice impress, libreoffice writer, draw.io, joplin, openproject, "
        "affine, zulip, pdfedit, onlyoffice calendar, onlyoffice document editor, onlyoffice forms, "
        "onlyoffice pdf forms, onlyoffice presentation, onlyoffice spreadsheet, nextcloud, gnumeric, simplenote, "
        "cryptomator, wekan, 7-zip, gnucash, bitwarden, metabase, jitsi, flameshot, nemo"
    ),
    "creativity": (
        "blender, gimp, inkscape, krita, darktable, fontforge, musescore, scribus, openshot, obs studio, lightworks, "
        "shotcut, natron, opentoonz, wordpress"
    ),
    "entertainment": "vlc media player, kodi, element, signal, mastodon, lemmy, matrix, emby",
}
"""Applications by category, in lower case."""


def tasks(options: Options, split: str) -> TaskSet:
    """The tasks of the folder ``options.path``, or of the hub.

    Raises:
        ValueError: one line that names the file and the field.
    """
    folder = folder_of(options, REPO, ("annotations/element_grounding/*.json", "images/**"))
    return benchmark_tasks(options, split, _records(folder))


def _records(folder: Path) -> Iterator[tuple[Record, str]]:
    images = Images(folder, ("images",))
    category = {app: name for name, apps in CATEGORIES.items() for app in apps.split(", ")}
    for file in files_in(folder, ("annotations/element_grounding/*.json",)):
        setting = file.stem.rpartition("_")[2]
        if setting not in SETTINGS:
            raise ValueError(f"{file}: the name ends with none of {', '.join(SETTINGS)}")
        for where, row in rows_of(file):
            ref, size = images.find(text(row, "image_path", where, filled=True), where, "image_path")
            box = box_of(_in_order(row, where), "bbox", "xyxy", size, where)
            app = text(row, "platform", where)
            groups = {"setting": setting, "category": category.get(app.lower(), "other")}
            instruction = text(row, "prompt_to_evaluate", where, filled=True)
            yield annotated("ui-vision", where, ref, size, instruction, box, app, **groups), ref


def _in_order(row: dict[str, Any], where: str) -> dict[str, Any]:
    """The official scorer swaps corners that are the wrong way round."""
    x1, y1, x2, y2 = numbers(row, "bbox", 4, where)
    return {"bbox": [min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)]}
