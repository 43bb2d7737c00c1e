"""Critics: what a position is worth."""
