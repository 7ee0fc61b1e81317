"""The line of progress: what is judged, how much was, and the worst error so far."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from mutants.layers import PLANTED, LayerAdapter, sound

from bncheck.checking import run
from bncheck.options import Options
from bncheck.properties.catalogue import CATALOGUE

pty = pytest.importorskip("pty", reason="there is no pseudo-terminal here")
LAYERS = Path(__file__).parent / "samples" / "layers.py"


def lines_of(law: str, layer: object) -> tuple[list[str], int, float]:
    """What is told in a run, the examples that were judged, and the worst error."""
    told: list[str] = []
    (target,) = run(
        [LayerAdapter(layer)],  # type: ignore[arg-type]  # a layer of the samples
        CATALOGUE,
        Options("smoke", include=rf"^{law}$|^forward[.]output$", dtypes=("float32",)),
        progress=lambda words, number, of: told.append(f"{words} ({number + 1} of {of})"),
    ).targets
    worst = max(each.worst or 0.0 for each in target.laws)
    return told, sum(each.examples for each in target.laws), worst


def test_it_counts_up_to_all_examples_and_ends_with_the_worst_error() -> None:
    told, examples, worst = lines_of("gradient[.]dx", sound())
    counts = [int(found[1]) for line in told if (found := re.search(r", (\d+) checks", line))]
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (0, examples)
    assert f"worst error {worst:.2g} of its bound (" in told[-1]
    assert not any("fail" in line for line in told)
    assert told[-1].startswith("training float32: forward.output and 1 more, ")
    assert told[-1].endswith(" (1 of 1)")


def test_it_says_how_many_laws_fail_as_soon_as_one_does() -> None:
    told, _, _ = lines_of("statistics[.]variance", PLANTED["statistics.variance"])
    assert "fails" not in told[0]
    assert ", 1 law fails" in told[-1]
    assert "(statistics.variance)" in told[-1]


@pytest.mark.skipif(os.name != "posix", reason="a pseudo-terminal is one of POSIX")
def test_it_stands_on_the_standard_error_of_a_terminal_alone() -> None:
    command = [sys.executable, "-m", "bncheck", "run", f"{LAYERS}:Wrong", "--profile", "smoke"]
    command += ["--include", r"^forward\.output$", "--dtype", "float32", "--no-isolate", "--exit-zero"]
    outer, inner = pty.openpty()
    shown: list[bytes] = []
    reader = threading.Thread(target=read_all, args=(outer, shown))
    reader.start()
    environment = {**os.environ, "COLUMNS": "200", "TERM": "xterm"}
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=inner, env=environment, timeout=120, check=False
    )
    os.close(inner)
    reader.join(10)
    assert done.returncode == 0
    assert b" checks, worst error " in b"".join(shown)
    assert b" checks, worst error " not in done.stdout
    assert b"forward.output" in done.stdout


def read_all(descriptor: int, shown: list[bytes]) -> None:
    """What comes until the other end is closed; a terminal that nobody reads would stop who writes."""
    with suppress(OSError):
        while part := os.read(descriptor, 65536):
            shown.append(part)
    os.close(descriptor)
