"""A case of a number that a process keeps from its first call shows it in a new process too."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from reproducer.targets import elsewhere, on

from bncheck.checking import run
from bncheck.command_line import commands
from bncheck.findings import Judged
from bncheck.law import Law
from bncheck.options import Options
from bncheck.properties.catalogue import CATALOGUE
from bncheck.report import Finding
from bncheck.simplification import complexity
from bncheck.verdict import Failure

LAYERS = Path(__file__).resolve().parent / "samples" / "odd_layers.py"


def finding(cases: Path) -> Finding:
    """One of a law that asks twice, of a layer that the run keeps in one process all the time."""
    options = Options("smoke", include=r"^symmetry\.scale$", dtypes=("float32",), cases=cases)
    (target,) = run([f"{LAYERS}:KeepsItsFirstMean"], CATALOGUE, options).targets
    return target.laws[0].findings[0]


def replayed(found: Finding, *more: str) -> tuple[int, str]:
    """In a process of its own, as for each file."""
    assert found.saved is not None
    result = CliRunner().invoke(commands, ["replay", found.saved, *more])
    return result.exit_code, result.stdout


def test_the_case_fails_in_a_new_process_and_so_does_its_script(tmp_path: Path) -> None:
    found = finding(tmp_path)
    assert found.causes is not None
    assert found.causes[0].id == "state.statistics_of_the_first_call"
    assert (found.case.x.shape, found.case.eps) == ((2, 1), 1)
    code, words = replayed(found)
    assert (code, "STILL FAILING" in words) == (1, True)
    _, script = replayed(found, "--script")
    assert len(script.splitlines()) <= 40
    assert elsewhere(script, tmp_path).returncode == 1
    assert elsewhere(on("odd_layers.Sound", script, "odd_layers.KeepsItsFirstMean"), tmp_path).returncode == 0


def test_made_small_where_it_was_found_the_case_would_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Judged, "afresh", lambda _self, _law, _first, smallest: smallest)
    code, words = replayed(finding(tmp_path))
    assert (code, "FIXED" in words) == (0, True)


def test_without_processes_to_spare_the_case_is_the_first_that_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, given = Judged.afresh, []

    def without(self: Judged, law: Law, first: Failure, smallest: Failure) -> Failure:
        self.processes = 0
        given.append(first)
        return usual(self, law, first, smallest)

    monkeypatch.setattr(Judged, "afresh", without)
    found = finding(tmp_path)
    assert complexity(found.case) == complexity(given[0].case)
    assert replayed(found)[0] == 1
