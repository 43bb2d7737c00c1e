"""How the model is asked: an optional thought, the screenshot, its size, the instruction, the form of the answer."""

from __future__ import annotations

import re

from assay.envs.gui_grounding.protocol import Protocol, Size
from assay.envs.tasks import Message

THINKING = (
    "You help people to use a computer. Before you answer, think about what is on the screen and what the instruction "
    "means, inside <think> and </think>; then give the answer and nothing else."
)
PLAIN = "You help people to use a computer."
TEMPLATE = 'The screenshot is {width}x{height} pixels. Instruction: "{instruction}"\n{request} {space}'
MANY = (
    "Name the element(s) to click as a JSON list, the likeliest first; list a second place only if you are in doubt: "
    '[{"point_2d": [x, y]}, ...].'
)
ONE = 'Name the one element to click as a JSON list: [{"point_2d": [x, y]}].'
BARE = "Answer with the point to click: (x, y)."
SPACES = {
    "abs_resized": "x and y are pixels of this screenshot, counted from its top left corner.",
    "abs_original": "x and y are pixels of the original screen, counted from its top left corner.",
    "rel1": "x and y run from 0 to 1, from left to right and from top to bottom.",
    "rel1000": "x and y run from 0 to 1000, from left to right and from top to bottom.",
}


def render_prompt(ref: str, instruction: str, size: Size, protocol: Protocol) -> list[Message]:
    """The messages of a task.

    Args:
        ref: reference of the screenshot.
        instruction: what to point at.
        size: width and height of the original.
        protocol: says the rest.
    """
    shown = size if protocol.coord == "abs_original" else protocol.shown(size)
    request = BARE if protocol.parser == "any" else MANY if protocol.multi_answer else ONE
    blanks = {
        "instruction": instruction, "width": str(shown[0]), "height": str(shown[1]), "request": request,
        "space": SPACES[protocol.coord],
    }  # fmt: skip
    wording = protocol.prompt_template or TEMPLATE
    said = re.sub(r"\{(instruction|width|height|request|space)\}", lambda blank: blanks[blank[1]], wording)
    system = protocol.system_prompt or (THINKING if protocol.think else PLAIN)
    user: Message = {"role": "user", "content": [{"type": "image", "image": ref}, {"type": "text", "text": said}]}
    return [user] if system == "none" else [{"role": "system", "content": system}, user]
