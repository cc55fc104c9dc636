"""Property tests of pure functions."""

from hypothesis import settings

# A busy machine may take its time over an example.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
