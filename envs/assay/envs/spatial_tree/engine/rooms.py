"""Rooms, things put into them, and floor plans of several rooms."""

from assay.envs.spatial_tree.engine.placing import distance_between, footprint, inside, place
from assay.envs.spatial_tree.engine.plans import Door, Plan, Room, floor_plan
from assay.envs.spatial_tree.engine.walls import SIDES, floor, picture, room, wall, window

__all__ = [
    "SIDES",
    "Door",
    "Plan",
    "Room",
    "distance_between",
    "floor",
    "floor_plan",
    "footprint",
    "inside",
    "picture",
    "place",
    "room",
    "wall",
    "window",
]
