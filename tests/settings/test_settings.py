"""Options from pyproject.toml and from the environment: which comes first, what is told, and what is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bncheck.command_line import commands
from bncheck.commands.baseline import update
from bncheck.commands.settings import SETTINGS, schema, settings

SCHEMA = Path(__file__).parents[2] / "docs" / "pyproject.schema.json"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BNCHECK_WORKERS", raising=False)
    return tmp_path


def configured(text: str) -> None:
    Path("pyproject.toml").write_text(f"[tool.bncheck]\n{text}\n")


def run(*words: str, **environment: str) -> Result:
    return CliRunner().invoke(
        commands, ["run", "reference.numpy", "--include", "^forward.output$", *words], env=environment
    )


def test_the_file_gives_what_is_not_said_otherwise(folder: Path) -> None:
    configured('profile = "smoke"\nseed = 3\ndtype = ["float32"]\nisolate = false\nmax-time = 100')
    (folder / "below").mkdir()
    os.chdir("below")
    result = run()
    assert result.exit_code == 0, result.output
    assert "profile smoke, seed 3; all laws hold (exit 0)" in result.output
    told = [line for line in result.output.splitlines() if line.startswith("setting: ")]
    file = folder / "pyproject.toml"
    assert sorted(told) == [
        f"setting: dtype float32 ({file})",
        f"setting: isolate false ({file})",
        f"setting: max-time 100.0 ({file})",
        f"setting: profile smoke ({file})",
        f"setting: seed 3 ({file})",
    ]


def test_the_environment_comes_before_the_file_and_the_command_line_before_both() -> None:
    configured('profile = "thorough"\nseed = 3')
    result = run("--seed", "5", BNCHECK_PROFILE="smoke", BNCHECK_SEED="4", BNCHECK_DTYPE="float32 float64")
    assert "profile smoke, seed 5; " in result.output
    assert "setting: profile smoke (BNCHECK_PROFILE)" in result.output
    assert "setting: dtype float32 float64 (BNCHECK_DTYPE)" in result.output
    assert "setting: seed" not in result.output


def test_without_a_file_nothing_is_told() -> None:
    assert "setting: " not in run("--profile", "smoke").output


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            'profil = "ci"',
            "'profil' in the table tool.bncheck of {file} is no setting; valid are baseline, device, ",
        ),
        ('profile = "quick"', "profile in the table tool.bncheck of {file} is wrong: 'quick' is not one of "),
        (
            'profile = ["ci"]',
            "profile in the table tool.bncheck of {file} is ['ci'], expected a single value",
        ),
        ("seed = -1", "seed in the table tool.bncheck of {file} is wrong: -1 is not in the range x>=0."),
        ("seed = true", "seed in the table tool.bncheck of {file} is True, expected a single value"),
        ('dtype = "float32"', "dtype in the table tool.bncheck of {file} is 'float32', expected a list"),
        ('isolate = "no"', "isolate in the table tool.bncheck of {file} is 'no', expected true or false"),
        ("profile = ", "{file} cannot be read: Invalid value"),
    ],
)
def test_a_wrong_setting_is_told_in_one_sentence(folder: Path, text: str, sentence: str) -> None:
    configured(text)
    result = run()
    assert result.exit_code == 2
    assert result.output.startswith("bncheck: " + sentence.format(file=folder / "pyproject.toml"))
    assert len(result.output.splitlines()) == 1


def test_a_table_that_is_none_is_told() -> None:
    Path("pyproject.toml").write_text("[tool]\nbncheck = 1\n")
    assert run().output.endswith("is 1, expected a table: [tool.bncheck]\n")


def test_exit_zero_is_for_laws_that_do_not_hold_alone() -> None:
    Path("layer.py").write_text(
        "def batch_norm(x, gamma, beta, running_mean, running_var, training, momentum, eps):\n    return x\n"
    )
    words = ("run", "layer.py:batch_norm", "--profile", "smoke", "--include", "^forward.output$")
    assert CliRunner().invoke(commands, list(words)).exit_code == 1
    result = CliRunner().invoke(commands, [*words, "--exit-zero"])
    assert result.exit_code == 0
    assert result.output.endswith("exit 0, as --exit-zero asks\n")
    assert CliRunner().invoke(commands, ["run", "nowhere.py:f", "--exit-zero"]).exit_code == 4


def test_settings_are_options_of_the_commands() -> None:
    assert set(settings(commands.commands["run"])) == SETTINGS
    assert {"profile", "seed", "dtype", "baseline"} < set(settings(update)) < SETTINGS


def test_the_schema_is_that_of_the_options() -> None:
    assert json.loads(SCHEMA.read_text()) == schema({"run": commands.commands["run"]})


def test_the_shell_completes_options() -> None:
    environment = {**os.environ, "COMP_WORDS": "bncheck run --max", "COMP_CWORD": "2"}
    done = subprocess.run(
        [sys.executable, "-c", "from bncheck.command_line import main; main()"],
        env={**environment, "_BNCHECK_COMPLETE": "bash_complete"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == ["plain,--max-time", "plain,--max-failures"]


def test_a_variable_that_is_nearly_a_setting_is_refused_and_others_are_left_alone() -> None:
    result = run("--profile", "smoke", BNCHECK_PROFIL="ci")
    assert result.exit_code == 2
    assert (
        result.output
        == "bncheck: BNCHECK_PROFIL in the environment is no setting; near it is BNCHECK_PROFILE\n"
    )
    assert run("--profile", "smoke", BNCHECK_HOME="/somewhere").exit_code == 0
