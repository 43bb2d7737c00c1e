"""Classify a text by writing its label: ``gym.make("text-classification-v0")``."""

from assay.envs.text_classification.env import Options, TextClassificationEnv

Env = TextClassificationEnv

__all__ = ["Env", "Options", "TextClassificationEnv"]
