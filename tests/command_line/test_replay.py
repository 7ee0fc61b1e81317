"""`bncheck replay`: a finding is saved, still fails on what it was found on, and is fixed on a sound layer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from bncheck.case_file import find
from bncheck.command_line import commands
from bncheck.errors import UsageError

LAYERS = Path(__file__).parent / "samples" / "layers.py"


def bncheck(*words: str) -> Result:
    return CliRunner().invoke(commands, list(words))


@pytest.fixture
def found(folder: Path) -> str:
    """The id of the one case that a run has saved."""
    bncheck("run", f"{LAYERS}:Wrong", "--profile", "smoke", "--include", r"statistics\.variance")
    (path,) = (folder / ".bncheck" / "cases").iterdir()
    return path.stem


def test_a_finding_still_fails_where_it_was_found(found: str) -> None:
    result = bncheck("replay", found)
    assert result.exit_code == 1
    assert "STILL FAILING statistics.variance" in result.output
    assert "running_var[0] is 0.125, expected 0.25" in result.output


def test_a_finding_is_fixed_on_a_sound_target(found: str) -> None:
    result = bncheck("replay", f".bncheck/cases/{found}.json", "--target", f"{LAYERS}:Sound")
    assert result.exit_code == 0
    assert "FIXED statistics.variance" in result.output


def test_the_report_names_the_file_and_the_line(found: str) -> None:
    words = (
        f"{LAYERS}:Wrong",
        "--profile",
        "smoke",
        "--include",
        r"statistics\.variance",
        "--report",
        "json",
    )
    bncheck("run", *words)
    report = json.loads(Path("bncheck-report.json").read_text())
    (finding,) = report["targets"][0]["laws"][0]["findings"]
    assert finding["case"] == f".bncheck/cases/{found}.json"
    assert finding["replay"] == f"bncheck replay {found}"


def test_a_case_that_is_not_there_and_a_target_that_does_not_load_have_their_exit_codes(found: str) -> None:
    assert bncheck("replay", "nothing").exit_code == 2
    assert bncheck("replay", found, "--target", "nowhere.py:Layer").exit_code == 4


def test_a_finding_that_still_fails_is_explained(found: str) -> None:
    assert "cause: running_var.biased with eps.outside_the_root: " in bncheck("replay", found).output


def test_an_issue_names_the_likeliest_cause(found: str) -> None:
    Path("layers.py").write_text(LAYERS.read_text())
    assert bncheck("replay", found, "--issue", "issue.md").exit_code == 1
    sentence = "The likely cause: The running variance tracks the biased variance of the batch."
    assert sentence in Path("issue.md").read_text()


def test_a_replay_that_holds_does_not_load_the_library_of_causes(found: str) -> None:
    program = (
        "import sys\n"
        "from bncheck.command_line import commands\n"
        f"sys.argv = ['bncheck', 'replay', {found!r}, '--target', {f'{LAYERS}:Sound'!r}]\n"
        "try:\n"
        "    commands()\n"
        "except SystemExit as done:\n"
        "    print(done.code, 'bncheck.causes.catalogue' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "FIXED" in done.stdout
    assert done.stdout.splitlines()[-1] == "0 False"


def test_a_hundred_damaged_files_are_each_told_in_one_sentence(found: str) -> None:
    whole = (Path(".bncheck") / "cases" / f"{found}.json").read_text()
    chance, told = np.random.default_rng(0), 0
    for number in range(1000):
        start, length = chance.integers(len(whole)), chance.integers(1, 60)
        text = "".join(chance.choice(list('{}[],:"0x1pnaN\u2028 \\'), chance.integers(0, 9)))
        damaged = Path(f"damaged-{number}.json")
        damaged.write_text(whole[:start] + text + whole[start + length :], encoding="utf-8")
        try:
            find(str(damaged))
        except UsageError:
            result = bncheck("replay", str(damaged))
            assert result.exit_code == 2
            assert result.output.startswith("bncheck: ")
            assert str(damaged) in result.output
            assert len(result.output.splitlines()) == 1
            told += 1
        if told == 100:
            break
    assert told == 100
