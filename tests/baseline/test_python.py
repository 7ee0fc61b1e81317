"""A baseline from Python: `bncheck.check` takes one, and under pytest what is known is an expected failure."""

from __future__ import annotations

from pathlib import Path

import pytest
from baseline.known import ALONE, BIASED, ENTRY, LAW, SOUND, written

import bncheck
from bncheck.errors import UsageError

pytest_plugins = ["pytester"]

TEST_FILE = """
import sys

sys.path.insert(0, TESTS)

import bncheck
from baseline.known import BIASED, SOUND

@bncheck.parametrize(LAYER, profile="smoke", include="^statistics[.]variance$|^forward", dtypes=["float32"], baseline=FILE)
def test_batchnorm(law, implementation):
    law(implementation)
"""


def test_check_takes_a_baseline(tmp_path: Path) -> None:
    asked = {"profile": "smoke", "include": ALONE, "dtypes": ["float32"]}
    assert bncheck.check(BIASED, baseline=written(tmp_path), **asked).exit_code == 0  # type: ignore[arg-type]  # a mixed dict
    assert bncheck.check(SOUND, baseline=str(written(tmp_path)), **asked).exit_code == 1  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="there is no baseline"):
        bncheck.check(SOUND, baseline=tmp_path / "nothing.toml")


def run(pytester: pytest.Pytester, layer: str, text: str = ENTRY) -> pytest.RunResult:
    path = written(pytester.path, text)
    named = {"TESTS": repr(str(Path(__file__).parents[1])), "LAYER": layer, "FILE": repr(str(path))}
    source = TEST_FILE
    for name, value in named.items():
        source = source.replace(name, value)
    pytester.makepyfile(source)
    return pytester.runpytest("-rx", "-p", "no:cacheprovider")


def test_a_known_failure_is_an_expected_one(pytester: pytest.Pytester) -> None:
    result = run(pytester, "BIASED")
    result.assert_outcomes(passed=8, xfailed=1)
    result.stdout.fnmatch_lines([f"XFAIL *test_batchnorm[[]{LAW}[]] - *old checkpoints"])


def test_an_entry_that_is_stale_fails_the_test_of_its_law_alone(pytester: pytest.Pytester) -> None:
    result = run(pytester, "SOUND")
    result.assert_outcomes(passed=8, failed=1)
    result.stdout.fnmatch_lines([f"*stale {LAW} (float32): its case holds now*"])
