"""Stored responses as an index: where each lies on disk and what it earned, so that memory holds numbers, not text."""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from assay.envs.episode import Episode
from assay.training.errors import UserError
from assay.training.offline.lines import opening, parse_line
from assay.training.stored import episode_files

LONGEST_LINE = 256 * 2**20
"""Bytes of a line that are read at most."""

Judge = Callable[[Episode], str | None]
"""Why an episode is left out (the end of "N responses ..."), or None. It may raise :class:`UserError`."""


def data_files(paths: Iterable[str | Path]) -> list[Path]:
    """The files of ``--data``: of a run directory or its ``episodes``, what was stored in training and evaluations.

    Raises:
        UserError: for a path that does not exist, or a folder without data.
    """
    files: list[Path] = []
    for given in map(Path, paths):
        if given.is_file():
            files.append(given)
        elif given.is_dir():
            found = episode_files(given.parent if given.name == "episodes" else given)
            stored = [path for path in found if path.name.startswith(("train-", "eval-"))]
            stored = stored or [path for path in sorted(given.glob("*.jsonl")) if path.name != "metrics.jsonl"]
            if not stored:
                raise UserError(f"--data {given}: no stored episodes there: give a run directory or .jsonl files")
            files += stored
        else:
            raise UserError(f"--data {given}: no such file or folder")
    return list(dict.fromkeys(path.resolve() for path in files))


