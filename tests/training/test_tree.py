"""Prefix trees compute what padded rows compute, in fewer tokens."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import LlamaConfig, LlamaForCausalLM

from assay.training import tree
from assay.training.forward import Row, Scorer, sharing_error
from assay.training.logprobs import token_logprobs

COST = tree.Cost(token=1000.0, pair=1.0)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=97,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=True,
    )
    return LlamaForCausalLM(config).double().eval()


def make_rows(rng, groups=3, size=4, instruction=12):
    head = rng.integers(0, 97, instruction)
    rows = []
    for _ in range(groups):
        prompt = np.concatenate([head, rng.integers(0, 97, rng.integers(1, 9))])
        for _ in range(size):
            response = rng.integers(0, 4, rng.integers(1, 6))  # four symbols, so that completions collide
            rows.append(Row(np.concatenate([prompt, response]), len(prompt), rng.random(len(response)) < 0.8))
    return rows


sequences = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=7), min_size=1, max_size=8)


@given(sequences)
def test_trie_holds_every_sequence_once(lists):
    trie = tree.build([np.array(x) for x in lists])
    prefixes = {tuple(x[:n]) for x in lists for n in range(1, len(x) + 1)}
    assert len(trie) == len(prefixes)
    mask = trie.mask(len(trie) + 1)
    for x, path in zip(lists, trie.paths, strict=True):
        assert trie.ids[path].tolist() == x
        assert trie.depth[path].tolist() == list(range(len(x)))
        assert trie.parent[path].tolist() == [-1, *path[:-1]]
        for k, node in enumerate(path):
            assert set(np.flatnonzero(mask[node])) == set(path[: k + 1])
    assert mask[-1].sum() == 1


@given(sequences, st.integers(4, 40), st.booleans())
def test_plan_places_every_row_once_and_keeps_units_whole(lists, budget, share):
    arrays = [np.array(x) for x in lists]
    units = [list(range(i, min(i + 2, len(arrays)))) for i in range(0, len(arrays), 2)]
    batches = tree.plan(arrays, units, budget, COST, share=share)
    assert sorted(i for batch in batches for i in batch.rows) == list(range(len(arrays)))
    for unit in units:
        assert sum(unit[0] in batch.rows for batch in batches) == 1
        assert any(set(unit) <= set(batch.rows) for batch in batches)
    for batch in batches:
        widths = [len(tree.build([arrays[batch.rows[i]] for i in t])) for t in batch.tries]
        assert max(widths) * len(widths) <= budget or len({i // 2 for i in batch.rows}) == 1


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 10**6))
def test_gradients_equal_the_padded_way(model, seed):
    rng = np.random.default_rng(seed)
    rows = make_rows(rng)
    width = max(len(row.mask) for row in rows) + 1
    weight = torch.from_numpy(rng.normal(size=(len(rows), width)))
    results = []
    for share in (True, False):
        scorer = Scorer(model, share_prefix=share, budget=60)
        model.zero_grad()
        logp = torch.zeros(len(rows), width)
        entropy = torch.zeros(len(rows), width)
        for micro in scorer.plan(rows):
            out = scorer([rows[i] for i in micro.rows], micro.tries, width)
            (((out.logp + 0.3 * out.aux["entropy"]) * weight[micro.rows]).sum()).backward()
            logp[micro.rows], entropy[micro.rows] = out.logp.detach(), out.aux["entropy"].detach()
        results.append((logp, entropy, torch.cat([p.grad.flatten() for p in model.parameters()])))
    for shared, padded in zip(*results, strict=True):
        assert torch.linalg.norm(shared - padded) <= 1e-5 * torch.linalg.norm(padded) + 1e-12


def test_log_probabilities_equal_the_models_own(model):
    rows = make_rows(np.random.default_rng(1))
    width = max(len(row.mask) for row in rows)
    out = Scorer(model).score(rows, width)
    for i, row in enumerate(rows):
        with torch.no_grad():
            logits = model(torch.from_numpy(row.ids)[None]).logits[0].log_softmax(-1)
        for t, sampled in enumerate(row.mask):
            at = row.prompt + t
            want = float(logits[at - 1, row.ids[at]]) if sampled else 0.0
            assert float(out.logp[i, t]) == pytest.approx(want, abs=1e-5)
            entropy = float(-(logits[at - 1].exp() * logits[at - 1]).sum()) if sampled else 0.0
            assert float(out.aux["entropy"][i, t]) == pytest.approx(entropy, abs=1e-4)
    assert sharing_error(model, rows) < 1e-5


def test_shared_prefix_needs_fewer_tokens():
    rows = make_rows(np.random.default_rng(2), groups=4, size=8, instruction=300)
    cost = tree.Cost(token=2e8, pair=7e4)  # about SmolLM2-135M
    count = {}
    for share in (True, False):
        plans = tree.plan([r.ids for r in rows], [[i] for i in range(len(rows))], 2048, cost, share=share)
        count[share] = sum(
            len(m.tries) * max(len(tree.build([rows[m.rows[i]].ids for i in t])) for t in m.tries) for m in plans
        )
    assert count[True] * 15 < count[False]


def test_row_refuses_disagreement():
    with pytest.raises(ValueError, match="mask of 3"):
        Row(np.arange(5), 3, np.ones(3, bool))


@pytest.mark.parametrize("softcap", [0.0, 3.0])
def test_chunks_and_gradients(monkeypatch, softcap):
    torch.manual_seed(0)
    hidden = torch.randn(7, 5, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(11, 5, dtype=torch.float64, requires_grad=True)
    row, target = torch.tensor([0, 0, 2, 3, 6, 6, 6]), torch.tensor([1, 4, 0, 10, 3, 3, 2])
    up_logp, up_entropy = torch.randn(7), torch.randn(7)

    def grads(logp, entropy):
        return torch.autograd.grad((logp * up_logp).sum() + (entropy * up_entropy).sum(), (hidden, weight))

    z = hidden @ weight.T
    z = softcap * torch.tanh(z / softcap) if softcap else z
    full = z.log_softmax(-1)
    want = full[row, target], -(full.exp() * full).sum(-1)
    want_grads = grads(*want)
    monkeypatch.setattr("assay.training.logprobs.CHUNK_BYTES", 4 * 11 * 2)
    got = token_logprobs(hidden, weight, row, target, softcap=softcap)
    for a, b in zip((*got, *grads(*got)), (*want, *want_grads), strict=True):
        torch.testing.assert_close(a.double(), b.double(), rtol=1e-4, atol=1e-5)
