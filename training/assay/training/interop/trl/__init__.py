"""Our verifiers and environments inside TRL's ``GRPOTrainer`` (TRL 1.16: ``pip install 'assay[trl]'``).

- :func:`reward_func`: any verifier as one of its ``reward_funcs``;
- :func:`prompt_dataset`: the tasks of an environment as its ``train_dataset``;
- :func:`rollout_func` with :func:`episode_reward`: any text environment, any number of turns, exact tokens;
- :func:`environment_factory`: the same environment behind a tool call, for models whose template has tools.

A run of a classification task is ``GRPOTrainer(model, reward_funcs=reward_func("classify.label"),
train_dataset=prompt_dataset("text_classification"))``.
"""

from assay.training.interop.trl.dataset import prompt_dataset
from assay.training.interop.trl.environment import ToolEnvironment, environment_factory
from assay.training.interop.trl.reward import reward_func
from assay.training.interop.trl.rollout import episode_reward, rollout_func
from assay.training.interop.trl.version import require_trl

__all__ = [
    "ToolEnvironment",
    "environment_factory",
    "episode_reward",
    "prompt_dataset",
    "require_trl",
    "reward_func",
    "rollout_func",
]
