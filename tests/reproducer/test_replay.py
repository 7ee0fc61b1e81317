"""`bncheck replay` with --script, --pytest, --issue and --dtype, and on damaged files."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from reproducer.targets import PLAIN, case, elsewhere, saved

from bncheck.case_file import save
from bncheck.command_line import commands
from bncheck.errors import DIED
from bncheck.layout import Layout

BUG, SOUND = f"{PLAIN / 'numpy_layers.py'}:EpsOutside", f"{PLAIN / 'numpy_layers.py'}:BatchNorm"


def bncheck(*words: str) -> Result:
    return CliRunner().invoke(commands, list(words))


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The file of a case."""
    monkeypatch.chdir(tmp_path)
    return str(save(saved(BUG, "forward.output", case()), tmp_path))


def test_the_script_goes_to_standard_output_and_the_verdict_does_not(found: str, tmp_path: Path) -> None:
    result = bncheck("replay", found, "--script")
    assert result.exit_code == 1
    assert "STILL FAILING forward.output" in result.stderr
    assert elsewhere(result.stdout, tmp_path).returncode == 1


def test_all_three_are_written_to_files_and_never_over_one(found: str, tmp_path: Path) -> None:
    words = ("replay", found, "--script", "bug.py", "--pytest", "test_bug.py", "--issue", "bug.md")
    first = bncheck(*words)
    assert first.exit_code == 1
    assert first.stdout.endswith("  wrote bug.py\n  wrote test_bug.py\n  wrote bug.md\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_bug.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "y[2, 0] is" in done.stdout
    told = (tmp_path / "bug.md").read_text()
    for heading in ("# ", "## What happens", "## What should happen", "## Script", "## Versions"):
        assert f"\n{heading}" in f"\n{told}"
    assert "y = gamma (x - mu) / sqrt(var + eps) + beta" in told
    again = bncheck(*words)
    assert again.exit_code == 2
    assert again.stderr == "bncheck: bug.py is there already and is not overwritten; name another file\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--script", "--pytest"), "only one of --script, --pytest and --issue can go to standard output"),
        (("--script", "nowhere/bug.py"), "there is no folder"),
        (("--script", "bug.py", "--issue", "bug.py"), "cannot share the file bug.py"),
        (("--target", SOUND, "--script"), "nothing fails on"),
        (("--target", "reference.numpy", "--issue"), "nothing fails on reference.numpy"),
    ],
)
def test_what_cannot_be_written_is_told_in_one_sentence(
    words: tuple[str, ...], told: str, found: str
) -> None:
    result = bncheck("replay", found, *words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert told in result.stderr


def test_a_case_is_replayed_in_another_dtype(found: str) -> None:
    result = bncheck("replay", found, "--dtype", "float64")
    assert (result.exit_code, "x (3, 2) float64" in result.stdout) == (1, True)
    assert "rounded" not in result.stdout
    assert bncheck("replay", found, "--dtype", "float64", "--target", SOUND).exit_code == 0


def test_numbers_that_do_not_survive_a_cast_are_told(tmp_path: Path) -> None:
    tenths = saved(BUG, "forward.output", case(x=case().x / np.float32(10)))
    result = bncheck("replay", str(save(tenths, tmp_path)), "--dtype", "float16")
    assert "of the 6 numbers of x are rounded to float16" in result.stdout
    large = saved(BUG, "forward.output", case(x=case().x * np.float32(1e6)))
    result = bncheck("replay", str(save(large, tmp_path)), "--dtype", "float16")
    assert result.exit_code == 2
    assert "which is beyond the largest number of float16" in result.stderr


def damaged(content: dict[str, Any], chance: random.Random) -> str:
    """A case file with one thing wrong."""
    text = json.dumps(content)
    kinds = ("cut", "key", "word", "shape", "number", "dtype", "law", "bytes")
    kind = chance.choice(kinds)
    arrays = [name for name, value in content["case"].items() if isinstance(value, dict) and "shape" in value]
    array = content["case"][chance.choice(arrays)]
    if kind == "cut":
        return text[: chance.randrange(len(text) - 1)]
    if kind == "bytes":
        at = chance.randrange(len(text))
        return text[:at] + "\x00" + text[at:]
    if kind == "key":
        del content[chance.choice(("schema", "target", "law", "dtype", "status", "message", "case"))]
    if kind == "word":
        content[chance.choice(("target", "law", "dtype", "case"))] = chance.choice((None, 7, [], 1e308, True))
    if kind == "shape":
        array["shape"] = [chance.choice((-1, 0, 7, 2**40, "2", None)) for _ in array["shape"]]
    if kind == "number":
        array["values"][chance.randrange(len(array["values"]))] = chance.choice(
            (1.5, None, "0x", "0x1.8p+9999", [])
        )
    if kind == "dtype":
        array["dtype"] = chance.choice(("int8", "float128", "", None, "object"))
    if kind == "law":
        content["law"] = "".join(chance.sample("abcdefgh.", 6))
    return json.dumps(content)


def test_a_hundred_damaged_files_each_give_one_sentence_and_exit_2(tmp_path: Path) -> None:
    content = saved(BUG, "forward.output", case()).as_json()
    for seed in range(100):
        path = tmp_path / f"{seed}.json"
        path.write_text(damaged(json.loads(json.dumps(content)), random.Random(seed)))
        result = bncheck("replay", str(path), "--script")
        told = result.stderr
        assert result.exit_code == 2, (seed, result.output, result.exception)
        assert told.startswith("bncheck: ")
        assert told.count("\n") == 1
        assert "Traceback" not in told


@pytest.mark.parametrize(
    ("status", "message", "told"),
    [
        ("crashed", f"{DIED}: exit code 3", "STILL FAILING"),
        ("timed_out", "no answer within 10 s", "STILL FAILING"),
        ("violated", "y[0] is 1", "FIXED"),
    ],
)
def test_what_ended_its_process_by_chance_is_tried_in_several(
    status: str, message: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ODD_COUNTER", str(tmp_path / "counter"))
    target = f"{Path(__file__).parent / 'samples' / 'odd_layers.py'}:DiesInEveryFifthProcess"
    ended = replace(saved(target, "forward.output", case(dy=None)), status=status, message=message)
    result = bncheck("replay", str(save(ended, tmp_path)))
    assert told in result.output
    counted = (tmp_path / "counter").stat().st_size
    # Looking for causes takes one more.
    assert counted >= 5 if told == "STILL FAILING" else counted == 1


@pytest.mark.parametrize(("layouts", "told"), [({"running_var": "step"}, "STILL FAILING"), ({}, "FIXED")])
def test_what_lies_beside_a_strided_array_is_not_taken_for_right_by_chance(
    layouts: dict[str, Layout], told: str, tmp_path: Path
) -> None:
    target = f"{Path(__file__).parent / 'samples' / 'odd_layers.py'}:ReadsWhatLiesThere"
    misread = case(dy=None, mode="eval", layouts=layouts)
    law = "layout.evaluation" if layouts else "evaluation.output"

    result = bncheck("replay", str(save(saved(target, law, misread), tmp_path)))

    assert told in result.output
