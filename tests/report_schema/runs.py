"""Real reports, one of each way in which a run can end, as plain data that has been through its JSON text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from baseline.known import ALONE, BIASED, ENTRY, SOUND, judged, written
from click.testing import CliRunner

from bncheck.case import Native
from bncheck.checking import run
from bncheck.command_line import commands
from bncheck.options import Options
from bncheck.planted.numpy_adapter import NumpyLayerAdapter
from bncheck.planted.numpy_layer import Layer, Made, Saved
from bncheck.properties.catalogue import CATALOGUE
from bncheck.report import Report

LAYERS = Path(__file__).parents[1] / "command_line" / "samples" / "layers.py"
OF_THE_PAGE = """

class MyBatchNorm(Sound):
    def tracked(self, var, count):
        return var
"""
FEW = r"^(forward\.output|statistics\.(mean|variance)|devices\.agreement)$"
WHERE = """\
layout = ["contiguous"]
rank = [2, 5]
m = [2, inf]
channels = [1, 64]
eps = [0, 1]
momentum = [0, 1]
offset = [0, inf]
"""


class Flat(NumpyLayerAdapter):
    """Its y has the wrong shape."""

    def _forward(
        self, made: Made, x: Native, *, training: bool, differentiated: bool
    ) -> tuple[Native, Saved | None]:
        y, saved = super()._forward(made, x, training=training, differentiated=differentiated)
        return y.reshape(-1), saved


def of_the_page(folder: Path) -> dict[str, Any]:
    """The report of the reference page, written by the command line in a folder that is the current one."""
    (folder / "mylayer.py").write_text(LAYERS.read_text(encoding="utf-8") + OF_THE_PAGE, encoding="utf-8")
    words = ["run", "mylayer.py:MyBatchNorm", "--profile", "smoke", "--dtype", "float32", "--report", "json"]
    laws = ["--include", r"^(statistics\.variance|devices\.agreement)$"]
    done = CliRunner().invoke(commands, [*words, *laws, "--no-isolate", "--workers", "1"])
    assert done.exit_code == 1, done.output
    return parsed((folder / "bncheck-report.json").read_text(encoding="utf-8"))


def real_reports(folder: Path) -> dict[str, dict[str, Any]]:
    """Name to report."""
    of_file, wrong_shape = partial(report_of, include=FEW, isolate=False), Flat(Layer())
    half = ("float16", "bfloat16")
    reports: Mapping[str, Report] = {
        "sound": of_file(f"{LAYERS}:Sound"),
        "raises": of_file(f"{LAYERS}:Raises"),
        "not loaded": of_file(f"{LAYERS}:Missing"),
        "wrong shape": report_of(wrong_shape, include=r"^forward\.output$"),
        "half precision": report_of("reference.numpy", include=r"^forward\.output$", dtypes=half),
        "interrupted": report_of(SOUND, include=ALONE, interrupts=True),
        "stopped": report_of(SOUND, include=ALONE, seconds=1e-9),
        **_with_baselines(folder),
    }
    return {name: parsed(json.dumps(report.as_json(), allow_nan=False)) for name, report in reports.items()}


def report_of(target: Any, *, interrupts: bool = False, **asked: Any) -> Report:
    """A run of profile smoke in float32, which is interrupted before its first example where one asks for that."""
    options = Options(**{"profile": "smoke", "dtypes": ("float32",)} | asked)
    return run([target], CATALOGUE, options, progress=_interrupt if interrupts else None)


def parsed(text: str) -> dict[str, Any]:
    """What a JSON text says; raises ValueError for numbers that JSON does not have."""
    return dict(json.loads(text, parse_constant=_refused))


def _with_baselines(folder: Path) -> Mapping[str, Report]:
    """A failure that is known, with its case replayed; entries that are fixed, expired and for another version."""
    known, cases = written(folder), folder / "cases"
    expired = written(folder / "expired", ENTRY.replace("reason", "expires = 2026-05-31\nreason") + WHERE)
    elsewhere = 'versions = {numpy = "<1"}\nquantities = ["running_var"]\nreason'
    other_version = written(folder / "other", ENTRY.replace("reason", elsewhere))
    (cases / "a.json").write_text("{", encoding="utf-8")
    return {
        "known": judged(BIASED, known, replays=cases),
        "fixed": judged(SOUND, known, replays=cases),
        "expired": judged(BIASED, expired, replays=cases),
        "other version": judged(SOUND, other_version),
    }


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _refused(word: str) -> float:
    raise ValueError(f"{word} is no JSON")
