"""Verifiers by name: the decorator that registers one, and the look-up that finds it.

A verifier lives in the domain before its first dot: ``classify.label`` is registered when
``assay.verifiers.classify`` is imported, which happens on first use. Other distributions add theirs through the
entry-point group ``assay.verifiers``: an entry point names a module (or an object in it) whose import registers them.
"""

from __future__ import annotations

import importlib
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from assay.verifiers.score import Score

Truth = Mapping[str, Any]
Function = TypeVar("Function", bound=Callable[..., Any])

GROUP = "assay.verifiers"
DOMAINS = {
    "calibration": "assay.verifiers.calibration",
    "classify": "assay.verifiers.classify",
    "gui": "assay.verifiers.gui",
    "math": "assay.verifiers.maths",
    "resume": "assay.verifiers.resume",
    "spatial": "assay.verifiers.spatial",
    "swe": "assay.verifiers.swe",
    "text": "assay.verifiers.text",
    "video": "assay.verifiers.video",
}
_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_registered: dict[str, Verifier] = {}
_broken: dict[str, str] = {}
_lock = threading.RLock()
_plugins_loaded = False


@dataclass(frozen=True, slots=True)
class Option:
    """One keyword option of a verifier.

    Attributes:
        doc: what it does, one sentence.
        choices: the values it may take; empty where any will do.
        default: its value when it is not given; filled in from the function's signature.
    """

    doc: str
    choices: tuple[Any, ...] = ()
    default: Any = None


@dataclass(frozen=True, slots=True)
class Verifier:
    """A registered verifier: callable, with what the audit and the command line need to know about it.

    Attributes:
        name: dotted name, ``domain.thing``.
        function: ``(response, truth, **options) -> Score``, or ``(responses, truth, **options) -> list[Score]``.
        options: every keyword option, documented.
        group: whether it scores all responses to one task together.
        truth_key: the key that a truth given as a bare string stands for, such as ``"answer"``.
        gold: ``(truth, **options) -> str | None``, a response that earns full reward.
        attacks: ``(truth, **options) -> Iterable[str]``, responses that try to earn reward without doing the task.
        candidates: ``(truth, **options) -> Iterable[str]``, some responses among which exactly one is right.
        monotone: ``(truth, **options) -> Iterable[str]``, responses from worst to best whose reward may never fall.
        samples: truths on which the audit runs when no tasks are given.
        full: the reward of a gold response under the default options.
        floor: the most that a wrong response may earn under the default options.
        partial: whether a near miss may earn something between ``floor`` and ``full``.
    """

    name: str
    function: Callable[..., Any]
    options: Mapping[str, Option] = field(default_factory=dict)
    group: bool = False
    truth_key: str = "answer"
    gold: Callable[..., str | None] | None = None
    attacks: Callable[..., Iterable[str]] | None = None
    candidates: Callable[..., Iterable[str]] | None = None
    monotone: Callable[..., Iterable[str]] | None = None
    samples: tuple[Truth, ...] = ()
    full: float = 1.0
    floor: float = 0.0
    partial: bool = False

    @property
    def doc(self) -> str:
        """The function's docstring."""
        return self.function.__doc__ or ""

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return self.doc.strip().split("\n", 1)[0]

    def check(self, options: Mapping[str, Any]) -> None:
        """Refuse options that do not exist or values that they cannot take.

        Raises:
            ValueError: names the option and what is valid.
        """
        for name, value in options.items():
            option = self.options.get(name)
            if option is None:
                known = ", ".join(self.options) or "none"
                raise ValueError(f"{self.name} has no option {name!r}; it has: {known}")
            if option.choices and value not in option.choices:
                raise ValueError(f"{self.name}: {name} must be one of {list(option.choices)}, got {value!r}")

    def __call__(self, response: str, truth: Truth, **options: Any) -> Score:
        """Score one response; a group verifier sees a group of one.

        Raises:
            TypeError: if ``response`` is not a string.
            ValueError: on a malformed truth or an option that does not exist.
        """
        if self.group:
            return self.score_group([response], truth, **options)[0]
        if not isinstance(response, str):
            raise TypeError(f"{self.name}: a response is a str, got {type(response).__name__}")
        if not isinstance(truth, Mapping):
            raise ValueError(f"{self.name}: the truth is a mapping, got {type(truth).__name__}")
        if options:
            self.check(options)
        verdict: Score = self.function(response, truth, **options)
        return verdict

    def score_group(self, responses: Sequence[str], truth: Truth, **options: Any) -> list[Score]:
        """Score all responses to one task, in order; errors as for a single one."""
        if not self.group:
            return [self(response, truth, **options) for response in responses]
        if not all(isinstance(response, str) for response in responses):
            raise TypeError(f"{self.name}: every response is a str")
        if not isinstance(truth, Mapping):
            raise ValueError(f"{self.name}: the truth is a mapping, got {type(truth).__name__}")
        self.check(options)
        scores: list[Score] = self.function(responses, truth, **options)
        if len(scores) != len(responses):
            raise ValueError(f"{self.name} returned {len(scores)} scores for {len(responses)} responses")
        return scores


