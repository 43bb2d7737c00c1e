"""Sandboxes of Linux namespaces: the default back-end."""

from assay.sandbox.native.sandbox import NativeSandbox

__all__ = ["NativeSandbox"]
