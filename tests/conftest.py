"""The tests' own Hypothesis settings: the same examples each time, and no deadline on machines that are busy."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("tests", derandomize=True, deadline=None, database=None)
settings.load_profile("tests")