def verifier(
    name: str, *, options: Mapping[str, Option | str] | None = None, **about: Any
) -> Callable[[Function], Function]:
    """Register the decorated function as a verifier, and return it unchanged.

    Args:
        name: dotted name, lower case.
        options: documentation of every keyword-only parameter: a sentence, or an :class:`Option`.
        **about: the other attributes of :class:`Verifier` (``group``, ``gold``, ``attacks``, ``samples``, ...).

    Raises:
        ValueError: on a bad or taken name, or when documentation and signature disagree.
    """

    def register(function: Function) -> Function:
        if not _NAME.fullmatch(name):
            raise ValueError(f"a verifier's name is dotted lower case, like 'classify.label'; got {name!r}")
        defaults = getattr(function, "__kwdefaults__", None) or {}
        documented = dict(options or {})
        if set(defaults) != set(documented):
            odd = ", ".join(sorted(set(defaults) ^ set(documented)))
            raise ValueError(f"{name}: document every keyword option once; these differ: {odd}")
        known = {
            key: replace(doc if isinstance(doc, Option) else Option(doc), default=defaults[key])
            for key, doc in documented.items()
        }
        with _lock:
            old = _registered.get(name)
            if old is not None and _origin(old.function) != _origin(function):
                raise ValueError(f"the name {name!r} is taken by {'.'.join(_origin(old.function))}")
            _registered[name] = Verifier(name=name, function=function, options=known, **about)
        return function

    return register


def _origin(function: Callable[..., Any]) -> tuple[str, str]:
    return (getattr(function, "__module__", "?"), getattr(function, "__qualname__", repr(function)))


def get(name: str) -> Verifier:
    """The verifier of that name.

    Raises:
        KeyError: names the closest registered ones.
    """
    found = _registered.get(name)
    if found is not None:
        return found
    domain = name.partition(".")[0]
    if domain in DOMAINS:
        importlib.import_module(DOMAINS[domain])
    if name not in _registered:
        _load_plugins()
    if name not in _registered:
        raise KeyError(_unknown(name))
    return _registered[name]


def names() -> list[str]:
    """The names of all verifiers, sorted; loads every domain and every plug-in."""
    for module in DOMAINS.values():
        importlib.import_module(module)
    _load_plugins()
    return sorted(_registered)


def score(name: str, response: str, truth: Truth, **options: Any) -> Score:
    """Score ``response`` against ``truth`` with the verifier ``name``.

    Raises:
        KeyError: no verifier has that name.
        TypeError: ``response`` is not a string.
        ValueError: malformed truth, or an option that does not exist.
    """
    return get(name)(response, truth, **options)


def score_group(name: str, responses: Sequence[str], truth: Truth, **options: Any) -> list[Score]:
    """Score all responses to one task, in order; errors as in :func:`score`."""
    return get(name).score_group(responses, truth, **options)


def broken_plugins() -> dict[str, str]:
    """Entry points that failed to load, with the error of each."""
    return dict(_broken)


def _load_plugins() -> None:
    global _plugins_loaded
    with _lock:
        if _plugins_loaded:
            return
        _plugins_loaded = True
        from importlib.metadata import entry_points

        for point in entry_points(group=GROUP):
            try:
                point.load()
            except Exception as error:  # someone else's package must not take ours down
                _broken[point.name] = f"{type(error).__name__}: {error}"


def _unknown(name: str) -> str:
    import difflib

    close = difflib.get_close_matches(name, names(), n=3, cutoff=0.4) or names()
    message = f"no verifier is called {name!r}; did you mean {' or '.join(close)}?"
    if _broken:
        message += f" (plug-ins that failed to load: {'; '.join(f'{k}: {v}' for k, v in _broken.items())})"
    return message
