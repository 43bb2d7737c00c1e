"""Whole runs through the command lines, with a model of a few thousand weights."""

import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from assay.envs.episode import Outcome
from assay.training import cli
from assay.training.configfile import read_config, read_record
from assay.training.errors import UserError
from assay.training.logs import read_metrics
from assay.training.stored import episode_files, load_run, read_episodes

SMALL = ["--recipe", "grpo", "--model", "tiny", "--eval.tasks", "12", "--eval.every", "2", "--rollout.groups", "2",
         "--rollout.group-size", "3", "--rollout.max-tokens", "4", "--save-every", "2", "--sft.epochs",
         "0"]  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    run = tmp_path_factory.mktemp("runs") / "a"
    assert cli.train([*SMALL, "--steps", "3", "--env.labels", "email", "testing", "--out", str(run)]) == 0
    return run


@pytest.fixture
def run(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "run")


def one_line(capsys):
    shown = capsys.readouterr().err
    assert shown.startswith("error: ")
    assert shown.count("\n") == 1
    return shown


def test_a_run_leaves_everything_behind(finished):
    kinds = [(line["kind"], line["step"]) for line in read_metrics(finished) if line["kind"] != "baseline"]
    assert kinds == [("eval", 0), ("train", 1), ("train", 2), ("eval", 2), ("train", 3), ("eval", 3)]
    assert {line["name"] for line in read_metrics(finished, "baseline")} >= {"majority", "untrained"}
    config = read_config(finished)
    assert (config.steps, config.model.name, config.env_options) == (3, "tiny", {"labels": ["email", "testing"]})
    assert read_record(finished)["recipe"]["kl_beta"] == 0.001
    assert "--env.labels email testing" in read_record(finished)["command"]
    assert [path.name for path in episode_files(finished, "train")] == [f"train-00000{i}.jsonl" for i in (1, 2, 3)]
    assert len(list(read_episodes(episode_files(finished, "eval")[-1:]))) == 12
    assert "text_classification" in (finished / "report.html").read_text(encoding="utf-8")
    assert (finished / "curve.png").exists()


def test_the_summary_compares_with_what_needs_no_model(finished, capsys):
    from assay.training.trainer import RunResult

    assert cli.summarise(read_config(finished), RunResult(finished, None, None, None)) == 0
    shown = capsys.readouterr().out
    for words in ("majority", "untrained", "trained (3 steps)", "95 % interval", "points over the untrained model"):
        assert words in shown


def test_resume_goes_on_with_the_runs_own_configuration(run):
    assert cli.train(["--resume", "--out", str(run), "--steps", "4"]) == 0
    lines = read_metrics(run)
    assert [line["step"] for line in lines if line["kind"] == "train"] == [1, 2, 3, 4]
    assert load_run(run).after["step"] == 4


def test_resume_into_another_configuration_names_the_field(run, capsys):
    assert cli.train(["--resume", "--out", str(run), "--lr", "0.5"]) == 2
    assert "optim.lr: 2e-05 -> 0.5" in one_line(capsys)


def test_a_second_run_in_the_same_folder_is_refused(run, capsys):
    before = read_metrics(run)
    assert cli.train([*SMALL, "--out", str(run)]) == 2
    assert "--resume" in one_line(capsys)
    assert read_metrics(run) == before


def test_stored_episodes_replay_to_the_same_scores(run, tmp_path, capsys):
    out = tmp_path / "again.jsonl"
    assert cli.episodes(["replay", str(run), "--out", str(out)]) == 0
    stored = list(read_episodes(episode_files(run)))
    assert f"{len(stored)} episodes replayed, {len(stored)} scores agree" in capsys.readouterr().err
    assert [e.score for e in read_episodes([out])] == [e.score for e in stored]


def test_a_replay_that_disagrees_says_so(run, capsys):
    path = episode_files(run, "eval")[0]
    lines = path.read_text(encoding="utf-8").splitlines()
    changed = json.loads(lines[0])
    changed["score"]["reward"] += 0.5
    path.write_text("\n".join([json.dumps(changed), *lines[1:]]) + "\n", encoding="utf-8")
    assert cli.episodes(["replay", str(path)]) == 1
    shown = capsys.readouterr().err
    assert f"task {changed['task_id']}" in shown
    assert f"{len(lines)} episodes replayed, {len(lines) - 1} scores agree" in shown


