"""Questions on videos: ``video.mcq_letter``, ``video.answer``, ``video.keyframes`` and ``video.temporal_iou``."""

from assay.verifiers.video.mcq import mcq_letter
from assay.verifiers.video.reward import contrast_bonus, keyframe_saliency, kf_reward, length_bonus

__all__ = ["contrast_bonus", "keyframe_saliency", "kf_reward", "length_bonus", "mcq_letter"]
