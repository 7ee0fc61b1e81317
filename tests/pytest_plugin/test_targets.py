"""`pytest --bncheck-target TARGET`: one test a law, without a test file, beside what else pytest does."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from baseline.known import ENTRY, TARGET, written
from pytest_plugin.inner import CHEAP, IDS, WRONG, look, node_ids, run

pytest_plugins = ["pytester"]
SOUND = ("--bncheck-target=reference.numpy", *CHEAP)
SOUND_LAYER = WRONG.replace("w * variance", "w * variance * len(x) / (len(x) - 1)")
OWN = "def test_own():\n    pass\n"


def test_there_is_one_test_for_each_law_and_target(pytester: pytest.Pytester) -> None:
    result = look(pytester, *SOUND, "--bncheck-target=reference.torch", "--collect-only", "-q")
    assert node_ids(result) == [*IDS, *(each.replace("numpy", "torch") for each in IDS)]


def test_laws_that_hold_pass_and_the_header_says_how_they_were_judged(pytester: pytest.Pytester) -> None:
    result = run(pytester, *SOUND, "--bncheck-seed=3")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "bncheck: reference.numpy; profile smoke, seed 3, device cpu",
            "bncheck runs on: bncheck *numpy *",
            "collected 2 items",
            "bncheck .. *",
        ]
    )


def test_a_law_that_fails_prints_what_a_run_prints_and_no_traceback(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(wrong=WRONG)
    result = run(pytester, "--bncheck-target=wrong.py:Wrong", *CHEAP)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*wrong.py:Wrong::statistics.variance*",
            "running_var[[]0] is 0.125, expected 0.25: off by 0.125, allowed *",
            "violated statistics.variance: running variance moves towards the unbiased batch variance",
            "  cause: running_var.biased: *",
            "  smallest case: x (2, 1) float32, train, eps 1.0, momentum 0.5",
            "  Reproduce with: bncheck replay *",
            "FAILED bncheck::wrong.py:Wrong::statistics.variance - Failed: running_var*",
        ]
    )
    result.stdout.no_fnmatch_line("*pytest_targets.py*")
    assert len(list((pytester.path / ".bncheck" / "cases").glob("*.json"))) == 1


def test_the_run_stops_at_the_first_failure_that_it_was_told_to_stop_at(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(wrong=WRONG)
    both = "--bncheck-include=^statistics[.](variance|unbiased)$"
    result = run(pytester, "--bncheck-target=wrong.py:Wrong", *CHEAP, both, "-x")
    result.assert_outcomes(failed=1)


def test_a_law_that_does_not_apply_is_skipped_with_its_reason(pytester: pytest.Pytester) -> None:
    result = run(pytester, "--bncheck-target=reference.numpy", "--bncheck-include=^devices", "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*it is judged on one device*"])


def test_a_target_that_does_not_load_is_one_failure_beside_the_others(pytester: pytest.Pytester) -> None:
    result = run(pytester, "--bncheck-target=nowhere.py:Layer", *SOUND, "-k", "variance")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["FAILED bncheck::nowhere.py:Layer::load - Failed: there is no file nowhere.py"]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


def test_what_a_target_warns_of_is_no_verdict(pytester: pytest.Pytester) -> None:
    warns = WRONG.replace(
        "    def forward(self, x):", "    def forward(self, x):\n        warnings.warn('w', stacklevel=1)"
    )
    pytester.makepyfile(wrong="import warnings\n" + warns)
    result = run(pytester, "--bncheck-target=wrong.py:Wrong?momentum=0.1", *CHEAP, "-k", "mean")
    result.assert_outcomes(passed=1, deselected=1)


def test_undecided_fails_in_a_strict_profile(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        "import bncheck.verdict as v\nv.Tally.status = property(lambda tally: v.Status.UNDECIDED)\n"
    )
    result = run(pytester, "--bncheck-target=reference.numpy", *CHEAP, "--bncheck-profile=ci", "-k", "mean")
    result.assert_outcomes(failed=1, deselected=1)
    result.stdout.fnmatch_lines(["no example decided*", "undecided statistics.mean: *"])


@pytest.mark.parametrize(
    ("arguments", "chosen"),
    [
        (("-k", "variance"), IDS[1:]),
        (("-m", "bncheck(law='statistics.mean')"), IDS[:1]),
        (("-m", "bncheck(family='statistics')"), IDS),
        (("-m", "bncheck(family='gradient')"), []),
        (("-m", "not bncheck"), []),
        (("--deselect", IDS[0]), IDS[1:]),
        ((IDS[1],), IDS[1:]),
        (("../" + IDS[0], IDS[1]), IDS),
    ],
    ids=["k", "law", "family", "other-family", "not", "deselect", "node-id", "node-ids"],
)
def test_laws_are_selected_as_tests_are(
    pytester: pytest.Pytester, arguments: tuple[str, ...], chosen: list[str]
) -> None:
    assert node_ids(look(pytester, *SOUND, "--collect-only", "-q", *arguments)) == chosen


def test_a_node_id_names_its_target(pytester: pytest.Pytester) -> None:
    result = look(pytester, *CHEAP, "--collect-only", "-q", IDS[0])
    assert node_ids(result) == IDS[:1]


def test_targets_stand_in_for_files(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_own=OWN)
    assert node_ids(look(pytester, *SOUND, "--collect-only", "-q")) == IDS


def test_files_that_are_named_are_tested_too(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_own=OWN)
    result = look(pytester, *SOUND, "--collect-only", "-q", "test_own.py")
    assert node_ids(result) == ["test_own.py::test_own", *IDS]


def test_targets_of_a_project_are_added_to_its_tests(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_own=OWN)
    pytester.makeini(f"[pytest]\naddopts = {' '.join(SOUND)}\n")
    assert node_ids(look(pytester, "--collect-only", "-q")) == ["test_own.py::test_own", *IDS]


def test_junit_names_target_and_law(pytester: pytest.Pytester) -> None:
    run(pytester, *SOUND, "--junitxml=report.xml")
    cases = ET.parse(pytester.path / "report.xml").iter("testcase")
    assert [(each.get("classname"), each.get("name")) for each in cases] == [
        ("bncheck.reference.numpy", "statistics.mean"),
        ("bncheck.reference.numpy", "statistics.variance"),
    ]


def test_several_processes_share_the_laws_out(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(wrong=WRONG)
    result = run(pytester, *SOUND, "--bncheck-target=wrong.py:Wrong", "-n2")
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["FAILED bncheck::wrong.py:Wrong::statistics.variance*"])


def test_without_the_plugin_there_are_no_options(pytester: pytest.Pytester) -> None:
    result = run(pytester, "-p", "no:bncheck", *SOUND)
    result.stderr.fnmatch_lines(["*unrecognized arguments: --bncheck-target*"])


@pytest.mark.parametrize(
    ("layer", "outcomes", "line"),
    [
        (
            WRONG,
            {"passed": 1, "xfailed": 1},
            "XFAIL bncheck::wrong.py:Wrong::statistics.variance - *old checkpoints*",
        ),
        (
            SOUND_LAYER,
            {"passed": 1, "failed": 1},
            "FAILED bncheck::wrong.py:Wrong::statistics.variance - *holds now*",
        ),
    ],
    ids=["known", "stale"],
)
def test_what_the_baseline_knows_is_an_expected_failure_until_it_holds(
    pytester: pytest.Pytester, layer: str, outcomes: dict[str, int], line: str
) -> None:
    pytester.makepyfile(wrong=layer)
    written(pytester.path, ENTRY.replace(TARGET, "wrong.py:Wrong"), target="wrong.py:Wrong")
    result = run(
        pytester, "--bncheck-target=wrong.py:Wrong", *CHEAP, "--bncheck-baseline=baseline.toml", "-rxf"
    )
    result.assert_outcomes(**outcomes)
    result.stdout.fnmatch_lines([line])
