"""Property tests assert on values, never on time: a slow machine is no failure."""

from hypothesis import settings

settings.register_profile("assay", deadline=None)
settings.load_profile("assay")
