"""Readouts of the logits against slow, obvious implementations, alone and through a language model's head."""

from __future__ import annotations

import pytest
import torch

from assay.training import logprobs
from assay.training.logprobs import read_out
from assay.training.objectives.readouts import FIRST_LOOK, MeanLogp, NucleusEntropy

PI = torch.tensor([[0.5, 0.3, 0.15, 0.05]]).log()


def slow_nucleus_entropy(logits, top_p, most, inclusive):
    """One position at a time, from the definition."""
    found = []
    for row in logits.double():
        pi = torch.softmax(row, -1)
        order = pi.argsort(descending=True)[:most]
        kept, mass = [], 0.0
        for index in order.tolist():
            if mass >= top_p - 1e-6:
                break
            mass += pi[index].item()
            if inclusive or mass < top_p - 1e-6:
                kept.append(index)
        q = pi[kept] / pi[kept].sum()
        found.append(-(q * q.log()).sum())
    return torch.stack(found)


@pytest.mark.parametrize(
    ("top_p", "inclusive", "wanted"), [(0.8, True, 0.661563), (0.9, True, 0.993268), (0.8, False, 0.0)]
)
def test_nucleus_of_four_tokens(top_p, inclusive, wanted):
    assert NucleusEntropy(top_p, inclusive=inclusive)(PI, None).item() == pytest.approx(wanted, abs=1e-6)
    assert NucleusEntropy(1.0)(PI, None).item() == pytest.approx(1.142120, abs=1e-6)


@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize(("top_p", "most"), [(0.8, 10_000), (0.3, 10_000), (0.95, 10_000), (0.95, 40), (1.0, 300)])
def test_nucleus_is_the_definition(top_p, most, inclusive):
    g = torch.Generator().manual_seed(1)
    sharpness = torch.linspace(0.0, 8.0, 24).unsqueeze(-1)  # from uniform, far beyond the first look, to nearly sure
    logits = torch.randn(24, 36 * FIRST_LOOK, generator=g) * sharpness
    found = NucleusEntropy(top_p, most, inclusive)(logits, None)
    assert torch.allclose(found.double(), slow_nucleus_entropy(logits, top_p, most, inclusive), atol=2e-5)


@pytest.mark.parametrize("inclusive", [True, False])
def test_gradient_stays_in_the_nucleus(inclusive):
    logits = torch.tensor([[2.0, 1.5, 1.0, 0.0, -1.0, -2.0]], dtype=torch.float64, requires_grad=True)
    readout = NucleusEntropy(0.9, inclusive=inclusive)
    (grad,) = torch.autograd.grad(readout(logits, None).sum(), logits)
    size = 3 if inclusive else 2
    assert (grad[0, :size] != 0).all()
    assert (grad[0, size:] == 0).all()
    inside = logits.detach()[:, :size].requires_grad_()
    q = torch.softmax(inside, -1)
    (wanted,) = torch.autograd.grad(-(q * q.log()).sum(), inside)
    assert torch.allclose(grad[:, :size], wanted)


def test_a_nucleus_of_one_token_has_no_entropy_and_no_gradient():
    logits = torch.tensor([[9.0, 0.0, 0.0]], requires_grad=True)
    for inclusive in (True, False):
        entropy = NucleusEntropy(0.8, inclusive=inclusive)(logits, None)
        (grad,) = torch.autograd.grad(entropy.sum(), logits)
        assert entropy.item() == 0.0
        assert grad.abs().max() == 0.0


def test_mean_logp():
    logits = (torch.randn(5, 11, generator=torch.Generator().manual_seed(2)) * 3).requires_grad_()
    found, wanted = MeanLogp()(logits, None), torch.log_softmax(logits, -1).mean(-1)
    assert torch.allclose(found, wanted, atol=1e-6)
    weights = torch.randn(5)
    grads = [torch.autograd.grad((each * weights).sum(), logits, retain_graph=True)[0] for each in (found, wanted)]
    assert torch.allclose(*grads, atol=1e-6)


@pytest.mark.parametrize("softcap", [0.0, 5.0])
@pytest.mark.parametrize("readout", [MeanLogp(), NucleusEntropy(0.7)], ids=lambda r: r.name)
def test_chunks_change_nothing(monkeypatch, readout, softcap):
    monkeypatch.setattr(logprobs, "CHUNK_BYTES", 4 * 50 * 3)  # three rows a chunk
    g = torch.Generator().manual_seed(3)
    hidden = torch.randn(10, 8, generator=g).requires_grad_()
    weight = torch.randn(50, 8, generator=g).requires_grad_()
    logits = hidden @ weight.T
    whole = readout(softcap * torch.tanh(logits / softcap) if softcap else logits, None)
    pieces = read_out(readout, hidden, weight, softcap)
    assert torch.allclose(whole, pieces, atol=1e-6)
    up = torch.randn(10, generator=g)
    for ours, theirs in zip(
        *(torch.autograd.grad((v * up).sum(), (hidden, weight)) for v in (pieces, whole)), strict=True
    ):
        assert torch.allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize(
    ("constants", "word"), [({"top_p": 0.0}, "top_p"), ({"top_p": 1.1}, "top_p"), ({"max_nucleus": 0}, "max_nucleus")]
)
def test_constants_out_of_range(constants, word):
    with pytest.raises(ValueError, match=word):
        NucleusEntropy(**constants)
