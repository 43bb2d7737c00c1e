"""Stored responses: what is read, what is refused, and the rows it becomes."""

from __future__ import annotations

import json

import numpy as np
import pytest

from assay.agents.chat import Chat
from assay.agents.scaffolds.chat import ChatScaffold
from assay.agents.tiny import tiny_tokenizer
from assay.envs.base import Step, TaskEnv
from assay.envs.episode import Episode, Outcome, Turn
from assay.envs.tasks import Task, TaskSet
from assay.training.batch import row_of
from assay.training.errors import UserError
from assay.training.offline.admission import admission, check_scaffold_stores_words
from assay.training.offline.data import LoggedData, data_files
from assay.training.offline.lines import parse_line
from assay.training.offline.rows import rollout_of
from assay.training.rollout_episode import env_id_of
from assay.verifiers.score import Score


def episode(task="t", words=("a",), reward=1.0, env="x:Env", outcome=Outcome.SCORED, opening=None):
    turns = [Turn([{"role": "user", "content": f"{task}?" if n == 0 else "and?"}], w) for n, w in enumerate(words)]
    if opening is not None:
        turns[0] = Turn(opening, words[0])
    return Episode(env, task, 0, turns, outcome, Score(reward) if outcome.learnable else None)


def write(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    text = [line.to_json() if isinstance(line, Episode) else json.dumps(line) for line in lines]
    path.write_text("".join(f"{line}\n" for line in text), encoding="utf-8")
    return path


def test_an_index_of_both_forms(tmp_path):
    write(tmp_path / "run" / "episodes" / "train-000001.jsonl", episode("a", reward=0.5), episode("a", ["b"], 0.25),
          episode("b"), episode("c", outcome=Outcome.INFRA_ERROR))  # fmt: skip
    write(tmp_path / "run" / "episodes" / "other.jsonl", {"prompt": "not", "responses": ["looked"], "rewards": [0]})
    own = write(tmp_path / "own.jsonl", {"prompt": "q", "responses": ["1", "2", "3"], "rewards": [0, None, 2.0]})
    data = LoggedData.index([tmp_path / "run", own])
    assert data.reward.tolist() == [0.5, 0.25, 1.0, 0.0, 2.0]
    assert data.prompt.tolist() == [0, 0, 1, 2, 2]
    assert data.tasks == ["a", "b", ""]
    assert data.members(2).tolist() == [3, 4]
    assert [data.read(i).turns[0].action for i in range(5)] == ["a", "b", "a", "1", "3"]
    assert data.omissions() == "2 responses ended without a score"
    assert "5 responses to 3 prompts" in data.summary()
    assert LoggedData.index([tmp_path / "run" / "episodes"]).fingerprint() != data.fingerprint()
    assert LoggedData.index([tmp_path / "run", own]).fingerprint() == data.fingerprint()
    paired = LoggedData.index([tmp_path / "run", own], least=2)
    assert (paired.reward.tolist(), paired.tasks) == ([0.5, 0.25, 0.0, 2.0], ["a", ""])
    assert [paired.read(i).turns[0].action for i in range(4)] == ["a", "b", "1", "3"]
    assert "1 response alone with their prompt" in paired.omissions()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "not JSON"),
        ("[1]", "not a JSON object"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": 1}', "neither a stored episode nor"),
        ('{"prompt": "x", "responses": ["a"], "rewards": [1, 2]}', "one entry for each of the 1 responses"),
        ('{"prompt": "x", "responses": ["a"]}', "rewards must be a list"),
        ('{"prompt": "x", "responses": [1], "rewards": [1]}', "responses must be a list of texts"),
        ('{"prompt": "x", "responses": ["a"], "rewards": [NaN]}', "finite number or null"),
        ('{"prompt": "x", "responses": ["a"], "rewards": [true]}', "finite number or null"),
        ('{"prompt": "x", "responses": ["a"], "rewards": [' + "9" * 400 + "]}", "finite number or null"),
        ('{"prompt": [], "responses": ["a"], "rewards": [1]}', "prompt: messages must be a list"),
        ('{"prompt": [{"role": "god", "content": ""}], "responses": ["a"], "rewards": [1]}', "a message has a role"),
        ('{"prompt": [{"role": "user"}], "responses": ["a"], "rewards": [1]}', "content of a message"),
        ('{"prompt": "x", "responses": ["a"], "rewards": [1], "correct": ["yes"]}', "correct must be true"),
        ('{"turns": 3, "env_id": "", "task_id": "", "seed": 0, "outcome": "scored", "score": null}', ""),
        (episode().to_json().replace('"action": "a"', '"action": 7'), "turn 1: the action must be a text"),
        (episode().to_json().replace('"outcome": "scored"', '"outcome": "won"'), "won"),
        (episode().to_json().replace('"reward": 1.0', '"reward": Infinity', 1), "must be finite"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, words):
    path = tmp_path / "own.jsonl"
    path.write_text('{"prompt": "x", "responses": ["a"], "rewards": [1]}\n\n' + line + "\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"own\.jsonl:3: ") as caught:
        LoggedData.index([path])
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_bytes_that_are_no_text_and_a_torn_last_line(tmp_path):
    path = tmp_path / "own.jsonl"
    path.write_bytes(b"\xff\xfe\n")
    with pytest.raises(UserError, match=r"own\.jsonl:1: not UTF-8"):
        LoggedData.index([path])
    run = write(tmp_path / "run" / "episodes" / "train-000001.jsonl", episode())
    run.write_text(run.read_text() + episode().to_json()[:40], encoding="utf-8")
    assert len(LoggedData.index([tmp_path / "run"])) == 1


def test_nothing_to_learn_from(tmp_path):
    (tmp_path / "empty").mkdir()
    for paths, words in [
        ([tmp_path / "none"], "no such file or folder"),
        ([tmp_path / "empty"], "no stored episodes there"),
        ([write(tmp_path / "a.jsonl", {"prompt": "q", "responses": [], "rewards": []})], "it is empty"),
        ([write(tmp_path / "b.jsonl", episode(outcome=Outcome.VERIFIER_ERROR))], "1 response ended without a score"),
    ]:
        with pytest.raises(UserError, match=words):
            LoggedData.index(paths)
    assert data_files([tmp_path / "a.jsonl", tmp_path / "a.jsonl"]) == [(tmp_path / "a.jsonl").resolve()]


def test_a_file_that_changes_meanwhile(tmp_path):
    path = write(tmp_path / "own.jsonl", {"prompt": "q", "responses": ["1"], "rewards": [1]})
    data = LoggedData.index([path])
    write(path, {"prompt": "q", "responses": ["1"], "rewards": [0]})
    with pytest.raises(UserError, match="has changed"):
        data.read(0)


class Echo(TaskEnv):
    """Asks until it is told to stop."""

    def act(self, task, action):
        if action == "stop":
            return Step(score=Score(1.0))
        return Step([{"role": "user", "content": "and?"}], terminated=False, reward=0.0)


def tasks(*ids):
    return TaskSet([Task(one, [{"role": "user", "content": f"{one}?"}], {}) for one in ids])


def test_held_out_tasks_are_left_out_by_id_and_by_word(tmp_path):
    train, test = tasks("a", "b"), tasks("x", "y")
    env = Echo(tasks=train)
    name = env_id_of(env)
    own = write(
        tmp_path / "own.jsonl",
        episode("a", env=name),
        episode("x", env=name),
        episode("elsewhere", env=name),
        {"prompt": "y?", "responses": ["1", "2"], "rewards": [1, 1]},
        {"prompt": "z?", "responses": ["1"], "rewards": [1]},
    )
    data = LoggedData.index([own], admission(env, train, test, "test"))
    assert data.tasks == ["a", "elsewhere", ""]
    assert data.omissions() == "3 responses to tasks of the test split"
    foreign = write(tmp_path / "foreign.jsonl", episode("a", env=name), episode("a", env="swe-rl-v0"))
    with pytest.raises(UserError, match=r"foreign\.jsonl:2: an episode of swe-rl-v0, but this run is on "):
        LoggedData.index([foreign], admission(env, train, test, "test"))
    picture = [{"role": "user", "content": [{"type": "image", "image": "/etc/passwd"}]}]
    for number, (line, words) in enumerate([
        (episode("elsewhere", env=name, opening=picture), "whose images are needed"),
        ({"prompt": picture, "responses": ["1"], "rewards": [1]}, "a prompt with images has to be a stored episode"),
    ]):  # fmt: skip
        seen = write(tmp_path / f"seen{number}.jsonl", line)
        with pytest.raises(UserError, match=words):
            LoggedData.index([seen], admission(env, train, test, "test"))
    with pytest.raises(UserError, match="--scaffold shell"):
        check_scaffold_stores_words("shell")


def rows_of(stored, chat):
    scaffold = ChatScaffold(chat)
    return [row_of(branch) for branch in rollout_of(stored, chat, scaffold, Echo(tasks=tasks("t"))).branches]


def test_turns_become_the_tokens_of_a_rollout():
    """Sampled and stored, an episode has one and the same rows where text tokenises as it was sampled."""
    from assay.agents.policy import Completion
    from assay.training.rollout import Collector, specs_for

    tokenizer = tiny_tokenizer()
    chat = Chat(tokenizer)

    class Says:
        """A policy that says its lines."""

        def generate(self, requests):
            found = []
            for request in requests:
                said = sum(message["role"] == "assistant" for message in request.messages)
                ids = chat.answer(("yes", "no", "stop")[said])
                found.append(Completion(("yes", "no", "stop")[said], ids, (-0.5,) * len(ids)))
            return found

    with Collector(lambda: Echo(tasks=tasks("t")), Says(), chat) as collector:
        (rollout,) = collector.collect(specs_for(tasks("t"))).rollouts
    played = [row_of(branch) for branch in rollout.branches]
    again = rows_of(parse_line(rollout.episode.to_json().encode())[0], chat)
    assert len(played) == len(again) == 1
    assert again[0].ids.tolist() == played[0].ids.tolist()
    assert again[0].mask.tolist() == played[0].mask.tolist()
    assert again[0].prompt == played[0].prompt


def test_what_was_cut_teaches_no_end():
    chat = Chat(tiny_tokenizer())
    (whole,), (cut,) = (
        rows_of(episode(words=["yes"]), chat),
        rows_of(episode(words=["yes"], outcome=Outcome.TRUNCATED), chat),
    )
    assert whole.ids[-1] == chat.closing[0]
    assert np.array_equal(whole.ids[:-1], cut.ids)
    (empty,) = rows_of(episode(words=[""], outcome=Outcome.TRUNCATED), chat)
    assert empty.mask.tolist() == [True]


def test_an_answer_that_was_sent_back_was_said_too():
    chat = Chat(tiny_tokenizer())
    sent_back = [{"role": "user", "content": "t?"}, {"role": "assistant", "content": "one"},
                 {"role": "user", "content": "again"}]  # fmt: skip
    (row,) = rows_of(episode(words=["two"], opening=sent_back), chat)
    said = chat.tokenizer.decode(row.ids[row.prompt :][row.mask])
    assert said == "one<|im_end|>two<|im_end|>"
    shown = [
        {"role": "user", "content": "1?"},
        {"role": "assistant", "content": "yes"},
        {"role": "user", "content": "2?"},
    ]
    (row,) = rows_of(parse_line(json.dumps({"prompt": shown, "responses": ["no"], "rewards": [1]}).encode())[0], chat)
    assert chat.tokenizer.decode(row.ids[row.prompt :][row.mask]) == "no<|im_end|>"  # an example is no answer


def test_a_template_that_forgets_forks_the_row():
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = tokenizer.chat_template.replace(
        "message['content']", "(message['content'] if loop.last else message['content'].split('</think>')[-1])"
    )
    rows = rows_of(episode(words=["<think>hm</think>yes", "no"]), Chat(tokenizer))
    said = [tokenizer.decode(row.ids[row.prompt :][row.mask]) for row in rows]
    assert said == ["<think>hm</think>yes<|im_end|>", "no<|im_end|>"]
    assert "hm" not in tokenizer.decode(rows[1].ids)
