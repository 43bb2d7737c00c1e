"""What a policy says of given rows of tokens: log-probabilities and entropies, by prefix tree or by padded row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from assay.agents.chat import image_key
from assay.agents.engines.features import image_features, places
from assay.training import tree
from assay.training.logprobs import read_out, token_logprobs
from assay.training.objectives.data import PolicyOutputs
from assay.training.objectives.types import Readout
from assay.training.tree import Cost, IntArray, MicroBatch


@dataclass(frozen=True)
class Row:
    """One training row.

    Attributes:
        ids: int64 [length]; prompt, then the response (sampled tokens and observations).
        prompt: number of prompt tokens, at least 1.
        mask: bool [length - prompt]; which response tokens the policy sampled.
        images: in the order of their placeholders.
    """

    ids: IntArray
    prompt: int
    mask: np.typing.NDArray[np.bool_]
    images: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        if self.prompt < 1 or len(self.ids) - self.prompt != len(self.mask):
            raise ValueError(f"{len(self.ids)} ids, {self.prompt} of them prompt, but a mask of {len(self.mask)}")


@dataclass(frozen=True)
class _Packed:
    """The rows of a micro-batch as tries, flattened to nodes.

    Attributes:
        tries: one a sequence of the pass.
        images: of each sequence, in the order of their placeholders.
        ids, depth: int64 [sequences, nodes]; tokens and positions, 0 in the padding.
        sampled: nodes of sampled tokens, by parent.
        sources: the nodes that predict them, each once.
        source_of: for each of ``sampled``, which of ``sources`` predicts it.
        slot: int64 [B, T]; which of ``sampled`` each token is, -1 where the policy did not sample.
    """

    tries: list[tree.Trie]
    images: list[tuple[Any, ...]]
    ids: IntArray
    depth: IntArray
    sampled: IntArray
    sources: IntArray
    source_of: IntArray
    slot: IntArray


def _packed(rows: Sequence[Row], tries: list[list[int]], width: int) -> _Packed:
    built = [tree.build([rows[i].ids for i in members]) for members in tries]
    size = max(len(trie) for trie in built)
    ids = np.zeros((len(tries), size), np.int64)
    depth = np.zeros((len(tries), size), np.int64)
    where = np.full((len(rows), width), -1, np.int64)
    parent = np.full(len(tries) * size, -1, np.int64)
    for t, (trie, indices) in enumerate(zip(built, tries, strict=True)):
        ids[t, : len(trie)], depth[t, : len(trie)] = trie.ids, trie.depth
        parent[t * size : t * size + len(trie)] = np.where(trie.parent < 0, -1, trie.parent + t * size)
        for index, path in zip(indices, trie.paths, strict=True):
            row = rows[index]
            nodes = path[row.prompt :] + t * size
            where[index, : len(nodes)] = np.where(row.mask, nodes, -1)
    sampled = np.unique(where[where >= 0])
    sampled = sampled[np.argsort(parent[sampled], kind="stable")]
    sources, source_of = np.unique(parent[sampled], return_inverse=True)
    slot = np.zeros(len(parent), np.int64)
    slot[sampled] = np.arange(len(sampled))
    images = [rows[members[0]].images for members in tries]
    return _Packed(
        built, images, ids, depth, sampled, sources, source_of, np.where(where >= 0, slot[np.maximum(where, 0)], -1)
    )


class Scorer:
    """Computes :class:`PolicyOutputs` with a causal language model.

    Args:
        model: a transformers causal LM, possibly wrapped by peft.
        share_prefix: pack rows as tries (:mod:`assay.training.tree`) instead of one padded row each.
        budget: padded tokens of one forward pass.
        processor: of a vision-language model, for rows with images.
    """

    def __init__(
        self, model: nn.Module, *, share_prefix: bool = True, budget: int = 2048, processor: Any = None
    ) -> None:
        self.model = model
        self.processor = processor
        self.placeholder = getattr(model.config, "image_token_id", None)
        self.share_prefix = share_prefix
        self.budget = budget
        wrapped: Any = model
        whole = wrapped.get_base_model() if hasattr(model, "get_base_model") else wrapped
        self.backbone: nn.Module = getattr(whole, whole.base_model_prefix)
        self.head: nn.Linear = whole.get_output_embeddings()
        config = whole.config.get_text_config()
        self.softcap = float(getattr(config, "final_logit_softcapping", None) or 0.0)
        self.cost = _cost(self.backbone, config)

    def plan(self, rows: Sequence[Row], units: Sequence[Sequence[int]] | None = None) -> list[MicroBatch]:
        """Micro-batches under the token budget; the rows of a unit (default: each row alone) stay together."""
        units = [[i] for i in range(len(rows))] if units is None else units
        batches: list[MicroBatch] = []
        seeing: list[list[list[int]]] = []
        ids = [row.ids for row in rows]
        for bucket in self._buckets(rows, units):
            found = tree.plan(ids, bucket, self.budget, self.cost, share=self.share_prefix)
            if rows[bucket[0][0]].images:
                seeing += [[[micro.rows[i] for i in trie] for trie in micro.tries] for micro in found]
            else:
                batches += found
        return batches + tree.side_by_side(ids, seeing, self.budget)

    def _buckets(self, rows: Sequence[Row], units: Sequence[Sequence[int]]) -> list[list[Sequence[int]]]:
        """Units that may share a trie: all without images, and those that are equal up to their last image.

        A sequence of a pass has one set of images, so its trie must hold each placeholder once.
        """
        buckets: dict[Any, list[Sequence[int]]] = {}
        for unit in units:
            for part in _parts(unit, [self._seen(rows[i]) for i in unit]):
                buckets.setdefault(self._seen(rows[part[0]]), []).append(part)
        return list(buckets.values())

    def _seen(self, row: Row) -> Any:
        if not row.images:
            return ()
        last = int(np.flatnonzero(row.ids == self.placeholder)[-1])
        return (row.ids[: last + 1].tobytes(), *map(image_key, row.images))

    def __call__(
        self,
        rows: Sequence[Row],
        tries: list[list[int]],
        width: int,
        readouts: Iterable[Readout] = (),
        companions: Mapping[str, Scorer] | None = None,
    ) -> PolicyOutputs:
        """Log-probabilities, entropies and other readouts of the rows of one micro-batch, in one forward pass.

        Args:
            rows: B rows.
            tries: positions in ``rows`` that share a trie (:class:`~assay.training.tree.MicroBatch`).
            width: T, at least the longest response.
            readouts: what else is wanted.
            companions: frozen policies by name, for readouts that are taken against one.

        Returns:
            float32 [B, T] ``logp``, ``aux["entropy"]`` (nats) and ``aux`` of each readout, 0 where the policy did not
            sample.
        """
        wanted = sorted((readout for readout in readouts if readout.name != "entropy"), key=lambda one: one.name)
        device = self.head.weight.device
        packed = _packed(rows, tries, width)
        hidden = self._hidden(packed, device)
        if not len(packed.sampled):
            zero = hidden.sum().float() * 0.0
            nothing = zero.expand(len(rows), width)
            return PolicyOutputs(nothing, {"entropy": nothing, **{readout.name: nothing for readout in wanted}})
        here = torch.from_numpy(packed.sources).to(device)
        states = hidden.reshape(-1, hidden.shape[-1])[here]
        logp, entropy = token_logprobs(
            states,
            self.head.weight,
            torch.from_numpy(packed.source_of).to(device),
            torch.from_numpy(packed.ids.reshape(-1)[packed.sampled]).to(device),
            softcap=self.softcap,
        )
        keep = torch.from_numpy(packed.slot >= 0).to(device)
        pick = torch.from_numpy(np.maximum(packed.slot, 0)).to(device)
        of_row = torch.from_numpy(packed.source_of).to(device)
        zero = logp.new_zeros(())
        aux = {"entropy": entropy}
        others: dict[str | None, tuple[Tensor, Tensor]] = {}
        for name in {readout.against for readout in wanted} - {None}:
            with torch.no_grad():
                companion = (companions or {})[str(name)]
                theirs = companion._hidden(packed, device)
                others[name] = theirs.reshape(-1, theirs.shape[-1])[here], companion.head.weight
        for readout in wanted:
            other = others.get(readout.against)
            aux[readout.name] = read_out(readout, states, self.head.weight, self.softcap, other)
        return PolicyOutputs(
            torch.where(keep, logp[pick], zero),
            {name: torch.where(keep, values[of_row[pick]], zero) for name, values in aux.items()},
        )

    def states(self, rows: Sequence[Row], tries: list[list[int]], width: int) -> tuple[Tensor, Tensor, Tensor]:
        """Final hidden states that the tokens of one micro-batch were sampled in, in one forward pass.

        Tokens of several rows after one prefix share a state.

        Returns:
            [S, H] states, differentiable; int64 [B, T], the state of each token; bool [B, T], where one was sampled.
        """
        device = self.head.weight.device
        packed = _packed(rows, tries, width)
        hidden = self._hidden(packed, device)
        states = hidden.reshape(-1, hidden.shape[-1])[torch.from_numpy(packed.sources).to(device)]
        sampled = torch.from_numpy(packed.slot >= 0).to(device)
        if not len(packed.sampled):
            return states, torch.zeros_like(sampled, dtype=torch.int64), sampled
        return states, torch.from_numpy(packed.source_of[np.maximum(packed.slot, 0)]).to(device), sampled

    def score(
        self,
        rows: Sequence[Row],
        width: int,
        readouts: Iterable[Readout] = (),
        companions: Mapping[str, Scorer] | None = None,
    ) -> PolicyOutputs:
        """The same for any number of rows, micro-batch by micro-batch, without gradient, on the CPU."""
        wanted = list(readouts)
        logp = torch.zeros(len(rows), width)
        aux = {name: torch.zeros(len(rows), width) for name in {"entropy", *(readout.name for readout in wanted)}}
        with torch.no_grad():
            for micro in self.plan(rows):
                out = self([rows[i] for i in micro.rows], micro.tries, width, wanted, companions)
                logp[micro.rows] = out.logp.cpu()
                for name, values in out.aux.items():
                    aux[name][micro.rows] = values.cpu()
        return PolicyOutputs(logp, aux)

    def _hidden(self, packed: _Packed, device: torch.device) -> Tensor:
        ids, tries = packed.ids, packed.tries
        inputs: dict[str, Any] = {"input_ids": torch.from_numpy(ids).to(device), "use_cache": False}
        if any(packed.images):
            inputs |= image_features(self.model, self.processor, ids.tolist(), packed.images)
        if self.share_prefix:
            mask = np.stack([trie.mask(ids.shape[1]) for trie in tries])
            inputs["attention_mask"] = torch.from_numpy(mask)[:, None].to(device)
            inputs["position_ids"] = torch.from_numpy(self._positions(packed)).to(device)
        else:  # the model counts positions itself
            real = np.arange(ids.shape[1])[None] < np.array([len(trie) for trie in tries])[:, None]
            inputs["attention_mask"] = torch.from_numpy(real.astype(np.int64)).to(device)
        hidden: Tensor = self.backbone(**inputs).last_hidden_state
        return hidden

    def _positions(self, packed: _Packed) -> IntArray:
        """[sequences, nodes], or [3, sequences, nodes] where images lie on a grid of positions."""
        if not any(packed.images):
            return packed.depth
        rules = [
            places(self.model, self.processor, ids, images)
            for ids, images in zip(packed.ids, packed.images, strict=True)
        ]
        if all(rule is None for rule in rules):
            return packed.depth
        each = [
            np.broadcast_to(depth, (3, len(depth))) if rule is None else rule.at(depth)
            for rule, depth in zip(rules, packed.depth, strict=True)
        ]
        return np.stack(each, 1)


def _parts(unit: Sequence[int], keys: Sequence[Any]) -> list[list[int]]:
    parts: dict[Any, list[int]] = {}
    for index, key in zip(unit, keys, strict=True):
        parts.setdefault(key, []).append(index)
    return list(parts.values())


def _cost(backbone: nn.Module, config: Any) -> Cost:
    embedded = sum(m.weight.numel() for m in backbone.modules() if isinstance(m, nn.Embedding))
    linear = sum(p.numel() for p in backbone.parameters()) - embedded
    return Cost(token=2.0 * linear, pair=4.0 * config.hidden_size * config.num_hidden_layers)


def sharing_error(model: nn.Module, rows: Sequence[Row], processor: Any = None) -> float:
    """Largest difference between the log-probabilities of the tree and the padded way on these rows.

    Architectures whose layers do not honour a 4-D attention mask (recurrent layers, some sliding windows) differ by far
    more than rounding; the trainer then turns sharing off and says so.
    """
    width = max(len(row.mask) for row in rows)
    shared = Scorer(model, share_prefix=True, processor=processor).score(rows, width).logp
    padded = Scorer(model, share_prefix=False, processor=processor).score(rows, width).logp
    return float((shared - padded).abs().max())
