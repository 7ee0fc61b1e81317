"""Parts of a run, and runs that stop early: what they say, and what they leave open."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bncheck.checking import run
from bncheck.command_line import commands
from bncheck.crew import processes_for
from bncheck.options import Options
from bncheck.properties.catalogue import CATALOGUE
from bncheck.report import LawReport

LAYERS = Path(__file__).parents[1] / "command_line" / "samples" / "layers.py"
WORDS = ("run", f"{LAYERS}:Wrong", "--profile", "smoke", "--no-replay")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def bncheck(*words: str) -> Result:
    return CliRunner().invoke(commands, [*WORDS, *words])


def reported(*words: str) -> dict[str, Any]:
    bncheck(*words, "--report", "json")
    (target,) = json.loads(Path("bncheck-report.json").read_text())["targets"]
    found: dict[str, Any] = target
    return found


def by_law_and_dtype(target: dict[str, Any]) -> dict[tuple[str, str], Any]:
    return {
        (law["id"], dtype): counted for law in target["laws"] for dtype, counted in law["by_dtype"].items()
    }


@pytest.mark.long
def test_shards_are_together_the_whole_run() -> None:
    words = ("--include", "^(forward|statistics)", "--no-isolate")
    whole = by_law_and_dtype(reported(*words))
    shards = [by_law_and_dtype(reported(*words, "--shard", f"{each}/3")) for each in (1, 2, 3)]
    together = {place: counted for shard in shards for place, counted in shard.items()}
    assert sum(map(len, shards)) == len(together)
    assert together == whole
    assert all(shards[:2])


def test_what_another_shard_judges_is_not_judged_here() -> None:
    laws = reported("--include", "^forward.output$", "--dtype", "float32", "--shard", "2/2")["laws"]
    assert [(law["status"], law["reason"]) for law in laws] == [("not_applicable", "another shard judges it")]


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/0", "-1/2", "1/2/3"])
def test_a_shard_that_is_none_is_refused(text: str) -> None:
    result = bncheck("--shard", text)
    assert result.exit_code == 2
    assert result.output == f"bncheck: {text!r} is no shard; valid is i/n with i from 1 to n, as in 2/3\n"


def test_a_run_stops_at_a_failure_and_says_so() -> None:
    result = bncheck("--max-failures", "1", "--include", "^(statistics.variance|contract|program)")
    assert result.exit_code == 1
    assert "stopped as 1 law failed (exit 1)" in result.output
    assert "violated statistics.variance" in result.output
    assert "the run ended before any example of it" in result.output


def test_a_run_stops_when_its_time_is_over() -> None:
    report = run(["reference.numpy"], CATALOGUE, Options("ci", seconds=1e-6))
    (target,) = report.targets
    assert target.stopped == "its time was over"
    assert report.exit_code == 1
    undecided = [law.reason for law in target.laws if law.status == "undecided"]
    assert len(undecided) > 50
    assert set(undecided) == {"the run ended before any example of it"}


def test_time_that_is_not_over_stops_nothing() -> None:
    options = Options("smoke", include="^forward.output$", seconds=1000.0, failures=2)
    report = run(["reference.numpy"], CATALOGUE, options)
    (law,) = report.targets[0].laws
    assert (report.targets[0].stopped, report.exit_code) == (None, 0)
    assert isinstance(law, LawReport)
    assert law.examples >= 28


def test_a_run_that_stops_at_failures_is_judged_by_one_process() -> None:
    assert processes_for(Options("ci", failures=1), CATALOGUE, None, 4) == 1
    assert processes_for(Options("ci", failures=1), CATALOGUE, 2, 4) == 2
