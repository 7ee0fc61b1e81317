"""How pytest-xdist shares out the laws of a target: those that are judged together go to one process."""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # it ships no types

from bncheck.properties.catalogue import CATALOGUE
from bncheck.pytest_session import TOGETHER, units_of


class UnitScheduling(LoadScopeScheduling):  # type: ignore[misc]  # likewise
    """Units of laws, the largest first; every other test is one of its own."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        super().__init__(config, log)
        self.units = units_of(CATALOGUE, most=TOGETHER)

    def _split_scope(self, nodeid: str) -> str:
        target, _, law = nodeid.rpartition("::")
        return (
            f"{target}::{self.units[law]}" if nodeid.startswith("bncheck::") and law in self.units else nodeid
        )
