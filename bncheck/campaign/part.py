"""A part of a campaign: one target, one seed, one shard of it, judged by a `bncheck run` of its own wherever that is."""

from __future__ import annotations

import json
import os
import platform
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import Any

from bncheck.case_file import FOLDER, SavedCase, read, text_of
from bncheck.runs import Processes, report_in, why_none

# Those that this process has started; one of them at a time for each thread of the engine.
PROCESSES = Processes(inf)
OURS = "BNCHECK_"


@dataclass(frozen=True, slots=True)
class Part:
    """What is judged, in values that travel.  `shard`: "1/3", None for the whole; `words`: further ones of `bncheck run`.

    `path`: where modules are looked for, as in the process that asks; `version`: of the bncheck that asks, None where any
    will do; `seconds`: how long it may take; `locator`: the target as another folder finds it, itself where it is the same.
    """

    target: str
    seed: int
    shard: str | None = None
    words: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    version: str | None = None
    seconds: float = inf
    locator: str | None = None

    @property
    def found_as(self) -> str:
        """The target for a process that runs elsewhere."""
        return self.target if self.locator is None else self.locator

    def told(self) -> str:
        """`torch.nn:BatchNorm2d, seed 3, shard 1/2`."""
        return f"{self.target}, seed {self.seed}" + ("" if self.shard is None else f", shard {self.shard}")


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of a part: the target of its report, or why there is none; the files of its cases, by their names.

    `versions`: the environment that it was judged in; `machine`: where.
    """

    part: Part
    content: Mapping[str, Any] | None = None
    error: str | None = None
    cases: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, Any] = field(default_factory=dict)
    machine: str = ""
    seconds: float = 0.0


def judge(part: Part) -> Judged:
    """Judge a part in a process and a folder of its own; the settings of this machine's user do not matter."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="bncheck-") as name:
        folder = Path(name)
        words = ["run", part.found_as, "--seed", str(part.seed), *part.words]
        words += [] if part.shard is None else ["--shard", part.shard]
        words += ["--workers", "1", "--no-replay", "--report", "json", "--report-dir", name]
        environment = {key: value for key, value in os.environ.items() if not key.startswith(OURS)}
        found = [*part.path, *filter(None, [environment.get("PYTHONPATH")])]
        seconds = None if part.seconds == inf else part.seconds
        code, log = PROCESSES.run(
            words,
            seconds=seconds,
            folder=folder,
            environment={**environment, "PYTHONPATH": os.pathsep.join(found)},
        )
        report = report_in(folder)
        saved = [read(path) for path in sorted((folder / FOLDER).glob("*.json"))]
    machine, seconds_taken = platform.node(), time.perf_counter() - started
    if report is None:
        why = (
            f"no verdict within {seconds:g} s" if code is None and seconds else why_none(code, log, PROCESSES)
        )
        return Judged(part, error=why, machine=machine, seconds=seconds_taken)
    if part.version is not None and report["bncheck"] != part.version:
        why = f"{machine} has bncheck {report['bncheck']}, not {part.version} as here"
        return Judged(part, error=why, machine=machine, seconds=seconds_taken)
    (content,) = report["targets"]
    content, cases = _as_asked(part, content, saved)
    return Judged(part, content, None, cases, report["environment"], machine, seconds_taken)


def _as_asked(
    part: Part, content: Mapping[str, Any], saved: Sequence[SavedCase]
) -> tuple[Mapping[str, Any], dict[str, str]]:
    """What was judged and the cases of it, under the target's name as the user says it, under which a run looks for them."""
    text, cases = json.dumps(content), {}
    for each in saved:
        named = replace(each, target=part.target)
        cases[f"{named.id}.json"] = text_of(named)
        text = text.replace(each.id, named.id)
    found: Mapping[str, Any] = json.loads(
        text.replace(json.dumps(part.found_as)[1:-1], json.dumps(part.target)[1:-1])
    )
    return found, cases


def search_path() -> tuple[str, ...]:
    """Where the modules of this process's user are found: the folder that it runs in, and PYTHONPATH."""
    named = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return tuple(dict.fromkeys([str(Path.cwd()), *(str(Path(each).resolve()) for each in named if each)]))
