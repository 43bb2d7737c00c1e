"""An independent implementation agrees: our losses, gradients and advantages against TRL's on the same tensors."""

from __future__ import annotations

import copy

import pytest
import torch

from assay.agents.tiny import tiny_model
from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.recipes import get_recipe

trl = pytest.importorskip("trl", reason="parity needs TRL: pip install 'assay[trl]'", exc_type=ImportError)
if not trl.__version__.startswith("1.16."):
    pytest.skip(f"parity is with TRL 1.16, not {trl.__version__}", allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("ignore:You are using")
ROWS, GROUP, PROMPT, WIDTH, LONGEST = 8, 4, 5, 9, 12
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def policy():
    return tiny_model(layers=2, hidden=64)


def make_trainer(policy, folder, reward=None, method="GRPO", **config):
    from datasets import Dataset

    model, tokenizer = policy
    if method == "GRPO":
        config = {"use_bias_correction_kl": False} | config
    args = getattr(trl, f"{method}Config")(
        output_dir=str(folder), use_cpu=True, bf16=False, gradient_checkpointing=False, report_to="none",
        save_strategy="no", num_generations=GROUP, per_device_train_batch_size=ROWS, max_completion_length=LONGEST,
        temperature=1.0, disable_tqdm=True, seed=0, **config,
    )  # fmt: skip
    return getattr(trl, f"{method}Trainer")(
        model=copy.deepcopy(model),
        processing_class=tokenizer,
        args=args,
        reward_funcs=reward or (lambda completions, **kwargs: [0.0] * len(completions)),
        train_dataset=Dataset.from_dict({"prompt": ["yes or no?", "spam or ham?"]}),
    )


def make_inputs(policy, with_tools):
    """A padded batch in TRL's own format: prompts on the left, completions on the right."""
    model, tokenizer = policy
    g = torch.Generator().manual_seed(7)
    vocab = model.config.vocab_size
    prompt_mask = (torch.arange(PROMPT) >= torch.randint(0, 3, (ROWS, 1), generator=g)).long()
    lengths = torch.randint(2, WIDTH + 1, (ROWS, 1), generator=g)
    lengths[0] = WIDTH
    completion_mask = (torch.arange(WIDTH) < lengths).long()
    tool_mask = torch.ones(ROWS, WIDTH, dtype=torch.long)
    if with_tools:
        tool_mask[:, 1] = 0  # what an environment said between two turns
    ids = torch.randint(3, vocab, (ROWS, PROMPT + WIDTH), generator=g)
    attention = torch.cat([prompt_mask, completion_mask], 1)
    ids = torch.where(attention > 0, ids, tokenizer.pad_token_id)
    old = logprobs(model, ids, attention).detach()
    noise = 0.4 * torch.randn(ROWS, WIDTH, generator=g)
    return {
        "prompt_ids": ids[:, :PROMPT],
        "prompt_mask": prompt_mask,
        "completion_ids": ids[:, PROMPT:],
        "completion_mask": completion_mask,
        "tool_mask": tool_mask,
        "advantages": torch.randn(ROWS, generator=g),
        "old_per_token_logps": old + noise,
        "ref_per_token_logps": old + 0.5 * torch.randn(ROWS, WIDTH, generator=g),
        "num_items_in_batch": (completion_mask * tool_mask).sum(),
    }


def logprobs(model, ids, attention):
    logits = model(input_ids=ids, attention_mask=attention).logits[:, PROMPT - 1 : -1]
    return torch.log_softmax(logits, -1).gather(-1, ids[:, PROMPT:].unsqueeze(-1)).squeeze(-1)


def ours(policy, recipe, inputs):
    """Loss and gradients of our objective, over two micro-batches."""
    model = copy.deepcopy(policy[0]).train()
    mask = (inputs["completion_mask"] * inputs["tool_mask"]).float()
    batch = TrajectoryBatch.of(
        torch.zeros(ROWS),
        action_mask=mask,
        old_logp=inputs["old_per_token_logps"] * mask,
        rollout_logp=inputs["old_per_token_logps"] * mask,
        anchor_logp={"ref": inputs["ref_per_token_logps"] * mask},
    )
    objective = recipe.objective(LONGEST)
    advantage = inputs["advantages"].unsqueeze(-1) * mask
    totals = objective.totals(batch, advantage)
    total = 0.0
    for index in torch.arange(ROWS).split(5):
        ids = torch.cat([inputs["prompt_ids"], inputs["completion_ids"]], 1)[index]
        attention = torch.cat([inputs["prompt_mask"], inputs["completion_mask"]], 1)[index]
        logp = logprobs(model, ids, attention) * mask[index]
        loss, _ = objective.loss(PolicyOutputs(logp), batch.rows(index), advantage[index], totals)
        loss.backward()
        total += loss.item()
    return total, {name: p.grad for name, p in model.named_parameters()}


PAIRS = [
    ("grpo", {"kl_beta": 0, "dual_clip": 0}, {"loss_type": "grpo"}),
    ("grpo", {"kl_beta": 0.1, "dual_clip": 0}, {"loss_type": "grpo", "beta": 0.1}),
    ("grpo", {"kl_beta": 0, "dual_clip": 1.5}, {"loss_type": "grpo", "delta": 1.5}),
    ("dr-grpo", {"dual_clip": 0}, {"loss_type": "dr_grpo"}),
    ("dapo", {"dual_clip": 0}, {"loss_type": "dapo", "epsilon_high": 0.28}),
    ("dapo", {"dual_clip": 0}, {"loss_type": "bnpo", "epsilon_high": 0.28}),
    ("cispo", {"is_cap_high": 1.2}, {"loss_type": "cispo", "epsilon_high": 1.2}),
    (
        "gspo",
        {"clip_low": 0.02, "clip_high": 0.03},
        {"loss_type": "grpo", "importance_sampling_level": "sequence", "epsilon": 0.02, "epsilon_high": 0.03},
    ),
]


@pytest.mark.parametrize("with_tools", [False, True], ids=["one turn", "two turns"])
@pytest.mark.parametrize(("name", "constants", "config"), PAIRS, ids=str)
def test_loss_and_gradient(policy, tmp_path, name, constants, config, with_tools):
    inputs = make_inputs(policy, with_tools)
    config = dict(config)
    beta = config.pop("beta", 0.0)
    trainer = make_trainer(policy, tmp_path, **config)
    trainer.beta = beta  # given to the constructor, it would fetch a reference model from the hub
    trainer.current_gradient_accumulation_steps = 1
    trainer.model.train()
    loss = trainer._compute_loss(trainer.model, inputs)
    loss.backward()
    theirs = {name: p.grad for name, p in trainer.model.named_parameters()}
    value, grads = ours(policy, get_recipe(name, constants), inputs)
    assert value == pytest.approx(loss.item(), rel=TOLERANCE, abs=1e-7)
    assert_same(grads, theirs)


def assert_same(ours, theirs):
    assert ours.keys() == theirs.keys()
    norm = torch.stack([grad.norm() for grad in theirs.values()]).norm()
    gap = torch.stack([(ours[key] - theirs[key]).norm() for key in theirs]).norm()
    assert norm > 1e-4
    assert gap / norm < TOLERANCE


def test_gradient_of_rloo(policy, tmp_path):
    """At the sampling policy, where TRL's clipped ratio of the sequence and plain REINFORCE are one gradient."""
    inputs = make_inputs(policy, with_tools=False)
    ids = torch.cat([inputs["prompt_ids"], inputs["completion_ids"]], 1)
    attention = torch.cat([inputs["prompt_mask"], inputs["completion_mask"]], 1)
    inputs["old_per_token_logps"] = logprobs(policy[0], ids, attention).detach()
    inputs["old_logps"] = (inputs["old_per_token_logps"] * inputs["completion_mask"]).sum(-1)
    trainer = make_trainer(policy, tmp_path, method="RLOO", beta=0.0)
    trainer.model.train()
    trainer._compute_loss(trainer.model, inputs).backward()
    theirs = {name: p.grad for name, p in trainer.model.named_parameters()}
    assert_same(ours(policy, get_recipe("rloo"), inputs)[1], theirs)


REWARDS = [1.0, 0.0, 0.0, 0.5, 0.2, 0.2, 0.2, 0.2]


@pytest.mark.parametrize(
    ("method", "config", "advantage"),
    [
        ("GRPO", {"scale_rewards": "group"}, "grpo"),
        ("GRPO", {"scale_rewards": "none"}, "dr_grpo"),
        ("GRPO", {"scale_rewards": "batch"}, "lite"),
        ("RLOO", {"beta": 0.0}, "rloo"),
    ],
    ids=["group", "none", "batch", "rloo"],
)
@pytest.mark.parametrize("missing", [False, True], ids=["all scored", "one missing"])
def test_advantages(policy, tmp_path, monkeypatch, method, config, advantage, missing):
    rewards: list[float | None] = list(REWARDS)
    if missing:
        rewards[2] = None

    trainer = make_trainer(policy, tmp_path, lambda **kwargs: rewards, method, **config)
    said = [[7, 8]] * ROWS
    answer = (said, None) if method == "GRPO" else said
    monkeypatch.setattr(trainer, "_generate_single_turn", lambda *args, **kwargs: answer)
    trainer.model.train()
    rows = [{"prompt": prompt} for prompt in ("a", "b") for _ in range(GROUP)]
    theirs = trainer._generate_and_score_completions(rows)["advantages"]
    recipe = get_recipe("grpo", {"advantage": advantage, "advantage_eps": 1e-4, "kl_beta": 0})
    given = [float("nan") if reward is None else reward for reward in rewards]
    batch = TrajectoryBatch.of(given, [0] * GROUP + [1] * GROUP)
    assert torch.allclose(recipe.objective(LONGEST).prepare(batch)[:, 0], theirs, atol=1e-5)
