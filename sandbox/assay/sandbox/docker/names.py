"""How the field names the images of its tasks: SWE-bench, SWE-Gym, R2E-Gym, SWE-smith."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping
from typing import Any

SWE_BENCH_NAMESPACE = "swebench"
SWE_GYM_NAMESPACE = "xingyaoww"
R2E_GYM_NAMESPACE = "namanjain12"
SWE_SMITH_NAMESPACE = "jyangballin"

_INSTANCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SMITH_ID = re.compile(r"(.{1,200}?)\.([0-9a-f]{8})\.")
_REFERENCE = re.compile(
    r"(?:[A-Za-z0-9.-]+(?::[0-9]+)?/)?[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)


def architecture(machine: str = "") -> str:
    """The name that image tags use for a machine: ``x86_64`` or ``arm64``.

    Args:
        machine: as :func:`platform.machine` gives it, which is asked if empty.
    """
    machine = (machine or platform.machine()).lower()
    return {"amd64": "x86_64", "aarch64": "arm64"}.get(machine, machine)


def is_reference(name: str) -> bool:
    """Whether a container engine would take ``name`` as the name of an image."""
    return len(name) <= 400 and _REFERENCE.fullmatch(name) is not None


def swe_bench(instance_id: str, *, arch: str = "x86_64", namespace: str | None = SWE_BENCH_NAMESPACE) -> str:
    """The image of a SWE-bench instance.

    Local builds are ``sweb.eval.<arch>.<id>:latest``, lower case; published ones have a namespace, and because Docker
    Hub takes no doubled underscore, ``__`` is written ``_1776_`` (SWE-bench 4.1 and 5, ``harness/test_spec``).

    Args:
        instance_id: such as ``astropy__astropy-12907``.
        arch: ``x86_64`` or ``arm64``.
        namespace: of the publisher; None or empty for the name that a local build has.

    Raises:
        ValueError: the id holds characters that no image name can.
    """
    name = f"sweb.eval.{arch}.{_checked(instance_id)}:latest"
    return f"{namespace}/{name.replace('__', '_1776_')}" if namespace else name


def swe_gym(instance_id: str, *, namespace: str = SWE_GYM_NAMESPACE) -> str:
    """The published image of a SWE-Gym instance: SWE-bench's name with ``__`` written ``_s_``, x86-64 only.

    ``getmoto__moto-7365`` is ``xingyaoww/sweb.eval.x86_64.getmoto_s_moto-7365:latest``.

    Raises:
        ValueError: the id holds characters that no image name can.
    """
    return f"{namespace}/sweb.eval.x86_64.{_checked(instance_id).replace('__', '_s_')}:latest"


def r2e_gym(repo_name: str, commit_hash: str, *, namespace: str = R2E_GYM_NAMESPACE) -> str:
    """The image of an R2E-Gym row, ``namanjain12/<repo>_final:<commit>``; the row itself holds it as ``docker_image``.

    Raises:
        ValueError: the repository's name or the commit cannot be in an image name.
    """
    if not re.fullmatch(r"[0-9a-f]{7,64}", commit_hash):
        raise ValueError(f"an R2E-Gym image is tagged by a commit hash, got {commit_hash!r}")
    return f"{namespace}/{_checked(repo_name)}_final:{commit_hash}"


def swe_smith(repo: str, commit: str, *, arch: str = "x86_64", namespace: str | None = SWE_SMITH_NAMESPACE) -> str:
    """The image of a SWE-smith repository: one for all bugs of one commit, whose first eight digits are in the name.

    Args:
        repo: ``owner/name`` or ``owner__name``.
        commit: at least eight hexadecimal digits.
        arch: ``x86_64`` or ``arm64``.
        namespace: of the publisher (``__`` is then written ``_1776_``); None or empty for the name of a local build.

    Raises:
        ValueError: the repository's name or the commit cannot be in an image name.
    """
    if not re.fullmatch(r"[0-9a-f]{8,64}", commit):
        raise ValueError(f"a SWE-smith image names eight digits of a commit, got {commit!r}")
    name = f"swesmith.{arch}.{_checked(repo.replace('/', '__'))}.{commit[:8]}"
    return f"{namespace}/{name.replace('__', '_1776_')}" if namespace else name


def of_row(row: Mapping[str, Any], dataset: str) -> str:
    """The image of a row of one of the four data sets: the one that the row names, else the one that its id implies.

    Args:
        row: read for ``image`` (SWE-bench 5), ``docker_image`` (R2E-Gym), ``image_name`` (SWE-smith), then for ids.
        dataset: ``swe-bench``, ``swe-gym``, ``r2e-gym`` or ``swe-smith``.

    Raises:
        ValueError: an unknown data set, or a row from which no name can be made, or one whose name is none.
    """
    if dataset not in ("swe-bench", "swe-gym", "r2e-gym", "swe-smith"):
        raise ValueError(f"no image naming for {dataset!r}; there are swe-bench, swe-gym, r2e-gym, swe-smith")
    named = row.get("image") or row.get("docker_image") or row.get("image_name")
    if named:
        return _published(str(named), dataset)
    try:
        if dataset == "swe-bench":
            return swe_bench(row["instance_id"])
        if dataset == "swe-gym":
            return swe_gym(row["instance_id"])
        if dataset == "r2e-gym":
            return r2e_gym(row["repo_name"], row["commit_hash"])
        found = _SMITH_ID.match(row["instance_id"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a {dataset} row without an image needs its ids; missing: {error}") from error
    if not found:
        raise ValueError(f"a swe-smith id is owner__repo.commit8.bug__hash, got {row['instance_id'][:200]!r}")
    return swe_smith(found[1], found[2])


def _published(name: str, dataset: str) -> str:
    if dataset == "swe-smith" and "/" not in name:
        name = f"{SWE_SMITH_NAMESPACE}/{name.replace('__', '_1776_')}"
    if not is_reference(name):
        raise ValueError(f"the row's image is no image name: {name[:200]!r}")
    return name


def _checked(name: str) -> str:
    if not _INSTANCE.fullmatch(name):
        raise ValueError(f"cannot be in an image name: {name[:200]!r}")
    return name.lower()
