"""Rollouts through scaffolds: what is sent back, what gives way, and tokens that stay exactly as they were sampled."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from assay.agents.chat import Chat
from assay.agents.engines.hf import HFPolicy
from assay.agents.engines.scripted import ActionsPolicy
from assay.agents.policy import Completion, Request, Sampling
from assay.agents.scaffolds import make_scaffold
from assay.agents.scaffolds.shell import SYSTEM, ShellScaffold
from assay.agents.tiny import tiny_model
from assay.envs.base import Step, TaskEnv
from assay.envs.episode import Outcome
from assay.envs.replay import play
from assay.envs.tasks import Task, TaskSet
from assay.training.cli import train as train_agent
from assay.training.rollout import Collector, specs_for
from assay.verifiers.score import Score

PROMPT = [{"role": "system", "content": "rules"}, {"role": "user", "content": "find the word"}]
TASKS = TaskSet([Task("t", PROMPT, {"word": "plover"})])
LONG = "no such file or directory " * 20


class Rooms(TaskEnv):
    """Prints a lot for any command; ``submit`` ends it, right if the one before said the word."""

    last = 7

    def act(self, task: Task, action: str) -> Step:
        if "submit" in action or len(self._actions) >= self.last:
            return Step(score=self.judge(task), truncated="submit" not in action, terminated="submit" in action)
        return Step([{"role": "user", "content": f"{len(self._actions)}: {LONG}"}], 0.0, False)

    @classmethod
    def score(cls, actions: Sequence[str], truth: Any) -> Score:
        right = len(actions) > 1 and truth["word"] in actions[-2]
        return Score(float(right), correct=right)


class Kept:
    """A policy whose requests and completions are kept."""

    def __init__(self, policy: Any) -> None:
        self.policy, self.requests, self.said = policy, list[Request](), list[Completion]()

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        completions: list[Completion] = self.policy.generate(requests)
        self.requests += requests
        self.said += completions
        return completions


def collect(policy: Any, **options: Any) -> Any:
    with Collector(lambda: Rooms(tasks=TASKS), policy, **options) as collector:
        (rollout,) = collector.collect(specs_for(TASKS)).rollouts
    return rollout


def bash(command: str) -> str:
    return f"Next.\n```bash\n{command}\n```"


def test_a_scripted_oracle_through_the_shell_scaffold() -> None:
    policy = Kept(ActionsPolicy(["I think it is plover", bash("ls"), bash("echo plover"), bash("submit")]))
    rollout = collect(policy, scaffold=make_scaffold("shell"))
    episode = rollout.episode
    assert episode.score.correct
    assert episode.actions == ["```bash\nls\n```", "```bash\necho plover\n```", "```bash\nsubmit\n```"]
    assert policy.requests[0].messages == [{"role": "system", "content": SYSTEM}, PROMPT[1]]
    assert len({request.seed for request in policy.requests}) == 4
    first, second, third = (turn.messages for turn in episode.turns)
    assert [one["role"] for one in first] == ["system", "user", "assistant", "user"]  # sent back once
    assert "exactly one" in first[-1]["content"]
    assert [one["content"][:2] for one in (*second, *third)] == ["1:", "2:"]
    env = Rooms(tasks=TASKS)
    assert play(env, episode.actions, seed=0).score == episode.score


def test_without_a_scaffold_everything_goes_to_the_environment() -> None:
    said = ["I think it is plover", "submit"]
    assert collect(ActionsPolicy(said)).episode.actions == said


def test_outputs_give_way_and_sampled_tokens_are_kept_once() -> None:
    model, tokenizer = tiny_model(context=2048, layers=1, hidden=64)
    policy = Kept(HFPolicy(model, tokenizer))
    limit = 1600
    scaffold = ShellScaffold(Chat(tokenizer), system="Run commands.", repairs=1, keep=1)
    rollout = collect(policy, scaffold=scaffold, sampling=Sampling(8), max_context=limit)
    assert rollout.episode.outcome is Outcome.TRUNCATED
    assert len(rollout.episode.turns) == Rooms.last
    assert len(policy.said) == 2 * Rooms.last  # noise holds no block: each answer is sent back once
    assert len(rollout.branches) > 1
    assert all(len(branch.ids) <= limit for branch in rollout.branches)
    sampled = [s.ids for branch in rollout.branches for s in branch.segments if s.sampled]
    assert sampled == [one.ids for one in policy.said]
    assert [s.logprobs for b in rollout.branches for s in b.segments if s.sampled] == [o.logprobs for o in policy.said]
    contexts = [branch.ids[:end] for branch in rollout.branches for end in ends_before_sampled(branch)]
    assert contexts == [request.ids for request in policy.requests]
    last = tokenizer.decode(policy.requests[-1].ids)
    assert f"6: {LONG.strip()}" in last  # the newest output is whole
    assert "left out" in last
    assert "find the word" in last
    cut = collect(HFPolicy(model, tokenizer), chat=Chat(tokenizer), sampling=Sampling(8), max_context=limit)
    assert "is full" in cut.episode.score.detail  # plain chat has nothing to give way


def ends_before_sampled(branch: Any) -> list[int]:
    at, ends = 0, []
    for segment in branch.segments:
        ends += [at] if segment.sampled else []
        at += len(segment.ids)
    return ends


class Handler(BaseHTTPRequestHandler):
    """An OpenAI-compatible server that looks around until something was left out of what it is shown."""

    lengths: list[int] = []

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        messages = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["messages"]
        type(self).lengths.append(sum(len(one["content"]) for one in messages))
        turn = sum(one["role"] == "assistant" for one in messages)
        done = any("left out" in one["content"] for one in messages)
        text = bash("submit") if "plover" in messages[-2]["content"] else bash("echo plover" if done else f"ls {turn}")
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        blob = json.dumps({"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]})
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(blob)))
        self.end_headers()
        self.wfile.write(blob.encode())


def test_a_server_behind_the_shell_scaffold_is_kept_within_its_context() -> None:
    openai = pytest.importorskip("openai", reason="needs the client: pip install 'assay[openai]'")
    assert openai
    from assay.agents.engines.openai import OpenAIPolicy

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        policy = OpenAIPolicy("m", base_url=f"http://127.0.0.1:{server.server_address[1]}/v1")
        scaffold = ShellScaffold(keep=1)
        rollout = collect(policy, scaffold=scaffold, sampling=Sampling(64), max_context=1000)
    finally:
        server.shutdown()
        server.server_close()
    assert rollout.episode.score.correct
    assert len(rollout.episode.turns) >= 4
    assert max(Handler.lengths) < 3 * 1000  # about three characters a token
    assert rollout.branches == ()


@pytest.mark.parametrize(
    ("name", "line"),
    [("shel", "did you mean 'shell'"), ("agentless-mini", "only eval-agent can do")],
)
def test_a_wrong_scaffold_is_one_line(name: str, line: str, tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert train_agent(["--scaffold", name, "--out", str(tmp_path / "run")]) == 2
    said = capsys.readouterr().err
    assert line in said
    assert said.count("\n") == 1
