"""Accept or reject an applicant: ``resume.rubric`` and ``resume.decision``, and the keyword matcher to beat."""

from assay.verifiers.resume.decision import decision
from assay.verifiers.resume.keywords import ats_keyword
from assay.verifiers.resume.presets import PRESETS, Penalties, Preset, Weights, accept_threshold
from assay.verifiers.resume.rubric import resume_reward, rubric

__all__ = [
    "PRESETS",
    "Penalties",
    "Preset",
    "Weights",
    "accept_threshold",
    "ats_keyword",
    "decision",
    "resume_reward",
    "rubric",
]
