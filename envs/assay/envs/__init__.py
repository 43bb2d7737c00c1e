"""Environments with verified rewards. Importing this registers every id with gymnasium and loads none of them.

>>> import gymnasium as gym
>>> import assay.envs
>>> env = gym.make("text-classification-v0")
>>> obs, info = env.reset(seed=0)
>>> obs, reward, terminated, truncated, info = env.step("mathematics")
>>> terminated
True
"""

from assay.envs.base import BaseOptions, Step, TaskEnv
from assay.envs.episode import Episode, Outcome, Turn
from assay.envs.errors import InfraError, VerifierError
from assay.envs.registry import env_class, env_id, env_names, id_of, register_all
from assay.envs.replay import play, replay, rescore
from assay.envs.tasks import Message, Task, TaskSet, content_id, split_of

__all__ = [
    "BaseOptions",
    "Episode",
    "InfraError",
    "Message",
    "Outcome",
    "Step",
    "Task",
    "TaskEnv",
    "TaskSet",
    "Turn",
    "VerifierError",
    "content_id",
    "env_class",
    "env_id",
    "env_names",
    "id_of",
    "play",
    "register_all",
    "replay",
    "rescore",
    "split_of",
]

register_all()