def test_episodes_replay_without_their_run(run, tmp_path):
    alone = tmp_path / "elsewhere" / "some.jsonl"
    alone.parent.mkdir()
    shutil.copy(episode_files(run, "eval")[0], alone)
    assert cli.episodes(["replay", str(alone)]) == 0


def gold_file(run, tmp_path, response):
    """The episodes of an evaluation, answered by ``response(label)``."""
    from dataclasses import replace

    from assay.envs.replay import rescore
    from assay.training.stored import write_episodes

    answered = []
    for episode in read_episodes(episode_files(run, "eval")[:1]):
        episode.turns[0].action = response(episode.truth["label"])
        answered.append(replace(episode, score=rescore(episode), outcome=Outcome.SCORED))
    write_episodes(tmp_path / "gold.jsonl", answered)
    return tmp_path / "gold.jsonl"


def test_rescore_keeps_scores_and_another_verifier_changes_them(run, tmp_path, capsys):
    path = gold_file(run, tmp_path, lambda label: f"It is {label}, I think.")
    assert cli.episodes(["rescore", str(path)]) == 0
    assert "12 scores unchanged; mean reward 0.0000 -> 0.0000" in capsys.readouterr().err
    out = tmp_path / "out.jsonl"
    words = ["--verifier", "classify.label", "-o", "mode=contains", "--out", str(out)]
    assert cli.episodes(["rescore", str(path), *words]) == 0
    assert "mean reward 0.0000 -> 1.0000, mean correct 0.0000 -> 1.0000" in capsys.readouterr().err
    assert all(episode.score.correct for episode in read_episodes([out]))


def test_rescored_lines_can_go_to_standard_output(run, tmp_path, capsys):
    assert cli.episodes(["rescore", str(gold_file(run, tmp_path, str)), "--out", "-"]) == 0
    assert [json.loads(line)["score"]["reward"] for line in capsys.readouterr().out.splitlines()] == [1.0] * 12


def test_best_worst_and_show_print_episodes(run, tmp_path, capsys):
    path = gold_file(run, tmp_path, lambda label: label if label == "email" else "\x1b[2Jno [bold]idea[/bold]")
    assert cli.episodes(["best", str(path), "-n", "1"]) == 0
    assert "'email' is right" in capsys.readouterr().out
    assert cli.episodes(["worst", str(path), "-n", "1"]) == 0
    shown = capsys.readouterr().out
    assert "no [bold]idea[/bold]" in shown
    assert "\x1b[2J" not in shown
    task = next(read_episodes([path])).task_id
    assert cli.episodes(["show", str(path), "--task", task[:8]]) == 0
    assert capsys.readouterr().out.count("text-classification-v0") == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "required"),
        (["show", "nowhere.jsonl"], "no such file"),
        (["rescore", "{run}", "--verifier", "classify.lable"], "did you mean classify.label"),
        (["rescore", "{run}", "-o", "mode=contains"], "give both"),
        (["rescore", "{run}", "--verifier", "classify.label", "-o", "mode"], "NAME=VALUE"),
        (["rescore", "{run}", "--verifier", "classify.label", "-o", "mood=x"], "no option 'mood'"),
        (["show", "{run}", "--task", "zzz"], "no such episode"),
        (["show", "{run}/config.yaml"], "config.yaml:1: not an episode"),
    ],
)
def test_mistakes_with_episodes_are_one_line(finished, capsys, words, message):
    assert cli.episodes([word.replace("{run}", str(finished)) for word in words]) == 2
    assert message in one_line(capsys)


def test_eval_agent_measures_a_run_on_its_own_tasks(run, tmp_path, capsys):
    out = tmp_path / "eval"
    words = ["--model", str(run), "--samples", "2", "--pass-k", "1", "2", "--out", str(out)]
    assert cli.evaluate(words) == 0
    shown = capsys.readouterr().out
    for expected in ("95 % interval", "pass@2", "parsed", "tokens an episode", "majority", "confusion", "testing"):
        assert expected in shown
    episodes = list(read_episodes(episode_files(out)))
    assert len(episodes) == 24
    assert {episode.truth["label"] for episode in episodes} <= {"email", "testing"}
    line = read_metrics(out, "eval")[0]
    assert (line["n"], line["samples"], line["split"]) == (12, 2, "test")
    assert cli.episodes(["replay", str(out)]) == 0
    assert cli.evaluate(words) == 0  # again into the same folder


