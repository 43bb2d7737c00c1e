"""A first user's mistakes, each answered in one line that says what to do."""

from __future__ import annotations

import errno
import re
import sys
from collections.abc import Iterable
from difflib import get_close_matches


class UserError(Exception):
    """Something the user can put right; its message is one line that says how."""


class MissingExtraError(UserError):
    """An optional package is not installed; the message names the extra that brings it."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"needs {package}: pip install 'assay[{extra}]'")


def close_match(word: str, known: Iterable[str]) -> str:
    """``"; did you mean X?"`` for the nearest of ``known``, or ``""`` where none is near."""
    found = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {found[0]}?" if found else ""


def check_python(version: tuple[int, int] | None = None) -> None:
    """Refuse an interpreter that the packages are not tested on.

    Raises:
        UserError: outside Python 3.11 to 3.13.
    """
    major, minor = version or sys.version_info[:2]
    if not (3, 11) <= (major, minor) <= (3, 13):
        raise UserError(f"Python {major}.{minor} is not supported: make a virtual environment with Python 3.11 to 3.13")


def explain(error: BaseException) -> str | None:
    """One line that says what to do about ``error``, or None where it is not one of the mistakes known here.

    The chain of causes is searched too, so that a library's wrapper does not hide what happened underneath.
    """
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        line = _explain_one(current)
        if line is not None:
            return " ".join(line.split())
        current = current.__cause__ or current.__context__
    return None


def _explain_one(error: BaseException) -> str | None:
    if isinstance(error, UserError):
        return str(error)
    for rule in (_memory, _network, _files, _packages):
        line = rule(error)
        if line is not None:
            return line
    return None


def _memory(error: BaseException) -> str | None:
    text = str(error)
    allocation = re.search(r"out of memory|can't allocate memory|not enough memory|DefaultCPUAllocator", text)
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or allocation:
        return (
            "out of memory: lower --optim.token-budget (training) or --rollout.groups and --rollout.max-tokens "
            "(sampling), or add --model.gradient-checkpointing or --model.lora-rank 16"
        )
    return None


_OFFLINE = frozenset(
    [
        "ConnectionError",
        "ConnectError",
        "ConnectTimeout",
        "ReadTimeout",
        "OfflineModeIsEnabled",
        "ProxyError",
        "LocalEntryNotFoundError",
        "MaxRetryError",
        "NameResolutionError",
        "gaierror",
        "APIConnectionError",
    ]
)
_UNKNOWN_REPO = frozenset(
    ["RepositoryNotFoundError", "HFValidationError", "DatasetNotFoundError", "RevisionNotFoundError"]
)
_DAMAGED = frozenset(
    [
        "SafetensorError",
        "UnpicklingError",
        "IncompleteRead",
        "ChunkedEncodingError",
        "BadZipFile",
        "ConsistencyError",
        "RemoteProtocolError",
    ]
)


def _network(error: BaseException) -> str | None:
    names = {cls.__name__ for cls in type(error).__mro__}
    text = str(error)
    if names & _UNKNOWN_REPO or "is not a valid model identifier" in text:
        repo = re.search(r"(?:datasets/|models/|identifier )['\"]?([\w.-]+(?:/[\w.-]+)?)", text)
        what = repo.group(1) if repo else "that name"
        return (
            f"the hub knows no {what} (or it is private: set HF_TOKEN): check the spelling, give a local folder, "
            "or use --model smollm2-135m, which needs no hub"
        )
    if names & _DAMAGED:
        return (
            f"a file is damaged, most likely an interrupted download ({_short(error)}): delete its folder in the "
            "cache (~/.cache/huggingface/hub, or ~/.cache/assay) and run the same command again"
        )
    if names & _OFFLINE or "couldn't connect to 'https://" in text.lower() or "We couldn't connect to" in text:
        return (
            "no network: give a local folder or file instead of a hub name (--model PATH, --dataset FILE), "
            "or use what needs none: --model smollm2-135m"
        )
    return None


def _files(error: BaseException) -> str | None:
    if not isinstance(error, OSError):
        return None
    if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
        return f"cannot write {error.filename or 'there'}: choose a folder of your own with --out DIR"
    if error.errno == errno.ENOSPC:
        return "the disk is full: free some space, lower --keep, or choose another disk with --out DIR"
    if isinstance(error, FileNotFoundError) and error.filename:
        return f"no such file: {error.filename}"
    if isinstance(error, NotADirectoryError | IsADirectoryError | FileExistsError) and error.filename:
        return f"{error.strerror}: {error.filename}: choose another path"
    return None


_EXTRA_OF = {"torch": "train", "transformers": "train", "tyro": "train", "matplotlib": "train", "accelerate": "train",
             "peft": "train", "safetensors": "train", "gguf": "train", "datasets": "data", "sklearn": "data",
             "openai": "openai", "trl": "trl", "tensorboard": "tensorboard", "trackio": "trackio", "wandb": "wandb",
             "sympy": "math"}  # fmt: skip


def _packages(error: BaseException) -> str | None:
    if isinstance(error, ImportError) and "pip install 'assay[" in str(error):
        return str(error)
    if isinstance(error, ModuleNotFoundError) and error.name:
        package = error.name.partition(".")[0]
        if package in _EXTRA_OF:
            return str(MissingExtraError(package, _EXTRA_OF[package]))
    return None


def _short(error: BaseException, limit: int = 80) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= limit else text[: limit - 1] + "…"
