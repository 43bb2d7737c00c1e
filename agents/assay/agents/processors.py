"""Processors of vision-language models; where torchvision is missing, our own in place of those that insist on it.

The processors of Qwen2-VL, Qwen2.5-VL, Qwen3-VL and SmolVLM each want a processor for videos, and those need
torchvision. For images, a tokenizer and an image processor are enough: :class:`ImageProcessor` is the two together and
gives the same tokens and tensors.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.util import find_spec
from math import prod
from pathlib import Path
from typing import Any

QWEN = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl")
SMOLVLM = "smolvlm"
_BESIDE = ("processor_config.json", "video_preprocessor_config.json", "chat_template.json")


def load_processor(source: str, model_type: str, *, local: bool) -> Any:
    """The processor of a model folder or hub id: the stock one where it works, else :class:`ImageProcessor`.

    Args:
        source: folder or hub id.
        model_type: of its configuration.
        local: look at files on this machine only.

    Raises:
        OSError, ValueError, ImportError: as transformers does.
    """
    from transformers import AutoImageProcessor, AutoProcessor, AutoTokenizer

    if model_type not in (*QWEN, SMOLVLM) or _complete(model_type):
        return AutoProcessor.from_pretrained(source, local_files_only=local)
    tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=local)
    pixels = AutoImageProcessor.from_pretrained(source, local_files_only=local)
    beside = {name: text for name in _BESIDE if (text := _file(source, name, local)) is not None}
    return ImageProcessor(pixels, tokenizer, model_type, beside)


def _complete(model_type: str) -> bool:
    wanted = ("torchvision", "num2words") if model_type == SMOLVLM else ("torchvision",)
    return all(find_spec(name) is not None for name in wanted)


def _file(source: str, name: str, local: bool) -> str | None:
    from transformers.utils import cached_file

    found = cached_file(
        source, name, local_files_only=local, _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False, _raise_exceptions_for_gated_repo=False,
    )  # fmt: skip
    return None if found is None else Path(found).read_text(encoding="utf-8")


class ImageProcessor:
    """A tokenizer and an image processor, without videos.

    Args:
        image_processor: gives ``pixel_values``, and ``image_grid_thw`` (Qwen) or rows and columns (SmolVLM).
        tokenizer: has the placeholder as one token.
        model_type: one of :data:`QWEN`, or :data:`SMOLVLM`.
        beside: further files of the model's folder by name, kept so that the stock processor can read what is saved.

    Raises:
        ValueError: if the tokenizer has no placeholder for images.
    """

    def __init__(
        self, image_processor: Any, tokenizer: Any, model_type: str, beside: dict[str, str] | None = None
    ) -> None:
        self.image_processor = image_processor
        self.tokenizer = tokenizer
        self.model_type = model_type
        self.beside = dict(beside or {})
        self.image_token = "<|image_pad|>" if model_type in QWEN else "<image>"
        self.image_token_id = tokenizer.convert_tokens_to_ids(self.image_token)
        if self.image_token_id is None or self.image_token_id == tokenizer.unk_token_id:
            raise ValueError(f"the tokenizer has no {self.image_token} token: the model folder is incomplete")
        settings = json.loads(self.beside.get("processor_config.json", "{}"))
        self.image_seq_len = int(settings.get("image_seq_len") or 169) if model_type == SMOLVLM else 0
        template = json.loads(self.beside.get("chat_template.json", "{}")).get("chat_template")
        self.chat_template = tokenizer.chat_template or template or settings.get("chat_template")

    def apply_chat_template(self, messages: Any, **options: Any) -> Any:
        """As the tokenizer's, with the processor's template."""
        return self.tokenizer.apply_chat_template(messages, chat_template=self.chat_template, **options)

    def __call__(self, text: Sequence[str], images: Sequence[Sequence[Any]], **options: Any) -> dict[str, Any]:
        """Token ids of texts, each placeholder expanded to the tokens of its image, and the tensors of the images.

        Args:
            text: as many texts
            images: as lists of images, one image for each placeholder.
            options: of the tokenizer.

        Raises:
            ValueError: if a text has not one placeholder an image.
        """
        ids: list[list[int]] = []
        tensors: dict[str, Any] = {}
        for one, seen in zip(text, images, strict=True):
            pieces = one.split(self.image_token)
            if len(pieces) - 1 != len(seen):
                raise ValueError(f"a text with {len(pieces) - 1} image placeholders came with {len(seen)} images")
            tensors = self._pixels(seen) if seen else {}
            marks = self._marks(tensors, len(seen))
            whole = "".join(piece + mark for piece, mark in zip(pieces, [*marks, ""], strict=True))
            ids.append(list(self.tokenizer(whole, **options)["input_ids"]))
        return {"input_ids": ids, **(tensors if len(ids) == 1 else {})}

    def _pixels(self, images: Sequence[Any]) -> dict[str, Any]:
        rows = {"return_row_col_info": True} if self.model_type == SMOLVLM else {}
        return dict(self.image_processor([list(images)], return_tensors="pt", **rows))

    def _marks(self, tensors: dict[str, Any], count: int) -> list[str]:
        if not count:
            return []
        if self.model_type in QWEN:
            merged = self.image_processor.merge_size**2
            return [self.image_token * (prod(grid) // merged) for grid in tensors["image_grid_thw"].tolist()]
        from transformers.models.smolvlm.processing_smolvlm import get_image_prompt_string

        inner = self.tokenizer
        around = getattr(inner, "fake_image_token", "<fake_token_around_image>")
        whole = getattr(inner, "global_image_token", "<global-img>")
        return [
            str(get_image_prompt_string(rows, columns, self.image_seq_len, around, self.image_token, whole))
            for rows, columns in zip(tensors["rows"][0], tensors["cols"][0], strict=True)
        ]

    def save_pretrained(self, folder: str | Path) -> None:
        """Write what :func:`load_processor`, and the stock processor where it works, read again."""
        where = Path(folder)
        where.mkdir(parents=True, exist_ok=True)
        self.tokenizer.save_pretrained(where)
        self.image_processor.save_pretrained(where)
        for name, text in self.beside.items():
            (where / name).write_text(text, encoding="utf-8")
