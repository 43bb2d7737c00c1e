"""The environment itself: options, sources, episodes of both kinds, and what is stored of them."""

from __future__ import annotations

import json
from dataclasses import replace

import gymnasium as gym
import pytest

from assay.envs import Episode, InfraError, TaskSet, play, replay, rescore
from assay.envs.swe_rl import SweRlEnv
from assay.envs.swe_rl.env import Options
from assay.envs.swe_rl.evidence import Evidence
from assay.envs.swe_rl.inside.agent_tools import Problem, edit, search, view
from assay.envs.swe_rl.oracle import shell_answer
from assay.envs.swe_rl.prompts import fill, tree_summary
from assay.envs.swe_rl.shell import command_of, observation, shortened
from assay.envs.swe_rl.tasks import build_tasks
from assay.envs.swe_rl.verdict import score_of
from assay.sandbox import ExecResult
from assay.verifiers.swe import render_response
from assay.verifiers.swe.edits import Edit


@pytest.fixture(scope="module")
def rows_file(shelf, tmp_path_factory):
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    path.write_text(json.dumps(shelf.record) + "\n")
    return path


@pytest.fixture(scope="module")
def repo_env(shelf, rows_file):
    env = gym.make("swe-rl-v0", task="repo", source="jsonl", path=str(rows_file), split="test", test_share=1.0,
                   backend=shelf.backend, timeout=60.0, command_timeout=20.0, max_turns=4, boxes=4)  # fmt: skip
    yield env
    env.close()


def bash(text):
    return f"I look.\n\n```bash\n{text}\n```"


def test_the_default_is_the_edit_task_and_needs_no_sandbox(monkeypatch):
    monkeypatch.setattr("assay.sandbox.choose.probe", None)
    env = gym.make("swe-rl-v0", split="test")
    assert env.unwrapped.options == Options(split="test")
    assert (env.unwrapped.blocking, env.unwrapped.patience) == (False, None)
    task = env.unwrapped.tasks[0]
    assert play(env, [env.unwrapped.gold(task)], task_id=task.id).score.reward == 1.0


def test_edit_prompts_show_what_is_needed_and_not_the_answer():
    for task in SweRlEnv(split="test").tasks:
        told = task.prompt[1]["content"]
        for path, text in task.truth["context"].items():
            assert f"### {path}\n{text}" in told
        for path, text in task.truth["oracle"].items():
            assert text not in told
            assert path in task.truth["context"] or path not in told
        assert any(path not in task.truth["oracle"] for path in task.truth["context"])


def test_splits_are_by_repository():
    repos = {split: {task.meta["repo"] for task in SweRlEnv(split=split, dev_share=0.2).tasks}
             for split in ("train", "test")}  # fmt: skip
    assert not repos["train"] & repos["test"]


def test_the_size_of_the_context_is_bounded():
    everything = build_tasks(Options(split="train"))
    small = build_tasks(Options(split="train", max_context_chars=1500, distractors=5))
    assert small.left_out
    assert sum(small.left_out.values()) + len(small) == len(everything) + sum(everything.left_out.values())
    assert all(sum(map(len, task.truth["context"].values())) <= 1500 for task in small)
    assert "left out" in small.summary
    with pytest.raises(
        ValueError, match=r"none of the \d+ rows can be a task with task=edit \(\d+: the files to change"
    ):
        build_tasks(Options(split="train", max_context_chars=10))


def test_a_template_replaces_the_prompt(tmp_path):
    (tmp_path / "mine.txt").write_text("Issue {issue}; files {files}; {other}")
    task = SweRlEnv(split="test", prompt_template=str(tmp_path / "mine.txt")).tasks[0]
    assert task.prompt[1]["content"].startswith("Issue ")
    assert task.prompt[1]["content"].endswith("; {other}")
    with pytest.raises(ValueError, match=r"needs the place \{files\}"):
        SweRlEnv(split="test", prompt_template="only {issue}")
    assert fill("{issue} {tree}", issue="{tree}", tree="t") == "{tree} t"


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"task": "repo", "reward": "similarity"}, "reward must be tests, tests-partial or hybrid"),
        ({"source": "jsonl"}, "source=jsonl needs path=FILE"),
        ({"source": "jsonl", "path": "/no/such/rows.jsonl"}, "no such file"),
        ({"source": "minted", "path": "/"}, "has no rows.jsonl and no tasks.jsonl"),
        ({"test_share": 1.0, "split": "train"}, "none of the .* rows is in split 'train'"),
        ({"task": "shell"}, "must be one of edit, repo"),
    ],
)
def test_options_that_cannot_be_used_say_so(options, match):
    with pytest.raises(ValueError, match=match):
        SweRlEnv(**options)


