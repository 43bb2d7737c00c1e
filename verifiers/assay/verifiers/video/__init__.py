"""Questions on videos: ``video.mcq_letter``, ``video.answer``, ``video.keyframes`` and ``video.temporal_iou``."""

from assay.verifiers.video.answer import answer
from assay.verifiers.video.frames import UnreadableError
from assay.verifiers.video.keyframes import keyframes, named_frames
from assay.verifiers.video.mcq import mcq_letter
from assay.verifiers.video.reward import contrast_bonus, keyframe_saliency, kf_reward, length_bonus
from assay.verifiers.video.temporal import temporal_iou

__all__ = [
    "UnreadableError",
    "answer",
    "contrast_bonus",
    "keyframe_saliency",
    "keyframes",
    "kf_reward",
    "length_bonus",
    "mcq_letter",
    "named_frames",
    "temporal_iou",
]
