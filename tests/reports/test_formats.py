"""Files: where each format goes, what is refused before a run, and what a job on GitHub is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from reports.handmade import EVERY_VERDICT, hostile, report, target

from bncheck.errors import UsageError
from bncheck.properties.catalogue import CATALOGUE
from bncheck.reports import github
from bncheck.reports.formats import FORMATS, destinations, summarise, write_all
from bncheck.reports.markdown import markdown

REPORT = report(target(*EVERY_VERDICT))


@pytest.fixture(autouse=True)
def outside_of_github(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)


def test_each_format_has_a_file_of_its_own(tmp_path: Path) -> None:
    assert {name: path.name for name, path in destinations(FORMATS, tmp_path).items()} == {
        "json": "bncheck-report.json",
        "junit": "bncheck-report.xml",
        "sarif": "bncheck-report.sarif",
        "md": "bncheck-report.md",
        "html": "bncheck-report.html",
    }


def test_a_missing_folder_is_made_before_the_run_and_nothing_is_written_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    assert destinations(["junit", "junit"], folder) == {"junit": folder / "bncheck-report.xml"}
    assert list(folder.iterdir()) == []


def test_no_format_needs_no_folder(tmp_path: Path) -> None:
    assert destinations([], tmp_path / "a") == {}
    assert not (tmp_path / "a").exists()


def test_a_format_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refusal:
        destinations(["pdf"], tmp_path)
    assert str(refusal.value) == "'pdf' is no format of a report; valid are json, junit, sarif, md, html"


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError) as refusal:
        destinations(["md"], tmp_path / "file")
    assert str(refusal.value) == f"{str(tmp_path / 'file')!r} is a file; --report-dir takes a folder"


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "folder"
    with pytest.raises(UsageError) as refusal:
        destinations(["md"], folder)
    assert str(refusal.value) == f"{str(folder)!r} cannot be made a folder for reports: Not a directory"


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="there is no folder that nobody can write")
def test_a_folder_that_cannot_be_written_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^reports cannot be written to '/proc': [A-Z][a-z ]+$"):
        destinations(["md"], Path("/proc"))


@pytest.mark.parametrize("name", list(FORMATS))
def test_only_a_report_of_ours_is_overwritten(name: str, tmp_path: Path) -> None:
    paths = destinations([name], tmp_path)
    write_all(REPORT, CATALOGUE, paths)
    assert destinations([name], tmp_path) == paths

    paths[name].write_text('{"runs": [], "my": "own"}', encoding="utf-8")
    with pytest.raises(UsageError) as refusal:
        destinations([name], tmp_path)
    assert str(refusal.value) == (
        f"{str(paths[name])!r} is not a report of bncheck and is not overwritten; move it or use --report-dir"
    )


def test_a_json_report_of_another_kind_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "bncheck-report.json").write_text('{"bncheck": "1", "schema": 1, "kind": "compare"}')
    with pytest.raises(UsageError, match="is not a report of bncheck"):
        destinations(["json"], tmp_path)


def test_every_file_is_written_whole(tmp_path: Path) -> None:
    write_all(REPORT, CATALOGUE, destinations(FORMATS, tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {own.file for own in FORMATS.values()}
    for own in FORMATS.values():
        assert (tmp_path / own.file).read_text(encoding="utf-8") == own.text(REPORT, CATALOGUE)
    assert (tmp_path / "bncheck-report.json").read_text() == json.dumps(REPORT, indent=2) + "\n"


def test_hostile_text_can_be_written_in_every_format(tmp_path: Path) -> None:
    paths = destinations(FORMATS, tmp_path)
    write_all(hostile(), CATALOGUE, paths)
    assert all(FORMATS[name].is_ours(path.read_text(encoding="utf-8")) for name, path in paths.items())


def test_the_summary_is_appended_below_what_stands_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    page = markdown(REPORT)
    assert summarise(REPORT) == []
    assert (tmp_path / "summary").read_text() == page
    assert summarise(REPORT) == []
    assert (tmp_path / "summary").read_text() == f"{page}\n{page}"


def test_annotations_are_for_githubs_runner_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert summarise(REPORT) == []
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert summarise(REPORT) == github.annotations(REPORT)
    assert len(github.annotations(REPORT)) == 5


def test_a_summary_that_cannot_be_written_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    assert summarise(REPORT) == [
        f"::warning title=bncheck::the summary could not be written to {str(tmp_path)!r}: Is a directory"
    ]
