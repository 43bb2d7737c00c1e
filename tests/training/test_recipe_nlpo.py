"""NLPO: probabilities within the set, sets that stand still while they are learned from, PPO where all is allowed."""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import pytest
import torch

from assay.agents.engines.action_mask import ActionMask, special_ids, unsampled_ids
from assay.agents.engines.hf import HFPolicy
from assay.agents.models import load_model
from assay.training.config import EvalConfig, LogConfig, ModelConfig, OptimConfig, RolloutConfig, SFTConfig, TrainConfig
from assay.training.display import Display
from assay.training.forward import Scorer
from assay.training.frozen import FrozenPolicies
from assay.training.logs import read_metrics
from assay.training.objectives.action_mask import Masked, MaskedEntropy, MaskedMass
from assay.training.objectives.anchors import Every
from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.objectives.schedule import RolloutPlan
from assay.training.objectives.surrogate import PPOClip
from assay.training.recipes import RunFacts, check_recipe, get_recipe
from assay.training.trainer import train
from assay.training.update import Updater

PI = torch.tensor([[0.5, 0.3, 0.15, 0.05]]).log()
MASK = ActionMask(top_p=0.9, min_tokens=1)


def test_the_policy_within_the_set() -> None:
    log_mass = MaskedMass(MASK)(PI, PI)
    within = (PI - log_mass[:, None]).exp()[0]
    assert within[:3].tolist() == pytest.approx([0.526316, 0.315789, 0.157895], abs=1e-6)
    psi = torch.tensor([[0.05, 0.15, 0.5, 0.3]]).log()  # the set is the other policy's, the mass is the policy's own
    assert MaskedMass(MASK)(PI, psi).exp().item() == pytest.approx(0.5, abs=1e-6)
    probs = torch.tensor([0.3, 0.15, 0.05]) / 0.5
    assert MaskedEntropy(MASK)(PI, psi).item() == pytest.approx(float(-(probs * probs.log()).sum()), abs=1e-6)


def test_the_gradient_is_that_of_the_renormalised_policy() -> None:
    psi = torch.tensor([[0.05, 0.15, 0.5, 0.3]]).log()
    logits = (PI + 2.0).clone().requires_grad_()
    (grad,) = torch.autograd.grad(torch.log_softmax(logits, -1)[0, 2] - MaskedMass(MASK)(logits, psi)[0], logits)
    assert grad[0].tolist() == pytest.approx([0.0, -0.6, 1 - 0.3, -0.1], abs=1e-6)
    (grad,) = torch.autograd.grad(MaskedEntropy(MASK)(logits, psi).sum(), logits)
    h = 1e-3
    for token in range(4):
        step = h * torch.eye(4)[token]
        slope = (MaskedEntropy(MASK)(logits + step, psi) - MaskedEntropy(MASK)(logits - step, psi)) / (2 * h)
        assert grad[0, token].item() == pytest.approx(slope.item(), abs=1e-3)
    assert grad[0, 0] == 0.0


def test_where_everything_is_allowed_the_mass_is_one_to_the_last_bit() -> None:
    g = torch.Generator().manual_seed(0)
    logits, other = 5 * torch.randn(2, 7, 300, generator=g)
    logits.requires_grad_()
    for mask in (ActionMask(top_p=1.0, min_tokens=1), ActionMask(top_p=0.1, min_tokens=300)):
        log_mass = MaskedMass(mask)(logits, other)
        assert torch.equal(log_mass, torch.zeros(7))
        assert torch.equal(torch.autograd.grad(log_mass.sum(), logits)[0], torch.zeros_like(logits))


