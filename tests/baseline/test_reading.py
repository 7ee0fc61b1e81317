"""Every bad baseline file is told in one sentence, with exit 2, and every key means what it says."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from baseline.known import ENTRY, LAW, TARGET, written
from click.testing import CliRunner

from bncheck.baseline.reading import baseline_of
from bncheck.command_line import commands
from bncheck.errors import UsageError

FULL = ENTRY.replace(
    "reason",
    'cause = "eps.missing"\nquantities = ["running_var"]\nversions = {torch = ">=2.4,<2.14"}\n'
    "expires = 2027-01-31\nreason",
).replace(
    "[known.where]",
    "[known.where]\nrank = [2, 3]\nm = [2, 64]\nchannels = [1, 8]\neps = [0, inf]\nmomentum = [0.5, 0.5]\n"
    'offset = [0, 1e4]\nlayout = "contiguous"',
)
DAMAGES = {
    "no TOML": ("[[known", "is no TOML file: "),
    "another table": ("[[knwon]]", "has the key 'knwon'; valid are tables [[known]] alone"),
    "no tables": ("known = 3", "known in baseline.toml is 3, expected tables [[known]]"),
    "a list of words": (
        'known = ["a"]',
        "entry 1 of the baseline baseline.toml is wrong: it is 'a', expected",
    ),
    "an unknown key": (ENTRY.replace("link", "url"), "it has the key 'url'; valid are target, law, case, "),
    "no target": (
        ENTRY.replace(f'target = "{TARGET}"\n', ""),
        "its target is None, expected",
    ),
    "a target that is no text": (ENTRY.replace(f'"{TARGET}"', "3"), "its target is 3, expected a text"),
    "no law": (ENTRY.replace(f'law = "{LAW}"\n', ""), "its law is None, expected a text"),
    "another law than that of the case": (
        ENTRY.replace(LAW, "forward.output"),
        f"its law is 'forward.output', that of its case cases/ID.json is '{LAW}'",
    ),
    "no case": (ENTRY.replace('case = "CASE"\n', ""), "its case is None, expected a text"),
    "a case that is not there": (
        ENTRY.replace("CASE", "nothing.json"),
        "nothing.json cannot be read: No such file",
    ),
    "a case that is none": (ENTRY.replace("CASE", "baseline.toml"), "baseline.toml is no JSON file"),
    "no reason": (
        ENTRY.replace('reason = "old checkpoints"\n', ""),
        f"the reason of {LAW} is '', expected a sentence that says why it is tolerated",
    ),
    "an empty reason": (ENTRY.replace("old checkpoints", "  "), f"the reason of {LAW} is '  ', expected"),
    "a cause that is no word": (
        ENTRY.replace("link", 'cause = "rm -rf"\nlink'),
        "its cause is 'rm -rf', expected",
    ),
    "quantities that are no list": (
        ENTRY.replace("link", 'quantities = "y"\nlink'),
        "its quantities are 'y', expected a list",
    ),
    "no versions": (ENTRY.replace("link", 'versions = "2"\nlink'), "its versions are '2', expected a table"),
    "a version that is none": (
        ENTRY.replace("link", 'versions = {torch = "new"}\nlink'),
        "its version of torch is 'new', expected one such as '>=2.4,<2.14'",
    ),
    "a version that is a number": (
        ENTRY.replace("link", "versions = {torch = 2}\nlink"),
        "its version of torch is 2, expected",
    ),
    "a day in quotes": (
        ENTRY.replace("link", 'expires = "2027-01-31"\nlink'),
        "expires is '2027-01-31', expected a day such as 2027-01-31, without quotes",
    ),
    "an hour": (
        ENTRY.replace("link", "expires = 2027-01-31T10:00:00\nlink"),
        "expected a day such as 2027-01-31",
    ),
    "no such day": (ENTRY.replace("link", "expires = 2027-02-30\nlink"), "is no TOML file: "),
    "where that is no table": (
        ENTRY.replace("[known.where]\n", "where = 3\n").replace(
            'dtype = ["float32"]\nmode = ["train"]\n', ""
        ),
        "its where is 3, expected a table",
    ),
    "an unknown key of where": (
        ENTRY.replace("mode", "training"),
        "where has the key 'training'; valid are dtype, mode, layout, rank, m, channels, eps, momentum, offset",
    ),
    "an unknown word": (
        ENTRY.replace('"float32"', '"int8"'),
        "where.dtype is ['int8'], expected one or several of float",
    ),
    "no word": (ENTRY.replace('["float32"]', "[]"), "where.dtype is [], expected one or several of float"),
    "one end": (
        ENTRY.replace("mode", "m = [2]\nmode"),
        "where.m is [2], expected the least and the largest number",
    ),
    "NaN": (ENTRY.replace("mode", "eps = [nan, 1]\nmode"), "where.eps is [nan, 1], expected the least and"),
    "ends that are words": (ENTRY.replace("mode", 'm = ["2", "3"]\nmode'), "where.m is ['2', '3'], expected"),
    "ends the wrong way round": (
        ENTRY.replace("mode", "m = [64, 2]\nmode"),
        "where.m is [64, 2], in which no number lies: the least comes first",
    ),
    "its own case outside": (
        ENTRY.replace("mode", "m = [3, 64]\nmode"),
        "lies outside its own where: its m is 2",
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_bad_file_is_one_clear_sentence_and_exit_2(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text, sentence = DAMAGES[name]
    written(Path(), text)
    (case,) = Path("cases").iterdir()

    result = CliRunner().invoke(commands, ["run", "nowhere.py:Layer", "--baseline", "baseline.toml"])

    assert result.exit_code == 2, result.output
    assert sentence.replace("ID.json", case.name) in result.output
    assert result.output.startswith("bncheck: ")
    assert "Traceback" not in result.output
    assert result.output.count("\n") <= (2 if "TOML file" in sentence else 1)


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"there is no baseline .*; bncheck baseline update TARGET --baseline"
    ):
        baseline_of(tmp_path / "nothing.toml")
    with pytest.raises(UsageError, match="is a folder, expected a file"):
        baseline_of(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b"# \xe9\n")
    with pytest.raises(UsageError, match="is no TOML file: it is not in UTF-8"):
        baseline_of(tmp_path / "latin.toml")
    (tmp_path / "large.toml").write_bytes(b"#" * 5_000_000)
    with pytest.raises(UsageError, match="has more than 4194304 bytes"):
        baseline_of(tmp_path / "large.toml")


def test_a_damaged_case_is_told_with_the_entry_that_names_it(tmp_path: Path) -> None:
    path = written(tmp_path)
    (case,) = (tmp_path / "cases").iterdir()
    case.write_text('{"schema": 2}')
    with pytest.raises(UsageError, match=r"entry 1 of the baseline .* its schema is 2, expected 1"):
        baseline_of(path)


def test_a_case_that_does_not_fail_is_no_entry(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is 'held', expected one of violated, unstable, crashed, timed_out"):
        baseline_of(written(tmp_path, status="held"))


def test_every_key_is_read(tmp_path: Path) -> None:
    (entry,) = baseline_of(written(tmp_path, FULL)).entries
    assert (entry.target, entry.law, entry.cause, entry.reason) == (
        TARGET,
        LAW,
        "eps.missing",
        "old checkpoints",
    )
    assert (entry.link, entry.expires) == ("https://example.org/17", date(2027, 1, 31))
    told = entry.as_json()
    assert (told["quantities"], told["versions"]) == (["running_var"], {"torch": ">=2.4,<2.14"})
    assert told["where"] == {
        "dtype": ["float32"],
        "mode": ["train"],
        "layout": ["contiguous"],
        "rank": [2, 3],
        "m": [2, 64],
        "channels": [1, 8],
        "eps": [0, float("inf")],
        "momentum": [0.5, 0.5],
        "offset": [0, 1e4],
    }


def test_a_file_without_entries_is_a_baseline(tmp_path: Path) -> None:
    (tmp_path / "empty.toml").write_text("# nothing is known\n")
    assert baseline_of(tmp_path / "empty.toml").entries == ()


def test_a_draft_may_lack_its_reasons(tmp_path: Path) -> None:
    path = written(tmp_path, ENTRY.replace("old checkpoints", ""))
    assert baseline_of(path, draft=True).entries[0].reason == ""
