"""`bncheck matrix`: every implementation in a column of its own, and no one's end is the others'."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner, Result

from bncheck.command_line import commands
from bncheck.matrix.field import FIELD, Known, absent, installed
from bncheck.matrix.grid import Column, Matrix
from bncheck.matrix.html_page import html
from bncheck.matrix.markdown_page import markdown

pytestmark = pytest.mark.long

LAYERS = Path(__file__).parent / "samples" / "layers.py"
LAWS = r"^statistics\.(mean|variance)$"


def run(*words: str) -> Result:
    return CliRunner(catch_exceptions=False).invoke(commands, ["matrix", *words])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One matrix of a right layer, a wrong one and one that is not there, with all its files."""
    place = tmp_path_factory.mktemp("matrix")
    before = Path.cwd()
    os.chdir(place)
    targets = (f"{LAYERS}:Right", f"{LAYERS}:Biased", "nothere:Layer")
    options = ("--profile", "smoke", "--dtype", "float32", "--include", LAWS, "--scripts")
    files = ("--report", "json", "--report", "md", "--report", "html")
    try:
        done = run(*targets, *options, *files)
        assert done.exit_code == 0
        (place / "stdout").write_text(done.stdout)
        yield place
    finally:
        os.chdir(before)


def test_the_table_says_what_each_law_says_of_each_target(folder: Path) -> None:
    lines = (folder / "stdout").read_text().splitlines()
    assert re.fullmatch(r"law +1 +2 +3 *", lines[0])
    assert any(re.fullmatch(r"statistics\.mean +\. +\. +- *", line) for line in lines)
    assert any(re.fullmatch(r"statistics\.variance +\. +V +- *", line) for line in lines)
    assert any("nothere:Layer: there is no module 'nothere'" in line for line in lines)
    assert any("cause: running_var.biased: The running variance tracks the biased" in line for line in lines)


def test_the_json_has_the_targets_of_a_report(folder: Path) -> None:
    content = json.loads((folder / "bncheck-matrix.json").read_text())
    right, wrong, missing = content["targets"]
    assert {law["status"] for law in right["laws"]} <= {"held", "not_applicable"}
    assert right["versions"]["numpy"]
    (variance,) = (law for law in wrong["laws"] if law["id"] == "statistics.variance")
    assert variance["findings"][0]["causes"][0]["id"] == "running_var.biased"
    assert missing["error"]["message"].startswith("there is no module 'nothere'")
    assert content["exit"] == 1


def test_every_finding_comes_with_a_script_that_shows_it(folder: Path) -> None:
    content = json.loads((folder / "bncheck-matrix.json").read_text())
    (shown,) = content["scripts"]
    assert (shown["laws"], shown["reason"]) == (["statistics.variance"], None)
    (path,) = (folder / "bncheck-scripts").glob("*.py")
    assert path.read_text() == shown["script"]
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "running_var[0] is" in done.stdout


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.outside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.ids |= {str(named["id"])} if "id" in named else set()
        self.links |= {str(named["href"])} if "href" in named else set()
        self.outside += [tag] if tag in {"script", "link", "img", "iframe"} or "src" in named else []


def test_both_pages_lead_from_a_cell_to_its_finding_and_need_no_network(folder: Path) -> None:
    text = (folder / "bncheck-matrix.html").read_text()
    page = Page(text)
    assert page.links == {"#finding-1"}
    assert "finding-1" in page.ids
    assert not page.outside
    assert "url(" not in text
    assert "import numpy as np" in text
    lines = (folder / "bncheck-matrix.md").read_text().splitlines()
    assert any(line.startswith("| statistics.variance | · | [**V**](#finding-1) | - |") for line in lines)
    assert any('<a id="finding-1"></a>' in line for line in lines)


def finding(law: str, quantity: str, *causes: str) -> dict[str, object]:
    told = [{"id": each, "text": f"It is {each}.", "explains": 1, "of": 1} for each in causes]
    found = {"quantity": quantity, "dtype": "float32", "causes": told, "message": f"{quantity} of {law}"}
    found |= {"input": "x (2, 1)", "replay": f"bncheck replay {law}"}
    return {"id": law, "family": "a", "status": "violated", "reason": None, "findings": [found]}


def test_findings_that_are_alike_stand_together_with_the_shortest_script() -> None:
    laws = [
        finding("a.one", "y", "eps.missing"),
        finding("a.two", "dx"),
        finding("a.three", "dx", "eps.missing"),
        finding("a.four", "dx"),
    ]
    scripts = {"layer a.one": "one\ntwo\nthree\n", "layer a.three": "short\n"}
    without = {"layer a.two": "it is too long", "layer a.four": "it hangs"}
    found = Matrix((Column("layer", {"laws": laws}),), {}, "2026-01-01", "ci", 0, 1.0, {}, scripts, without)
    assert [[each.law for each in group.findings] for group in found.groups] == [
        ["a.one", "a.three"],
        ["a.two", "a.four"],
    ]
    lines = markdown(found).splitlines()
    headings = [line for line in lines if line.startswith("### ")]
    assert headings == ["### layer: eps.missing, violated", "### layer: dx in float32, violated"]
    assert "Cause: It is eps.missing." in lines
    assert "No known cause." in lines
    late = finding("a.late", "y") | {"status": "timed_out"}
    timed_out = Matrix((Column("layer", {"laws": [late]}),), {}, "2026-01-01", "ci", 0, 1.0, {}, {}, {})
    assert "No cause is looked for: " in markdown(timed_out)
    assert "short" in lines
    assert "three" not in lines
    assert "No script: it is too long." in lines
    for number, law in enumerate(("a.one", "a.two", "a.three", "a.four"), start=1):
        (row,) = (line for line in lines if f'<a id="finding-{number}"></a>' in line)
        assert law in row
        assert f"`bncheck replay {law}`" in row
    page = Page(html(found))
    assert {f"finding-{number}" for number in range(1, 5)} == page.ids
    assert html(found).count("script without bncheck") == 1


