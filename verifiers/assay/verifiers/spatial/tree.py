"""The tree of 27 spatial abilities: four levels, their branches and leaves (SpatialTree, arXiv 2512.20617)."""

from __future__ import annotations

from dataclasses import dataclass

LEVELS = ("L1", "L2", "L3", "L4")


@dataclass(frozen=True, slots=True)
class Leaf:
    """One ability.

    Attributes:
        name: as the paper writes it, such as "3D Detection".
        level: one of :data:`LEVELS`.
        branch: the branch of the level that it hangs on.
        weight: inside its branch.
        metric: the verifier of our own questions, without ``spatial.``.
    """

    name: str
    level: str
    branch: str
    weight: float
    metric: str

    @property
    def key(self) -> str:
        """How options and modules name it: ``detection_3d`` is "3D Detection"."""
        words = self.name.lower().replace("-", " ").split()
        return "_".join([*words[1:], words[0]] if words[0] == "3d" else words)

    @property
    def path(self) -> str:
        """``L1/Geometry/Distance``: names alone are not unique over all nodes."""
        return f"{self.level}/{self.branch}/{self.name}"


LEAVES = (
    Leaf("Distance", "L1", "Geometry", 0.65, "mra"),
    Leaf("Shape", "L1", "Geometry", 0.10, "mcq"),
    Leaf("Size", "L1", "Geometry", 0.25, "mra"),
    Leaf("3D Detection", "L1", "Localization", 0.65, "mcq"),
    Leaf("3D Grounding", "L1", "Localization", 0.35, "mcq"),
    Leaf("Allo", "L1", "Motion", 0.5, "mcq"),
    Leaf("Ego", "L1", "Motion", 0.5, "mcq"),
    Leaf("Gravity", "L1", "Orientation", 0.4, "gravity"),
    Leaf("Object Orientation", "L1", "Orientation", 0.6, "angles"),
    Leaf("Correspondence", "L1", "Relation", 0.5, "mcq"),
    Leaf("Relative Direction", "L1", "Relation", 0.5, "mcq"),
    Leaf("Cognitive Map", "L2", "Memory", 0.7, "cogmap"),
    Leaf("Memory Retrieval", "L2", "Memory", 0.3, "mcq"),
    Leaf("Affordance", "L2", "Understanding", 0.25, "affmask"),
    Leaf("Motion Understanding", "L2", "Understanding", 0.25, "caption"),
    Leaf("Perspective Taking", "L2", "Understanding", 0.05, "mcq"),
    Leaf("Relation Understanding", "L2", "Understanding", 0.35, "yesno"),
    Leaf("Spatial Caption", "L2", "Understanding", 0.10, "caption"),
    Leaf("Dynamics", "L3", "Causal Reasoning", 0.30, "mcq"),
    Leaf("Geometry Puzzles", "L3", "Causal Reasoning", 0.55, "mcq"),
    Leaf("Relation", "L3", "Causal Reasoning", 0.15, "mcq"),
    Leaf("Operation", "L3", "Sequential Planning", 0.6, "mcq"),
    Leaf("Route", "L3", "Sequential Planning", 0.4, "mcq"),
    Leaf("Agentic Navigation", "L4", "Goal-Driven Execution", 0.5, "agentic_nav"),
    Leaf("Robotic Arm", "L4", "Goal-Driven Execution", 0.5, "manipulate"),
    Leaf("Knowledge Acquisition", "L4", "Open-World Exploration", 0.7, "mcq"),
    Leaf("Self-Goaling", "L4", "Open-World Exploration", 0.3, "mcq"),
)
BY_KEY = {leaf.key: leaf for leaf in LEAVES}
