"""Point at what an instruction names on a screenshot: ``gym.make("gui-grounding-v0")``."""

from assay.envs.gui_grounding.env import GuiGroundingEnv
from assay.envs.gui_grounding.options import Options

Env = GuiGroundingEnv

__all__ = ["Env", "GuiGroundingEnv", "Options"]
