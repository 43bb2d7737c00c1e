"""Classify a text by writing its label: ``gym.make("text-classification-v0")``."""

from assay.envs.text_classification.env import TextClassificationEnv
from assay.envs.text_classification.options import Options

Env = TextClassificationEnv

__all__ = ["Env", "Options", "TextClassificationEnv"]
