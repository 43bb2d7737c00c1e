"""The base class, its options, spaces, and episodes of more than one turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import gymnasium as gym
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env
from PIL import Image

from assay.envs import (
    BaseOptions,
    Episode,
    InfraError,
    Outcome,
    Step,
    Task,
    TaskEnv,
    TaskSet,
    VerifierError,
    play,
    replay,
    rescore,
)
from assay.envs.options import read_options
from assay.envs.spaces import Images, Messages, Text
from assay.verifiers.score import Score


class Guess(TaskEnv):
    """Guess a number that the generator draws; hints come back; three guesses."""

    verifier: ClassVar[str] = "none"

    @classmethod
    def load(cls, options: Any) -> TaskSet:
        return TaskSet(Task(f"t{i}", [{"role": "user", "content": f"Below {i}?"}], {"limit": i}) for i in range(2, 9))

    @classmethod
    def score(cls, actions: Any, truth: Any) -> Score:
        return Score(1.0 if actions[-1] == "right" else 0.0, correct=actions[-1] == "right")

    def open(self, task: Task) -> list[dict[str, Any]]:
        self.hidden = int(self.np_random.integers(task.truth["limit"]))
        return task.prompt

    def act(self, task: Task, action: str) -> Step:
        if action == "die":
            raise InfraError("the sandbox died")
        if action == "unscored":
            return Step()
        if action == "right" or len(self._actions) == 3:
            return Step(score=self.judge(task), terminated=action == "right", truncated=action != "right")
        hint = {"role": "user", "content": f"{action} is {'low' if action < str(self.hidden) else 'not low'}"}
        return Step([hint], reward=-0.25, terminated=False)


def test_turns_extend_the_conversation():
    env = Guess()
    obs, info = env.reset(seed=1, options={"task_id": "t8"})
    assert obs == {"messages": [{"role": "user", "content": "Below 8?"}]}
    assert info == {"task_id": "t8"}
    obs, reward, terminated, truncated, info = env.step("0")
    assert (reward, terminated, truncated, info) == (-0.25, False, False, {"task_id": "t8"})
    assert [m["role"] for m in obs["messages"]] == ["user", "assistant", "user"]
    obs, reward, terminated, truncated, info = env.step("right")
    assert (reward, terminated, truncated) == (1.0, True, False)
    assert info["score"].correct
    assert [m["role"] for m in obs["messages"]] == ["user", "assistant", "user", "assistant"]


def test_an_episode_of_turns_is_replayed_exactly():
    for actions, outcome in ((["3", "right"], Outcome.SCORED), (["1", "2", "3"], Outcome.TRUNCATED)):
        episode = play(Guess(), actions, seed=5, task_id="t7")
        assert episode.outcome is outcome
        assert [turn.action for turn in episode.turns] == actions
        assert [turn.reward for turn in episode.turns[:-1]] == [-0.25] * (len(actions) - 1)
        assert [len(turn.messages) for turn in episode.turns] == [1] * len(actions)
        again = replay(Episode.from_json(episode.to_json()), Guess())
        assert again.to_json() == episode.to_json()
    hints = {play(Guess(), ["3", "right"], seed=s, task_id="t8").turns[1].messages[0]["content"] for s in range(12)}
    assert len(hints) == 2


def test_a_course_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="ended after 1 of 2 actions"):
        play(Guess(), ["right", "more"])
    with pytest.raises(ValueError, match="goes on after its 1 actions"):
        play(Guess(), ["1"])
    with pytest.raises(ValueError, match="is not a TaskEnv"):
        play(gym.make("CartPole-v1"), ["1"])


def test_an_infrastructure_error_ends_the_episode_without_a_reward():
    env = Guess()
    env.reset(seed=0)
    with pytest.raises(InfraError, match="the sandbox died"):
        env.step("die")
    with pytest.raises(ResetNeeded):
        env.step("right")
    env.reset(seed=0)
    assert env.step("right")[1] == 1.0


def test_what_the_verifier_raises_is_a_verifier_error():
    class Broken(Guess):
        @classmethod
        def score(cls, actions: Any, truth: Any) -> Score:
            raise ZeroDivisionError("oops")

    env = Broken()
    env.reset(seed=0, options={"task_id": "t2"})
    with pytest.raises(VerifierError, match=r"none on task t2: ZeroDivisionError\('oops'\)"):
        env.step("right")
    env.reset(seed=0)
    with pytest.raises(VerifierError, match="carries no score"):
        env.step("unscored")


def test_malformed_truth_is_a_verifier_error_not_a_reward():
    class Bad(TaskEnv):
        verifier: ClassVar[str] = "classify.label"

        @classmethod
        def load(cls, options: Any) -> TaskSet:
            return TaskSet([Task("t", [{"role": "user", "content": "?"}], {"label": "x", "labels": ["y", "z"]})])

    env = Bad()
    env.reset(seed=0)
    with pytest.raises(VerifierError, match="'x' is not among the 2 labels"):
        env.step("x")


def test_episodes_without_actions_or_truth_cannot_be_rescored():
    failed = Episode("text-classification-v0", "t", 0, [], Outcome.INFRA_ERROR, error="died", truth={"label": "a"})
    with pytest.raises(ValueError, match="has no action to score"):
        rescore(failed)
    episode = play(Guess(), ["right"])
    stripped = Episode(episode.env_id, "t", 0, episode.turns, episode.outcome, episode.score)
    with pytest.raises(ValueError, match="stored without its truth"):
        rescore(stripped)
    with pytest.raises(ValueError, match="unknown environment"):
        rescore(episode)


def test_the_checker_is_content_with_turns():
    gym.register("guess-test-v0", entry_point=Guess)
    check_env(gym.make("guess-test-v0").unwrapped)


def test_new_images_of_a_turn_are_appended():
    class Seeing(TaskEnv):
        has_images: ClassVar[bool] = True

        @classmethod
        def load(cls, options: Any) -> TaskSet:
            return TaskSet([Task("t", [{"role": "user", "content": [{"type": "image"}]}], {})])

        def open_images(self, task: Task) -> list[Any]:
            return [Image.new("RGB", (2, 2))]

        def act(self, task: Task, action: str) -> Step:
            if action == "end":
                return Step(score=Score(0.0))
            return Step([{"role": "user", "content": [{"type": "image"}]}], 0.0, False, images=[Image.new("L", (3, 3))])

    env = Seeing()
    assert [image.size for image in env.reset(seed=0)[0]["images"]] == [(2, 2)]
    assert [image.size for image in env.step("more")[0]["images"]] == [(2, 2), (3, 3)]
    assert len(env.step("end")[0]["images"]) == 2
    assert len(env.reset()[0]["images"]) == 1


@dataclass(frozen=True)
class Sample(BaseOptions):
    """Every kind of field."""

    mode: Literal["a", "b"] = "a"
    count: int = 1
    share: float = 0.5
    name: str | None = None
    flag: bool = False
    names: tuple[str, ...] = ()


def test_options_are_read_by_type():
    read = read_options(Sample, {"mode": "b", "share": 1, "names": "x, y,", "name": None, "flag": True}, "env")
    assert read == Sample(mode="b", share=1.0, names=("x", "y"), flag=True)
    assert read_options(Sample, {"names": ["x"], "name": "n"}, "env") == Sample(names=("x",), name="n")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"cuont": 1}, "env has no option 'cuont'; did you mean 'count'? options: split, mode"),
        ({"mode": "c"}, "env option 'mode' must be one of a, b; got 'c'"),
        ({"count": "1"}, "must be a whole number; got '1'"),
        ({"count": True}, "must be a whole number; got True"),
        ({"count": 1.5}, "must be a whole number; got 1.5"),
        ({"share": "x"}, "must be a number; got 'x'"),
        ({"flag": 1}, "must be true or false; got 1"),
        ({"name": 3}, "must be text; got 3"),
        ({"names": 3}, "must be a list; got 3"),
        ({"names": [3]}, "must be text; got 3"),
    ],
)
def test_wrong_options_are_one_line(given, message):
    with pytest.raises(ValueError) as caught:
        read_options(Sample, given, "env")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_text_space_holds_any_unicode_up_to_its_length():
    space = Text(5)
    for inside in ("", " ", "{\n}", "é漢🙂", "\ud800", "12345"):
        assert inside in space
    for outside in ("123456", b"12", None, 3):
        assert outside not in space
    big = Text(seed=3)
    samples = [big.sample() for _ in range(50)]
    assert all(sample in big and len(sample) <= 64 for sample in samples)
    again = Text(seed=3)
    assert [again.sample() for _ in range(50)] == samples


def test_conversations_and_images_are_spaces():
    space = Messages(seed=1)
    assert space.sample() in space
    assert [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "?"}]}] in space
    for outside in (
        "hi",
        [{"role": "robot", "content": ""}],
        [{"role": "user"}],
        [3],
        [{"role": "user", "content": [1]}],
    ):
        assert outside not in space
    assert Messages() == Messages()
    pictures = Images(seed=1)
    assert pictures.sample() in pictures
    assert [1] not in pictures
    assert Images() == Images() != Messages()
