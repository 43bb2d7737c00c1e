"""auto-think: the reward to the digit, tokens of thought as they were sampled, ties, refusals, and two contexts learnt
by the real objective."""

from __future__ import annotations

import math
import random

import pytest
import torch

from assay.agents.chat import Chat
from assay.agents.rollout import Branch, Rollout, Segment
from assay.agents.tiny import tiny_tokenizer
from assay.envs import registry
from assay.envs.base import TaskEnv
from assay.envs.episode import Episode, Outcome, Turn
from assay.envs.tasks import Task, TaskSet
from assay.training.batch import make_batch
from assay.training.config import EvalConfig, LogConfig, ModelConfig, RolloutConfig, SFTConfig, TrainConfig
from assay.training.display import Display
from assay.training.logs import read_metrics
from assay.training.measures import decoder, with_measures
from assay.training.objectives.auto_think import AutoThinkReward, WithoutTies, level_of
from assay.training.objectives.data import PolicyOutputs, TrajectoryBatch
from assay.training.objectives.schedule import Pool
from assay.training.recipes import get_recipe
from assay.training.thinking import think_tokens, thinks, thoughts_of
from assay.training.trainer import train
from assay.verifiers.score import Score


def batch_of(acc, level, tokens, fmt=1.0, group=None, thought=None):
    acc = torch.as_tensor(acc, dtype=torch.float32)
    wide = {"level": level, "think_tokens": tokens, "format": fmt}
    parts = {k: torch.as_tensor(v, dtype=torch.float32).expand(len(acc)).clone() for k, v in wide.items()}
    parts["thought"] = (parts["think_tokens"] > 0).float() if thought is None else torch.tensor(thought)
    return TrajectoryBatch.of(torch.full_like(acc, 9.0), group, correct=acc, reward_parts=parts)


def reward(acc, level, tokens, fmt=1.0, **constants):
    return AutoThinkReward(**constants)(batch_of([acc], level, tokens, fmt)).item()


@pytest.mark.parametrize(
    ("acc", "level", "tokens", "wanted"),
    [(1, 1, 0, 1.0), (1, 1, 272, 0.9), (1, 1, 512, 0.8), (0, 1, 512, -0.2), (1, 3, 128, 1.2), (1, 4, 400, 1.3),
     (0, 4, 400, 0.1), (1, 2, 400, 1.1), (0, 2, 0, 0.1), (1, 1, 32, 1.0), (1, 1, 9999, 0.8)],
)  # fmt: skip
def test_what_a_response_earns(acc, level, tokens, wanted):
    assert reward(acc, level, tokens) == pytest.approx(wanted, abs=1e-7)


def test_without_the_layout_thought_earns_nothing():
    assert [reward(1, level, 400, fmt=0.0) for level in (2, 3, 4)] == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("level", [1, 4])
def test_the_other_modes_know_no_level(level):
    assert reward(1, level, 400, mode="off") == 1.0
    assert [reward(1, level, t, mode="think") for t in (400, 0)] == [1.5, 1.0]
    assert reward(0, level, 400, mode="think") == 0.5
    blank = batch_of([1.0], level, 3.0, thought=[0.0])  # white space between the tags is no thought
    assert AutoThinkReward(mode="think")(blank).item() == 1.0


def slow(acc, level, t, fmt, lam_len, t_free, t_max, lam_fmt, lam_think, t_target):
    if level == 1:
        return acc - lam_len * min(max((t - t_free) / (t_max - t_free), 0), 1)
    if level == 2:
        return acc + lam_fmt * fmt
    return acc + lam_fmt * fmt + lam_think * acc * fmt * min(1, t / t_target)


def test_all_constants_as_an_obvious_implementation_has_them():
    draw = random.Random(7)
    for _ in range(40):
        named = {"lam_len": draw.random(), "t_free": draw.randrange(50), "t_max": draw.randrange(50, 300),
                 "lam_fmt": draw.random(), "lam_think": draw.random(), "t_target": draw.randrange(1, 300)}  # fmt: skip
        rows = [(draw.randrange(2), draw.randrange(1, 5), draw.randrange(400), draw.randrange(2)) for _ in range(9)]
        acc, level, tokens, fmt = zip(*rows, strict=True)
        found = AutoThinkReward(**named)(batch_of(acc, level, tokens, fmt)).tolist()
        assert found == pytest.approx([slow(*row[:3], row[3], **named) for row in rows], abs=1e-6)


