"""Classify an image by writing its label: ``gym.make("image-classification-v0")``."""

from assay.envs.image_classification.env import ImageClassificationEnv
from assay.envs.image_classification.options import Options

Env = ImageClassificationEnv

__all__ = ["Env", "ImageClassificationEnv", "Options"]
