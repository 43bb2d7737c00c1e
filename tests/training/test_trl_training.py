"""TRL's own GRPOTrainer trains on our environments, through each of the three doors."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch

from assay.agents.tiny import tiny_model
from assay.envs.base import Step, TaskEnv
from assay.envs.errors import InfraError
from assay.envs.tasks import Task, TaskSet
from assay.training.errors import UserError
from assay.training.interop.trl import (
    dataset,
    environment_factory,
    episode_reward,
    prompt_dataset,
    reward_func,
    rollout_func,
)
from assay.verifiers.score import Score

trl = pytest.importorskip("trl", reason="needs TRL: pip install 'assay[trl]'", exc_type=ImportError)
if not trl.__version__.startswith("1.16."):
    pytest.skip(f"the adapters are for TRL 1.16, not {trl.__version__}", allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("ignore:You are using")
ENV = "text-classification-v0"
GROUP = 4


@pytest.fixture(scope="module")
def policy():
    return tiny_model(layers=2, hidden=64, context=2048)


def config(folder, **changes):
    return trl.GRPOConfig(
        output_dir=str(folder), use_cpu=True, bf16=False, gradient_checkpointing=False, report_to="none",
        save_strategy="no", disable_tqdm=True, seed=3, num_generations=GROUP, per_device_train_batch_size=2 * GROUP,
        max_steps=2, learning_rate=1e-3, logging_steps=1, **{"max_completion_length": 6, **changes},
    )  # fmt: skip


def trained(policy, folder, *, trainer=None, **parts):
    """A trainer after its two steps, its log, and whether any weight moved."""
    model, tokenizer = copy.deepcopy(policy[0]), parts.pop("tokenizer", policy[1])
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    settings = parts.pop("settings", {})
    made = (trainer or trl.GRPOTrainer)(
        model=model, processing_class=tokenizer, args=config(folder, **settings), **parts
    )
    made.train()
    moved = any(not torch.equal(before[name], p) for name, p in made.model.named_parameters())
    return made, made.state.log_history, moved


def letters(completions, **_):
    """Rewards that differ within a group: a random model never says a label."""
    return [float(len(set(completion[0]["content"]))) for completion in completions]


def test_reward_functions(policy, tmp_path):
    rows = prompt_dataset(ENV).select(range(8))
    _, log, moved = trained(policy, tmp_path, reward_funcs=[reward_func("classify.label"), letters], train_dataset=rows)
    assert moved
    assert "rewards/classify_label/mean" in log[0]
    assert "classify.label/accuracy" in log[0]


class Recall(TaskEnv):
    """Two turns; the reward is how many different letters both answers had, so that a random model differs."""

    verifier = "test.recall"
    fails = False

    @classmethod
    def load(cls, options):
        return TaskSet(Task(str(n), [{"role": "user", "content": f"Say number {n}."}], {"n": n}) for n in range(4))

    @classmethod
    def score(cls, actions, truth):
        return Score(len(set("".join(actions))) / 10, correct=False)

    def act(self, task, action):
        if self.fails and task.id == "1":
            raise InfraError("sandbox died")
        if len(self._actions) == 2:
            return Step(score=self.judge(task))
        return Step([{"role": "user", "content": "Once more."}], terminated=False)


@pytest.fixture
def recall(monkeypatch):
    monkeypatch.setattr(dataset, "env_class", lambda name: Recall)


def test_rollout_of_classification(policy, tmp_path):
    rows = prompt_dataset(ENV).select(range(8))
    trainer, log, moved = trained(
        policy, tmp_path, train_dataset=rows, reward_funcs=[episode_reward, letters], rollout_func=rollout_func(ENV)
    )
    assert moved
    assert log[0]["rewards/episode_reward/mean"] >= 0
    assert log[0]["completions/max_length"] <= 6
    assert trainer.state.global_step == 2


def capture(kind, seen):
    """A GRPOTrainer that keeps what it trains on."""

    class Capturing(kind):
        def _generate_and_score_completions(self, inputs):
            output = super()._generate_and_score_completions(inputs)
            seen.append(output)
            return output

    return Capturing


def test_rollout_of_several_turns_is_exact_in_its_tokens(policy, tmp_path, recall):
    seen = []
    play, kept = rollout_func("recall", max_tokens=4), []

    def recording(prompts, trainer):
        kept.append(play(prompts, trainer))
        return kept[-1]

    _, log, moved = trained(
        policy, tmp_path, trainer=capture(trl.GRPOTrainer, seen), train_dataset=prompt_dataset("recall"),
        reward_funcs=episode_reward, rollout_func=recording, settings={"max_completion_length": 64},
    )  # fmt: skip
    assert moved
    assert log[0]["reward_std"] > 0
    model, tokenizer = policy
    columns = kept[0]
    for prompt, ids, mask, said in zip(
        columns["prompt_ids"], columns["completion_ids"], columns["env_mask"], columns["logprobs"], strict=True
    ):
        assert len(ids) == len(mask) == len(said)
        assert 2 <= sum(mask) <= 8  # two turns of at most four tokens
        shown = tokenizer.decode([token for token, own in zip(ids, mask, strict=True) if not own])
        assert "Once more." in shown
        logits = model(torch.tensor([prompt + ids])).logits[0, len(prompt) - 1 : -1]
        exact = torch.log_softmax(logits, -1)[torch.arange(len(ids)), torch.tensor(ids)]
        wanted = torch.where(torch.tensor(mask) > 0, exact, 0.0)
        assert torch.allclose(torch.tensor(said), wanted, atol=1e-4)
    batch = seen[0]
    assert batch["tool_mask"].shape == batch["completion_ids"].shape
    assert int((batch["tool_mask"] * batch["completion_mask"]).sum()) == sum(map(sum, columns["env_mask"]))


def test_failed_episodes_carry_no_loss(policy, tmp_path, recall, monkeypatch):
    monkeypatch.setattr(Recall, "fails", True)
    seen = []
    trained(
        policy, tmp_path, trainer=capture(trl.GRPOTrainer, seen), train_dataset=prompt_dataset("recall"),
        reward_funcs=episode_reward, rollout_func=rollout_func("recall", max_tokens=4),
        settings={"max_completion_length": 64},
    )  # fmt: skip
    silent = torch.cat([(batch["tool_mask"] * batch["completion_mask"]).sum(-1) == 0 for batch in seen])
    advantage = torch.cat([batch["advantages"] for batch in seen])
    assert int(silent.sum()) == GROUP  # the four rollouts of the task whose sandbox dies
    assert (advantage[silent] == 0).all()
    assert (advantage[~silent] != 0).any()


def test_a_foreign_prompt_is_one_line(policy, tmp_path, recall):
    from datasets import Dataset

    rows = Dataset.from_list([{"prompt": [{"role": "user", "content": "Who are you?"}]}] * 4)
    with pytest.raises(UserError, match="no task of recall"):
        trained(policy, tmp_path, train_dataset=rows, reward_funcs=episode_reward, rollout_func=rollout_func("recall"))


def tool_tokenizer(policy):
    """The tiny tokenizer with a published template that TRL knows to have tools."""
    tokenizer = copy.deepcopy(policy[1])
    folder = Path(trl.__file__).parent / "chat_templates"
    tokenizer.chat_template = (folder / "qwen3.jinja").read_text(encoding="utf-8")
    return tokenizer


class Speaking(trl.GRPOTrainer):
    """Says what a trained model would: one tool call, then a word. Everything else is TRL's own."""

    def _generate_single_turn(self, prompt_ids, *args, **kwargs):
        texts = []
        for i, ids in enumerate(prompt_ids):
            prompt = self.processing_class.decode(ids)
            word = "right" if i % 2 else "wrong"
            call = f'<tool_call>\n{{"name": "act", "arguments": {{"action": "{word}"}}}}\n</tool_call>'
            texts.append("Done." if "<tool_response>" in prompt.rpartition("<|im_start|>user")[2] else call)
        ids = [self.processing_class(text + "<|im_end|>")["input_ids"] for text in texts]
        return ids, None


class Echo(TaskEnv):
    """One turn: say right."""

    verifier = "test.echo"

    @classmethod
    def load(cls, options):
        return TaskSet(Task(str(n), [{"role": "user", "content": f"Say right ({n})."}], {}) for n in range(4))

    @classmethod
    def score(cls, actions, truth):
        return Score(float(actions[-1] == "right"), correct=actions[-1] == "right")


def test_environment_factory(policy, tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "env_class", lambda name: Echo)
    _, log, moved = trained(
        policy, tmp_path, trainer=Speaking, tokenizer=tool_tokenizer(policy), train_dataset=prompt_dataset("echo"),
        environment_factory=environment_factory("echo"), reward_funcs=[],
        settings={"max_completion_length": 200, "max_tool_calling_iterations": 2},
    )  # fmt: skip
    assert moved
    assert log[0]["rewards/EchoTool/mean"] == 0.5
    assert log[0]["tools/call_frequency"] == 1.0
    assert log[0]["tools/failure_frequency"] == 0.0
