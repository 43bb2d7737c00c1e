"""Abilities that act: bodies that move in scenes, and what a planner that knows the truth would do."""
