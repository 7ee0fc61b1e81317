"""An entry is judged by its own case: what holds, has expired or fails otherwise is stale, whatever a run judges."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from baseline.known import (
    BIASED,
    CAUSED,
    ENORMOUS,
    ENTRY,
    SMALL,
    SOUND,
    TODAY,
    judged,
    only_entry,
    only_law,
    tracking,
    written,
)

from bncheck.environment import installed_version
from bncheck.planted.numpy_adapter import NumpyLayerAdapter
from bncheck.planted.numpy_layer import Saved

DOUBLE = SMALL.changed(
    **{
        name: getattr(SMALL, name).astype(np.float64)
        for name in ("x", "gamma", "beta", "running_mean", "running_var")
    }
)


def test_an_entry_whose_case_holds_fails_the_run(tmp_path: Path) -> None:
    report = judged(SOUND, written(tmp_path))
    assert (str(only_law(report).status), report.exit_code) == ("held", 1)
    entry = only_entry(report)
    assert (entry.standing, entry.is_stale, entry.message) == ("fixed", True, "its case holds now")


@pytest.mark.parametrize(
    "asked",
    [
        {"include": "nothing"},
        {"exclude": "statistics"},
        {"include": None, "exclude": "."},
        {"dtypes": ("float64",)},
        {"ranks": (4,)},
        {"seed": 7},
        {"profile": "ci"},
    ],
    ids=lambda asked: next(iter(asked)),
)
def test_staleness_depends_neither_on_the_profile_nor_on_filters(
    tmp_path: Path, asked: dict[str, Any]
) -> None:
    fixed = judged(SOUND, written(tmp_path), **asked)
    assert (only_entry(fixed).standing, fixed.exit_code) == ("fixed", 1)


@pytest.mark.parametrize("asked", [{"include": "nothing"}, {"dtypes": ("float64",)}, {"ranks": (4,)}])
def test_an_entry_that_still_fails_is_known_whatever_is_judged(tmp_path: Path, asked: dict[str, Any]) -> None:
    assert only_entry(judged(BIASED, written(tmp_path), **asked)).standing == "known"


def test_an_entry_that_fails_for_the_cause_that_is_written_is_known(tmp_path: Path) -> None:
    assert only_entry(judged(BIASED, written(tmp_path, CAUSED))).standing == "known"


def test_an_entry_in_a_dtype_that_is_not_asked_for_is_judged(tmp_path: Path) -> None:
    path = written(tmp_path, ENTRY.replace("float32", "float64"), DOUBLE)
    assert only_entry(judged(BIASED, path)).standing == "known"
    assert only_entry(judged(SOUND, path)).standing == "fixed"


def test_an_entry_in_a_dtype_that_the_target_no_longer_takes_is_stale(tmp_path: Path) -> None:
    offered = replace(BIASED.capabilities, dtypes=("float64",))
    narrow = NumpyLayerAdapter(BIASED.layer, capabilities=offered)
    entry = only_entry(judged(narrow, written(tmp_path), dtypes=("float64",)))
    assert (entry.standing, entry.message) == ("not_judged", "it does not take float32")


@pytest.mark.parametrize(("days", "standing"), [(0, "known"), (1, "expired")])
def test_an_entry_is_valid_until_its_last_day(tmp_path: Path, days: int, standing: str) -> None:
    path = written(tmp_path, ENTRY.replace("reason", f"expires = {TODAY.isoformat()}\nreason"))
    report = judged(BIASED, path, today=TODAY + timedelta(days=days))
    assert only_entry(report).standing == standing
    assert report.exit_code == (1 if standing == "expired" else 0)


def test_an_expired_entry_covers_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, ENTRY.replace("reason", "expires = 2000-01-31\nreason"))
    report = judged(BIASED, path)
    assert only_entry(report).message == "it expired on 2000-01-31"
    assert (str(only_law(report).status), bool(only_law(report).findings)) == ("violated", True)


def test_what_has_expired_and_is_fixed_is_told_to_be_fixed(tmp_path: Path) -> None:
    path = written(tmp_path, ENTRY.replace("reason", "expires = 2000-01-31\nreason"))
    assert only_entry(judged(SOUND, path)).standing == "fixed"


def test_a_failure_with_another_cause_fails_the_run(tmp_path: Path) -> None:
    report = judged(BIASED, written(tmp_path, CAUSED.replace("running_var.biased", "eps.missing")))
    entry = only_entry(report)
    assert (entry.standing, entry.cause, report.exit_code) == ("other_cause", "running_var.biased", 1)
    assert entry.message == "its cause is running_var.biased now, not eps.missing"
    assert str(only_law(report).status) == "violated"


def test_a_failure_without_any_known_cause_is_not_the_one_that_was_written(tmp_path: Path) -> None:
    entry = only_entry(judged(tracking(lambda saved: saved.variance**1.01), written(tmp_path, CAUSED)))
    assert (entry.standing, entry.cause) == ("other_cause", None)


def test_where_no_cause_is_written_none_is_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path)
    assert only_entry(judged(tracking(lambda saved: saved.variance**1.01), path)).standing == "known"


def test_a_case_that_fails_in_another_way_is_stale(tmp_path: Path) -> None:
    def raises(_: object) -> Any:
        raise ZeroDivisionError

    entry = only_entry(judged(tracking(raises), written(tmp_path)))
    assert entry.standing == "other_failure"
    assert entry.message.startswith("its case fails otherwise now (crashed): ZeroDivisionError")


@pytest.mark.parametrize(
    ("versions", "told"),
    [
        ('{numpy = "<1"}', f"numpy {installed_version('numpy')} is installed"),
        ('{numpy = ">=1", no-such-thing = "*"}'.replace('"*"', '">=1"'), "no-such-thing is not installed"),
    ],
)
def test_an_entry_for_other_versions_does_not_apply_and_is_not_stale(
    tmp_path: Path, versions: str, told: str
) -> None:
    path = written(tmp_path, ENTRY.replace("reason", f"versions = {versions}\nreason"))
    entry = only_entry(judged(SOUND, path))
    assert (entry.standing, entry.is_stale, entry.message) == ("other_version", False, told)
    assert judged(SOUND, path).exit_code == 0
    assert judged(BIASED, path).exit_code == 1


def test_an_entry_for_this_version_applies(tmp_path: Path) -> None:
    path = written(tmp_path, ENTRY.replace("reason", 'versions = {numpy = ">=1,<99"}\nreason'))
    assert only_entry(judged(BIASED, path)).standing == "known"


def test_an_entry_of_a_law_that_is_not_there_is_stale(tmp_path: Path) -> None:
    path = written(tmp_path, ENTRY.replace("statistics.variance", "statistics.gone"), law="statistics.gone")
    entry = only_entry(judged(BIASED, path))
    assert (entry.standing, entry.is_stale) == ("not_judged", True)


def test_a_case_that_decides_nothing_any_more_is_stale(tmp_path: Path) -> None:
    entry = only_entry(judged(BIASED, written(tmp_path, case=ENORMOUS)))
    assert entry.message == "nothing could be concluded from this case"
    assert entry.is_stale


def test_what_fails_by_chance_is_not_taken_for_fixed(tmp_path: Path) -> None:
    calls = []

    def sometimes(saved: Saved) -> Any:
        calls.append(saved)
        m = saved.x.size // saved.x.shape[1]
        return saved.variance * (1 if len(calls) % 3 == 0 else m / max(m - 1, 1))

    path = written(tmp_path)
    assert only_entry(judged(tracking(sometimes), path, include="nothing")).standing == "known"
