"""The spatial tree of several models, and how its abilities correlate over them, from evaluations that are stored."""