def test_a_whole_repo_episode(shelf, repo_env):
    inner = repo_env.unwrapped
    assert inner.blocking is True
    assert inner.patience > 60
    fix = "edit shelf/stock.py <<'END'\n<<<<<<< SEARCH\n    stock[name] = left\n=======\n    if left < 0:\n" \
          "        raise ValueError(name)\n    stock[name] = left\n>>>>>>> REPLACE\nEND"  # fmt: skip
    look = "pwd; view shelf/stock.py 1 2; search 'def missing'; python -m pytest -q 2>&1 | tail -1; touch junk; exit 3"
    episode = play(repo_env, [bash(look), bash(fix), bash("rm junk; submit")], seed=3, task_id=inner.tasks[0].id)
    assert episode.score.correct is True, episode.score.detail
    opening, seen, edited = (turn.messages[-1]["content"] for turn in episode.turns)
    assert "take() lets the stock fall below zero" in opening
    assert "shelf/stock.py" in opening
    assert seen.startswith("[exit status 3]\n/testbed\n     1  def take(stock, name, count):\n")
    assert "shelf/stock.py:8: def missing(stock, wanted):" in seen
    assert "2 passed" in seen
    assert edited == "[exit status 0]\nshelf/stock.py: 1 block(s) replaced"
    assert [turn.reward for turn in episode.turns] == [0.0, 0.0, 1.0]
    evidence = Evidence.from_dict(episode.meta["evidence"])
    assert "+    if left < 0:\n" in evidence.patch
    assert "junk" not in evidence.patch
    stored = Episode.from_json(episode.to_json())
    assert rescore(stored) == episode.score
    again = replay(stored, repo_env)
    assert (again.score, again.meta["evidence"]) == (episode.score, episode.meta["evidence"])
    with pytest.raises(ValueError, match="stored without its test report"):
        rescore(replace(stored, meta={}))
    alone = type(inner)(tasks=TaskSet([inner.tasks[0]]), backend=shelf.backend)  # as `assay-episodes replay` does it
    assert replay(stored, alone).score == episode.score
    alone.close()


def test_the_oracle_resolves_in_one_turn_and_submitting_at_once_does_not(repo_env):
    inner = repo_env.unwrapped
    task = inner.tasks[0]
    assert play(repo_env, [inner.gold(task)], task_id=task.id).score.correct is True
    nothing = play(repo_env, [inner.trivial(inner.tasks)["empty"]], task_id=task.id).score
    assert (nothing.correct, nothing.reward, nothing.parsed) == (False, 0.0, False)


def test_every_string_is_an_action_and_the_last_turn_is_graded(repo_env):
    odd = ["no block\n```python\nx\n```", bash("echo \udc80 \0"), bash("sleep 30 & cat /dev/zero | head -c 300000"), ""]
    repo_env.reset(seed=1)
    for action in odd[:3]:
        obs, reward, terminated, truncated, _ = repo_env.step(action)
        assert (reward, terminated, truncated) == (0.0, False, False)
    said = [message["content"] for message in obs["messages"] if message["role"] == "user"][1:]
    assert "holds none" in said[0]
    assert "NUL" in said[1]
    assert "characters left out" in said[2]
    *_, terminated, truncated, info = repo_env.step(odd[3])
    assert (terminated, truncated, info["score"].correct) == (False, True, False)


def test_turns_that_run_out_are_graded_as_the_tree_is(shelf, repo_env):
    fix = shell_answer(shelf.row.patch).replace(" && submit", "")
    played = play(repo_env, [fix, "true", "true", "true"], task_id=repo_env.unwrapped.tasks[0].id)
    assert (played.outcome, played.score.correct) == ("truncated", True)


def test_a_command_that_does_not_end_is_ended(shelf, rows_file):
    env = SweRlEnv(task="repo", source="jsonl", path=str(rows_file), split="test", test_share=1.0,
                   backend=shelf.backend, command_timeout=1.0)  # fmt: skip
    env.reset(seed=0)
    obs = env.step("echo first; sleep 60")[0]
    assert obs["messages"][-1]["content"].startswith("[not done after 1 seconds")
    assert "first" in obs["messages"][-1]["content"]
    assert env.step("echo alive")[0]["messages"][-1]["content"] == "[exit status 0]\nalive"
    env.close()


def test_an_episode_cannot_reach_into_the_next(repo_env):
    repo_env.reset(seed=0)
    repo_env.step("echo mine > left_over; git config user.name x; (sleep 300 &)")
    obs, _ = repo_env.reset(seed=0)
    assert "left_over" not in repr(obs)
    obs = repo_env.step("ls; git config user.name; ps ax 2>/dev/null | grep -c 'sleep 30[0]'")[0]
    assert "left_over" not in obs["messages"][-1]["content"]
    assert "\nx\n" not in obs["messages"][-1]["content"]


