"""SIREN: the numbers of arXiv:2509.25133, its gradient, its anchor, and a table of logits that it keeps from decay."""

from __future__ import annotations

import math

import pytest
import torch

from assay.training import checkpoint, cli
from assay.training.logs import read_metrics
from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.objectives.objective import pairs
from assay.training.objectives.readouts import NucleusEntropy
from assay.training.objectives.siren import AdaptiveEntropyBonus, EntropyAnchor, PeakTokens, peak_mask
from assay.training.objectives.types import Entropy
from assay.training.recipes import RunFacts, check_recipe, get_recipe

ENTROPIES = torch.tensor([[0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.9, 1.2, 1.6, 2.0]])


def objective(length=10, **constants):
    return get_recipe("siren", constants).objective(length)


def read(wanted, logits, actions):
    """The policy of logits [B, T, V] at some actions, with every readout that an objective needs."""
    logp = torch.log_softmax(logits, -1).gather(-1, actions.unsqueeze(-1)).squeeze(-1)
    flat = logits.flatten(0, 1)
    return PolicyOutputs(logp, {readout.name: readout(flat, None).view(logp.shape) for readout in wanted})


def entropies(values):
    return PolicyOutputs(torch.zeros_like(values), {"topp_entropy": values, "entropy": values.detach()})


def test_peaks():
    mask = torch.ones(1, 10)
    assert peak_mask(ENTROPIES, mask, 0.8)[0].tolist() == [False] * 8 + [True] * 2
    assert torch.quantile(ENTROPIES, 0.8).item() == pytest.approx(1.28)
    g = torch.Generator().manual_seed(0)
    values, mask = torch.rand(40, 23, generator=g), (torch.rand(40, 23, generator=g) < 0.6).float()
    mask[0] = 0.0
    for quantile in (0.0, 0.37, 0.5, 0.8):
        for row, counted, found in zip(values, mask > 0, peak_mask(values, mask, quantile), strict=True):
            wanted = counted & (row > torch.quantile(row[counted], quantile)) if counted.any() else counted
            assert torch.equal(found, wanted)


@pytest.mark.parametrize("rows", [torch.zeros(1, 6), torch.full((1, 6), 0.3), torch.tensor([[0.7]])])
def test_a_row_whose_entropies_are_equal_has_no_peak(rows):
    assert not peak_mask(rows, torch.ones_like(rows), 0.8).any()
    chosen = objective(anchor=1.0)
    batch = TrajectoryBatch.of([1.0], length=rows.shape[1])
    advantage = torch.zeros_like(rows)
    loss, metrics = chosen.loss(entropies(rows), batch, advantage, chosen.totals(batch, advantage))
    assert loss.item() == 0.0
    assert metrics.result()["loss_siren"] == 0.0


@pytest.mark.parametrize(("shift", "slope"), [(0.0, 0.003), (-0.6, -0.003)])
def test_the_squared_distance(shift, slope):
    values = (ENTROPIES + shift).requires_grad_()
    batch, nothing = TrajectoryBatch.of([1.0], length=10), torch.zeros(1, 10)
    chosen = objective(anchor=1.5)
    loss, metrics = chosen.loss(entropies(values), batch, nothing, chosen.totals(batch, nothing))
    assert loss.item() == pytest.approx(0.00045, abs=1e-8)
    (grad,) = torch.autograd.grad(loss, values)
    assert grad[0].tolist() == pytest.approx([0.0] * 8 + [slope / 2] * 2, abs=1e-8)
    found = metrics.result()
    assert found["entropy/peak"] == pytest.approx(1.8 + shift)
    assert found["entropy/anchor"] == 1.5
    assert found["loss_siren"] == pytest.approx(0.00045, abs=1e-8)
    assert found["entropy/nucleus"] == pytest.approx(found["entropy/full"])


