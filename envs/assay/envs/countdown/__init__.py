"""Reach a target with given numbers: ``gym.make("countdown-v0")``."""

from assay.envs.countdown.env import CountdownEnv
from assay.envs.countdown.options import Options

Env = CountdownEnv

__all__ = ["CountdownEnv", "Env", "Options"]
