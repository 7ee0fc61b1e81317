"""What is asked for wrongly is told in one sentence, and a plugin that is not used costs nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pytest_plugin.inner import CHEAP, look, plugged, run

pytest_plugins = ["pytester"]
WRONGLY = [
    ("--bncheck-profile=huge", "'huge' is no profile; valid are smoke, ci, thorough"),
    ("--bncheck-seed=-1", "-1 is no seed; valid are 0 and up"),
    ("--bncheck-device=tpu", "'tpu' is no device; valid are cpu, cuda and cuda:N"),
    ("--bncheck-dtype=int8", "'int8' is no dtype that is judged; valid are *"),
    ("--bncheck-dialect=momentum", "'momentum' is no declaration; *"),
    ("--bncheck-dialect=momentum=odd", "'odd' is not valid for the convention 'momentum'; *"),
    ("--bncheck-baseline=nowhere.toml", "there is no baseline *"),
    ("--bncheck-include=(", "'(' is no regular expression: *"),
    ("--bncheck-exclude=(", "'(' is no regular expression: *"),
    ("--bncheck-target=a b", "'a b' is no target: *"),
    ("bncheck::reference.numpy::nonsense", "there is no law 'nonsense'; bncheck list shows them"),
]


@pytest.mark.parametrize(("argument", "sentence"), WRONGLY, ids=[each for each, _ in WRONGLY])
def test_a_wrong_value_is_one_sentence(pytester: pytest.Pytester, argument: str, sentence: str) -> None:
    result = look(pytester, "--bncheck-target=reference.numpy", argument)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: bncheck: {sentence}"])
    result.stderr.no_fnmatch_line("*Traceback*")


def test_options_without_a_target_do_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_own="def test_own():\n    pass\n")
    result = run(pytester, *CHEAP)
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("bncheck*")


def test_importing_the_plugin_imports_nothing_heavy() -> None:
    heavy = "{'hypothesis', 'numpy', 'torch', 'jax', 'rich', 'click', 'bncheck.properties.catalogue', 'bncheck.options'}"
    code = f"import sys, bncheck.pytest_plugin; print(sorted({heavy} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_a_project_that_names_no_target_has_nothing_of_bncheck_loaded(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_own="import sys\n\ndef test_own():\n"
        "    assert sorted(each for each in sys.modules if each.startswith('bncheck')) == ['bncheck', 'bncheck.pytest_plugin']\n"
    )
    run(pytester).assert_outcomes(passed=1)


def test_the_help_says_what_is_tested(pytester: pytest.Pytester) -> None:
    text = " ".join(look(pytester, "--help").stdout.str().split())
    assert "Where the command line names targets and no files, the targets alone are tested" in text


def test_the_marker_is_registered(pytester: pytest.Pytester) -> None:
    look(pytester, "--markers").stdout.fnmatch_lines(["@pytest.mark.bncheck(law, family): *"])


def test_the_entry_point_names_the_plugin(pytester: pytest.Pytester) -> None:
    plugged(pytester)
    run(pytester, "--trace-config").stdout.fnmatch_lines(["*bncheck*: */pytest_plugin.py"])