def test_gradient_is_in_the_nucleus_of_peaks_and_nowhere_else():
    logits = torch.tensor([0.5, 0.3, 0.15, 0.05]).log().repeat(1, 5, 1) * torch.arange(1.0, 6.0).view(1, 5, 1)
    logits.requires_grad_()
    batch, nothing = TrajectoryBatch.of([1.0], length=5), torch.zeros(1, 5)
    actions = torch.zeros(1, 5, dtype=torch.int64)

    def gradient(**constants):
        chosen = objective(5, **constants)
        loss, _ = chosen.loss(read(chosen.needs, logits, actions), batch, nothing, chosen.totals(batch, nothing))
        return torch.autograd.grad(loss, logits)[0][0]

    ours = gradient(anchor=5.0, top_p=0.9)
    assert (ours[0, :3] != 0).all()  # the flattest position, and its nucleus
    assert (ours[0, 3:] == 0).all()
    assert (ours[1:] == 0).all()
    assert (gradient(regulariser="naive") != 0).all()


def test_cutting_and_padding_change_nothing():
    g = torch.Generator().manual_seed(2)
    logits, actions = torch.randn(9, 6, 30, generator=g) * 2, torch.randint(0, 30, (9, 6), generator=g)
    mask = (torch.arange(6) < torch.tensor([6, 5, 6, 1, 3, 0, 6, 2, 4]).unsqueeze(-1)).float()
    chosen = objective(anchor=0.7, coef=3.0)

    def run(parts, pad=0, anchored=chosen):
        wide = torch.nn.functional.pad
        batch = TrajectoryBatch.of(torch.arange(9.0) % 2, [0] * 4 + [1] * 5, action_mask=wide(mask, (0, pad)))
        here = logits.clone().requires_grad_()
        out = read(anchored.needs, wide(here, (0, 0, 0, pad)), wide(actions, (0, pad)))
        advantage = anchored.prepare(batch)
        totals = anchored.totals(batch, advantage)

        def of(index):
            return PolicyOutputs(out.logp[index], {name: values[index] for name, values in out.aux.items()})

        pools = sum(anchored.pools(of(index), batch.rows(index), advantage[index]) for index in parts)
        if len(parts) > 1:
            totals = type(totals)(totals.tokens, totals.sequences, totals.length, pairs(pools))
        losses, measured = [], None
        for index in parts:
            loss, found = anchored.loss(of(index), batch.rows(index), advantage[index], totals)
            losses.append(loss)
            measured = found if measured is None else measured.merge(found)
        total = torch.stack(losses).sum()
        return total.item(), torch.autograd.grad(total, here)[0], measured.result(), pools

    whole = run([torch.arange(9)])
    order = torch.randperm(9, generator=g)
    for other in (run(order.split(1)), run(order.split([4, 5])), run([torch.arange(9)], pad=7)):
        assert other[0] == pytest.approx(whole[0], rel=1e-6)
        assert torch.allclose(other[1], whole[1], atol=1e-7)
        assert other[2] == pytest.approx(whole[2], rel=1e-6)
        assert other[3][0].tolist() == pytest.approx(whole[3][0].tolist())
    assert run([torch.arange(9)], pad=7)[3].tolist() == whole[3].tolist()
    plain = run([torch.arange(9)], anchored=objective(anchor=0.7, coef=0.0))
    assert not torch.allclose(plain[1], whole[1], atol=1e-3)  # the term is not lost among the others


def test_what_is_missing_is_said():
    batch, nothing = TrajectoryBatch.of([1.0, 0.0], length=10), torch.zeros(2, 10)
    chosen = objective()
    totals = chosen.totals(batch, nothing)
    out = entropies(ENTROPIES.repeat(2, 1))
    with pytest.raises(ValueError, match="measure it first"):
        chosen.loss(out, batch, nothing, totals)
    half = PolicyOutputs(out.logp[:1], {name: values[:1] for name, values in out.aux.items()})
    with pytest.raises(ValueError, match=r"needs Totals\.pools"):
        objective(anchor=1.0).loss(half, batch.rows(torch.tensor([0])), nothing[:1], totals)


