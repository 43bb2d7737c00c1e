"""Answer questions about videos from few frames: ``gym.make("video-keyframes-v0")``."""

from assay.envs.video_keyframes.env import VideoKeyframesEnv
from assay.envs.video_keyframes.options import Options

Env = VideoKeyframesEnv

__all__ = ["Env", "Options", "VideoKeyframesEnv"]
