"""What happens: bodies under gravity, by PyBullet, in fixed steps, so that the same bodies always do the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from assay.envs.spatial_tree.engine.render import simulator
from assay.envs.spatial_tree.engine.scene import Part, Scene, Thing, Vector
from assay.envs.spatial_tree.engine.turning import angles_of, quaternion, turned, unit_matrix

STEP = 1 / 240
"""Seconds."""
GRAVITY = 9.81
"""Metres a second squared, downwards."""
Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Body:
    """A thing that takes part in what happens.

    Attributes:
        thing: its parts are what collides; only boxes, spheres, cylinders and capsules do.
        mass: kilograms; 0 never moves.
        friction: of Coulomb; two bodies slide with the product of theirs.
        bounce: share of the speed that a hit gives back, 0..1; the product again.
        velocity: at the start, metres a second.
        spin: at the start, radians a second about the world's axes.
        rolling: resistance to rolling, metres.
    """

    thing: Thing
    mass: float = 1.0
    friction: float = 0.5
    bounce: float = 0.0
    velocity: Vector = (0.0, 0.0, 0.0)
    spin: Vector = (0.0, 0.0, 0.0)
    rolling: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """What happened.

    Attributes:
        times: of the samples, seconds, ``[samples]``; the first is 0.
        places: of the origins of the things, metres, ``[samples, bodies, 3]``.
        turns: their rotation matrices, ``[samples, bodies, 3, 3]``.
        touched: pairs of bodies (smaller place first) that touched, and when first, seconds.
    """

    times: Array
    places: Array
    turns: Array
    touched: dict[tuple[int, int], float]

    def things(self, bodies: Sequence[Body], sample: int) -> tuple[Thing, ...]:
        """The things where they were at a sample."""
        found = []
        for number, body in enumerate(bodies):
            x, y, z = self.places[sample, number].tolist()
            found.append(replace(body.thing, at=(x, y, z), turn=angles_of(self.turns[sample, number])))
        return tuple(found)

    def scene(self, bodies: Sequence[Body], sample: int, around: Scene) -> Scene:
        """``around`` with the things where they were at a sample behind its own."""
        return around.plus(self.things(bodies, sample))


def simulate(
    bodies: Sequence[Body],
    seconds: float,
    every: float = 0.05,
    ground: float | None = 0.0,
    ground_friction: float = 0.5,
    ground_bounce: float = 0.0,
    damping: Literal[0, 1] = 0,
    step: float = STEP,
    iterations: int = 50,
    contacts: bool = True,
) -> Course:
    """Let the bodies go for a time.

    Args:
        bodies: none of them inside another.
        seconds: how long.
        every: seconds between samples; rounded to whole steps.
        ground: height of an endless floor, metres; None for no floor.
        ground_friction: of it.
        ground_bounce: of it.
        damping: 1 for PyBullet's damping of speed and spin (4 % a second each), 0 for none, as in a textbook.
        step: of the simulation, seconds; another one tells what hangs on the solver rather than on the scene.
        iterations: of the contact solver a step.
        contacts: whether ``touched`` is asked for, which takes longer than all else where many bodies rest on others.

    Raises:
        ImportError: one line, without PyBullet.
        ValueError: if a body has a part that cannot collide, or the times are not above 0.
    """
    stride = round(every / step)
    if seconds <= 0 or stride < 1:
        raise ValueError(f"seconds must be above 0 and every at least {step:.4f}")
    with simulator() as (bullet, client):
        bullet.setGravity(0, 0, -GRAVITY, physicsClientId=client)
        bullet.setPhysicsEngineParameter(
            fixedTimeStep=step, numSolverIterations=iterations, deterministicOverlappingPairs=1, physicsClientId=client
        )
        if ground is not None:
            plane = bullet.createCollisionShape(bullet.GEOM_PLANE, physicsClientId=client)
            floor = bullet.createMultiBody(0, plane, basePosition=[0, 0, ground], physicsClientId=client)
            _surface(bullet, client, floor, ground_friction, ground_bounce, 0.0, damping)
        numbers = {_body(bullet, client, body, damping): place for place, body in enumerate(bodies)}
        return _run(bullet, client, bodies, numbers, round(seconds / step), stride, step, contacts)


def _run(
    bullet: Any, client: int, bodies: Sequence[Body], numbers: dict[int, int], steps: int, stride: int, length: float,
    contacts: bool,
) -> Course:  # fmt: skip
    places, turns, times = [], [], []
    touched: dict[tuple[int, int], float] = {}
    for step in range(steps + 1):
        if step:
            bullet.stepSimulation(physicsClientId=client)
            for contact in bullet.getContactPoints(physicsClientId=client) if contacts else ():
                if contact[1] in numbers and contact[2] in numbers and contact[8] <= 1e-3:
                    one, two = sorted((numbers[contact[1]], numbers[contact[2]]))
                    touched.setdefault((one, two), step * length)
        if step % stride == 0:
            poses = [_pose(bullet, client, number, bodies[place]) for number, place in numbers.items()]
            places.append([at for at, _ in poses])
            turns.append([turn for _, turn in poses])
            times.append(step * length)
    return Course(np.array(times), np.array(places), np.array(turns), touched)


def _pose(bullet: Any, client: int, number: int, body: Body) -> tuple[Array, Array]:
    at, turn = bullet.getBasePositionAndOrientation(number, physicsClientId=client)
    frame = unit_matrix(turn)
    # PyBullet follows the centre of mass, a thing its origin.
    return np.array(at) - frame @ _centre(body), frame


def _centre(body: Body) -> Array:
    """The middle of mass of its parts at one density, in its own frame."""
    volumes = np.array([_volume(part) for part in body.thing.parts])
    found: Array = volumes @ np.array([part.at for part in body.thing.parts]) / volumes.sum()
    return found


def _volume(part: Part) -> float:
    x, y, z = part.size
    if part.shape == "box":
        return x * y * z
    ball = np.pi * x**3 / 6
    if part.shape == "sphere":
        return float(ball)
    rod = np.pi * x**2 / 4 * z
    if part.shape == "cylinder":
        return float(rod)
    if part.shape == "capsule":
        return float(rod + ball)
    raise ValueError(f"a {part.shape} does not collide: use boxes, spheres, cylinders and capsules")


def _body(bullet: Any, client: int, body: Body, damping: int) -> int:
    middle = _centre(body)
    kinds, half, radii, lengths, spots, turns = [], [], [], [], [], []
    names = {"box": bullet.GEOM_BOX, "sphere": bullet.GEOM_SPHERE, "cylinder": bullet.GEOM_CYLINDER,
             "capsule": bullet.GEOM_CAPSULE}  # fmt: skip
    for part in body.thing.parts:
        kinds.append(names[part.shape])
        half.append([extent / 2 for extent in part.size])
        radii.append(part.size[0] / 2)
        lengths.append(part.size[2])
        spots.append((np.array(part.at) - middle).tolist())
        turns.append(quaternion(turned(part.turn)))
    shape = bullet.createCollisionShapeArray(
        shapeTypes=kinds, halfExtents=half, radii=radii, lengths=lengths, collisionFramePositions=spots,
        collisionFrameOrientations=turns, physicsClientId=client,
    )  # fmt: skip
    frame = turned(body.thing.turn)
    number = int(bullet.createMultiBody(
        body.mass, shape, basePosition=(np.array(body.thing.at) + frame @ middle).tolist(),
        baseOrientation=quaternion(frame), physicsClientId=client,
    ))  # fmt: skip
    _surface(bullet, client, number, body.friction, body.bounce, body.rolling, damping)
    bullet.resetBaseVelocity(number, list(body.velocity), list(body.spin), physicsClientId=client)
    return number


def _surface(bullet: Any, client: int, number: int, friction: float, bounce: float, rolling: float, damp: int) -> None:
    bullet.changeDynamics(
        number, -1, lateralFriction=friction, restitution=bounce, rollingFriction=rolling, spinningFriction=rolling,
        linearDamping=0.04 * damp, angularDamping=0.04 * damp, activationState=bullet.ACTIVATION_STATE_DISABLE_SLEEPING,
        physicsClientId=client,
    )  # fmt: skip
