"""`bncheck selftest`: what is told, what it exits with, and that no number of processes changes the matrix."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console
from selftest import collections

from bncheck.command_line import commands
from bncheck.errors import UsageError
from bncheck.kill_matrix import KillMatrix, Row
from bncheck.lanes import Collection
from bncheck.selftest import SelfTest, SelfTestOptions, selftest
from bncheck.selftest_files import destinations, write
from bncheck.selftest_text import print_selftest

Source = Callable[[], Collection]


def run(source: Source, *, profile: str = "smoke", workers: int = 1, seed: int = 0) -> SelfTest:
    return selftest(source, SelfTestOptions(profile, seed, workers=workers))


def told(found: SelfTest) -> str:
    console = Console(width=160)
    with console.capture() as captured:
        print_selftest(console, found)
    return captured.get()


def counted(matrix: KillMatrix) -> list[tuple[object, ...]]:
    """Everything but seconds."""

    def plain(row: Row) -> tuple[object, ...]:
        first = None if row.until is None else row.until[0]
        return row.target, row.applied, row.hits, row.examples, row.comparisons, row.remembered, first

    return [plain(row) for row in (*matrix.bugs.values(), *matrix.sound.values())]


@pytest.fixture(scope="module")
def passing() -> SelfTest:
    return run(collections.passing)


def test_all_is_well_where_each_bug_is_killed_and_each_law_kills(passing: SelfTest) -> None:
    assert passing.exit_code == 0
    assert passing.matrix.killed == {
        "statistics.variance": ("test.estimator",),
        "gradient.dbeta": ("test.dbeta",),
    }
    assert "2 of 2 planted bugs killed, 1 of 1 sound variants kept, 2 of 2 laws kill" in told(passing)


def test_the_oracle_and_the_references_are_checked_first(passing: SelfTest) -> None:
    assert passing.compared > 0
    assert told(passing).startswith("oracle: its two evaluations agree on ")
    for agreement in passing.agreements:
        assert agreement.comparisons > 50
        assert 0 <= agreement.worst <= 1


def test_the_time_to_kill_is_that_of_the_first_example_that_kills(passing: SelfTest) -> None:
    for row in passing.matrix.bugs.values():
        assert row.until is not None
        assert row.until[0] == row.killers[0].example + 1
        assert 0 < row.until[1] <= row.seconds


def test_a_bug_that_survives_is_told() -> None:
    found = run(collections.surviving)
    assert found.exit_code == 1
    assert [bug.id for bug in found.matrix.survivors] == ["test.nothing"]
    assert "survives test.nothing: The nothing is wrong." in told(found)


def test_a_law_that_kills_nothing_is_told() -> None:
    found = run(collections.idle)
    assert found.exit_code == 1
    assert [law.id for law in found.matrix.idle] == ["forward.output"]
    assert "kills nothing forward.output: training output agrees with the oracle" in told(found)


def test_a_variant_that_is_too_slow_to_judge_excuses_no_law() -> None:
    found = run(collections.idle_beside_a_slow_variant)
    assert "sound.broken" in found.matrix.absent
    assert found.exit_code == 1


def test_a_sound_variant_that_is_rejected_is_told_with_where_to_find_it_again() -> None:
    found = run(collections.rejecting, seed=3)
    assert found.exit_code == 1
    assert [sound.id for sound in found.matrix.rejected] == ["sound.broken"]
    words = told(found)
    assert "rejected sound.broken" in words
    assert "evaluation.output violated on example " in words
    assert "of evaluation in float32, profile smoke, seed 3: y[" in words


def test_instability_kills_only_a_bug_that_is_one() -> None:
    found = run(collections.unstable, profile="ci")  # enough examples that some are far from zero
    assert [bug.id for bug in found.matrix.survivors] == ["test.digits"]
    assert "only unstable by statistics.variance: running_var[" in told(found)


def test_a_crash_whatever_is_asked_is_no_merit_of_a_law() -> None:
    found = run(collections.crashing)
    assert found.matrix.survivors == ()
    assert [law.id for law in found.matrix.idle] == ["statistics.mean"]


def test_the_matrix_is_the_same_in_two_processes(passing: SelfTest) -> None:
    assert counted(run(collections.passing, workers=2).matrix) == counted(passing.matrix)


def test_the_json_report_holds_the_matrix(passing: SelfTest, tmp_path: Path) -> None:
    write(passing, destinations(("json", "md"), tmp_path))

    def strict(word: str) -> float:
        raise AssertionError(f"{word} is no JSON")

    report = json.loads((tmp_path / "bncheck-selftest.json").read_text(), parse_constant=strict)
    assert report["exit"] == 0
    assert [(each["id"], [hit["law"] for hit in each["killed_by"]]) for each in report["bugs"]] == [
        ("test.estimator", ["statistics.variance"]),
        ("test.dbeta", ["gradient.dbeta"]),
    ]
    assert report["laws"][0]["only_killer_of"] == ["test.estimator"]
    page = (tmp_path / "kill-matrix.md").read_text()
    assert "| `test.dbeta` | The dbeta is wrong. | none | gradient.dbeta |" in page


def test_reports_replace_only_reports(passing: SelfTest, tmp_path: Path) -> None:
    write(passing, destinations(("md",), tmp_path))
    destinations(("md",), tmp_path)
    (tmp_path / "kill-matrix.md").write_text("mine")
    with pytest.raises(UsageError, match="is not overwritten"):
        destinations(("md",), tmp_path)


def test_the_command_judges_the_bugs_that_are_asked_for() -> None:
    words = ["selftest", "--profile", "smoke", "--workers", "1", "--include", r"^running_var\.biased$"]
    result = CliRunner().invoke(commands, words)
    assert result.exit_code == 0, result.output
    assert "1 of 1 planted bugs killed" in result.output


@pytest.mark.parametrize(
    ("pattern", "message"), [("(", "is no regular expression"), ("^nothing$", "no planted bug is left")]
)
def test_misuse_is_told_in_one_sentence(pattern: str, message: str) -> None:
    result = CliRunner().invoke(commands, ["selftest", "--workers", "1", "--include", pattern])
    assert result.exit_code == 2
    assert message in result.output
