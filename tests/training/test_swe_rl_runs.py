"""swe_rl through the command lines: one-turn edits are trained on, repositories are worked on in sandboxes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from assay.agents.tiny import tiny_model
from assay.envs.swe_rl.fixtures import rows
from assay.sandbox import SandboxError, SandboxSpec, open_sandbox
from assay.training import cli
from assay.training.logs import read_metrics
from assay.training.stored import read_episodes


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model of few weights and a long context."""
    folder = tmp_path_factory.mktemp("model")
    for part in tiny_model(layers=1, hidden=32, heads=2, context=8192):
        part.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def _sandbox() -> None:
    try:
        with_box = open_sandbox(SandboxSpec())
    except SandboxError as error:
        pytest.skip(f"no sandbox on this machine: {error}")
    with_box.close()


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two fixtures as a file of rows, one for each split."""
    chosen = sorted(rows(), key=lambda row: len(row["patch"]))[:2]
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for row, split in zip(chosen, ("train", "test"), strict=True):
            environment = {**row["environment"], "files": {"fixture": row["instance_id"]}}
            file.write(json.dumps({**row, "environment": environment, "split": split}) + "\n")
    return str(path)


def evaluated(out: Path, *words: str, path: str) -> Any:
    told = ["--env", "swe_rl", "--env.task", "repo", "--env.source", "jsonl", "--env.path", path, "--out", str(out)]
    assert cli.evaluate([*told, *words]) == 0
    (line,) = read_metrics(out, "eval")
    return line


def test_edits_are_imitated_and_learnt_from(tiny: str, two: str, tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = ["--env", "swe_rl", "--env.source", "jsonl", "--env.path", two, "--env.max-context-chars", "3000",
             "--env.distractors", "0", "--model", tiny, "--out", str(out), "--steps", "1", "--rollout.groups", "1",
             "--rollout.group-size", "2", "--sft.epochs", "1"]  # fmt: skip
    assert cli.train([*words, "--rollout.max-tokens", "8"]) == 0
    (step,) = read_metrics(out, "train")
    assert step["reward"] == -1.0  # noise is malformed
    assert {"part/format", "part/similarity"} <= set(step)
    assert read_metrics(out, "sft")


def test_an_edit_is_given_room_and_a_label_is_not(tiny: str, two: str, tmp_path: Path) -> None:
    from assay.training.config import TrainConfig
    from assay.training.preflight import suited

    assert suited(TrainConfig(env="swe_rl")).rollout.max_tokens == 512
    assert suited(TrainConfig()).rollout.max_tokens == 32


@pytest.mark.usefixtures("_sandbox")
def test_the_oracle_resolves_through_the_shell_and_through_agentless(two: str, tmp_path: Path) -> None:
    for name in ("shell", "agentless-mini"):
        out = tmp_path / name
        assert evaluated(out, "--scaffold", name, "--model", "oracle", path=two)["accuracy"] == 1.0
        (episode,) = read_episodes([out / "episodes" / "eval-000000.jsonl"])
        assert episode.actions[-1].rstrip().endswith("```")


@pytest.mark.usefixtures("_sandbox")
def test_a_model_that_says_nothing_useful_is_scored_and_stays_up(tiny: str, two: str, tmp_path: Path) -> None:
    short = ["--model", tiny, "--max-tokens", "8", "--env.max-turns", "3"]
    line = evaluated(tmp_path / "shell", *short, "--scaffold", "shell", path=two)
    assert (line["accuracy"], line["n"], line["infra_errors"]) == (0.0, 1, 0)
    line = evaluated(tmp_path / "mini", *short, "--scaffold", "agentless-mini", "--agentless.patches", "2", path=two)
    assert (line["accuracy"], line["n"], line["infra_errors"]) == (0.0, 1, 0)


def test_agentless_says_where_it_works(capsys: pytest.CaptureFixture[str], two: str, tmp_path: Path) -> None:
    for words, line in (
        (["--env", "text_classification"], "--env swe_rl --env.task repo"),
        (["--env", "swe_rl"], "--env swe_rl --env.task repo"),
        (["--env", "swe_rl", "--env.task", "repo", "--model", "constant:x"], "reads no prompts"),
    ):
        assert cli.evaluate([*words, "--scaffold", "agentless-mini", "--out", str(tmp_path / "x")]) == 2
        said = capsys.readouterr().err.strip().splitlines()[-1]
        assert line in said


class Handler(BaseHTTPRequestHandler):
    """A server whose model knows the answer to each issue, by what it is asked for."""

    answers: dict[str, dict[str, str]] = {}

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        messages = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["messages"]
        shown = "\n".join(one["content"] for one in messages)
        known = next((answers for issue, answers in self.answers.items() if issue in shown), {})
        text = next((answer for asked, answer in known.items() if asked in shown), "no idea")
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        blob = json.dumps({"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]})
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(blob)))
        self.end_headers()
        self.wfile.write(blob.encode())


@pytest.fixture
def server(two: str) -> Iterator[str]:
    from assay.agents.scaffolds.edits import Edit, render_edit
    from assay.envs.swe_rl import SweRlEnv
    from assay.envs.swe_rl.oracle import shell_answer
    from assay.verifiers.swe import parse_edits

    Handler.answers = {}
    tasks = [task for split in ("train", "test") for task in SweRlEnv(source="jsonl", path=two, split=split).tasks]
    golds = {task.meta["instance_id"]: SweRlEnv.gold(task) or "" for task in tasks}
    for line in Path(two).read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        gold = golds[row["instance_id"]]
        edits = [Edit(*edit) for edit in parse_edits(gold)]
        Handler.answers[row["problem_statement"].strip()] = {
            "This answer cannot be applied": gold,  # sent back by the edit scaffold
            "between ```": "\n".join(["```", *(edit.path for edit in edits), "```"]),
            "Resolve it by editing": "\n".join(map(render_edit, edits)),
            "Write a script": "no script",
            "```bash": shell_answer(row["patch"]),
            "<solution>": "I would rather not.",
        }
    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{made.server_address[1]}/v1"
    made.shutdown()
    made.server_close()


@pytest.mark.usefixtures("_sandbox")
@pytest.mark.parametrize("scaffold", ["shell", "agentless-mini"])
def test_a_server_works_in_repositories(scaffold: str, server: str, two: str, tmp_path: Path) -> None:
    pytest.importorskip("openai", reason="needs the client: pip install 'assay[openai]'")
    words = ["--model", "openai:m", "--base-url", server, "--scaffold", scaffold]
    assert evaluated(tmp_path / "out", *words, path=two)["accuracy"] == 1.0


@pytest.mark.parametrize(("scaffold", "accuracy"), [("chat", 0.0), ("edit", 1.0)])
def test_a_server_is_asked_again_for_an_edit_that_cannot_be_read(
    scaffold: str, accuracy: float, server: str, two: str, tmp_path: Path
) -> None:
    pytest.importorskip("openai", reason="needs the client: pip install 'assay[openai]'")
    words = ["--env.task", "edit", "--model", "openai:m", "--base-url", server, "--scaffold", scaffold]
    assert evaluated(tmp_path / "out", *words, path=two)["accuracy"] == accuracy


def test_the_edit_scaffold_with_an_oracle_and_a_model(tiny: str, two: str, tmp_path: Path) -> None:
    words = ["--env.task", "edit", "--scaffold", "edit"]
    assert evaluated(tmp_path / "oracle", *words, "--model", "oracle", path=two)["accuracy"] == 1.0
    line = evaluated(tmp_path / "model", *words, "--model", tiny, "--max-tokens", "8", path=two)
    assert (line["accuracy"], line["parsed"], line["tokens"]) == (0.0, 0.0, 16.0)  # asked twice