def test_the_anchor_is_measured_once_and_restored_to_the_last_bit(tmp_path):
    chosen = objective()
    assert chosen.unanchored
    assert chosen.anchored([(0.0, 0.0)]) == chosen  # no peak anywhere: not measured yet
    first = chosen.anchored([(math.pi, 3.0)])
    assert not first.unanchored
    assert first.anchored([(9.0, 3.0)]) == first
    for held in (chosen, first):
        model = torch.nn.Linear(1, 1)
        model.save_pretrained = lambda folder: None
        empty = type("W", (), {"masters": {}, "split_masters": lambda self: {}})()
        saved = checkpoint.write(
            tmp_path / repr(held.unanchored), 1, model, None, empty, None, {"objective": held.state()}
        )
        assert chosen.restored(checkpoint.read_state(saved)["objective"]) == held
    assert first.batch_terms[0].anchor == math.pi / 3


def test_a_resumed_run_keeps_its_anchor(tmp_path):
    run = tmp_path / "run"
    asked = ["--recipe", "siren", "--recipe.quantile", "0.3", "--model", "tiny", "--env.labels", "email", "testing",
             "--eval.tasks", "4", "--rollout.groups", "2", "--rollout.group-size", "3", "--rollout.max-tokens", "4",
             "--save-every", "1", "--sft.epochs", "0", "--optim.token-budget", "60"]  # fmt: skip
    assert cli.train([*asked, "--steps", "1", "--out", str(run)]) == 0

    def held():
        state = checkpoint.read_state(checkpoint.latest(run / "checkpoints"))
        return state["step"], state["objective"]["batch_terms.0.anchor"]

    first = held()
    assert first[0] == 1
    assert first[1] > 0
    assert cli.train(["--resume", "--out", str(run), "--steps", "3"]) == 0
    assert held() == (3, first[1])
    lines = read_metrics(run, "train")
    assert [line["entropy/anchor"] for line in lines] == pytest.approx([first[1]] * 3)
    assert lines[0]["entropy/peak"] == pytest.approx(first[1], abs=1e-5)
    assert {"entropy/full", "entropy/nucleus", "loss_siren"} <= lines[2].keys()


def test_what_it_is_compared_with():
    assert objective(regulariser="naive", coef=0.1).regularisers[0].coef == 0.1
    top = objective(regulariser="topk-pg")
    batch, advantage = TrajectoryBatch.of([1.0], length=10), torch.ones(1, 10)
    logp = torch.zeros(1, 10, requires_grad=True)
    loss, metrics = top.loss(
        PolicyOutputs(logp, {"entropy": ENTROPIES}), batch, advantage, top.totals(batch, advantage)
    )
    (grad,) = torch.autograd.grad(loss, logp)
    assert grad[0].tolist() == pytest.approx([0.0] * 8 + [-0.1] * 2)  # one of L_max = 10 tokens each
    assert metrics.result()["weight_cut"] == pytest.approx(0.8)
    adaptive = objective(regulariser="adaptive", coef=0.01, adaptive_rate=0.1)
    bonus = adaptive.updated({"entropy": 2.0}, 8).updated({"entropy": 1.5}, 8).regularisers[0]
    assert (bonus.coef, bonus.anchor) == (pytest.approx(0.01 + 0.1 * 0.5), 2.0)
    assert adaptive.restored(adaptive.updated({"entropy": 2.0}, 8).state()).regularisers[0].anchor == 2.0
    assert adaptive.restored(adaptive.state()) == adaptive
    assert AdaptiveEntropyBonus(0.5, 0.1)(PolicyOutputs(logp, {"entropy": ENTROPIES}), batch)[0, 9].item() == -1.0
    assert objective().batch_terms == (EntropyAnchor(0.005, NucleusEntropy(0.8, 10_000, True), 0.8, None),)
    assert objective(nucleus="exclusive").batch_terms[0].readout.inclusive is False
    assert Entropy() in PeakTokens().needs


