"""Accept or reject an applicant for a job: ``gym.make("resume-screening-v0")``."""

from assay.envs.resume_screening.env import ResumeScreeningEnv
from assay.envs.resume_screening.options import Options

Env = ResumeScreeningEnv

__all__ = ["Env", "Options", "ResumeScreeningEnv"]