def test_an_edit_answer_can_be_graded_by_tests(shelf, rows_file):
    env = SweRlEnv(task="edit", reward="hybrid", source="jsonl", path=str(rows_file), split="test", test_share=1.0,
                   backend=shelf.backend, timeout=60.0)  # fmt: skip
    assert env.blocking is True
    task = env.tasks[0]
    gold = play(env, [env.gold(task)], task_id=task.id)
    assert (gold.score.reward, gold.score.correct) == (pytest.approx(1.0), True)
    assert rescore(Episode.from_json(gold.to_json())) == gold.score
    old = "    stock[name] = left"
    other = render_response(
        [Edit("shelf/stock.py", old, f"    if not left >= 0:\n        raise ValueError\n{old}")], "So."
    )
    unlike = play(env, [other], task_id=task.id).score
    assert unlike.correct is True
    assert 0.8 < unlike.reward < 1.0
    for bad in ("nonsense", render_response([Edit("../evil.py", "", "x = 1")], "Out.")):
        score = play(env, [bad], task_id=task.id).score
        assert (score.reward, score.correct, score.parsed) == (0.0, False, False)


def test_a_sandbox_that_cannot_be_had_is_no_score(shelf, rows_file):
    env = SweRlEnv(task="repo", source="jsonl", path=str(rows_file), split="test", test_share=1.0, backend="docker")
    broken = replace(shelf.row, image="assay/no-such-image:1", environment={})
    task = env.tasks[0]
    env.tasks = TaskSet([replace(task, truth={**task.truth, "row": broken.to_dict()}, id="0" * 16)])
    with pytest.raises(InfraError):
        env.reset(seed=0)


@pytest.mark.parametrize(
    ("action", "command"),
    [
        ("ls -l", "ls -l"),
        ("text\n```bash\nls\n```\nmore", "ls"),
        ("````sh\ncat <<'E'\n```\nE\n````", "cat <<'E'\n```\nE"),
        ("```bash\na\n```\n```bash\nb\n```", ""),
        ("```python\nx\n```", ""),
        ("", ""),
        ("```bash\n\n```", ""),
        ("x" * 300_000, ""),
        ("a\0b", ""),
        ("echo \udc80", "echo ?"),
    ],
)
def test_actions_as_commands(action, command):
    found, problem = command_of(action)
    assert found == command
    assert bool(problem) == (not command)


def test_observations_keep_head_and_tail():
    text = observation(ExecResult(1, b"a" * 50 + b"b" * 50, b"\xff", truncated=7), 20, 5.0)
    assert (
        text
        == "[exit status 1] [7 bytes of output were not kept]\naaaaaaaaaa\n[81 characters left out]\nbbbbbbbbb\ufffd"
    )
    assert shortened("abc", 3) == "abc"
    assert "want of memory" in observation(ExecResult(137, oom=True), 20, 5.0)
    assert observation(ExecResult(None, b"x", timed_out=True), 20, 5.0).startswith("[not done after 5 seconds")


def test_the_tree_of_a_large_repository_is_summed_up():
    assert tree_summary(["b.py", "a/c.py"]) == "a/c.py\nb.py"
    many = tree_summary([f"pkg{i % 7}/mod{i}/f{j}.py" for i in range(300) for j in range(3)])
    assert many.splitlines()[0] == "pkg0/ (129 files)"
    assert len(many.splitlines()) == 7


def test_the_agents_tools(tmp_path, monkeypatch, capsysbinary):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.py").write_bytes(b"x = 1\r\ny = 1\r\n")

    def given(text):
        monkeypatch.setattr("sys.stdin", type("In", (), {"buffer": __import__("io").BytesIO(text.encode())}))

    given("<<<<<<< SEARCH\nx = 1\n=======\nx = 2\n>>>>>>> REPLACE\n")
    edit("a.py")
    assert (tmp_path / "a.py").read_bytes() == b"x = 2\r\ny = 1\r\n"
    given("<<<<<<< SEARCH\n = \n=======\n\n>>>>>>> REPLACE\n")
    with pytest.raises(Problem, match="0 times, not once"):
        edit("a.py")
    given("<<<<<<< SEARCH\n=======\nnew\n>>>>>>> REPLACE\n")
    edit("deep/b.txt")
    assert (tmp_path / "deep/b.txt").read_text() == "new\n"
    given("nothing")
    with pytest.raises(Problem, match="no SEARCH/REPLACE block"):
        edit("a.py")
    assert view(".") == "a.py\ndeep/b.txt"
    assert view("a.py", "2") == "     2  y = 1\r\n[lines 2 to 2 of 2]"
    assert search("y =") == "a.py:2: y = 1"
    with pytest.raises(Problem, match="no line matches"):
        search("(unclosed")
    with pytest.raises(Problem, match="No such file"):
        view("none.py")


def test_an_oracles_patch_survives_every_content():
    odd = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-END_OF_PATCH\n+```\r\n"
    assert "base64 -d" in shell_answer(odd)
    assert "END_OF_PATCH_" in shell_answer(odd.replace("```\r", "y"))
    assert command_of(shell_answer(odd))[1] == ""


def test_evidence_that_is_none_is_refused(shelf):
    with pytest.raises(ValueError, match="the evidence needs a patch"):
        Evidence.from_dict({"patch": 1})
    with pytest.raises(ValueError, match="the stored report cannot be read"):
        score_of(shelf.row, Evidence("p", True, report={"version": 9}), "tests")
