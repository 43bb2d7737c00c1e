"""Gymnasium spaces of language tasks: any text, a conversation, a list of images."""

from __future__ import annotations

import string
from typing import Any

import numpy as np
from gymnasium import spaces

from assay.envs.tasks import Message

_ROLES = frozenset({"system", "user", "assistant", "tool"})
_LONGEST_SAMPLE = 64


class Text(spaces.Text):
    """Any unicode string of at most ``max_length`` characters, the empty one included.

    Gymnasium's own ``Text`` holds 62 alphanumeric characters by default, so a space or a brace is outside of it.
    ``sample`` draws up to 64 printable ASCII characters.
    """

    def __init__(self, max_length: int = 1 << 20, *, seed: int | np.random.Generator | None = None) -> None:
        super().__init__(max_length, min_length=0, charset=string.printable, seed=seed)

    def contains(self, x: Any) -> bool:
        """Whether ``x`` is a string short enough."""
        return isinstance(x, str) and len(x) <= self.max_length

    def sample(self, mask: Any = None, probability: Any = None) -> str:
        """Up to 64 printable characters (a mask or probability of the parent class is honoured)."""
        if mask is None and probability is None:
            mask = (int(self.np_random.integers(0, min(self.max_length, _LONGEST_SAMPLE) + 1)), None)
        return super().sample(mask, probability)

    def __repr__(self) -> str:
        return f"Text({self.max_length})"


class Messages(spaces.Space[list[Message]]):
    """A conversation: a list of chat messages (see :data:`assay.envs.tasks.Message`)."""

    def __init__(self, seed: int | np.random.Generator | None = None) -> None:
        super().__init__(None, None, seed)

    @property
    def is_np_flattenable(self) -> bool:
        """False: a conversation has no fixed size."""
        return False

    def contains(self, x: Any) -> bool:
        """Whether ``x`` is a list of messages with a known role and textual or multi-part content."""
        return isinstance(x, list) and all(_is_message(message) for message in x)

    def sample(self, mask: Any = None, probability: Any = None) -> list[Message]:
        """One user message of printable characters."""
        letters = self.np_random.choice(list(string.printable), size=int(self.np_random.integers(0, _LONGEST_SAMPLE)))
        return [{"role": "user", "content": "".join(letters)}]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Messages)

    def __hash__(self) -> int:
        return hash(Messages)

    def __repr__(self) -> str:
        return "Messages()"


class Images(spaces.Space[list[Any]]):
    """A list of ``PIL.Image`` images, in the order of their placeholders in the messages."""

    def __init__(self, seed: int | np.random.Generator | None = None) -> None:
        super().__init__(None, None, seed)

    @property
    def is_np_flattenable(self) -> bool:
        """False: images differ in number and size."""
        return False

    def contains(self, x: Any) -> bool:
        """Whether ``x`` is a list of PIL images."""
        from PIL import Image

        return isinstance(x, list) and all(isinstance(image, Image.Image) for image in x)

    def sample(self, mask: Any = None, probability: Any = None) -> list[Any]:
        """One 8 x 8 RGB image of noise."""
        from PIL import Image

        return [Image.fromarray(self.np_random.integers(0, 256, (8, 8, 3), dtype=np.uint8))]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Images)

    def __hash__(self) -> int:
        return hash(Images)

    def __repr__(self) -> str:
        return "Images()"


def _is_message(message: Any) -> bool:
    if not isinstance(message, dict) or message.get("role") not in _ROLES:
        return False
    content = message.get("content")
    if isinstance(content, str):
        return True
    return isinstance(content, list) and all(isinstance(part, dict) and "type" in part for part in content)
