"""From a spec to a plan: the image is found or made, layers become mounts, what is to be copied is measured."""

from __future__ import annotations

import base64
import itertools
import os
import posixpath
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from assay.sandbox.base import HostBase, RootFS, SandboxSpec
from assay.sandbox.docker import content, hosted, images
from assay.sandbox.docker.engine import Engine
from assay.sandbox.docker.plan import EMPTY, PRIVATE, Bound, Place, Plan, normal
from assay.sandbox.errors import LimitUnsupported
from assay.sandbox.native import seccomp


def make_plan(spec: SandboxSpec, engine: Engine) -> Plan:
    """Everything that is needed to create containers of this spec.

    Raises:
        SandboxUnavailable: the image or a layer is missing, or the image has no Python to run our server.
        LimitUnsupported: a target that cannot be mounted at.
    """
    workdir = normal(spec.workdir)
    _check_limits(engine)
    skeleton = images.build_skeleton(engine)
    local = content.shares_files(engine, skeleton)
    image, env, bounds = _base(spec, engine, skeleton, local)
    python, carried = hosted.carried_python() if local else ((), ())
    places, fixed = _places(spec, engine, local, workdir)
    if not any(place.target == workdir for place in places):
        if isinstance(spec.base, HostBase):
            places.insert(0, Place(workdir))
        else:
            place, facts = _image_place(engine, image, workdir, python, carried)
            places.insert(0, place)
            python = python or (facts["python"],)
            env = {**env, **_testbed(env, facts)}
    if not python:
        python = _own_python(spec, engine, image, workdir)
    taken = {place.target for place in places} | {bound.target for bound in fixed}
    _check_room(taken, bounds)
    bounds = (*bounds, *_declared(engine, image, taken))
    return Plan(
        image=image,
        python=tuple(python),
        places=tuple(places),
        bounds=(*carried, *bounds, *fixed),
        env=env,
        seccomp=_filter(spec, engine),
    )


def _check_limits(engine: Engine) -> None:
    """An engine that cannot hold a limit only warns of it, in a place that nobody reads."""
    for key, what in (("MemoryLimit", "memory"), ("PidsLimit", "the number of processes")):
        if engine.info().get(key) is False:
            raise LimitUnsupported(
                f"this container engine cannot limit {what}", "let it run as root, or rootless with cgroup v2 delegated"
            )


def _check_room(targets: set[str], bounds: Sequence[Bound]) -> None:
    """Below what is mounted read-only, nothing can be mounted that has no directory there."""
    for target, bound in itertools.product(sorted(targets), bounds):
        if target.startswith(bound.target + "/") and not os.path.isdir(bound.source + target[len(bound.target) :]):
            raise LimitUnsupported(
                f"cannot mount at {target}, below {bound.target}, which is the host's own and read-only",
                "take a directory outside of it",
            )


def _declared(engine: Engine, image: str, taken: set[str]) -> Iterator[Bound]:
    """What an image declares as volumes, with its content but read-only: else they were writable, without any limit."""
    declared = (images.inspect(engine, image).get("Config") or {}).get("Volumes") or {}
    for path in map(posixpath.normpath, declared):
        if path not in taken and path not in EMPTY:
            yield Bound(content.image_content(engine, image, path), path, True)


def _filter(spec: SandboxSpec, engine: Engine) -> str:
    """The native sandbox's filter over system calls, on top of the engine's own; none for a machine without a table."""
    try:
        program = seccomp.program(debug=spec.limits.debug, machine=engine.info().get("Architecture") or "")
    except NotImplementedError:
        return ""
    return base64.b64encode(program).decode("ascii")


def _base(
    spec: SandboxSpec, engine: Engine, skeleton: str, local: bool
) -> tuple[str, dict[str, str], tuple[Bound, ...]]:
    base = spec.base
    if isinstance(base, HostBase):
        prefix = base.python or sys.base_prefix
        env = {"PATH": f"{prefix}/bin:{images.PATH}"}
        if local:
            spare = hosted.spare_name(prefix)
            return skeleton, {"PATH": ":".join([env["PATH"], *spare])}, (*hosted.host_bounds(prefix), *spare.values())
        name = images.build_host_closure(python=prefix, engine=engine)
        return name, {**_environment(images.inspect(engine, name)), **env}, ()
    if isinstance(base, RootFS):
        name = images.build_from_rootfs(base.path, engine=engine)
        record = images.inspect(engine, name)
    else:
        record = images.find_image(base, engine)
    return record["Id"], _environment(record), ()


def _environment(record: dict[str, Any]) -> dict[str, str]:
    """The variables that an image sets; ``HOME`` is ours, for root's is not writable."""
    pairs = [entry.partition("=") for entry in (record.get("Config") or {}).get("Env") or []]
    return {name: value for name, _, value in pairs if name and name != "HOME"}


def _places(spec: SandboxSpec, engine: Engine, local: bool, workdir: str) -> tuple[list[Place], list[Bound]]:
    """The writable layers as places, workdir first; the others as plain mounts. A later layer hides an earlier one."""
    places: dict[str, Place] = {}
    fixed: dict[str, Bound] = {}
    for number, shown in enumerate(spec.layers):
        target = normal(shown.target)
        places.pop(target, None)
        fixed.pop(target, None)
        if shown.writable:
            bound = content.layer(engine, shown.source, f"{PRIVATE}/{number}", local)
            places[target] = Place(target, bound, *content.measure_host(shown.source))
        else:
            fixed[target] = content.layer(engine, shown.source, target, local)
    ordered = sorted(places.values(), key=lambda place: (place.target != workdir, place.target))
    return ordered, list(fixed.values())


def _image_place(
    engine: Engine, image: str, workdir: str, python: tuple[str, ...], carried: tuple[Bound, ...]
) -> tuple[Place, dict[str, Any]]:
    volume = content.image_content(engine, image, workdir)
    facts = content.facts(engine, image, volume, tuple(python), tuple(carried))
    bound = Bound(volume, f"{PRIVATE}/base", True)
    return Place(workdir, bound, facts["bytes"], facts["files"]), facts


def _own_python(spec: SandboxSpec, engine: Engine, image: str, workdir: str) -> tuple[str, ...]:
    if isinstance(spec.base, HostBase):
        return (f"{spec.base.python or sys.base_prefix}/bin/python3",)
    return (_image_place(engine, image, workdir, (), ())[1]["python"],)


def _testbed(env: dict[str, str], facts: dict[str, Any]) -> dict[str, str]:
    """The variables of the conda environment of SWE-bench's images, which only their shells' start-up would enter."""
    if not facts["there"]:
        return {}
    return {
        "PATH": f"{content.TESTBED}/bin:{env.get('PATH', images.PATH)}",
        "CONDA_PREFIX": content.TESTBED,
        "CONDA_DEFAULT_ENV": "testbed",
    }
