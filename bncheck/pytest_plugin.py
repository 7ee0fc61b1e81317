"""The pytest plugin: the laws of the targets that are named on its command line, beside a project's own tests.

Nothing heavy is imported until a target is named, or a test file has imported it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from bncheck.pytest_support import Tested

MARKER = "bncheck(law, family): the test of a law; -m bncheck selects all, -m \"bncheck(family='gradient')\" those of a family."
# A node id as pytest prints it, from whatever folder.
_NODE = re.compile(r"(?:\.\./)*bncheck::(?P<target>.+?)(?:::(?P<law>[^:]+))?\Z", re.DOTALL)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, which all begin with --bncheck."""
    group = parser.getgroup("bncheck", "laws of batch normalization (bncheck)")
    group.addoption(
        "--bncheck-target",
        action="append",
        default=[],
        metavar="TARGET",
        help="Add one test for each law that judges this target, as in torch.nn:BatchNorm1d or mylayer.py:MyBatchNorm "
        "(repeatable).  Where the command line names targets and no files, the targets alone are tested, not the "
        "project; with files both are, and targets in addopts are added to whatever runs.  The node id of such a "
        "test, bncheck::TARGET::LAW, can be given in the place of a file.  The options below say how targets are "
        "judged, and do nothing without one; what they leave open is taken from BNCHECK_... in the environment and from "
        "the table tool.bncheck of the nearest pyproject.toml, as by bncheck run.",
    )
    group.addoption(
        "--bncheck-profile",
        metavar="PROFILE",
        help="How much is judged: smoke, ci or thorough (ci).",
    )
    group.addoption("--bncheck-seed", type=int, metavar="N", help="Decides every example (0).")
    group.addoption("--bncheck-device", metavar="cpu|cuda", help="Where the targets run.")
    group.addoption(
        "--bncheck-dtype", action="append", default=[], metavar="DTYPE", help="Only this dtype (repeatable)."
    )
    group.addoption(
        "--bncheck-dialect",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="Declare a convention of the targets (repeatable).",
    )
    group.addoption(
        "--bncheck-baseline",
        metavar="FILE",
        help="The failures that are known, as bncheck baseline update writes them: expected failures.",
    )
    group.addoption("--bncheck-include", metavar="REGEX", help="Only laws whose id matches.")
    group.addoption("--bncheck-exclude", metavar="REGEX", help="No laws whose id matches.")


def pytest_configure(config: pytest.Config) -> None:
    """The marker, and where targets are named what collects their laws."""
    config.addinivalue_line("markers", MARKER)
    named = [match for text in config.args if (match := _NODE.match(text)) is not None]
    targets = config.getoption("bncheck_target")
    if not named and not targets:
        return
    from bncheck.pytest_targets import Targets  # noqa: PLC0415  # heavy

    config.pluginmanager.register(Targets.asked_for(config, [(one["target"], one["law"]) for one in named]))
    files = [text for text in config.args if _NODE.match(text) is None]
    if named or (config.args_source != config.ArgsSource.ARGS and _on_the_command_line(config)):
        config.args = files if named else []
        config.args_source = config.ArgsSource.ARGS


def pytest_itemcollected(item: pytest.Item) -> None:
    """The tests of `bncheck.parametrize` are marked as those of targets are."""
    tested = _tested(item)
    if tested is not None:
        item.add_marker(pytest.mark.bncheck(law=tested.law.id, family=tested.law.family))


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is left after selection is known: those of one region are judged together."""
    for item in session.items:
        tested = _tested(item)
        if tested is not None:
            tested.expect(_parameters(item).get("implementation"))


def pytest_unconfigure() -> None:
    """The processes of targets end."""
    session = sys.modules.get("bncheck.pytest_session")
    if session is not None:
        session.close()


def _on_the_command_line(config: pytest.Config) -> bool:
    """Whether a target is named there, not in addopts alone."""
    return any(str(each).partition("=")[0] == "--bncheck-target" for each in config.invocation_params.args)


def _tested(item: pytest.Item) -> Tested | None:
    """The law of a test of `bncheck.parametrize`; where its module is not loaded there is none."""
    support = sys.modules.get("bncheck.pytest_support")
    law = None if support is None else _parameters(item).get("law")
    return law if support is not None and isinstance(law, support.Tested) else None


def _parameters(item: pytest.Item) -> Mapping[str, object]:
    found: Mapping[str, object] = getattr(getattr(item, "callspec", None), "params", {})
    return found
