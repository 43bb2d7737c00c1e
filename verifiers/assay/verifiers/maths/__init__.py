"""``math.numeric``."""