def test_a_row_without_a_verdict_teaches_nothing_and_an_environment_without_verdicts_is_told():
    found = AutoThinkReward()(batch_of([1.0, math.nan], 3, 256.0))
    assert found[0].item() == pytest.approx(1.3)
    assert math.isnan(found[1].item())
    with pytest.raises(ValueError, match="of no answer whether it is right"):
        AutoThinkReward()(batch_of([math.nan] * 2, 3, 0.0))
    with pytest.raises(ValueError, match="a task of this batch has none"):
        AutoThinkReward()(TrajectoryBatch.of([1.0], correct=torch.ones(1)))


def test_a_group_that_earns_the_same_is_dropped_and_one_that_differs_in_thought_is_not():
    # Group 0: all right, some thought more. Group 1: all wrong, alike. Group 2: one right; its middle row is average.
    batch = batch_of([1, 1, 0, 0, 1, 0, 0.5], 1.0, [4, 300, 4, 4, 4, 4, 4], group=[0, 0, 1, 1, 2, 2, 2])
    recipe = get_recipe("auto-think", {"kl_beta": 0})
    objective, schedule = recipe.objective(1), recipe.schedule()
    advantage = objective.prepare(batch)
    assert advantage[6].item() == 0
    composed = schedule.recompose(Pool.of(batch, advantage), 0, 1, 0)
    assert [rows.tolist() for rows in composed.minibatches] == [[0, 1, 4, 5, 6]]
    assert composed.metrics["prompts_dropped"] == pytest.approx(1 / 3)
    alike = batch_of([1.0, 1.0], 3, 5.0)
    assert WithoutTies().recompose(Pool.of(alike, objective.prepare(alike)), 0, 2, 0).minibatches == []


PIECES = ["<th", "ink>", "I", " see", ".</", "think", ">", "B", "</", " ", "<", "<think>", "\n"]


def told(*words):
    return [PIECES.index(word) for word in words]


def read(ids):
    return "".join(PIECES[i] for i in ids)


@pytest.mark.parametrize(
    ("said", "opened", "wanted"),
    [
        (("<th", "ink>", "I", " see", ".</", "think", ">", "B"), False, [("I", " see")]),  # ".</" is part of the tag
        (("<think>", "</", "think", ">", "B"), False, [()]),
        (("<think>", "I", "</", "</", "think", ">", "B"), False, [("I", "</")]),  # a tag that never came to be
        (("I", " see", "B"), False, []),
        (("<think>", "I", " see"), False, [("I", " see")]),  # never closed: the rest of the turn
        (("I", " see", "</", "think", ">", "B"), True, [("I", " see")]),  # the template opened it
        (("I", " see"), True, [("I", " see")]),
        (("I", "</", "think", ">", "B"), False, []),
        (("<think>", "I", "</", "think", ">", "<think>", " see", " see", "</", "think", ">"), False,
         [("I",), (" see", " see")]),
        (("<", "think", ">", "\n", "</", "think", ">"), False, [("\n",)]),
        ((), False, []),
    ],
)  # fmt: skip
def test_the_tokens_between_the_tags_as_sampled(said, opened, wanted):
    assert thoughts_of(told(*said), read, opened) == [told(*words) for words in wanted]


def rollout_of(tokenizer, turns, task="a", group=0, right=True, prompt="Look."):
    segments, encode = [], lambda text: tuple(tokenizer(text, add_special_tokens=False)["input_ids"])
    for text in turns:
        said = encode(text)
        segments += [Segment(encode(prompt), False), Segment(said, True, (-1.0,) * len(said))]
    score = Score(float(right), {"format": 1.0}, correct=right)
    spoken = [Turn([], text) for text in turns]
    return Rollout(Episode("x", task, 0, spoken, Outcome.SCORED, score), (Branch(tuple(segments)),), group=group)


