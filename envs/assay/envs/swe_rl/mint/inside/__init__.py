"""Files that run inside a sandbox, on the project's Python (3.6 or later)."""
