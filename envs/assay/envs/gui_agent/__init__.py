"""Use a live application until a goal state holds: ``gym.make("gui-agent-v0")``."""

from assay.envs.gui_agent.env import GuiAgentEnv
from assay.envs.gui_agent.options import Options

Env = GuiAgentEnv

__all__ = ["Env", "GuiAgentEnv", "Options"]
