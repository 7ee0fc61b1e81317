"""`bncheck baseline update`: findings become entries, what people wrote is kept, what is fixed goes, nothing is lost."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from baseline.known import (
    ALONE,
    BIASED,
    CAUSED,
    ENTRY,
    LAW,
    SOUND,
    TARGET,
    TODAY,
    judged,
    only_entry,
    tracking,
    written,
)
from click.testing import CliRunner, Result

from bncheck import baseline_update
from bncheck.baseline.reading import baseline_of
from bncheck.baseline_update import Update
from bncheck.command_line import commands
from bncheck.errors import UsageError
from bncheck.options import Options
from bncheck.planted.numpy_layer import Saved
from bncheck.properties.catalogue import CATALOGUE

pytestmark = pytest.mark.long
LAYERS = Path(__file__).parent / "samples" / "layers.py"


def update(path: Path, target: Any, *, reason: str | None = "old checkpoints", **asked: Any) -> Update:
    told = {"profile": "smoke", "include": ALONE, "dtypes": ("float32",), "today": TODAY, **asked}
    return baseline_update.update(path, [target], CATALOGUE, Options(**told), reason=reason)


def bncheck(*words: str) -> Result:
    return CliRunner().invoke(commands, list(words))


def test_a_finding_becomes_an_entry_that_the_next_run_knows(tmp_path: Path) -> None:
    path = tmp_path / "baseline.toml"
    (entry,) = update(path, BIASED).added
    assert (entry.target, entry.law, entry.cause) == (TARGET, LAW, "running_var.biased")
    assert entry.where.words == {"dtype": ("float32",), "mode": ("train",)}
    assert entry.case.parent == tmp_path / "baseline"
    report = judged(BIASED, path)
    assert (report.exit_code, only_entry(report).standing) == (0, "known")


def test_each_dtype_has_an_entry_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "baseline.toml"
    added = update(path, BIASED, dtypes=("float32", "float64")).added
    assert [entry.where.words["dtype"] for entry in added] == [("float32",), ("float64",)]
    assert judged(BIASED, path, dtypes=("float32", "float64")).exit_code == 0


def test_each_way_of_failing_has_an_entry_of_its_own(tmp_path: Path) -> None:
    def raises(saved: Saved) -> Any:
        if saved.x.shape[1] == 1:
            raise ZeroDivisionError
        return saved.variance

    path = tmp_path / "baseline.toml"
    added = update(path, tracking(raises)).added
    assert {entry.saved.status for entry in added} == {"violated", "crashed"}
    assert judged(tracking(raises), path).exit_code == 0


def test_a_predicate_is_as_narrow_as_the_examples_say(tmp_path: Path) -> None:
    def narrow(saved: Saved) -> Any:
        m = saved.x.size // saved.x.shape[1]
        return saved.variance * (1 if m <= 8 else m / (m - 1))

    path = tmp_path / "baseline.toml"
    (entry,) = update(path, tracking(narrow), profile="ci").added
    assert 8 <= entry.where.numbers["m"][1] <= 12
    assert judged(tracking(narrow), path, profile="ci").exit_code == 0
    assert judged(BIASED, path, profile="ci").exit_code == 1


def test_reason_link_where_expiry_and_comments_of_what_still_fails_are_kept(tmp_path: Path) -> None:
    text = "# ours\n" + CAUSED.replace("reason", "expires = 2026-06-01  # the release\nreason").replace(
        '["float32"]', '["float32", "float64"]'
    )
    path = written(tmp_path, text)
    before = path.read_text()
    found = update(path, BIASED, reason="another", dtypes=("float32", "float64"))
    assert path.read_text() == before
    assert (found.added, len(found.kept), found.dropped) == ((), 1, ())


def test_an_entry_that_is_fixed_is_dropped_with_the_case_that_an_update_wrote(tmp_path: Path) -> None:
    path = written(tmp_path, "# ours\n" + ENTRY, beside="baseline")
    (report,) = update(path, SOUND).dropped
    assert report.entry.reason == "old checkpoints"
    assert baseline_of(path).entries == ()
    assert path.read_text().startswith("# ours\n")
    assert [each.name for each in tmp_path.iterdir()] == ["baseline.toml"]
    assert judged(SOUND, path).exit_code == 0


def test_a_case_that_a_person_put_elsewhere_is_not_removed(tmp_path: Path) -> None:
    path = written(tmp_path)
    assert len(update(path, SOUND).dropped) == 1
    assert len(list((tmp_path / "cases").iterdir())) == 1


def test_what_the_run_leaves_out_is_judged_too(tmp_path: Path) -> None:
    path = written(tmp_path)
    assert len(update(path, SOUND, include="nothing").dropped) == 1


def test_entries_of_other_targets_stay(tmp_path: Path) -> None:
    path = written(tmp_path, ENTRY.replace("NumpyLayerAdapter", "Other"))
    before = path.read_text()
    update(path, SOUND)
    assert path.read_text() == before
    assert len(update(path, BIASED).added) == 1
    assert path.read_text().startswith(before)


def test_an_entry_for_another_version_stays(tmp_path: Path) -> None:
    path = written(tmp_path, ENTRY.replace("reason", 'versions = {numpy = "<1"}\nreason'))
    assert len(update(path, SOUND).kept) == 1


def test_an_expired_entry_that_still_fails_stays_for_a_person_to_decide(tmp_path: Path) -> None:
    path = written(tmp_path, ENTRY.replace("reason", "expires = 2000-01-31\nreason"))
    found = update(path, BIASED)
    assert ([each.standing for each in found.kept], found.added) == (["expired"], ())


def test_a_cause_that_is_another_now_is_written_and_the_reason_stays(tmp_path: Path) -> None:
    path = written(tmp_path, CAUSED.replace("running_var.biased", "eps.missing"))
    (report,) = update(path, BIASED).kept
    assert report.standing == "other_cause"
    assert path.read_text().count('cause = "running_var.biased"') == 1
    assert only_entry(judged(BIASED, path)).standing == "known"


def test_without_a_reason_the_run_refuses_what_was_written(tmp_path: Path) -> None:
    path = written(tmp_path, ENTRY.replace("old checkpoints", ""))
    assert update(path, BIASED, reason=None).silent == 1
    with pytest.raises(UsageError, match=rf"the reason of {LAW} is '', expected a sentence"):
        baseline_of(path)
    assert update(path, BIASED, reason="told later").silent == 0
    assert baseline_of(path).entries[0].reason == "told later"


def test_an_interrupted_update_loses_nothing(tmp_path: Path) -> None:
    path = written(tmp_path)
    before = {each: each.read_bytes() for each in tmp_path.rglob("*") if each.is_file()}

    def interrupted(_: Saved) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        update(path, tracking(interrupted))
    assert {each: each.read_bytes() for each in tmp_path.rglob("*") if each.is_file()} == before


@pytest.mark.parametrize("call", [1, 2], ids=["the case", "the file"])
def test_an_update_that_is_interrupted_while_it_writes_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    path = written(tmp_path, ENTRY.replace("NumpyLayerAdapter", "Other"))
    before, replace, calls = path.read_text(), Path.replace, []

    def interrupted(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == call:
            raise KeyboardInterrupt
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            update(path, BIASED)
    assert path.read_text() == before
    assert len(baseline_of(path).entries) == 1


@pytest.mark.parametrize("obstacle", ["a file where the cases go", "a folder", "tables that are none"])
def test_what_would_stop_it_at_the_end_is_told_before_it_begins(tmp_path: Path, obstacle: str) -> None:
    path = tmp_path / "baseline.toml"
    if obstacle == "a folder":
        path.mkdir()
    elif obstacle == "a file where the cases go":
        path.with_suffix("").write_text("mine")
    else:
        path.write_text("known = []\n")
    with pytest.raises(UsageError, match=r"expected a file|go into a folder of that name|cannot be edited"):
        update(path, "no.such.module:Layer")


def test_a_target_that_does_not_load_leaves_the_file_alone(tmp_path: Path) -> None:
    path = written(tmp_path)
    before = path.read_text()
    result = bncheck("baseline", "update", "nowhere.py:Layer", "--baseline", str(path))
    assert result.exit_code == 4
    assert path.read_text() == before


def test_the_way_of_a_user_from_a_bug_to_its_fix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(LAYERS, "layers.py")
    asked = ["layers.py:Layer", "--profile", "smoke", "--include", ALONE, "--dtype", "float32"]
    with_it = ["--baseline", "bncheck-baseline.toml"]
    assert bncheck("run", *asked).exit_code == 1

    result = bncheck("baseline", "update", *asked, "--reason", "as it always was")
    assert result.exit_code == 0, result.output
    assert "1 added, 0 kept, 0 dropped" in result.output

    result = bncheck("run", *asked, *with_it)
    assert result.exit_code == 0, result.output
    assert "known statistics.variance (float32): as it always was" in result.output
    assert "saved cases: 1 replayed: 1 known" in result.output
    assert "no law fails beyond what the baseline knows (exit 0)" in result.output

    mended = Path("layers.py").read_text().replace("w * var\n", "w * var * len(x) / (len(x) - 1)\n")
    Path("layers.py").write_text(mended)
    result = bncheck("run", *asked, *with_it)
    assert result.exit_code == 1
    assert "stale statistics.variance (float32): its case holds now; it was tolerated: as it" in result.output
    assert "stale entries of the baseline: 1 (exit 1)" in result.output

    result = bncheck("baseline", "update", *asked)
    assert "0 added, 0 kept, 1 dropped" in result.output
    result = bncheck("run", *asked, *with_it)
    assert result.exit_code == 0, result.output
    assert "saved cases: 1 replayed: 1 fixed" in result.output
