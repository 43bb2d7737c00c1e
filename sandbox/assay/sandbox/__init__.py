"""Closed places for strangers' commands: one small protocol, four back-ends, a pool."""

from assay.sandbox.base import (
    ExecResult,
    HostBase,
    Image,
    Layer,
    Limits,
    RootFS,
    Sandbox,
    SandboxSpec,
)
from assay.sandbox.errors import (
    FileRefused,
    ImageMissing,
    LimitUnsupported,
    SandboxDied,
    SandboxError,
    SandboxUnavailable,
)

__all__ = [
    "ExecResult",
    "FileRefused",
    "HostBase",
    "Image",
    "ImageMissing",
    "Layer",
    "LimitUnsupported",
    "Limits",
    "RootFS",
    "Sandbox",
    "SandboxDied",
    "SandboxError",
    "SandboxSpec",
    "SandboxUnavailable",
]