@pytest.mark.parametrize(("model", "low", "high"), [("oracle", 1, 1), ("random", 0.2, 0.8), ("constant:nothing", 0, 0)])
def test_eval_agent_with_policies_that_need_no_model(tmp_path, capsys, model, low, high):
    words = ["--model", model, "--env.labels", "email", "testing", "--tasks", "60", "--out", str(tmp_path / "e")]
    assert cli.evaluate(words) == 0
    line = read_metrics(tmp_path / "e", "eval")[0]
    assert low <= line["accuracy"] <= high
    assert line["low"] <= line["accuracy"] <= line["high"]


def test_the_report_of_an_evaluation_shows_its_images(tmp_path, capsys):
    out = tmp_path / "e"
    assert cli.evaluate(["--env", "image_classification", "--model", "oracle", "--tasks", "6", "--out", str(out)]) == 0
    assert f"report: {out / 'report.html'}" in capsys.readouterr().out
    html = (out / "report.html").read_text(encoding="utf-8")
    assert html.count('src="data:image/png;base64,') == 6
    assert "oracle" in html


def test_a_majority_answer_is_worth_the_share_of_its_label(tmp_path):
    words = ["--model", "majority", "--env.labels", "email", "testing", "--tasks", "0", "--out", str(tmp_path / "e")]
    assert cli.evaluate(words) == 0
    episodes = list(read_episodes(episode_files(tmp_path / "e")))
    answer = episodes[0].actions[0]
    share = sum(episode.truth["label"] == answer for episode in episodes) / len(episodes)
    assert read_metrics(tmp_path / "e", "eval")[0]["accuracy"] == pytest.approx(share)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model", "orakle"], "did you mean oracle?"),
        (["--model", "openai:mine"], "OPENAI_API_KEY"),
        (["--model", "oracle", "--pass-k", "4"], "needs --samples 4"),
        (["--model", "oracle", "--samples", "2", "--temperature", "0"], "temperature 0"),
        (["--model", "oracle", "--base-url", "http://x"], "--model openai:oracle"),
        (["--model", "openai:", "--base-url", "http://x"], "name the server's model"),
        (["--modle", "oracle"], "unknown flag --modle; did you mean --model"),
        (["--model", "{run}", "--out", "{run}"], "is a training run"),
        (["--model", "oracle", "--split", "tset"], "split"),
    ],
)
def test_mistakes_with_evaluations_are_one_line(finished, tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert cli.evaluate([word.replace("{run}", str(finished)) for word in words]) == 2
    assert message in one_line(capsys)


def test_a_monitor_that_stops_the_run_has_its_own_exit_code(tmp_path, capsys):
    run = tmp_path / "run"
    stop = ["--monitor.action", "stop", "--monitor.grace", "0", "--monitor.unparsed", "0.5", "--steps", "9"]
    assert cli.train([*SMALL, *stop, "--out", str(run)]) == 3
    assert {line["name"] for line in read_metrics(run, "alert")} <= {"unparsed", "dead_groups", "truncated"}
    assert read_metrics(run, "train")[-1]["step"] == 1
    assert (run / "report.html").exists()


def test_ctrl_c_keeps_the_checkpoint_and_says_how_to_go_on(tmp_path, monkeypatch, capsys):
    from assay.training.display import Display

    run, step = tmp_path / "run", Display.step

    def interrupt(self, number, metrics):
        if number == 3:
            raise KeyboardInterrupt
        step(self, number, metrics)

    with monkeypatch.context() as patch:
        patch.setattr(Display, "step", interrupt)
        assert cli.train([*SMALL, "--steps", "4", "--out", str(run)]) == 130
    shown = capsys.readouterr().err
    command = f"train-agent --resume --out {run}"
    assert command in shown
    assert cli.train(command.split()[1:]) == 0
    assert [line["step"] for line in read_metrics(run, "train")] == [1, 2, 3, 4]


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_in_a_terminal(tmp_path):
    program = [str(Path(sys.executable).parent / "train-agent"), *SMALL, "--steps", "100000", "--out", "run"]
    # A shell that runs the suite in the background has its children ignore the signal, and they theirs.
    heed = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(
        program, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heed
    ) as running:
        metrics = tmp_path / "run" / "metrics.jsonl"
        while running.poll() is None and not (metrics.exists() and metrics.read_text().count('"train"') > 4):
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        shown = running.communicate(timeout=120)[1]
    assert running.returncode == 130, shown
    assert shown == "\nstopped by Ctrl-C: checkpoints are kept; continue with: train-agent --resume --out run\n"
    assert read_metrics(tmp_path / "run", "train")[-1]["step"] > 4


def test_a_missing_column_names_the_flags(tmp_path, capsys):
    data = tmp_path / "mail.csv"
    data.write_text("text,folder\nhello,a\n")
    assert cli.train(["--dataset", str(data), "--model", "tiny", "--out", str(tmp_path / "x")]) == 2
    assert "no column 'label'; it has: text, folder: name yours with --text and --label" in one_line(capsys)


def test_memory_that_runs_out_while_learning_names_the_flags(tmp_path, monkeypatch, capsys):
    from assay.training.update import Updater

    def exhausted(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    monkeypatch.setattr(Updater, "__call__", exhausted)
    assert cli.train([*SMALL, "--steps", "1", "--out", str(tmp_path / "x")]) == 2
    assert "lower --optim.token-budget" in one_line(capsys)


def test_a_file_in_the_way_is_found_before_anything_is_loaded(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("x")
    monkeypatch.setattr("assay.training.trainer.train", lambda config: pytest.fail("too late"))
    assert cli.train([*SMALL, "--out", str(tmp_path / "file" / "run")]) == 2
    assert f"{tmp_path / 'file'} is a file" in one_line(capsys)


def test_a_read_only_folder_is_found_before_anything_is_loaded(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    monkeypatch.setattr("assay.training.trainer.train", lambda config: pytest.fail("too late"))
    assert cli.train([*SMALL, "--out", str(tmp_path / "a" / "run")]) == 2
    assert f"{tmp_path} is read-only" in one_line(capsys)
    assert not (tmp_path / "a").exists()


class Server(BaseHTTPRequestHandler):
    """Speaks just enough of the chat-completions protocol: answers with the last label of the prompt."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        label = "testing" if "testing" in asked["messages"][0]["content"] else "none"
        message = {"role": "assistant", "content": label}
        answer = {"id": "1", "object": "chat.completion", "created": 0, "model": asked["model"],
                  "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}  # fmt: skip
        body = json.dumps(answer).encode()
        self.send_response(200 if asked["model"] == "mine" else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    pytest.importorskip("openai")
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}/v1"
        running.shutdown()


def test_eval_agent_asks_a_server(server, tmp_path, capsys):
    words = ["--base-url", server, "--env.labels", "email", "testing", "--tasks", "20", "--out", str(tmp_path / "e")]
    assert cli.evaluate(["--model", "openai:mine", *words]) == 0
    episodes = list(read_episodes(episode_files(tmp_path / "e")))
    assert {episode.actions[0] for episode in episodes} == {"testing"}
    share = sum(episode.truth["label"] == "testing" for episode in episodes) / 20
    assert read_metrics(tmp_path / "e", "eval")[0]["accuracy"] == pytest.approx(share)
    capsys.readouterr()
    assert cli.evaluate(["--model", "openai:other", *words]) == 2
    assert "failed for model other" in one_line(capsys)


def test_a_bug_keeps_its_traceback(monkeypatch):
    def broken(argv):
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        cli.guarded(broken, [])


def test_debug_shows_the_traceback_of_a_mistake():
    with pytest.raises(UserError, match="unknown environment"):
        cli.train(["--env", "nonsense", "--debug"])


@pytest.mark.parametrize("words", [["envs"], ["recipes"]])
def test_listings(words, capsys):
    assert cli.train(words) == 0
    shown = capsys.readouterr().out
    assert ("text-classification-v0" if words == ["envs"] else "dr-grpo") in shown


def test_a_report_can_be_written_again(run, capsys):
    (run / "report.html").unlink()
    assert cli.train(["report", str(run)]) == 0
    assert (run / "report.html").exists()
    assert cli.train(["report"]) == 2
    assert cli.train(["report", str(run.parent)]) == 2


def test_a_model_that_cannot_be_read_is_warmed_up_by_itself(tmp_path, capsys):
    words = [*SMALL, "--steps", "1", "--env.source", "synthetic", "--out", str(tmp_path / "run")]
    assert cli.train([word for word in words if word not in ("--sft.epochs", "0")]) == 0
    assert "warming up on 64 gold answers (--sft.epochs 0 goes without)" in capsys.readouterr().out
    found = [line["sft_step"] for line in read_metrics(tmp_path / "run", "sft")]
    assert found == list(range(1, 4 * 64 // 16 + 1))
