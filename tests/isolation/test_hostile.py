"""Ten hostile implementations in one run: ten verdicts, no traceback of ours, no process left behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

import bncheck
from bncheck.report import LawReport, Report

pytestmark = pytest.mark.long

HOSTILE = Path(__file__).parent / "samples" / "hostile.py"
OUTPUT = r"^forward\.output$"

# Target to the law that sees it, the verdict, and the words of the finding.
EXPECTED = {
    "Segfaults": ("forward.output", "crashed", "its process ended: signal SIGSEGV"),
    "Exits": ("forward.output", "crashed", "its process ended: exit code 3"),
    "EatsMemory": ("forward.output", "crashed", "its resident memory grew by"),
    "Recurses": ("forward.output", "crashed", "RecursionError: maximum recursion depth exceeded"),
    "ReturnsText": ("forward.output", "crashed", "y has dtype <U1, which holds no numbers"),
    "Prints": ("purity.surroundings", "violated", "standard output changed during the evaluation"),
    "Reseeds": ("purity.surroundings", "violated", "NumPy's random state changed during the evaluation"),
    "WritesIntoItsInput": ("purity.inputs", "violated", "x was written into"),
    "Guesses": ("forward.output", "violated", "expected"),
}


def checked(name: str, law: str) -> Report:
    return bncheck.check(f"{HOSTILE}:{name}", profile="smoke", include=f"^{law.replace('.', '[.]')}$")


def law_of(report: Report) -> LawReport:
    (target,) = report.targets
    assert target.error is None
    (law,) = target.laws
    return law


def children() -> set[int]:
    return {process.pid for process in psutil.Process().children(recursive=True)}


@pytest.mark.parametrize("name", EXPECTED)
def test_each_misbehaviour_is_a_verdict_on_the_case_that_showed_it(name: str) -> None:
    law, status, words = EXPECTED[name]
    before = children()
    found = law_of(checked(name, law))
    assert str(found.status) == status
    assert words in found.findings[0].message
    assert found.findings[0].case.x.shape == (3, 1)
    assert children() == before


def test_an_endless_loop_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bncheck.isolation.SECONDS", 0.5)
    before = children()
    found = law_of(checked("LoopsForEver", "forward.output"))
    assert str(found.status) == "timed_out"
    assert "no answer within 0.5 s; the process was ended" in found.findings[0].message
    assert children() == before


def test_a_sound_layer_in_a_process_of_its_own_holds() -> None:
    report = bncheck.check(f"{HOSTILE}:Sound", profile="smoke", include="forward|purity")
    assert report.exit_code == 0


def test_several_in_one_run_exit_1_without_a_traceback() -> None:
    names = ("Segfaults", "Recurses", "ReturnsText", "Prints", "Guesses")
    targets = [f"{HOSTILE}:{name}" for name in names]
    laws = "forward.output|purity.(inputs|surroundings)"
    words = ["run", *targets, "--profile", "smoke", "--dtype", "float32", "--include", laws]
    done = subprocess.run(
        [sys.executable, "-m", "bncheck", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert "straight to the file descriptor" not in done.stdout
    for name in names:
        assert f"{HOSTILE}:{name} on cpu" in done.stdout
        assert EXPECTED[name][2] in done.stdout


def test_a_file_that_ends_the_process_while_it_is_loaded_is_not_loaded(tmp_path: Path) -> None:
    (tmp_path / "ends.py").write_text("import os\nos._exit(7)\n")
    report = bncheck.check(f"{tmp_path}/ends.py:Layer", profile="smoke")
    assert report.exit_code == 4
    assert report.targets[0].error is not None
    assert report.targets[0].error.endswith("ended its process: its process ended: exit code 7")


@pytest.mark.skipif(
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN,
    reason="a shell that starts jobs in the background ignores SIGINT",
)
def test_an_interruption_prints_what_was_found_and_leaves_no_process(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "bncheck", "run", f"{HOSTILE}:LoopsForEver", "--profile", "smoke"]
    log = tmp_path / "log"
    with log.open("w") as stream:
        process = subprocess.Popen(words, stdout=stream, stderr=subprocess.STDOUT)
        worker = first_child(process)
        wait_until(lambda: worker.cpu_times().user > 1.5)  # it is loaded, and loops
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 1
    text = log.read_text()
    assert "Traceback" not in text
    assert "interrupted (exit 1)" in text
    wait_until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)


def first_child(process: subprocess.Popen[bytes]) -> psutil.Process:
    parent = psutil.Process(process.pid)
    wait_until(lambda: bool(parent.children()))
    return parent.children()[0]


def wait_until(true: Callable[[], bool]) -> None:
    """Look again and again for up to twenty seconds."""
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        threading.Event().wait(0.05)
