"""A run that several processes share says what one process says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from crew.broken import broken

from bncheck.checking import run
from bncheck.command_line import every_law
from bncheck.crew import Crew, processes_for
from bncheck.errors import DefectError
from bncheck.options import Options
from bncheck.properties.catalogue import CATALOGUE

pytest.importorskip("torch")

LAYERS = Path(__file__).with_name("layers.py")
SIGINT_IS_IGNORED = signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def command(*words: str, workers: int) -> list[str]:
    return [sys.executable, "-m", "bncheck", "run", *words, "--workers", str(workers)]


def judged(folder: Path, *words: str, workers: int) -> tuple[int, dict[str, Any], str]:
    """The exit code, the report without times, and what was printed."""
    done = subprocess.run(
        command(*words, "--no-replay", "--report", "json", "--report-dir", str(folder), workers=workers),
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    report = json.loads((folder / "bncheck-report.json").read_text())
    return done.returncode, untimed(report), done.stdout + done.stderr


def untimed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: untimed(each) for key, each in value.items() if key != "seconds"}
    return [untimed(each) for each in value] if isinstance(value, list) else value


@pytest.mark.long
@pytest.mark.parametrize("isolation", ["--isolate", "--no-isolate"])
def test_the_report_is_that_of_one_process(tmp_path: Path, isolation: str) -> None:
    families = "^(forward|statistics|evaluation|gradient|symmetry)"
    words = (f"{LAYERS}:Biased", isolation, "--profile", "smoke", "--include", families)
    alone = judged(tmp_path, *words, workers=1)
    shared = judged(tmp_path, *words, workers=3)
    assert alone[0] == shared[0] == 1
    assert alone[1] == shared[1]
    assert "3 processes" in shared[2]
    assert "running_var.biased" in shared[2]


@pytest.mark.long
def test_several_targets_are_shared_one_after_the_other(tmp_path: Path) -> None:
    words = ("reference.numpy", "reference.torch", "--profile", "smoke", "--include", "^(forward|statistics)")
    assert judged(tmp_path, *words, workers=1)[:2] == judged(tmp_path, *words, workers=2)[:2]


def test_what_a_baseline_knows_is_counted_by_all(tmp_path: Path) -> None:
    words = (
        f"{LAYERS}:Biased",
        "--profile",
        "smoke",
        "--include",
        "^statistics.variance$",
        "--dtype",
        "float32",
    )
    subprocess.run(
        [sys.executable, "-m", "bncheck", "baseline", "update", *words, "--baseline", "known.toml"],
        check=True,
        capture_output=True,
        cwd=tmp_path,
    )
    known = tmp_path / "known.toml"
    known.write_text(known.read_text().replace('reason = ""', 'reason = "it is a test"'))
    baseline = ("--baseline", str(known))
    alone, shared = (judged(tmp_path, *words, *baseline, workers=workers)[:2] for workers in (1, 2))
    assert alone == shared
    assert alone[0] == 0
    assert alone[1]["targets"][0]["baseline"][0]["examples"] > 1


def test_a_process_that_ends_is_told_in_one_sentence(tmp_path: Path) -> None:
    code, _, printed = judged(
        tmp_path, f"{LAYERS}:EndsOthers", "--no-isolate", "--profile", "smoke", workers=2
    )
    assert code == 4
    assert "a process that judged it ended (exit code 7); --isolate tells on which input" in printed


@pytest.mark.skipif(SIGINT_IS_IGNORED, reason="a shell that starts jobs in the background ignores SIGINT")
def test_an_interruption_ends_all_and_reports_what_was_found(tmp_path: Path) -> None:
    words = (f"{LAYERS}:Slow", "--no-isolate", "--profile", "ci", "--include", "^forward")
    process = subprocess.Popen(
        command(*words, workers=2), stdout=subprocess.PIPE, text=True, cwd=tmp_path, start_new_session=True
    )
    deadline = time.monotonic() + 120
    while len(list(tmp_path.glob("judging-*"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    others = psutil.Process(process.pid).children(recursive=True)
    assert others != []
    os.kill(process.pid, signal.SIGINT)
    printed, _ = process.communicate(timeout=60)
    assert "interrupted" in printed
    # Examples in both dtypes: each process had one of them.
    assert "forward.output" in printed
    assert process.returncode != 0
    _, left = psutil.wait_procs(others, timeout=10)
    assert left == []


def test_a_law_that_raises_is_a_defect_of_ours() -> None:
    options = Options("smoke")
    with (
        Crew(2, options, broken) as crew,
        pytest.raises(
            DefectError, match=r"ZeroDivisionError: a defect .* raised while reference.numpy was judged"
        ),
    ):
        run(["reference.numpy"], broken(), options, crew=crew)


def test_an_object_of_this_process_is_judged_here() -> None:
    import torch  # noqa: PLC0415  # absent where the module is skipped

    options = Options("smoke", include="^forward.output$")
    with Crew(2, options, every_law) as crew:
        report = run([torch.nn.BatchNorm1d], CATALOGUE, options, crew=crew)
        assert crew.members == []
    assert report.exit_code == 0


@pytest.mark.parametrize(("target", "device"), [("reference.torch@cuda", None), ("reference.torch", "cuda")])
def test_what_lies_on_another_device_is_not_loaded_by_others(target: str, device: str | None) -> None:
    with Crew(2, Options("smoke", device=device), every_law) as crew:
        crew.expect(target)
        assert crew.members == []


@pytest.mark.parametrize(
    ("profile", "laws", "asked", "processors", "expected"),
    [
        ("ci", 77, None, 2, 2),
        ("ci", 77, None, 16, 4),
        ("ci", 77, None, 1, 1),
        ("ci", 1, None, 2, 1),
        ("smoke", 77, None, 2, 1),
        ("smoke", 1, 3, 2, 3),
    ],
)
def test_there_are_more_processes_where_there_is_enough_to_do(
    profile: str, laws: int, asked: int | None, processors: int, expected: int
) -> None:
    assert processes_for(Options(profile), CATALOGUE[:laws], asked, processors) == expected