class LoggedData:
    """An index of N responses to P prompts.

    Attributes:
        files: what is read.
        reward: float64 [N].
        prompt: int64 [N]; which of the P prompts each answers.
        tasks: the task id of each prompt; empty where it has none.
        left_out: how many responses were not taken, by reason.
    """

    def __init__(self, files: list[Path]) -> None:
        self.files = files
        self.reward = np.zeros(0)
        self.prompt = np.zeros(0, np.int64)
        self.tasks: list[str] = []
        self.left_out: Counter[str] = Counter()
        self._where = (array("H"), array("Q"), array("I"))

    @classmethod
    def index(
        cls,
        paths: Iterable[str | Path],
        judge: Judge = lambda episode: None,
        *,
        least: int = 1,
        on_bytes: Callable[[int], None] = lambda count: None,
    ) -> LoggedData:
        """Read every line once.

        Args:
            paths: files and folders.
            judge: what to leave out, besides what has no score.
            least: responses that a prompt must have to be taken.
            on_bytes: told how many bytes have been read since the last time.

        Raises:
            UserError: naming file and line of what cannot be read, or if nothing is left.
        """
        data = cls(data_files(paths))
        prompts: dict[bytes, int] = {}
        reward, prompt = array("d"), array("I")
        file_of, offset_of, item_of = data._where
        for number, path in enumerate(data.files):
            for offset, size, at, line in _lines(path):
                on_bytes(size)
                for item, episode in enumerate(_parsed(line, path, at)):
                    why = "ended without a score" if episode.score is None else _judged(judge, episode, path, at)
                    if why is not None:
                        data.left_out[why] += 1
                        continue
                    assert episode.score is not None
                    key = prompt_key(episode)
                    if key not in prompts:
                        prompts[key] = len(prompts)
                        data.tasks.append(episode.task_id)
                    reward.append(episode.score.reward)
                    prompt.append(prompts[key])
                    file_of.append(number)
                    offset_of.append(offset)
                    item_of.append(item)
        data.reward, data.prompt = np.array(reward, np.float64), np.array(prompt, np.int64)
        data._drop_small(least)
        if not len(data):
            raise UserError(f"--data holds nothing to learn from: {data.omissions() or 'it is empty'}")
        return data

    def __len__(self) -> int:
        return len(self.reward)

    @property
    def prompts(self) -> int:
        """P."""
        return len(self.tasks)

    def members(self, prompt: int) -> np.typing.NDArray[np.int64]:
        """The responses to one prompt, in the order of the data."""
        if not hasattr(self, "_order"):
            self._order = np.argsort(self.prompt, kind="stable")
            self._starts = np.searchsorted(self.prompt[self._order], np.arange(self.prompts + 1))
        return self._order[self._starts[prompt] : self._starts[prompt + 1]]

    def read(self, response: int) -> Episode:
        """One response, from disk.

        Raises:
            UserError: if the file has changed or gone since it was indexed.
        """
        file, offset, item = (column[response] for column in self._where)
        path = self.files[file]
        try:
            with path.open("rb") as lines:
                lines.seek(offset)
                episode = parse_line(lines.readline(LONGEST_LINE))[item]
        except (OSError, ValueError, IndexError):
            episode = None
        if episode is None or episode.score is None or episode.score.reward != self.reward[response]:
            raise UserError(f"{path} has changed since the run began to read it")
        return episode

    def fingerprint(self) -> str:
        """A hash of what was indexed, equal for equal data wherever it lies."""
        digest = blake2b(digest_size=16)
        for column in (self.reward, self.prompt, *(np.frombuffer(each, each.typecode) for each in self._where)):
            digest.update(np.ascontiguousarray(column).tobytes())
        digest.update("\n".join(self.tasks).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    def omissions(self) -> str:
        """What was left out and why, in words; empty if nothing was."""
        return "; ".join(f"{count} {_responses(count)} {why}" for why, count in sorted(self.left_out.items()))

    def summary(self) -> str:
        """One line for a person."""
        what = f"{len(self)} {_responses(len(self))} to {self.prompts} prompt{'s' if self.prompts != 1 else ''}"
        left = self.omissions()
        return f"data: {what}, mean reward {self.reward.mean():.3f}" + (f"; left out: {left}" if left else "")

    def _drop_small(self, least: int) -> None:
        counts = np.bincount(self.prompt, minlength=self.prompts) if len(self) else np.zeros(0, np.int64)
        keep = counts[self.prompt] >= least if len(self) else np.zeros(0, np.bool_)
        if keep.all():
            return
        self.left_out["alone with their prompt"] += int((~keep).sum())
        renumbered = np.cumsum(counts >= least) - 1
        self.tasks = [task for task, count in zip(self.tasks, counts, strict=True) if count >= least]
        self.prompt, self.reward = renumbered[self.prompt[keep]].astype(np.int64), self.reward[keep]
        rows = np.flatnonzero(keep)
        self._where = tuple(array(each.typecode, (each[i] for i in rows)) for each in self._where)  # type: ignore[assignment]


def prompt_key(episode: Episode) -> bytes:
    """Equal for responses to one prompt: a hash of the task id and of the messages that everybody is shown first."""
    shown = opening(episode.turns) if episode.env_id else episode.turns[0].messages
    return messages_key(shown, episode.task_id)


def messages_key(messages: Any, task_id: str = "") -> bytes:
    """A hash of messages; the images in them, which are not stored, do not count."""
    text = json.dumps([task_id, messages], sort_keys=True, ensure_ascii=False, default=str)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _lines(path: Path) -> Iterator[tuple[int, int, int, bytes]]:
    """(offset, bytes, number from 1, text) of each line that is not blank."""
    offset, number = 0, 0
    try:
        with path.open("rb") as lines:
            while raw := lines.readline(LONGEST_LINE + 1):
                number += 1
                if len(raw) > LONGEST_LINE:
                    raise UserError(f"{path}:{number}: a line of more than {LONGEST_LINE >> 20} MiB is no response")
                if raw.strip():
                    yield offset, len(raw), number, raw
                offset += len(raw)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from None


def _parsed(raw: bytes, path: Path, number: int) -> list[Episode]:
    try:
        return parse_line(raw)
    except ValueError as error:
        if not raw.endswith(b"\n") and path.name.startswith(("train-", "eval-")):
            return []  # the torn last line of a process that was killed
        what = " ".join(str(error).removeprefix("not an episode: ").split())
        raise UserError(f"{path}:{number}: {what}") from None


def _judged(judge: Judge, episode: Episode, path: Path, number: int) -> str | None:
    try:
        return judge(episode)
    except UserError as error:
        raise UserError(f"{path}:{number}: {error}") from None


def _responses(count: int) -> str:
    return "response" if count == 1 else "responses"
