"""A frozen policy that scores a row once: what it says of logged responses is the same in every epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from assay.agents.chat import image_key
from assay.training.forward import Row, Scorer
from assay.training.objectives.data import PolicyOutputs
from assay.training.objectives.types import Readout

KEY = 16
"""Bytes of a key."""


class RememberingScorer(Scorer):
    """A :class:`Scorer` that keeps the log-probabilities of the rows it has scored, in memory and in a file.

    They depend in their last bits on what shared a forward pass; because they are stored, a resumed run works with
    those of the unbroken one.

    Attributes:
        version: of the weights; what was remembered of another version is not used.
        computed: rows that took a forward pass.
    """

    def __init__(
        self, model: nn.Module, *, share_prefix: bool = True, budget: int = 2048, processor: Any = None
    ) -> None:
        super().__init__(model, share_prefix=share_prefix, budget=budget, processor=processor)
        self.version = self.computed = 0
        self._known: dict[bytes, np.typing.NDArray[np.float32]] = {}
        self._unsaved: list[bytes] = []

    def score(
        self,
        rows: Sequence[Row],
        width: int,
        readouts: Iterable[Readout] = (),
        companions: Mapping[str, Scorer] | None = None,
    ) -> PolicyOutputs:
        """As :meth:`Scorer.score`, without ``aux`` where no readout is wanted."""
        wanted = list(readouts)
        if wanted:
            return super().score(rows, width, wanted, companions)
        known, keys = self._known, [self._key(row) for row in rows]
        missing = list({key: i for i, key in enumerate(keys) if key not in known}.values())
        if missing:
            new = super().score([rows[i] for i in missing], width).logp.numpy()
            for i, values in zip(missing, new, strict=True):
                known[keys[i]] = values[: len(rows[i].mask)].astype(np.float32)
                self._unsaved.append(keys[i])
            self.computed += len(missing)
        logp = torch.zeros(len(rows), width)
        for i, key in enumerate(keys):
            values = known[key]
            logp[i, : len(values)] = torch.from_numpy(values)
        return PolicyOutputs(logp)

    def _key(self, row: Row) -> bytes:
        digest = blake2b(f"{self.version} {row.prompt} ".encode(), digest_size=KEY)
        for part in (row.ids.tobytes(), row.mask.tobytes(), repr([image_key(image) for image in row.images]).encode()):
            digest.update(part)
        return digest.digest()

    def save(self, path: Path) -> None:
        """Append what is not in the file yet.

        Raises:
            OSError: if the disk is full or not writable.
        """
        if not self._unsaved:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as out:
            for key in self._unsaved:
                values = self._known[key]
                out.write(key + len(values).to_bytes(4, "little") + values.astype("<f4").tobytes())
        self._unsaved.clear()

    def load(self, path: Path) -> None:
        """Take up what a file holds; a torn end, which a killed process leaves, is cut off."""
        if not path.exists():
            return
        with path.open("r+b") as held:
            size, good = path.stat().st_size, 0
            while len(head := held.read(KEY + 4)) == KEY + 4:
                length = 4 * int.from_bytes(head[KEY:], "little")
                if good + KEY + 4 + length > size:
                    break
                self._known[head[:KEY]] = np.frombuffer(held.read(length), "<f4").astype(np.float32)
                good += KEY + 4 + length
            held.truncate(good)
