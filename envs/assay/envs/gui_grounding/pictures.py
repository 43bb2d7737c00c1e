"""From a reference to a screenshot: ``file:PATH``, or ``SOURCE:...``, which the source of that name renders."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from assay.envs.caching import made_once
from assay.envs.errors import InfraError
from assay.envs.tasks import Task

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

_KEPT = 16
"""Screenshots kept in memory: the rollouts of a group ask for the same one."""


@made_once(maxsize=_KEPT)
def shown_screenshot(ref: str, size: tuple[int, int]) -> Picture:
    """The screenshot of ``ref`` resized to ``size`` (bicubic, as processors do). Not to be changed.

    Raises:
        InfraError: one line, if it cannot be had.
    """
    from PIL import Image

    picture = open_screenshot(ref)
    return picture if picture.size == size else picture.resize(size, Image.Resampling.BICUBIC)


def open_screenshot(ref: str) -> Picture:
    """The RGB screenshot of ``ref`` in its own size. Not to be changed.

    Raises:
        InfraError: one line, if it cannot be had.
    """
    scheme, _, rest = ref.partition(":")
    if scheme != "file":
        module = import_module(f"assay.envs.gui_grounding.sources.{scheme.replace('-', '_')}")
        rendered: Picture = module.screenshot(rest)
        return rendered
    from PIL import Image

    try:
        with Image.open(Path(rest)) as file:
            return file.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InfraError(f"cannot read the image {rest}: {str(error).splitlines()[0]}") from None


def image_size(path: Path, where: str, name: str = "image") -> tuple[int, int]:
    """Width and height of an image file, from its header; that a PNG is whole is checked too.

    Args:
        path: the file.
        where: what an error begins with.
        name: the field that names it.

    Raises:
        ValueError: one line that names the field and the file.
    """
    from PIL import Image

    problem = f"{where}: field {name!r}: "
    if not path.is_file():
        raise ValueError(f"{problem}no such image: {path}")
    try:
        with Image.open(path) as file:
            size, kind = file.size, file.format
        with path.open("rb") as data:
            data.seek(max(0, path.stat().st_size - 64))
            whole = kind != "PNG" or b"IEND" in data.read()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{problem}cannot read the image {path}: {str(error).splitlines()[0]}") from None
    if not whole:
        raise ValueError(f"{problem}the image {path} is cut off")
    return size


def within(folder: Path, name: str, where: str, field: str = "image") -> Path:
    """The file ``name`` below ``folder``.

    Raises:
        ValueError: one line, if it is somewhere else.
    """
    path = folder / name
    if Path(name).is_absolute() or not path.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{where}: field {field!r}: {name} is outside of {folder}")
    return path


def references(task: Task) -> list[str]:
    """The references of a task's images."""
    parts = [part for message in task.prompt if isinstance(message["content"], list) for part in message["content"]]
    return [part["image"] for part in parts if part["type"] == "image"]
