"""The tests' own Hypothesis settings: the same examples each time, and no deadline on machines that are busy.

Long tests come first, so that no processor waits for the last of them.
"""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("tests", derandomize=True, deadline=None, database=None)
settings.load_profile("tests")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
