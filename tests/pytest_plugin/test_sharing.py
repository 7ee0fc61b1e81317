"""Laws that share examples are judged together, and what is not selected is not judged."""

from __future__ import annotations

import pytest
from pytest_plugin.inner import CHEAP, WRONG, look, run

pytest_plugins = ["pytester"]
# Counts into a file how often an example is evaluated, and by which laws it is judged.
COUNTING = """
import bncheck.implementation as i, bncheck.verify as v

judge, evaluate, seen = v.judge, i.Implementation.evaluate, {"evaluated": 0, "judged": set()}

def judged(law, *others):
    seen["judged"].add(law.id)
    return judge(law, *others)

def evaluated(self, case):
    seen["evaluated"] += 1
    return evaluate(self, case)

v.judge, i.Implementation.evaluate = judged, evaluated

def pytest_unconfigure():
    print("counted", seen["evaluated"], sorted(seen["judged"]))
"""
PARAMETRIZED = """
import bncheck

@bncheck.parametrize("reference.numpy", profile="smoke", include="^statistics[.](mean|variance)$", dtypes=["float32"])
def test_layer(law, implementation):
    law(implementation)
"""
CLASS = """
from bncheck.testing import BatchNormTests
from wrong import Wrong

class TestWrong(BatchNormTests):
    target = Wrong
    profile = "smoke"
    include = "^statistics[.](mean|variance)$"
    dtypes = ("float32",)
"""
BOTH = ["statistics.mean", "statistics.variance"]


def counted(result: pytest.RunResult) -> tuple[int, str]:
    """Evaluations, and the laws that judged."""
    (line,) = [line for line in result.outlines if line.startswith("counted")]
    _, evaluations, laws = line.split(" ", 2)
    return int(evaluations), laws


@pytest.mark.parametrize("through", ["target", "parametrize"])
def test_an_example_is_evaluated_once_for_all_laws(pytester: pytest.Pytester, through: str) -> None:
    pytester.makeconftest(COUNTING)
    pytester.makepyfile(test_layer=PARAMETRIZED)
    arguments = ("--bncheck-target=reference.numpy", *CHEAP) if through == "target" else ("test_layer.py",)
    alone = counted(run(pytester, *arguments, "-s", "-k", "mean"))
    both = counted(run(pytester, *arguments, "-s"))
    assert alone == (28, str(BOTH[:1]))
    assert both == (28, str(BOTH))


def test_parametrised_tests_are_marked(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_layer=PARAMETRIZED)
    run(pytester, "-m", "bncheck(law='statistics.mean')").assert_outcomes(passed=1, deselected=1)


def test_parametrised_tests_need_no_plugin(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_layer=PARAMETRIZED)
    run(pytester, "-p", "no:bncheck").assert_outcomes(passed=2)


def test_a_class_has_one_test_for_each_law(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(wrong=WRONG, test_wrong=CLASS)
    result = run(pytester, "-v")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["*TestWrong::test_law[[]statistics.mean[]] PASSED*", "*running_var[[]0] is 0.125, expected 0.25*"]
    )
    result.stdout.no_fnmatch_line("*bncheck/testing.py*")


def test_a_class_declares_conventions(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(wrong=WRONG, test_wrong=CLASS + '    dialect = {"running_variance": "biased"}\n')
    run(pytester).assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("pass", "TestNothing: it names no target; write target = ... in its body"),
        ("target, profile = 'reference.numpy', 'huge'", "TestNothing: 'huge' is no profile; *"),
        ("target, baseline = 'reference.numpy', 'no.toml'", "TestNothing: there is no baseline *"),
    ],
    ids=["target", "profile", "baseline"],
)
def test_a_class_that_says_something_wrongly_is_told_so(
    pytester: pytest.Pytester, body: str, sentence: str
) -> None:
    imported = "from bncheck.testing import BatchNormTests\n\n"
    pytester.makepyfile(f"{imported}class TestNothing(BatchNormTests):\n    {body}\n")
    result = look(pytester)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([sentence])
