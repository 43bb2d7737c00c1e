"""Mend software repositories, with tests that decide: ``gym.make("swe-rl-v0")``."""

from assay.envs.swe_rl.env import SweRlEnv
from assay.envs.swe_rl.options import Options

Env = SweRlEnv

__all__ = ["Env", "Options", "SweRlEnv"]
