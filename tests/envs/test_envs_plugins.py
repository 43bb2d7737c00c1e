"""Other packages may add environments."""

from __future__ import annotations

import subprocess
import sys


def test_third_parties_add_environments_by_entry_point(tmp_path):
    (tmp_path / "tp_env.py").write_text(
        "from assay.envs import Task, TaskEnv, TaskSet\n"
        "class Env(TaskEnv):\n"
        "    verifier = 'classify.label'\n"
        "    @classmethod\n"
        "    def load(cls, options):\n"
        "        truth = {'label': 'yes', 'labels': ['yes', 'no']}\n"
        "        return TaskSet([Task('t1', [{'role': 'user', 'content': 'yes?'}], truth)])\n"
    )
    info = tmp_path / "tp_env-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tp-env\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[assay.envs]\nthird_party = tp_env:Env\ntext_classification = tp_env:Env\n")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import gymnasium as gym, assay.envs\n"
        "env = gym.make('third-party-v0'); env.reset(seed=0); print(env.step('Yes.')[1], assay.envs.env_names())\n"
        "print(gym.make('text-classification-v0').unwrapped.__class__.__name__)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.startswith("1.0 ['")
    assert "third_party" in done.stdout
    assert "TextClassificationEnv" in done.stdout
    assert "'text_classification' of tp_env:Env is ignored: the name is taken" in done.stderr
