"""Decoding: ways to get an answer out of a policy other than sampling it once."""