@pytest.mark.parametrize(
    ("platform", "told"),
    [
        ("Linux-6.1.0-13-cloud-x86_64-with-glibc2.36", "platform Linux x86_64."),
        ("macOS-15.1-arm64-arm-64bit", "platform macOS arm64."),
        ("Windows-11-10.0.22631-SP0", "platform Windows."),
    ],
)
def test_a_page_says_nothing_of_one_machine_s_kernel(platform: str, told: str) -> None:
    found = Matrix((Column("layer"),), {"platform": platform}, "2026-01-01", "ci", 0, 1.0)
    assert told in markdown(found)
    assert platform not in markdown(found)


def test_what_a_target_says_is_no_markup() -> None:
    content = {"laws": [], "contradictions": ["<b>bold</b> | [x]"], "versions": {"lib": "<1>"}}
    found = Matrix((Column("a<b>:C", content),), {"bncheck": "0"}, "2026-01-01", "ci", 0, 1.0)
    assert "<b>" not in html(found)
    assert "&lt;b&gt;bold" in html(found)
    assert "`a<b>:C`" in markdown(found)


def test_with_strict_it_exits_as_a_run_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = (
        "--profile",
        "smoke",
        "--dtype",
        "float32",
        "--include",
        r"^statistics\.(mean|variance)$",
        "--strict",
    )
    assert run(f"{LAYERS}:Biased", *words).exit_code == 1
    assert run(f"{LAYERS}:Right", *words).exit_code == 0
    assert run("nothere:Layer", *words).exit_code == 4


def test_one_that_hangs_or_ends_its_run_does_not_end_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = {each.pid for each in psutil.Process().children(recursive=True)}
    words = ("--profile", "smoke", "--dtype", "float32", "--include", r"^statistics\.mean$")
    done = run(f"{LAYERS}:Right", f"{LAYERS}:Hangs", *words, "--time-limit", "15", "--workers", "2")
    assert done.exit_code == 0
    assert f"{LAYERS}:Right (numpy" in done.stdout
    assert f"{LAYERS}:Hangs: no verdict within 15 s; its process was ended" in done.stdout
    monkeypatch.setenv("BNCHECK_SAMPLE", "1")
    ended = run(f"{LAYERS}:Right", *words, "--strict")
    assert ended.exit_code == 4
    assert "exit code 7" in ended.stdout
    assert {each.pid for each in psutil.Process().children(recursive=True)} == before


@pytest.mark.skipif(
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN,
    reason="a shell that starts jobs in the background ignores SIGINT",
)
def test_an_interruption_prints_the_columns_that_are_there(tmp_path: Path) -> None:
    words = ["--profile", "smoke", "--dtype", "float32", "--include", r"^statistics\.mean$", "--workers", "1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "bncheck", "matrix", f"{LAYERS}:Right", f"{LAYERS}:Hangs", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    assert process.stderr is not None
    assert "Right: 1 held" in process.stderr.readline()
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    told, log = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in told + log
    assert re.search(r"statistics\.mean +\. +-", told)
    assert f"{LAYERS}:Hangs: interrupted" in told


@pytest.mark.parametrize("name", ["bncheck-matrix.json", "bncheck-matrix.md", "bncheck-matrix.html"])
def test_a_file_of_the_users_is_not_overwritten(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("mine")
    kind = name.rpartition(".")[2]
    done = run(f"{LAYERS}:Right", "--report", kind, "--report-dir", str(tmp_path))
    assert done.exit_code == 2
    assert f"{name}' is not a matrix of bncheck and is not overwritten" in done.stderr
    assert (tmp_path / name).read_text() == "mine"


@pytest.mark.parametrize("words", [("--include", "("), ("--profile", "huge"), ("a b",), ("--workers", "0")])
def test_misuse_is_one_sentence_and_exit_2(words: tuple[str, ...]) -> None:
    done = run(*words)
    assert done.exit_code == 2
    assert "Traceback" not in done.stderr


def test_what_is_not_installed_is_told_with_the_command_that_brings_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here, not_here = Known("reference.numpy", ("numpy",)), Known("flax.nnx:BatchNorm", ("flax", "numpy"))
    monkeypatch.setattr("bncheck.matrix.field.find_spec", lambda name: None if name == "flax" else name)
    assert installed((here, not_here)) == ("reference.numpy",)
    assert absent((here, not_here)) == {"flax.nnx:BatchNorm": 'pip install "bncheck[flax]"'}


def test_every_target_of_the_field_can_be_told_how_to_get(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bncheck.matrix.field.find_spec", lambda _name: None)
    assert set(absent(FIELD)) == {each.target for each in FIELD if each.needs}
    assert installed(FIELD) == ("reference.numpy",)