def test_only_the_surrogate_sees_the_set() -> None:
    objective = get_recipe("nlpo", {"kl_control": "fixed"}).objective(8)
    assert isinstance(objective.surrogate, Masked)
    assert objective.surrogate.surrogate == get_recipe("ppo").objective(8).surrogate
    assert objective.companions == {"ref", "mask"}
    assert objective.anchors == {"ref"}
    batch = TrajectoryBatch.of(
        [0.0], length=2, old_logp=torch.tensor([[-1.0, -2.0]]), anchor_logp={"ref": torch.tensor([[-1.5, -1.0]])},
        old_aux={"masked_mass": torch.tensor([[-0.5, -0.1]])}, values=torch.zeros(1, 2),
    )  # fmt: skip
    charge = objective.token_rewards[0](batch)
    assert charge[0].tolist() == pytest.approx([-0.1 * 0.5, -0.1 * -1.0])  # whole log-probabilities
    logp = torch.tensor([[-0.9, -2.0]], requires_grad=True)
    out = PolicyOutputs(logp, {"masked_mass": torch.tensor([[-0.4, -0.3]])})
    loss = objective.surrogate(out, batch, torch.ones(1, 2))
    assert loss[0].tolist() == pytest.approx([-math.exp(0.0), -math.exp(0.2) if math.exp(0.2) < 1.2 else -1.2])
    clipped = objective.surrogate.clipped(out, batch, torch.ones(1, 2))
    assert clipped is not None
    assert clipped[0].tolist() == [False, True]


def test_the_recipe() -> None:
    recipe = get_recipe("nlpo", {"mask_top_p": "0.5", "entropy_coef": "0.01", "value_warmup": "2"})
    assert recipe.anchors() == Every("mask", 20)
    assert get_recipe("nlpo", {"mask_kind": "topk"}).anchors() == Every("mask", 1)
    plan = recipe.schedule().plan(1, RolloutPlan(2, 4, 1.0))
    assert plan.logits_mask == ActionMask(top_p=0.5)
    assert plan.lr_scale == 0.0
    objective = recipe.objective(8).fitted(frozenset({5}), frozenset({7}))
    fitted = ActionMask(top_p=0.5, always=(5,), never=(7,))
    assert objective.needs == {MaskedMass(fitted), MaskedEntropy(fitted)}
    assert objective.old_needs == {MaskedMass(fitted)}


