"""A baseline is edited in place: what a change does not concern stays as people wrote it."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from baseline.known import LAW, TARGET, saved_case

from bncheck.baseline.entry import Entry
from bncheck.baseline.where import Where
from bncheck.baseline.writing import Changes, changed, check_editable, write
from bncheck.errors import UsageError

PATH = Path("folder/baseline.toml")
TEXT = '''\
# what we know
  # and why

# the first
[[known]]
law = "a"   # odd   spaces
reason = """
[[known]]
is no header here"""
where.dtype = [ "float32",
  "float64" ]  # both

# the second
[[known]]
cause = "eps.missing"  # since May
law = 'b'
[known.where]
m = [2, 64]
# the end of the second

# the third
[[known]]
law = "c"
reason = ""
# the last line'''
NEW = Entry(
    target=TARGET,
    law=LAW,
    case=Path("folder/baseline/1.json"),
    saved=saved_case(),
    reason='a "quoted" one\\',
    where=Where({"dtype": ("float32",)}, {"m": (2, float("inf"))}),
)


def comments(text: str) -> list[str]:
    return [line.partition("#")[2] for line in text.splitlines() if "#" in line]


def test_without_changes_nothing_changes() -> None:
    assert changed(PATH, TEXT + "\n", Changes()) == TEXT + "\n"


@pytest.mark.parametrize("drop", [{0}, {1}, {2}, {0, 1}, {0, 2}, {1, 2}, {0, 1, 2}], ids=str)
def test_an_entry_is_dropped_and_the_comments_of_the_others_stay(drop: set[int]) -> None:
    result = changed(PATH, TEXT, Changes(frozenset(drop)))
    laws = [law for number, law in enumerate("abc") if number not in drop]
    assert [entry["law"] for entry in tomllib.loads(result).get("known", [])] == laws
    own = {0: {" odd   spaces", " both"}, 1: {" since May"}, 2: set[str]()}
    gone = set().union(*(own[number] for number in drop))
    assert comments(result) == [each for each in comments(TEXT) if each not in gone]


def test_an_entry_is_added_at_the_end() -> None:
    result = changed(PATH, TEXT, Changes(add=(NEW, replace(NEW, law="other"))))
    assert result.startswith(TEXT)
    first, second = tomllib.loads(result)["known"][3:]
    assert first == {
        "target": TARGET,
        "law": LAW,
        "case": "baseline/1.json",
        "reason": 'a "quoted" one\\',
        "where": {"dtype": ["float32"], "m": [2, float("inf")]},
    }
    assert second["law"] == "other"


def test_an_entry_is_added_to_an_empty_file() -> None:
    assert changed(PATH, "", Changes(add=(NEW,))).startswith("[[known]]\n")
    assert changed(PATH, "# mine", Changes(add=(NEW,))).startswith("# mine\n\n[[known]]\n")


def test_a_cause_changes_in_its_line_or_goes() -> None:
    other = changed(PATH, TEXT, Changes(causes={1: "mean.wrong"}))
    assert other.rstrip("\n") == TEXT.replace("eps.missing", "mean.wrong")
    gone = changed(PATH, TEXT, Changes(causes={1: None}))
    assert "cause" not in tomllib.loads(gone)["known"][1]


def test_a_reason_is_given_to_entries_that_have_none() -> None:
    result = changed(PATH, TEXT, Changes(reason="later", link="https://x"))
    told = tomllib.loads(result)["known"]
    assert [(entry.get("reason", "")[-4:], entry.get("link")) for entry in told] == [
        ("here", None),
        ("ater", "https://x"),
        ("ater", "https://x"),
    ]
    assert comments(result) == comments(TEXT)


def test_line_ends_stay_as_they_are() -> None:
    windows = TEXT.replace('"""\n[[known]]\nis', "'''x").replace('here"""', "here'''").replace("\n", "\r\n")
    result = changed(PATH, windows, Changes(frozenset({0}), add=(NEW,)))
    assert result.count("\n") == result.count("\r\n")


@pytest.mark.parametrize("text", ['known = [{law = "a"}]', 'known = [{law = "a"}, {law = "b"}]\n'])
def test_entries_that_are_no_tables_of_their_own_are_not_edited(text: str) -> None:
    with pytest.raises(UsageError, match="cannot be edited as it is written; give each entry a table"):
        check_editable(PATH, text)


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "baseline.toml"
    path.write_text("old")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write(path, "new")
    assert path.read_text() == "old"
    write(path, "new\r\n")
    assert path.read_bytes() == b"new\r\n"
    assert [each.name for each in tmp_path.iterdir()] == ["baseline.toml"]


def test_a_link_stays_a_link_and_rights_stay(tmp_path: Path) -> None:
    real, link = tmp_path / "real.toml", tmp_path / "link.toml"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    write(link, "new")
    assert link.is_symlink()
    assert (real.read_text(), real.stat().st_mode & 0o777) == ("new", 0o640)
