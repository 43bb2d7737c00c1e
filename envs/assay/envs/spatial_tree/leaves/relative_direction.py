"""Relative Direction: where a thing is as seen from another one, from the camera or from above."""

from __future__ import annotations

import numpy as np

from assay.envs.spatial_tree.engine import Camera, Light, Scene, render
from assay.envs.spatial_tree.parts_seen import GREYS, PAINTS, ball, cube, floor, pick, picture
from assay.envs.spatial_tree.question import Question, mcq

AROUND = {
    "left": 180.0, "right": 0.0, "up": 90.0, "down": 270.0, "up and to the left": 135.0, "up and to the right": 45.0,
    "down and to the left": 225.0, "down and to the right": 315.0,
}  # fmt: skip
"""Directions in a picture: degrees counter-clockwise from its right."""
LOOSE = {2: 10.0, 4: 25.0, 8: 11.0}
"""Degrees off the direction named, by how many are offered: half a sector is 45 or 22.5."""


def from_above(rng: np.random.Generator, difficulty: int, size: int) -> Question | None:
    """In which direction of a picture taken from above one thing is from another."""
    names = list(AROUND)[: (2, 4, 4, 8, 8)[difficulty - 1]]
    paints = ["red", "blue"] if difficulty == 1 else pick(rng, PAINTS, (2, 3, 4, 6)[difficulty - 2])
    across = (0.6, 0.55, 0.5, 0.42, 0.36)[difficulty - 1]
    right = names[int(rng.integers(len(names)))]
    angle = np.radians(AROUND[right] + rng.uniform(-1, 1) * LOOSE[len(names)])
    apart = rng.uniform(across * 1.4, across * (1.7 if difficulty < 3 else 2.6))
    room = np.array([1.5, 1.15]) - across / 2
    move = apart * np.array([np.cos(angle), np.sin(angle)])
    low, high = -room - np.minimum(move, 0), room - np.maximum(move, 0)
    base = rng.uniform(-0.1, 0.1, 2) if difficulty < 3 else rng.uniform(low, high)
    spots = [base + move, base]
    for _ in range(80):
        if len(spots) == len(paints):
            break
        spot = rng.uniform(-room, room)
        if min(np.linalg.norm(spot - each) for each in spots) > across * 1.35:
            spots.append(spot)
    else:
        return None
    made = [
        (ball if place % 2 == 0 else cube)(paint, across, (float(x), float(y), 0.0))
        for place, (paint, (x, y)) in enumerate(zip(paints, spots, strict=True))
    ]
    camera = _overhead(size)
    light = Light(shadow=False)
    view = render(Scene((floor(GREYS[int(rng.integers(len(GREYS)))]), *made), light), camera)

    def recheck() -> bool:
        one, two = (np.array(view.centroid(place)) for place in (1, 2))
        seen = np.degrees(np.arctan2(two[1] - one[1], one[0] - two[0]))
        return min(names, key=lambda name: abs((AROUND[name] - seen + 180) % 360 - 180)) == right

    text = f"The picture was taken from above. In which direction is the {made[0].name} from the {made[1].name}?"
    return mcq(rng, text, [picture(view)], right, [name for name in names if name != right], recheck)


def _overhead(size: int) -> Camera:
    """Straight above the origin, 1.4 m of the floor up and down in view; up in the picture is world +y."""
    away = 1.4 / np.tan(np.radians(20.0))
    return Camera.posed((0, 0, away), ((1, 0, 0), (0, -1, 0), (0, 0, -1)), vfov=40.0, width=size, height=size * 3 // 4)


TEMPLATES = (from_above,)
