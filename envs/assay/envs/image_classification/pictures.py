"""From a reference to a picture: ``shapes:SEED:VARIANT:CLASS``, ``digits:INDEX``, ``idx:INDEX:FILE``,
``cell:COLUMN:ROW:FILE``, ``hub:...``, or the path of a file.

References may name the class, so they stay in the task; an observation holds the picture alone.
"""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.envs.caching import made_once
from assay.envs.errors import InfraError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

_KEPT = 64
"""Resized pictures kept in memory: the rollouts of a group ask for the same one."""


@made_once(maxsize=_KEPT)
def open_picture(ref: str, size: int) -> Picture:
    """The RGB picture of ``ref``, ``size`` x ``size`` pixels by Lanczos (0 keeps its size). Not to be changed.

    Raises:
        InfraError: one line, if it cannot be read.
    """
    from PIL import Image

    try:
        picture = _load(ref)
        if picture.mode != "RGB":
            picture = _flatten(picture)
        if size and picture.size != (size, size):
            picture = picture.resize((size, size), Image.Resampling.LANCZOS)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InfraError(f"cannot read the image {ref}: {str(error).splitlines()[0]}") from None
    picture.load()
    return picture


def check_image(file: Path | io.BytesIO) -> None:
    """Look at an image's header.

    Raises:
        OSError, ValueError, SyntaxError: it is no image, or one of more pixels than Pillow will open.
    """
    from PIL import Image

    try:
        with Image.open(file):
            pass
    except Image.DecompressionBombError as error:
        raise ValueError(str(error)) from None


def _load(ref: str) -> Picture:
    from PIL import Image

    scheme, _, rest = ref.partition(":")
    if scheme == "shapes":
        from assay.envs.image_classification.shapes import draw

        seed, variant, label = rest.split(":", 2)
        return draw(int(seed), label, int(variant))
    if scheme == "digits":
        return Image.fromarray(digit_arrays()[0][int(rest)])
    if scheme == "idx":
        from assay.envs.image_classification.idx import read_images

        index, name = rest.split(":", 1)
        return Image.fromarray(read_images(name)[int(index)])
    if scheme == "cell":
        from assay.envs.image_classification.rows import cells

        column, row, name = rest.split(":", 2)
        return Image.open(io.BytesIO(cells(name, column)[int(row)]))
    if scheme == "hub":
        config, split, column, index, name = rest.split(":", 4)
        image: Picture = hub_splits(name, config)[split][int(index)][column]
        return image
    return Image.open(Path(ref))


def _flatten(picture: Picture) -> Picture:
    """RGB; what is transparent becomes white."""
    from PIL import Image

    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        ground = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        return Image.alpha_composite(ground, picture).convert("RGB")
    return picture.convert("RGB")


@lru_cache(maxsize=1)
def digit_arrays() -> tuple[Any, Any]:
    """Scikit-learn's digits: uint8 [1797, 8, 8] (0 black, 255 white) and int64 [1797].

    Raises:
        ImportError: if scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise ImportError("the digits source needs scikit-learn: pip install 'assay[data]'") from None
    data = load_digits()
    return (data.images * (255 / 16)).round().astype("uint8"), data.target


@lru_cache(maxsize=4)
def hub_splits(name: str, config: str) -> Any:
    """A loaded dataset repository or folder, by split.

    Raises:
        ImportError: if ``datasets`` is not installed.
        ValueError: one line, if it cannot be loaded.
    """
    from assay.envs.tables import load_hub

    return load_hub(name, config)
