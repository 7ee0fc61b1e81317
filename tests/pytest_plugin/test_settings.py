"""What pytest's command line leaves open is taken from the environment, then from the project's pyproject.toml."""

from __future__ import annotations

import pytest
from pytest_plugin.inner import look

pytest_plugins = ["pytester"]
TARGET = "--bncheck-target=reference.numpy"


def project(pytester: pytest.Pytester, settings: str) -> None:
    pytester.makepyprojecttoml(f"[tool.bncheck]\n{settings}\n")


def test_the_settings_of_a_project_hold_for_its_tests_and_stand_in_the_header(
    pytester: pytest.Pytester,
) -> None:
    project(pytester, 'profile = "smoke"\ninclude = "^statistics[.]mean$"\ndtype = ["float32"]\nrank = [2]')
    result = look(pytester, TARGET)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "bncheck: reference.numpy; profile smoke, seed 0, device cpu",
            "bncheck setting: profile smoke (*pyproject.toml)",
            "bncheck setting: include ^statistics?.?mean$ (*pyproject.toml)",
            "bncheck setting: rank 2 (*pyproject.toml)",
            "bncheck setting: dtype float32 (*pyproject.toml)",
        ]
    )


def test_the_command_line_comes_before_the_environment_and_that_before_the_file(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(pytester, 'profile = "thorough"\nseed = 5\ninclude = "^statistics[.]mean$"\ndtype = ["float32"]')
    monkeypatch.setenv("BNCHECK_PROFILE", "ci")
    monkeypatch.setenv("BNCHECK_SEED", "7")
    result = look(pytester, TARGET, "--bncheck-profile=smoke", "--collect-only")
    result.stdout.fnmatch_lines(
        [
            "bncheck: reference.numpy; profile smoke, seed 7, device cpu",
            "bncheck setting: seed 7 (BNCHECK_SEED)",
        ]
    )
    result.stdout.no_fnmatch_line("bncheck setting: profile*")


def test_a_baseline_of_the_project_is_that_of_its_tests(pytester: pytest.Pytester) -> None:
    project(pytester, 'baseline = "nowhere.toml"')
    result = look(pytester, TARGET)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: bncheck: there is no baseline *nowhere.toml*"])


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            'profil = "smoke"',
            "'profil' in the table tool.bncheck of *pyproject.toml is no setting; valid are *",
        ),
        (
            'dtype = "float32"',
            "dtype in the table tool.bncheck of *pyproject.toml is 'float32', expected a list",
        ),
        ("seed = -1", "seed in the table tool.bncheck of *pyproject.toml is wrong: *"),
    ],
)
def test_a_wrong_setting_is_one_sentence(pytester: pytest.Pytester, settings: str, sentence: str) -> None:
    project(pytester, settings)
    result = look(pytester, TARGET)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: bncheck: {sentence}"])


def test_a_wrong_variable_is_one_sentence(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BNCHECK_PROFILE", "huge")
    result = look(pytester, TARGET)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: bncheck: *'huge' is not one of *"])
    result.stderr.no_fnmatch_line("*Traceback*")


def test_settings_do_not_matter_without_a_target(pytester: pytest.Pytester) -> None:
    project(pytester, 'profil = "smoke"')
    pytester.makepyfile(test_own="def test_own():\n    pass\n")
    look(pytester).assert_outcomes(passed=1)
