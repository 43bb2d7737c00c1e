"""``text.regex`` and ``text.f1``."""