@pytest.mark.parametrize(
    ("constants", "word"),
    [({"top_p": 0.0}, "top_p"), ({"quantile": 1.0}, "quantile"), ({"coef": -1.0}, "negative"),
     ({"regulariser": "topk-pg", "quantile": -0.1}, "quantile"), ({"max_nucleus": 0}, "max_nucleus")],
)  # fmt: skip
def test_constants_out_of_range(constants, word):
    with pytest.raises(ValueError, match=word) as error:
        check_recipe(get_recipe("siren", constants), RunFacts(8, 32))
    assert str(error.value).startswith("recipe siren")


LENGTH, VOCABULARY, SAMPLES, DECISIONS = 20, 200, 32, (2, 7, 11, 16)


def starting_table():
    """Logits and right tokens: one right token at .995, but three at .45, .18 and .07 where there is a decision."""
    p = torch.full((LENGTH, VOCABULARY), 0.005 / (VOCABULARY - 1))
    p[:, 0] = 0.995
    p[list(DECISIONS)] = 0.3 / (VOCABULARY - 3)
    right = torch.zeros(LENGTH, VOCABULARY)
    right[:, 0] = 1.0
    for position in DECISIONS:
        p[position, :3] = 0.7 * torch.tensor([1.0, 0.4, 0.16]) / 1.56
        right[position, :3] = 1.0
    return p.log(), right


def train(name, seed, **constants):
    """Success, entropy at the decisions and mass of wrong tokens after 300 steps."""
    g = torch.Generator().manual_seed(seed)
    start, right = starting_table()
    logits = start.requires_grad_()
    optimizer = torch.optim.Adam([logits], lr=0.03)
    # The policy gradient as a sum over tokens, the bonus as a mean over them.
    chosen = get_recipe(name, {"aggregation": "seq-mean-token-sum", **constants}).objective(LENGTH)
    for _ in range(300):
        policy = torch.softmax(logits.detach(), -1)
        actions = torch.multinomial(policy, SAMPLES, replacement=True, generator=g).T
        reward = right.expand(SAMPLES, -1, -1).gather(-1, actions.unsqueeze(-1)).squeeze(-1).prod(-1)
        batch = TrajectoryBatch.of(reward, length=LENGTH)
        advantage = chosen.prepare(batch)
        logp = torch.log_softmax(logits, -1).gather(-1, actions.T).T
        aux = {readout.name: readout(logits, None).expand(SAMPLES, -1) for readout in chosen.needs}
        out = PolicyOutputs(logp, aux)
        if chosen.unanchored:
            chosen = chosen.anchored(pairs(chosen.pools(out.detach(), batch, advantage)))
        loss, _ = chosen.loss(out, batch, advantage, chosen.totals(batch, advantage))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    policy = torch.softmax(logits.detach(), -1)
    mass = (policy * right).sum(-1)
    entropy = Entropy()(logits.detach(), None)[list(DECISIONS)].mean().item()
    return mass.prod().item(), entropy, (1.0 - mass).mean().item()


def mean(name, seeds, **constants):
    return [sum(each) / seeds for each in zip(*(train(name, seed, **constants) for seed in range(seeds)), strict=True)]


def claims(seeds, naive, siren):
    success, entropy, tail = mean("dr-grpo", seeds)
    assert success > 0.93
    for coef in naive:
        lower, _, higher = mean("siren", seeds, regulariser="naive", coef=coef / LENGTH)
        assert lower < success - 0.1
        assert higher > 4 * tail
    for coef in siren:
        kept, held, wrong = mean("siren", seeds, coef=coef)
        assert kept > success - (
            0.03 if coef < 1 else 0.04
        )  # a weight of 1 loses .036 from the table of logits chosen here
        assert held > 3 * entropy
        assert wrong < 2.5 * tail


def test_the_bonus_ruins_what_siren_keeps():
    claims(1, [0.05], [0.2])


@pytest.mark.slow
def test_the_bonus_ruins_what_siren_keeps_at_every_weight():
    claims(3, [0.005, 0.05, 0.2], [0.2, 1.0])
