"""A layer with one bug, the case that shows it, and a baseline that knows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from bncheck import checking
from bncheck.baseline.reading import baseline_of
from bncheck.baseline.standing import EntryReport
from bncheck.case import Case
from bncheck.case_file import SavedCase, save
from bncheck.corpus import Corpus
from bncheck.effort import SMOKE, effort_of
from bncheck.environment import environment
from bncheck.options import Options
from bncheck.planted.numpy_adapter import NumpyLayerAdapter
from bncheck.planted.numpy_layer import Layer, Saved
from bncheck.properties.catalogue import CATALOGUE
from bncheck.report import LawReport, Report, TargetReport
from bncheck.saved_cases import cases_in

LAW = "statistics.variance"
ALONE = rf"^{LAW.replace('.', '[.]')}$"
TARGET = "bncheck.planted.numpy_adapter:NumpyLayerAdapter"
# Drawn once for all tests.
CORPUS = Corpus(0, SMOKE)
TODAY = date(2026, 6, 1)
SMALL = Case(
    x=np.array([[1.0], [0.0]], np.float32),
    dy=None,
    gamma=np.array([1.0], np.float32),
    beta=np.array([0.0], np.float32),
    running_mean=np.array([0.0], np.float32),
    running_var=np.array([0.0], np.float32),
    eps=1.0,
    momentum=0.5,
    mode="train",
)
# Its variance overflows, so that nothing is concluded from it.
ENORMOUS = SMALL.changed(x=np.array([[3e38], [-3e38]], np.float32))
ENTRY = f"""\
[[known]]
target = "{TARGET}"
law = "{LAW}"
case = "CASE"
reason = "old checkpoints"
link = "https://example.org/17"

[known.where]
dtype = ["float32"]
mode = ["train"]
"""
# Finding a cause takes seconds, so that an entry has one only where it matters.
CAUSED = ENTRY.replace("reason", 'cause = "running_var.biased"\nreason')
SOUND = NumpyLayerAdapter(Layer())


def tracking(tracked: Callable[[Saved], Any]) -> NumpyLayerAdapter:
    """A layer whose running variance moves towards something of its own."""
    return NumpyLayerAdapter(replace(Layer(), tracked=tracked))


BIASED = tracking(lambda saved: saved.variance)


def saved_case(case: Case = SMALL, **others: Any) -> SavedCase:
    """The case that shows the bug."""
    told = {
        "target": TARGET,
        "law": LAW,
        "dtype": case.x.dtype.name,
        "status": "violated",
        "message": "wrong",
    }
    return SavedCase(**{**told, **others}, case=case)


def written(
    folder: Path, text: str = ENTRY, case: Case = SMALL, *, beside: str = "cases", **others: Any
) -> Path:
    """A baseline in a folder, its CASE written beside it."""
    place = save(saved_case(case, **others), folder / beside)
    path = folder / "baseline.toml"
    path.write_text(text.replace("CASE", f"{beside}/{place.name}"), encoding="utf-8")
    return path


def judged(target: Any, path: Path | None, **others: Any) -> Report:
    """A run on one law and one dtype, unless the options say otherwise."""
    asked = {"profile": "smoke", "include": ALONE, "dtypes": ("float32",), "today": TODAY, **others}
    options = Options(**asked, baseline=None if path is None else baseline_of(path))
    cases = cases_in(options.replays, CATALOGUE)
    effort = effort_of(options.profile)
    found = checking.judged(
        target, CATALOGUE, options, CORPUS if effort == SMOKE else Corpus(0, effort), cases=cases
    )
    return Report(
        environment(), 0, options.profile, 0.0, (found,), strict=effort.strict, damaged=cases.damaged
    )


def only_target(report: Report) -> TargetReport:
    """The one target of a run."""
    (target,) = report.targets
    return target


def only_law(report: Report) -> LawReport:
    """The one law that was judged."""
    (law,) = only_target(report).laws
    return law


def only_entry(report: Report) -> EntryReport:
    """The one entry that was judged."""
    (entry,) = only_target(report).baseline
    return entry
