"""How pytest-xdist shares out the laws of a target: those that are judged together go to one process."""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # it ships no types

from bncheck.properties.catalogue import CATALOGUE
from bncheck.pytest_session import judged_at_once, units_of


class UnitScheduling(LoadScopeScheduling):  # type: ignore[misc]  # likewise
    """Units of laws, the largest first; every other test is one of its own.

    Regions of one base share its examples, which each process draws for itself: they go where these were drawn already,
    then those that nobody has drawn.
    """

    def __init__(self, config: pytest.Config, log: Any) -> None:
        super().__init__(config, log)
        self.units = units_of(CATALOGUE, most=judged_at_once(self.numnodes))
        self.bases = {self.units[law.id]: (law.region.base or law.region).name for law in CATALOGUE}
        self.drawn: dict[str, set[Any]] = {}

    def _split_scope(self, nodeid: str) -> str:
        unit = self._unit(nodeid)
        return nodeid if unit is None else f"{nodeid.rpartition('::')[0]}::{unit}"

    def _assign_work_unit(self, node: Any) -> None:
        chosen = min(self.workqueue, key=lambda scope: self._distance(scope, node))
        self.workqueue.move_to_end(chosen, last=False)
        base = self._base(chosen)
        if base is not None:
            self.drawn.setdefault(base, set()).add(node)
        super()._assign_work_unit(node)

    def _distance(self, scope: str, node: Any) -> int:
        """How far a unit is from what a process has drawn; of equal ones the first is taken, which is the largest."""
        drawn = self.drawn.get(self._base(scope) or "", set())
        return 0 if node in drawn else 2 if drawn else 1

    def _base(self, scope: str) -> str | None:
        return self.bases.get(scope.rpartition("::")[2])

    def _unit(self, nodeid: str) -> str | None:
        law = nodeid.rpartition("::")[2]
        return self.units.get(law) if nodeid.startswith("bncheck::") else None