def test_thoughts_of_all_turns_count_in_the_tokens_of_a_real_tokenizer():
    tokenizer = tiny_tokenizer()
    decode = decoder(Chat(tokenizer))
    thought = "Für 🍎 and ✈ I look twice"
    count = len(tokenizer(thought, add_special_tokens=False)["input_ids"])
    one = rollout_of(tokenizer, [f"<think>{thought}</think><answer>B</answer>"])
    assert think_tokens(one, decode) == count > 20
    assert thinks(one, decode)
    two = rollout_of(tokenizer, ["go", f"<think>{thought}</think>W", "<think></think>W", f"<think>{thought}"])
    assert think_tokens(two, decode) == 2 * count
    blank = rollout_of(tokenizer, ["<think>\n \n</think>B"])
    assert think_tokens(blank, decode) > 0
    assert not thinks(blank, decode)
    begun = rollout_of(tokenizer, [f"{thought}</think>B"], prompt="Look.<think>\n")
    assert think_tokens(begun, decode) == count


def test_rows_know_the_level_of_their_task_and_their_thought():
    tokenizer = tiny_tokenizer()
    tasks = TaskSet([Task("a", [], {}, {"level": "easy"}), Task("b", [], {}, {"level": "L4"})])
    thought = "<think>one two three</think><answer>B</answer>"
    played = [rollout_of(tokenizer, [thought]), rollout_of(tokenizer, ["<answer>B</answer>"], "b", 1, False)]
    recipe = get_recipe("auto-think", {"levels": "easy=L1", "kl_beta": 0})
    made = with_measures(make_batch(played, 0), played, recipe.measures(), tasks, decoder(Chat(tokenizer)))
    inside = len(tokenizer("one two three", add_special_tokens=False)["input_ids"])
    parts = made.data.reward_parts
    assert parts["level"].tolist() == [1.0, 4.0]
    assert parts["think_tokens"].tolist() == [inside, 0.0]
    assert parts["thought"].tolist() == [1.0, 0.0]
    assert parts["format"].tolist() == [1.0, 1.0]
    assert recipe.objective(8).transforms[0](made.data).tolist() == pytest.approx([1.0, 0.1])


class LevelsEnv(TaskEnv):
    """Say a letter; half of the tasks ask for a look, half for a plan."""

    meta: dict[str, str] | None = None

    @classmethod
    def load(cls, options):
        names = ("L1", "L3") if cls.meta is None else tuple(cls.meta)
        letters = "abcdefgh" if options.split == "train" else "ij"
        return TaskSet(
            [Task(x, [{"role": "user", "content": x}], {"x": x}, {"level": names[i % 2]} if names else {})
             for i, x in enumerate(letters)]
        )  # fmt: skip

    @classmethod
    def score(cls, actions, truth):
        right = len(actions[-1]) % 2 == 0  # chance enough for groups that differ
        return Score(float(right), {"format": float("<think>" in actions[-1])}, correct=right)

    @classmethod
    def gold(cls, task):
        return f"<think>one two three</think>{task.truth['x']}"


class OtherNamesEnv(LevelsEnv):
    meta = {"easy": "", "hard": ""}


class NoLevelsEnv(LevelsEnv):
    meta = {}


@pytest.fixture
def known(monkeypatch):
    more = {each: f"{__name__}:{name}" for each, name in
            (("levels_", "LevelsEnv"), ("others_", "OtherNamesEnv"), ("bare_", "NoLevelsEnv"))}  # fmt: skip
    targets = {**registry._targets(), **more}
    monkeypatch.setattr(registry, "_targets", lambda: targets)


def run(out, env, **options):
    config = TrainConfig(
        env=env, recipe="auto-think", recipe_options=options, out=str(out), steps=2, model=ModelConfig(name="tiny"),
        rollout=RolloutConfig(groups=4, group_size=4, max_tokens=12), sft=SFTConfig(epochs=8, lr=3e-3),
        eval=EvalConfig(every=0, tasks=2), log=LogConfig(report=False, episodes=False),
    )  # fmt: skip
    return train(config, Display(2, quiet=True))


def test_a_run_logs_how_long_each_level_thinks(tmp_path, known):
    with pytest.warns(UserWarning, match="pays in full for 256 tokens of thought, and no response is longer than 12"):
        run(tmp_path / "run", "levels_")
    lines = read_metrics(tmp_path / "run", "train")
    assert len(lines) == 2
    for line in lines:
        assert any(key in line for key in ("think/L1", "think/L3"))
        assert 0.0 <= line["prompts_dropped"] <= 1.0
    assert max(line.get(key, 0.0) for line in lines for key in ("think/L1", "think/L3")) > 0


