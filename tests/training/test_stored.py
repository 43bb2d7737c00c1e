import json
import random

import pytest

from assay.envs.episode import Episode, Outcome, Turn
from assay.training.config import SFTConfig, TrainConfig
from assay.training.configfile import write_config
from assay.training.errors import UserError
from assay.training.logs import MetricsLog
from assay.training.stored import episode_files, expand, extremes, load_run, read_episodes, write_episodes
from assay.verifiers.score import Score


def episode(reward, action="x", task="t", outcome=Outcome.SCORED):
    score = Score(reward, {"label": reward}, reward > 0.5) if outcome.learnable else None
    turn = Turn([{"role": "user", "content": "q"}], action, reward)
    return Episode("text-classification-v0", task, 1, [turn], outcome, score, truth={"label": "y"})


def test_episodes_come_back_as_written(tmp_path):
    path = tmp_path / "episodes" / "train-000001.jsonl"
    wrote = [episode(1.0, "a\nb"), episode(0.0, "é\ud800", outcome=Outcome.INFRA_ERROR)]
    write_episodes(path, wrote)
    read = list(read_episodes([path]))
    assert [e.outcome for e in read] == [Outcome.SCORED, Outcome.INFRA_ERROR]
    assert read[0] == wrote[0]
    assert read[1].actions == ["é?"]
    assert [p.name for p in path.parent.iterdir()] == ["train-000001.jsonl"]


def test_a_torn_last_line_is_skipped_and_a_bad_one_named(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(episode(1.0).to_json() + "\n" + episode(0.0).to_json()[:40])
    assert len(list(read_episodes([path]))) == 1
    path.write_text("{}\n" + episode(1.0).to_json() + "\n")
    with pytest.raises(UserError, match=r"a.jsonl:1: not an episode"):
        list(read_episodes([path]))


def test_files_are_in_the_order_of_their_steps(tmp_path):
    for name in ("train-000100", "train-000020", "eval-untrained", "eval-000020", "eval-1000000"):
        write_episodes(tmp_path / "episodes" / f"{name}.jsonl", [episode(1.0)])
    names = [path.stem for path in episode_files(tmp_path, "eval")]
    assert names == ["eval-untrained", "eval-000020", "eval-1000000"]
    assert [path.stem for path in episode_files(tmp_path, "train")] == ["train-000020", "train-000100"]
    assert len(expand([tmp_path])) == 5


def test_expand_takes_files_and_folders_and_refuses_the_rest(tmp_path):
    file = tmp_path / "x.jsonl"
    write_episodes(file, [episode(1.0)])
    assert expand([file]) == [file]
    assert expand([tmp_path]) == [file]
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no episodes"):
        expand([tmp_path / "empty"])
    with pytest.raises(UserError, match="no such file"):
        expand([tmp_path / "absent"])


@pytest.mark.parametrize("seed", range(5))
def test_extremes_equal_a_full_sort(seed):
    rng = random.Random(seed)
    episodes = [episode(rng.random(), f"answer {i}") for i in range(200)]
    best, worst = extremes(iter(episodes), 7)
    by_reward = sorted(episodes, key=lambda e: e.score.reward)
    assert best == by_reward[::-1][:7]
    assert worst == by_reward[:7]


def test_extremes_prefer_different_responses_and_skip_what_has_no_score():
    same = [episode(1.0, "yes", f"t{i}") for i in range(20)]
    other = [episode(1.0, "also", "u"), episode(0.0, "no", "v"), episode(0.0, "w", outcome=Outcome.VERIFIER_ERROR)]
    best, worst = extremes([*same, *other], 3)
    assert [e.actions[0] for e in best] == ["yes", "also", "yes"]
    assert [e.actions[0] for e in worst] == ["no", "yes", "also"]
    assert extremes([], 3) == ([], [])
    assert extremes(same, 0) == ([], [])


def log(run_dir, config, lines):
    run_dir.mkdir(exist_ok=True)
    write_config(run_dir, config)
    with MetricsLog(run_dir, config) as metrics:
        for kind, step, values in lines:
            metrics.write(kind, step, **values)


def accuracy(value):
    return {"split": "test", "accuracy": value}


def test_a_run_is_read_into_its_parts(tmp_path):
    log(tmp_path, TrainConfig(), [
        ("baseline", 0, {"name": "majority", "accuracy": 0.2}),
        ("eval", 0, accuracy(0.1)),
        ("baseline", 0, {"name": "untrained", "accuracy": 0.1}),
        ("train", 1, {"reward": 0.5}),
        ("train", 2, {"loss": 0.5}),
        ("alert", 2, {"name": "kl_high"}),
        ("eval", 2, {"split": "other", "accuracy": 0.9}),
        ("eval", 2, accuracy(0.6)),
    ])  # fmt: skip
    run = load_run(tmp_path)
    assert run.series("reward") == ([1, 2], [0.5, None])
    assert [line["name"] for line in run.baselines] == ["majority"]
    assert (run.before["accuracy"], run.warmed, run.after["accuracy"]) == (0.1, None, 0.6)
    assert len(run.alerts) == 1
    assert run.record["command"] == "train-agent"


def test_a_warm_up_stands_between_before_and_after(tmp_path):
    sft = ("sft", 0, {"sft_step": 1, "loss": 2.0})
    lines = [("baseline", 0, {"name": "untrained", "accuracy": 0.1}), sft, ("eval", 0, accuracy(0.5))]
    log(tmp_path, TrainConfig(sft=SFTConfig(epochs=1)), lines)
    run = load_run(tmp_path)
    assert (run.before["accuracy"], run.warmed["accuracy"], run.after["accuracy"]) == (0.1, 0.5, 0.5)


def test_a_run_that_has_only_begun_has_no_after(tmp_path):
    log(tmp_path, TrainConfig(), [("eval", 0, accuracy(0.1))])
    assert load_run(tmp_path).after is None


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(UserError, match="holds no run"):
        load_run(tmp_path)


def test_stored_lines_are_json(tmp_path):
    write_episodes(tmp_path / "a.jsonl", [episode(1.0)])
    assert json.loads((tmp_path / "a.jsonl").read_text())["score"]["reward"] == 1.0
