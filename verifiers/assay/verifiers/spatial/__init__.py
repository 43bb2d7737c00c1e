"""Spatial questions and actions: the ``spatial.*`` verifiers and the tree of abilities (arXiv 2512.20617).

======================  ==============================================================  ===========================
verifier                truth                                                           response
======================  ==============================================================  ===========================
``spatial.mcq``         ``{"answer": "B", "choices": ["red cube", "blue ball"]}``       ``B``
``spatial.mra``         ``{"answer": "2.40"}``                                          ``2.4``
``spatial.gravity``     ``{"roll", "pitch", "vfov": degrees, "u": {the same keys}}``    JSON ``{"roll": 2, ...}``
``spatial.angles``      ``{"azimuth", "polar", "rotation": degrees, "u": {...}}``       JSON ``{"azimuth": 40, ..}``
``spatial.affmask``     ``{"mask": {"width", "height", "rows"}}``, see ``masks.py``     ``[0.42, 0.31]``
``spatial.yesno``       ``{"answer": "yes"}``                                           ``yes``
``spatial.cogmap``      ``{"answer": "B", "choices": [..], "map": {"chair":             the map as one JSON object,
                        {"position": [x, y], "facing": "up" or null}, ...}}``;          then ``Answer: B``
                        x to the right, y downwards
``spatial.caption``     ``{"keywords": [["left", "leftwards"], ["fast"]], "wrong":      free text
                        [["right"], ["slow", "slowly"]]}``: for each slot its words
                        and those that are false here; ``"ordered": true`` where the
                        slots must be named in that order
``spatial.agentic_nav``  ``{"poses": [.., start, goal], "translation_step": 0.02,       ``{"actions": ["W"],
                        "rotation_step": 0.5, "unit": "degrees"}``                      "step_nums": [5]}``
``spatial.manipulate``  the same, ``poses`` from the start over every segment's end     ``{"step_1": {"actions":
                        to the goal; a step may be a list, one for each segment;        [..], "step_nums": [..]},
                        optionally ``"grip"``: after each segment, closed?              "step_2": ...}``
======================  ==============================================================  ===========================

``parts["score"]`` is the metric in 0..1, which the tree's roll-up averages; ``reward`` adds the layout's part.
"""

from assay.verifiers.spatial.affmask import affmask
from assay.verifiers.spatial.agentic_nav import agentic_nav
from assay.verifiers.spatial.caption import caption
from assay.verifiers.spatial.cogmap import cogmap
from assay.verifiers.spatial.gaussian import angles, gravity
from assay.verifiers.spatial.manipulate import manipulate
from assay.verifiers.spatial.mcq import mcq
from assay.verifiers.spatial.mra import mra
from assay.verifiers.spatial.yesno import yesno

__all__ = [
    "affmask",
    "agentic_nav",
    "angles",
    "caption",
    "cogmap",
    "gravity",
    "manipulate",
    "mcq",
    "mra",
    "yesno",
]
