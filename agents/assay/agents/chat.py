"""Chat templates as token arithmetic: the context of the next turn is the exact tokens so far and the new messages.

Text that the policy sampled is never tokenised again while the template keeps history as it was. What follows an
assistant turn (its closing tokens, the new messages, the next generation prompt) is read off a rendering of a stand-in
conversation: everything after a marker that stands for the assistant's words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from assay.agents.policy import Completion
from assay.envs.tasks import Message

if TYPE_CHECKING:
    from assay.agents.transcript import Transcript

_MARKER = "assayturnendsrighthere"
_REMEMBERED = 256


class Chat:
    """Renders conversations for one tokenizer (or, for a vision-language model, one processor).

    Args:
        tokenizer: a transformers tokenizer or processor with a chat template.
        options: variables of the template, such as ``{"enable_thinking": False}`` for Qwen3.

    Raises:
        ValueError: if it has no chat template.
    """

    def __init__(self, tokenizer: Any, options: Mapping[str, Any] | None = None) -> None:
        self.tokenizer = getattr(tokenizer, "tokenizer", tokenizer)
        self.processor = tokenizer if tokenizer is not self.tokenizer else None
        self.options = dict(options or {})
        self._encoded: dict[tuple[str, tuple[tuple[int, int], ...]], tuple[int, ...]] = {}
        self._marks = _placeholders(self.processor)
        if not getattr(tokenizer, "chat_template", None) and not self.tokenizer.chat_template:
            raise ValueError("the model has no chat template: use an instruct model, or set tokenizer.chat_template")

    def open(self, messages: Sequence[Message]) -> tuple[int, ...]:
        """Token ids of a conversation up to and with the generation prompt."""
        return self.encode(self.render(messages), images_of(messages))

    def extend(self, completion: Completion, messages: Sequence[Message]) -> tuple[int, ...]:
        """What to append after a completion's ids so that the policy can speak again.

        The closing tokens of the assistant turn as far as the sampler did not emit them itself, the new messages, and
        the generation prompt. A completion that ended with another end token than the template's still gets closed.
        """
        ids = self.encode(self.after_turn(messages), images_of(messages))
        most = min(len(completion.ids), len(self.closing))
        done = next((n for n in range(most, 0, -1) if completion.ids[-n:] == self.closing[:n]), 0)
        return ids[done:]

    def check_images(self, ids: Sequence[int], images: Sequence[Any]) -> None:
        """Refuse tokens whose image placeholders are not as many as their images make features.

        Raises:
            ValueError: naming both counts.
        """
        if self.processor is None or (not images and not self._marks):
            return
        from assay.agents.engines.pictures import check_count, pictures_of

        pictures = pictures_of(self.processor) if images else None
        holder = self.tokenizer.convert_tokens_to_ids(self._marks[0]) if self._marks else -1
        check_count(ids, holder, [pictures(image) for image in images] if pictures is not None else [])

    def answer(self, text: str) -> tuple[int, ...]:
        """Token ids of an assistant turn that says ``text``, end token included: the target of supervised tuning."""
        return (*self.encode(text), *self.closing[:1])

    def transcript(self, *, keep_history: bool = False) -> Transcript:
        """An empty :class:`~assay.agents.transcript.Transcript` of this chat."""
        from assay.agents.transcript import Transcript

        return Transcript(self, keep_history=keep_history)

    def append_only(self, messages: Sequence[Message]) -> bool:
        """Whether the template shows the past, up to the last assistant turn, as it stood when that turn was taken.

        False where it rewrites history (Qwen3 drops the thoughts of turns before the last question). White space around
        a turn does not count: some templates strip it, and the tokens that the policy saw stay the better record.

        Raises:
            ValueError: if no assistant turn is followed by another message.
        """
        turns = [i for i, message in enumerate(messages[:-1]) if message["role"] == "assistant"]
        if not turns:
            raise ValueError("append_only needs a conversation with an assistant turn before its last message")
        past, said, new = messages[: turns[-1]], messages[turns[-1]], messages[turns[-1] + 1 :]
        kept = self.render(past) + text_of(said) + self.after_turn(new)
        return _squeezed(kept) == _squeezed(self.render(messages))

    def render(self, messages: Sequence[Message], *, generation: bool = True) -> str:
        """The template's text, with the generation prompt unless told otherwise.

        Raises:
            ValueError: if the template refuses the messages, or an image meets a model that reads none.
        """
        from jinja2 import TemplateError

        source = self.processor or self.tokenizer
        shaped = [self._shape(message) for message in messages]
        try:
            text = source.apply_chat_template(shaped, add_generation_prompt=generation, tokenize=False, **self.options)
        except (TemplateError, TypeError) as error:
            roles = ", ".join(str(message.get("role")) for message in messages)
            raise ValueError(f"the chat template refuses messages of roles {roles}: {error}") from None
        return str(text)

    def after_turn(self, messages: Sequence[Message]) -> str:
        """The text from the end of an assistant turn to the end of the next generation prompt."""
        stand_in = [{"role": "user", "content": "-"}, {"role": "assistant", "content": _MARKER}]
        return self.render([*stand_in, *messages]).split(_MARKER, 1)[1]

    def encode(self, text: str, images: Sequence[Any] = ()) -> tuple[int, ...]:
        """Token ids of rendered text, each image placeholder expanded to the tokens of its image.

        How many those are depends on the image's size, not on what it shows.
        """
        pictures = [load_image(image) for image in images] if self.processor is not None else []
        key = (text, tuple(picture.size for picture in pictures))
        ids = self._encoded.get(key)
        if ids is None:  # a group's rollouts open alike, one after another: encode that once
            if pictures and self.processor is not None:
                ids = tuple(self.processor(text=[text], images=[pictures], add_special_tokens=False)["input_ids"][0])
            else:
                ids = tuple(self.tokenizer(text, add_special_tokens=False)["input_ids"])
            if len(self._encoded) >= _REMEMBERED:
                self._encoded.clear()
            self._encoded[key] = ids
        return ids

    @cached_property
    def closing(self) -> tuple[int, ...]:
        """The tokens that end an assistant turn, such as ``<|im_end|>`` and a newline."""
        stand_in = [{"role": "user", "content": "-"}, {"role": "assistant", "content": _MARKER}]
        return self.encode(self.render(stand_in, generation=False).split(_MARKER, 1)[1])

    def _shape(self, message: Message) -> Message:
        content = message["content"]
        if self.processor is not None:
            parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
            return {**message, "content": [self._part(part) for part in parts]}
        if not isinstance(content, str) and any(part["type"] != "text" for part in content):
            raise ValueError(
                "the task has images but the model reads text only: choose a vision-language model "
                "(--model; tiny-vlm is one to try things out with)"
            )
        return {**message, "content": text_of(message)}

    def _part(self, part: Any) -> Any:
        """A part as the template wants it: images without what they show, text that stands for no image."""
        if part["type"] == "image":
            return {"type": "image"}
        text = part["text"]
        for mark in self._marks:
            text = text.replace(mark, f"{mark[0]} {mark[1:]}")
        return {**part, "text": text}


def _placeholders(processor: Any) -> tuple[str, ...]:
    """What a processor takes for images: the placeholder first, then what stands around it."""
    names = (
        "image_token",
        "video_token",
        "fake_image_token",
        "global_image_tag",
        "vision_start_token",
        "vision_end_token",
    )
    found = [getattr(processor, name, None) for name in names]
    return tuple(dict.fromkeys(mark for mark in map(str, filter(None, found)) if len(mark) > 1))


def text_of(message: Message) -> str:
    """The text of a message, its text parts joined."""
    content = message["content"]
    if isinstance(content, str):
        return content
    return "".join(part["text"] for part in content if part["type"] == "text")


def images_of(messages: Sequence[Message]) -> tuple[Any, ...]:
    """The images of messages, in order: paths or ``PIL.Image``."""
    parts = [part for message in messages if not isinstance(message["content"], str) for part in message["content"]]
    return tuple(part["image"] for part in parts if part["type"] == "image")


def with_images(messages: Sequence[Message], images: Sequence[Any]) -> list[Message]:
    """Messages whose empty image parts hold ``images``, in order.

    Raises:
        ValueError: if there are not as many images as empty parts.
    """
    left, filled = list(images), []
    for message in messages:
        content = message["content"]
        if not isinstance(content, str):
            parts = []
            for part in content:
                if part["type"] == "image" and "image" not in part:
                    if not left:
                        raise ValueError(f"the messages have more image parts than the {len(images)} images")
                    part = {**part, "image": left.pop(0)}
                parts.append(part)
            message = {**message, "content": parts}
        filled.append(message)
    if left:
        raise ValueError(f"{len(left)} of {len(images)} images have no part in the messages")
    return filled


def image_key(image: Any) -> Any:
    """Equal for equal images: a path, or what a ``PIL.Image`` holds. Environments hand out copies, so ``id`` is not."""
    from hashlib import blake2b

    if not hasattr(image, "tobytes"):
        return str(image)
    return (image.size, image.mode, blake2b(image.tobytes(), digest_size=16).digest())


def load_image(image: Any) -> Any:
    """A ``PIL.Image`` in RGB, read from disk when given a path.

    Raises:
        ValueError: if the file is not an image.
    """
    from PIL import Image, UnidentifiedImageError

    if isinstance(image, Image.Image):
        return image if image.mode == "RGB" else image.convert("RGB")
    try:
        with Image.open(image) as opened:
            return opened.convert("RGB")
    except (OSError, UnidentifiedImageError) as error:
        raise ValueError(f"cannot read the image {image}: {error}") from None


def _squeezed(text: str) -> str:
    return "".join(text.split())
