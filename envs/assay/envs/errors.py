"""Failures that are nobody's answer: they end an episode without a reward, are counted, and the task is tried again."""

from __future__ import annotations


class InfraError(RuntimeError):
    """Something around the task died: a sandbox, a renderer, the network. Never a reward."""


class VerifierError(RuntimeError):
    """The verifier itself raised. Never a reward."""
