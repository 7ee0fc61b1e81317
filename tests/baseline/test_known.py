"""A run with a baseline: what is known does not fail it and costs no shrinking; what is new still does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from baseline.known import BIASED, ENTRY, LAW, SOUND, judged, only_entry, only_law, tracking, written
from rich.console import Console

from bncheck.planted.numpy_adapter import NumpyLayerAdapter
from bncheck.planted.numpy_layer import Saved
from bncheck.text_report import print_target

WIDE = ENTRY.replace('dtype = ["float32"]', "m = [2, 16]")


def narrow(saved: Saved) -> Any:
    """Right for many values a channel, biased for up to 16."""
    m = saved.x.size // saved.x.shape[1]
    return saved.variance * (1 if m <= 16 else m / (m - 1))


@contextmanager
def evaluations(adapter: NumpyLayerAdapter, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Counts the training batches that layers of this kind are shown."""
    counted = [0]
    forward = type(adapter).forward

    def counting(self: NumpyLayerAdapter, *arguments: Any) -> Any:
        counted[0] += 1
        return forward(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(type(adapter), "forward", counting)
        yield counted


def test_a_known_failure_does_not_fail_the_run(tmp_path: Path) -> None:
    report = judged(BIASED, written(tmp_path))
    law = only_law(report)
    assert (report.exit_code, str(law.status), law.reason) == (0, "known", "old checkpoints")
    assert law.findings == ()
    assert law.tallies["float32"].known == only_entry(report).examples > 0
    assert report.summary["known"] == 1


def test_without_the_baseline_it_fails() -> None:
    assert judged(BIASED, None).exit_code == 1


def test_the_json_report_tells_the_entry_and_the_status(tmp_path: Path) -> None:
    path = written(tmp_path)
    (target,) = judged(BIASED, path).as_json()["targets"]
    (law,), (entry,) = target["laws"], target["baseline"]
    assert (law["status"], law["by_dtype"]["float32"]["known"]) == ("known", entry["examples"])
    assert entry["standing"] == "known"
    assert not entry["stale"]
    assert (entry["law"], entry["reason"], entry["link"]) == (
        LAW,
        "old checkpoints",
        "https://example.org/17",
    )
    assert entry["where"] == {"dtype": ["float32"], "mode": ["train"]}
    assert Path(entry["case"]).parent == path.parent / "cases"


def test_the_text_tells_the_reason_and_the_link(tmp_path: Path) -> None:
    text = StringIO()
    print_target(Console(file=text, width=160), judged(BIASED, written(tmp_path)).targets[0])
    assert f"known {LAW} (float32): old checkpoints (https://example.org/17)" in text.getvalue()


def test_a_known_failure_costs_no_shrinking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path)
    with evaluations(BIASED, monkeypatch) as sound:
        judged(SOUND, None)
    with evaluations(BIASED, monkeypatch) as known:
        judged(BIASED, path)
    with evaluations(BIASED, monkeypatch) as new:
        judged(BIASED, None)
    assert known[0] == sound[0] + 1  # the entry's own case
    assert new[0] > known[0] + 20


def test_a_failure_outside_the_predicate_still_fails_and_is_shrunk_outside_it(tmp_path: Path) -> None:
    report = judged(BIASED, written(tmp_path, WIDE))
    law = only_law(report)
    assert (report.exit_code, str(law.status)) == (1, "violated")
    assert law.tallies["float32"].known > 0
    assert {finding.case.count for finding in law.findings} == {17}


def test_a_failure_of_the_same_examples_all_inside_is_known(tmp_path: Path) -> None:
    report = judged(tracking(narrow), written(tmp_path, WIDE))
    assert (report.exit_code, str(only_law(report).status)) == (0, "known")


def test_a_failure_in_another_dtype_still_fails(tmp_path: Path) -> None:
    report = judged(BIASED, written(tmp_path), dtypes=("float32", "float64"))
    law = only_law(report)
    assert report.exit_code == 1
    assert {name: str(tally.status) for name, tally in law.tallies.items()} == {
        "float32": "known",
        "float64": "violated",
    }


def test_another_law_still_fails(tmp_path: Path) -> None:
    report = judged(BIASED, written(tmp_path), include="^statistics")
    failing = {law.law.id for law in report.targets[0].laws if law.findings}
    assert report.exit_code == 1
    assert LAW not in failing
    assert "statistics.unbiased" in failing


def test_a_failure_of_another_quantity_still_fails(tmp_path: Path) -> None:
    path = written(tmp_path, ENTRY.replace("reason", 'quantities = ["running_mean"]\nreason'))
    report = judged(BIASED, path)
    assert (str(only_law(report).status), only_entry(report).standing) == ("violated", "other_failure")


def test_a_crash_is_no_violation_that_is_known(tmp_path: Path) -> None:
    def raises(saved: Saved) -> Any:
        if saved.x.size > 2:
            raise ZeroDivisionError
        return saved.variance

    report = judged(tracking(raises), written(tmp_path))
    assert (report.exit_code, str(only_law(report).status)) == (1, "crashed")


def test_what_is_known_of_another_target_is_left_aside(tmp_path: Path) -> None:
    path = written(tmp_path, ENTRY.replace("NumpyLayerAdapter", "Other"))
    report = judged(BIASED, path)
    assert report.targets[0].baseline == ()
    assert report.exit_code == 1


@pytest.mark.parametrize("asked", [{"device": "cpu"}, {"dialect": {"running_variance": "unbiased"}}])
def test_an_entry_is_for_the_conventions_and_the_device_of_its_case(
    tmp_path: Path, asked: dict[str, Any]
) -> None:
    report = judged(BIASED, written(tmp_path), **asked)
    assert len(report.targets[0].baseline) == (1 if "device" in asked else 0)


def test_the_examples_do_not_depend_on_the_baseline(tmp_path: Path) -> None:
    with_it, without = judged(BIASED, written(tmp_path)), judged(BIASED, None)
    assert only_law(with_it).worst == only_law(without).worst
    assert only_law(with_it).elements == only_law(without).elements
