"""The tests' own Hypothesis settings: the same examples each time, and no deadline on machines that are busy.

Long tests come first, so that no processor waits for the last of them.  A command saves its findings in the folder that it
is given in, and replays them there: tests of commands have one each.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# Tests run beside each other already.
os.environ.setdefault("BNCHECK_WORKERS", "1")

settings.register_profile("tests", derandomize=True, deadline=None, database=None)
settings.load_profile("tests")

IN_A_FOLDER_OF_THEIR_OWN = {"command_line", "isolation", "notebooks", "compare"}


@pytest.fixture(autouse=True)
def folder_of_its_own(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    if request.path.parent.name in IN_A_FOLDER_OF_THEIR_OWN:
        monkeypatch.chdir(tmp_path_factory.mktemp("folder"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
