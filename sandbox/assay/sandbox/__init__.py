"""Closed places for strangers' commands: one small protocol, four back-ends, a pool."""

from assay.sandbox.base import (
    ExecResult,
    HostBase,
    Image,
    Layer,
    Limits,
    Probe,
    RootFS,
    Sandbox,
    SandboxSpec,
)
from assay.sandbox.choose import open_sandbox, probe
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
    "Probe",
    "RootFS",
    "Sandbox",
    "SandboxDied",
    "SandboxError",
    "SandboxSpec",
    "SandboxUnavailable",
    "open_sandbox",
    "probe",
]
