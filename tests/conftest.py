"""Settings that hold for every test."""

from hypothesis import settings

# The same examples on every machine and in every run, and nothing left on the disk.
settings.register_profile("reproducible", derandomize=True, deadline=None, database=None)
settings.load_profile("reproducible")