@pytest.mark.filterwarnings("ignore:recipe auto-think pays in full")
@pytest.mark.parametrize(
    ("env", "options", "said"),
    [
        ("bare_", {}, "^recipe auto-think pays by level, and this environment's tasks have none: .*$"),
        ("others_", {}, "^recipe auto-think knows .* not easy, hard: --recipe.levels easy=L1 hard=L1 says .*$"),
        ("others_", {"levels": ["easy=L1"]}, "^recipe auto-think knows .* not hard: .*$"),
        ("others_", {"levels": ["easy=L9"]}, "^recipe auto-think: levels wants NAME=L1 to NAME=L4, got 'easy=L9'$"),
        ("levels_", {"t_max": 8}, "^recipe auto-think: t_max must be above t_free, got 8 and 32$"),
    ],
)
def test_what_cannot_work_is_refused_in_one_line_when_it_begins(tmp_path, known, env, options, said):
    with pytest.raises(ValueError, match=said) as error:
        run(tmp_path / "run", env, **options)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "run").exists()


RIGHT = torch.tensor([[0.9, 0.7], [0.3, 0.8]], dtype=torch.float64)
"""Perception and planning: the chance to be right without a thought and with one, which takes 300 tokens and not 4."""
SEEDS, GROUP, STEPS, RATE = 3, 8, 1500, 0.1


def learnt(mode):
    """Probability of a thought, [seeds, 2], of Bernoulli policies after 1500 steps of the recipe's own objective."""
    recipe = get_recipe("auto-think", {"mode": mode, "kl_beta": 0, "surrogate": "reinforce"})
    objective, schedule = recipe.objective(1), recipe.schedule()
    logits, draw = torch.zeros(SEEDS * 2, 1, requires_grad=True), torch.Generator().manual_seed(0)
    group = torch.arange(SEEDS * 2).repeat_interleave(GROUP)
    level = torch.tensor([1.0, 3.0]).repeat_interleave(GROUP).repeat(SEEDS)
    for step in range(STEPS):
        chance = torch.sigmoid(logits.detach()).expand(-1, GROUP)
        think = torch.rand(chance.shape, generator=draw) < chance
        able = RIGHT.repeat(SEEDS, 1)
        able = torch.where(think, able[:, 1:], able[:, :1])
        right = (torch.rand(able.shape, generator=draw, dtype=torch.float64) < able).float().flatten()
        tokens = torch.where(think, 300.0, 4.0).flatten()
        batch = batch_of(right, level, tokens, group=group.tolist(), thought=think.float().flatten().tolist())
        advantage = objective.prepare(batch)
        for rows in schedule.recompose(Pool.of(batch, advantage), step, 1, 0).minibatches:
            part, signed = batch.rows(rows), torch.where(think, logits, -logits).flatten()[rows]
            out = PolicyOutputs(torch.nn.functional.logsigmoid(signed).unsqueeze(-1))
            totals = objective.totals(part, advantage[rows])
            loss, _ = objective.loss(out, part, advantage[rows], totals)
            (grad,) = torch.autograd.grad(loss * totals.groups, logits)  # each context is a policy of its own
            with torch.no_grad():
                logits -= RATE * grad
    return torch.sigmoid(logits.detach()).reshape(SEEDS, 2)


def test_two_contexts_learn_when_to_think():
    naive, auto, plain = learnt("think"), learnt("auto"), learnt("off")
    assert bool((naive > 0.95).all())
    assert naive.mean(0).tolist() == pytest.approx([0.989, 0.996], abs=0.003)
    assert bool((auto[:, 0] < 0.05).all())
    assert bool((auto[:, 1] > 0.95).all())
    assert auto.mean(0).tolist() == pytest.approx([0.005, 0.994], abs=0.003)
    # Plain accuracy lands there as well: it is the naive bonus that harms.
    assert plain.mean(0).tolist() == pytest.approx([0.016, 0.99], abs=0.004)


def test_a_level_that_turns_up_later_is_one_clear_line():
    assert level_of({"L1": 1, "hard": 3}, "hard") == 3.0
    with pytest.raises(ValueError, match=r"--recipe\.levels L7=L1"):
        level_of({"L1": 1}, "L7")
