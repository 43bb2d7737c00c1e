"""How an image is asked about: the image, a question, the closed list, and the form of the answer (CLS-RL)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assay.envs.answers import ThinkMode, request
from assay.envs.tasks import Message

TEMPLATE = "{question}\nChoose one from this list: [{labels}]\n{request}"
OPEN_TEMPLATE = "{question}\n{request}"


def render_prompt(
    ref: str, question: str, labels: Sequence[str], think_mode: ThinkMode, template: str = "", list_labels: bool = True
) -> list[Message]:
    """One user message (there is no system turn): the image, then ``template`` with its blanks filled in."""
    text = template or (TEMPLATE if list_labels else OPEN_TEMPLATE)
    blanks = {"question": question, "labels": ", ".join(labels), "request": request("class name", think_mode)}
    text = re.sub(r"\{(question|labels|request)\}", lambda blank: blanks[blank[1]], text)
    return [{"role": "user", "content": [{"type": "image", "image": ref}, {"type": "text", "text": text}]}]
