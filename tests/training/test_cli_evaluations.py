"""Where evaluations go."""

from assay.training import cli
from assay.training.stored import load_run


def test_evaluations_of_other_tasks_do_not_overwrite_each_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = ["--env", "text_classification", "--model", "oracle", "--tasks", "4"]
    for options in ([], ["--split", "train"], []):
        assert cli.evaluate([*command, *options]) == 0
    kept = {path.name: load_run(path).settings["eval"]["split"] for path in (tmp_path / "runs").iterdir()}
    assert kept == {"eval-text_classification-oracle": "test", "eval-text_classification-oracle-2": "train"}
