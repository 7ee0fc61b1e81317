"""How units of laws are dealt to processes: beside the examples that a process has drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from bncheck.properties.catalogue import CATALOGUE
from bncheck.pytest_scheduling import UnitScheduling

pytest_plugins = ["pytester"]
OTHERS = ["tests/test_own.py::test_a", "tests/test_own.py::test_b"]


@dataclass(eq=False)
class Node:
    """A process that does its tests when it is told to, and says what it was sent."""

    name: str
    sent: list[int] = field(default_factory=list)
    shutting_down: bool = False

    @property
    def gateway(self) -> SimpleNamespace:
        return SimpleNamespace(id=self.name)

    def send_runtest_some(self, indices: list[int]) -> None:
        self.sent += indices

    def shutdown(self) -> None:
        self.shutting_down = True


def dealt(pytester: pytest.Pytester, processes: int, others: list[str]) -> list[list[str]]:
    """The laws that each process is sent, in their order, where one test of each ends at a time."""
    config = pytester.parseconfigure(f"--tx={processes}*popen", "-p", "no:bncheck")
    scheduling = UnitScheduling(config, None)
    nodes = [Node(f"gw{number}") for number in range(processes)]
    tests = [f"bncheck::torch.nn:BatchNorm2d::{law.id}" for law in CATALOGUE] + others
    for node in nodes:
        scheduling.add_node(node)
    for node in nodes:
        scheduling.add_node_collection(node, tests)
    scheduling.schedule()
    done = [0] * processes
    while any(done[place] < len(node.sent) for place, node in enumerate(nodes)):
        for place, node in enumerate(nodes):
            if done[place] < len(node.sent):
                scheduling.mark_test_complete(node, node.sent[done[place]])
                done[place] += 1
    return [[tests[number].rpartition("::")[2] for number in node.sent] for node in nodes]


@pytest.mark.parametrize("processes", [1, 2, 5])
def test_every_test_is_dealt_once(pytester: pytest.Pytester, processes: int) -> None:
    sent = dealt(pytester, processes, OTHERS)
    assert sorted(name for names in sent for name in names) == sorted(
        [law.id for law in CATALOGUE] + [each.rpartition("::")[2] for each in OTHERS]
    )


def test_two_processes_do_not_divide_a_region_and_draw_its_examples_once_while_there_is_other_work(
    pytester: pytest.Pytester,
) -> None:
    first, second = dealt(pytester, 2, [])
    regions = {law.id: law.region for law in CATALOGUE}
    bases = [[(regions[law].base or regions[law]).name for law in laws] for laws in (first, second)]
    assert [law.id for law in CATALOGUE if law.region.name == "training"] == [
        law for law in first if regions[law].name == "training"
    ]
    ends = bases[1].index("training") if "training" in bases[1] else len(bases[1])
    assert {"programs", "sizes", "layouts", "half_range"} <= set(bases[1][:ends])
    assert not {"programs", "sizes", "layouts", "half_range"} & set(bases[0])


def test_more_processes_divide_the_largest_region(pytester: pytest.Pytester) -> None:
    regions = {law.id: law.region.name for law in CATALOGUE}
    shares = [sum(regions[law] == "training" for law in laws) for laws in dealt(pytester, 3, [])]
    assert sorted(shares) == [0, 16, 16]