@pytest.mark.parametrize(
    ("constants", "engine", "problem"),
    [
        ({}, "hf-cb", "recipe nlpo draws from action masks, which the engine hf-cb cannot: take --model.engine hf"),
        ({"mask_top_p": 0.0}, "hf", "top_p"),
        ({"mask_min_tokens": 0}, "hf", "min_tokens"),
        ({"mask_update_every": 0}, "hf", "every 1 or more steps"),
    ],
)
def test_what_cannot_work_is_refused_before_a_model_is_loaded(constants: dict, engine: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        check_recipe(get_recipe("nlpo", constants), RunFacts(4, 8, engine=engine))


def configuration(out, recipe: str, options: dict, **other) -> TrainConfig:
    return TrainConfig(
        env="text_classification",
        env_options={"source": "synthetic", "list_labels": False},
        recipe=recipe,
        recipe_options=options,
        out=str(out),
        model=ModelConfig(name="tiny"),
        rollout=RolloutConfig(groups=3, group_size=4, max_tokens=4),
        optim=OptimConfig(lr=1e-3, minibatches=2),
        sft=SFTConfig(epochs=0),
        eval=EvalConfig(every=1, tasks=6, temperature=1.0),
        log=LogConfig(report=False, episodes=False),
        **{"steps": 4, "save_every": 2, **other},
    )


def weights_of(model) -> torch.Tensor:
    return torch.cat([p.detach().flatten().clone() for p in model.parameters()])


def trained(out) -> torch.Tensor:
    return weights_of(load_model(str(max(out.glob("checkpoints/step-*[24]"))))[0])


def numbers(out) -> list[dict]:
    drop = ("seconds_rollout", "seconds_train", "samples_per_s", "tokens_per_s", "time")
    return [{k: v for k, v in line.items() if k not in drop} for line in read_metrics(out, "train")]


def test_nlpo_that_allows_everything_is_ppo_to_the_last_bit(tmp_path) -> None:
    runs = {
        "ppo": ("ppo", {}),
        "all": ("nlpo", {"mask_top_p": 1.0}),
        "some": ("nlpo", {"mask_min_tokens": 3, "mask_top_p": 0.5}),
    }
    for name, (recipe, options) in runs.items():
        config = configuration(tmp_path / name, recipe, {"epochs": 2, **options}, steps=2)
        train(replace(config, eval=EvalConfig(every=0, tasks=1)), Display(2, quiet=True))
    assert torch.equal(trained(tmp_path / "ppo"), trained(tmp_path / "all"))
    assert numbers(tmp_path / "ppo") == numbers(tmp_path / "all")
    assert numbers(tmp_path / "ppo")[-1]["grad_norm"] > 0
    assert not torch.equal(trained(tmp_path / "ppo"), trained(tmp_path / "some"))


class Watched:
    """Notes of a run: who masked each sampling and each update, and what was drawn."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sampled: list[tuple[torch.Tensor, torch.Tensor]] = []
        self.evaluated = 0
        self.updated: list[tuple[torch.Tensor, torch.Tensor]] = []
        self.outside = 0
        generate, update, refresh = HFPolicy.generate, Updater.__call__, FrozenPolicies.refresh
        self.refreshed: list[int] = []

        def watched_generate(policy, requests):
            done = generate(policy, requests)
            mask = requests[0].sampling.mask
            if mask is None:
                self.evaluated += len(requests)
                return done
            psi = policy.frozen("mask")
            self.sampled.append((weights_of(policy.model), weights_of(psi)))
            rule = mask.fitted(special_ids(psi, policy.tokenizer, policy.contexts.chat),
                               unsampled_ids(psi, policy.tokenizer))  # fmt: skip
            for request, completion in zip(requests, done, strict=True):
                context = policy.contexts.ids(request)
                with torch.no_grad():
                    scores = psi(torch.tensor([[*context, *completion.ids]])).logits[0, len(context) - 1 : -1]
                drawn = torch.tensor(completion.ids)[:, None]
                self.outside += int((~rule.allowed(scores).gather(-1, drawn)).sum())
            return done

        def watched_update(updater, *args, **kwargs):
            before = weights_of(updater.anchors["mask"].model)
            measured = update(updater, *args, **kwargs)
            self.updated.append((before, weights_of(updater.anchors["mask"].model)))
            return measured

        def watched_refresh(frozen, names, step, *args):
            refresh(frozen, names, step, *args)
            if "mask" in names:
                psi = frozen.scorers["mask"].model
                assert all(map(torch.equal, psi.parameters(), frozen.live.model.parameters()))
                self.refreshed.append(step)

        monkeypatch.setattr(HFPolicy, "generate", watched_generate)
        monkeypatch.setattr(Updater, "__call__", watched_update)
        monkeypatch.setattr(FrozenPolicies, "refresh", watched_refresh)


def test_the_mask_policy_lags_and_the_next_rollouts_come_from_the_renewed_one(tmp_path, monkeypatch) -> None:
    seen = Watched(monkeypatch)
    options = {"mask_update_every": 2, "mask_top_p": 0.5, "mask_min_tokens": 2, "epochs": 2}
    train(configuration(tmp_path / "run", "nlpo", options), Display(4, quiet=True))
    assert seen.refreshed == [2, 4]
    by_step: list[tuple[torch.Tensor, torch.Tensor]] = []
    for policy, psi in seen.sampled:  # a step may sample in several calls
        if not by_step or not torch.equal(by_step[-1][0], policy):
            by_step.append((policy, psi))
    assert len(by_step) == 4, "each step moved the policy"
    first, second, third, fourth = by_step
    assert torch.equal(first[1], first[0])
    assert torch.equal(second[1], first[0])  # the policy moved, the mask did not
    assert torch.equal(third[1], third[0])  # renewed after the second step: the policy that now samples
    assert torch.equal(fourth[1], third[0])
    assert all(torch.equal(before, after) for before, after in seen.updated)  # it stands still while it is learned from
    assert len(seen.updated) == 4
    assert seen.outside == 0
    assert seen.evaluated == 6 * 5  # at the start and after each step, from the whole vocabulary


def test_a_resumed_run_is_the_unbroken_one(tmp_path) -> None:
    options = {"mask_update_every": 3, "mask_top_p": 0.5, "mask_min_tokens": 2, "epochs": 1}
    quiet, few = Display(4, quiet=True), EvalConfig(every=0, tasks=1)
    train(replace(configuration(tmp_path / "whole", "nlpo", options), eval=few), quiet)
    train(replace(configuration(tmp_path / "cut", "nlpo", options, steps=2), eval=few), quiet)
    train(replace(configuration(tmp_path / "cut", "nlpo", options, resume=True), eval=few), quiet)
    assert numbers(tmp_path / "whole") == numbers(tmp_path / "cut")
    assert torch.equal(trained(tmp_path / "whole"), trained(tmp_path / "cut"))


class Recorded(PPOClip):
    """Notes the ratios of every optimiser step."""

    ratios: list = []

    def __call__(self, out, batch, advantage):
        moved = out.logp - (out.logp.detach() if batch.old_logp is None else batch.old_logp)
        self.ratios.append((moved.detach().exp() - 1.0).abs().max().item())
        return super().__call__(out, batch, advantage)


@pytest.mark.parametrize("epochs", [1, 3])
def test_the_first_ratio_is_one(tmp_path, monkeypatch, epochs) -> None:
    monkeypatch.setattr(Recorded, "ratios", [])
    monkeypatch.setattr("assay.training.objectives.surrogate.PPOClip", Recorded)
    options = {"mask_top_p": 0.5, "mask_min_tokens": 2, "epochs": epochs, "mask_update_every": 1}
    config = configuration(tmp_path / "run", "nlpo", options, steps=1)
    optim = OptimConfig(lr=1e-3, minibatches=1, skip_zero_advantage=False, token_budget=10**6)
    train(replace(config, optim=optim, eval=EvalConfig(every=0, tasks=1)), Display(1, quiet=True))
    assert len(Recorded.ratios) == epochs
    assert Recorded.ratios[0] == 0.0
    assert all(ratio > 1e-4 for ratio in Recorded.ratios[1:])


def test_masks_of_the_trainer_are_those_of_the_sampler(monkeypatch) -> None:
    """Mass by the trainer's packed pass, against a plain one, of rows that share prefixes."""
    from assay.agents.tiny import tiny_model
    from assay.training.forward import Row

    model, tokenizer = tiny_model()
    psi = tiny_model(seed=1)[0]
    rule = ActionMask(top_p=0.6, min_tokens=3).fitted(special_ids(model, tokenizer, None), ())
    g = torch.Generator().manual_seed(1)
    rows = []
    for i in range(6):
        ids = torch.cat([torch.arange(20, 30 + i // 2), torch.randint(0, 400, (5,), generator=g)]).numpy()
        rows.append(Row(ids, 10 + i // 2, (torch.arange(5) != 2).numpy()))
    out = Scorer(model).score(rows, 5, [MaskedMass(rule), MaskedEntropy(rule)], {"mask": Scorer(copy.deepcopy(psi))})
    for i, row in enumerate(rows):
        ids = torch.from_numpy(row.ids)[None]
        with torch.no_grad():
            own, theirs = (m(ids).logits[0, row.prompt - 1 : -1].float() for m in (model, psi))
        within = own.masked_fill(~rule.allowed(theirs), -torch.inf)
        mass = (within.logsumexp(-1) - own.logsumexp(-1)) * torch.from_numpy(row.mask)
        assert out.aux["masked_mass"][i].tolist() == pytest.approx(mass.tolist(), abs=1e-4)
        entropy = torch.distributions.Categorical(logits=within).entropy() * torch.from_numpy(row.mask)
        assert out.aux["masked_entropy"][i].tolist() == pytest.approx(entropy.tolist(), abs=1e-3)
