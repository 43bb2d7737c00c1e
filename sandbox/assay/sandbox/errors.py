"""What can go wrong around a sandbox. None of these is ever a reward."""

from __future__ import annotations


class SandboxError(RuntimeError):
    """The base of all of them: something around the command failed, not the command."""


class SandboxDied(SandboxError):  # noqa: N818 - the event is the name
    """The sandbox, its server or its daemon is gone. What ran in it must be run again elsewhere."""


class SandboxUnavailable(SandboxError):  # noqa: N818
    """This host cannot give such a sandbox.

    Args:
        reason: what is missing, one line.
        fix: what to do about it, one line.
    """

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(f"{reason}; {fix}")
        self.reason = reason
        self.fix = fix

    def __reduce__(self) -> tuple[type[SandboxUnavailable], tuple[str, str]]:
        """Two arguments made it, so two must travel to another process."""
        return type(self), (self.reason, self.fix)


class ImageMissing(SandboxUnavailable):
    """The image is not on this host; ``fix`` holds the command that pulls or builds it."""


class LimitUnsupported(SandboxUnavailable):
    """The back-end cannot hold a limit that the spec asks for."""


class FileRefused(SandboxError):  # noqa: N818
    """A path that leads out of the sandbox, is no regular file, is too large, or cannot be read or written."""
