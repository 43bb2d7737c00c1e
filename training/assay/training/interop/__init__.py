"""Doors to other people's trainers."""
