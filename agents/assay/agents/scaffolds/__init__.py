"""Scaffolds: from an environment's messages to a policy's context, and from a completion to an action."""
