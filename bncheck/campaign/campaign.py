"""A campaign: its parts through an executor, and what they found together, law by law."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, as_completed
from concurrent.futures import TimeoutError as OutOfTime
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bncheck.campaign.part import PROCESSES, Judged, Part, judge
from bncheck.verdict import Status, most_serious
from bncheck.whole_files import write_whole

KIND = "campaign"
SCHEMA = 1
Told = Callable[[str], None]
Plain = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LawOverSeeds:
    """One law over all parts that judged it: the seed of each, and the law as its report has it."""

    id: str
    family: str
    parts: tuple[tuple[int, Plain], ...]

    @property
    def status(self) -> Status:
        """The most serious verdict; a law that is decided on one seed need not be on each."""
        found = {Status(content["status"]) for _, content in self.parts}
        if Status.HELD in found or Status.KNOWN in found:
            found -= {Status.UNDECIDED}
        return most_serious(sorted(found - {Status.NOT_APPLICABLE}) or [Status.NOT_APPLICABLE])

    @property
    def reason(self) -> str | None:
        """Why it does not apply."""
        if self.status != Status.NOT_APPLICABLE:
            return None
        return next((content["reason"] for _, content in self.parts), None)

    @property
    def seeds(self) -> dict[str, list[int]]:
        """Verdict to the seeds that it was given on."""
        found: dict[str, set[int]] = {}
        for seed, content in self.parts:
            found.setdefault(content["status"], set()).add(seed)
        return {status: sorted(seeds) for status, seeds in found.items()}

    @property
    def findings(self) -> list[dict[str, Any]]:
        """The first of each quantity and cause, seed by seed."""
        found: dict[tuple[Any, Any], dict[str, Any]] = {}
        for seed, content in sorted(self.parts, key=lambda each: each[0]):
            for each in content["findings"]:
                cause = each["causes"][0]["id"] if each["causes"] else None
                found.setdefault((each["quantity"], cause), {**each, "seed": seed})
        return list(found.values())

    @property
    def worst(self) -> float | None:
        """The largest error over bound."""
        numbers = [content["worst"] for _, content in self.parts if content["worst"] is not None]
        return max(map(float, numbers), default=None)

    def count(self, name: str) -> int:
        """Examples, deciding ones or comparisons, of all parts."""
        return sum(content[name] for _, content in self.parts)

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "id": self.id,
            "family": self.family,
            "status": str(self.status),
            "reason": self.reason,
            "examples": self.count("examples"),
            "deciding": self.count("deciding"),
            "comparisons": self.count("comparisons"),
            "worst": self.worst,
            "seeds": self.seeds,
            "findings": self.findings,
        }


@dataclass(frozen=True, slots=True)
class TargetOverSeeds:
    """One target over all parts that were judged; `unloaded`: why it could not be loaded where it could not."""

    target: str
    laws: tuple[LawOverSeeds, ...]
    unloaded: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        laws = [law.as_json() for law in self.laws]
        return {"target": self.target, "errors": list(self.unloaded), "laws": laws}


@dataclass(frozen=True, slots=True)
class Campaign:
    """`planned`: all parts; `judged`: what came of those that ended; `stopped`: why some did not."""

    planned: tuple[Part, ...]
    judged: tuple[Judged, ...]
    seconds: float
    stopped: str | None = None
    environment: Plain = field(default_factory=dict)

    @property
    def failed(self) -> tuple[Judged, ...]:
        """Parts that ended without a report."""
        return tuple(each for each in self.judged if each.error is not None)

    @property
    def targets(self) -> tuple[TargetOverSeeds, ...]:
        """In the order in which they were asked for."""
        return tuple(self._target(name) for name in dict.fromkeys(part.target for part in self.planned))

    def _target(self, name: str) -> TargetOverSeeds:
        mine = [each for each in self.judged if each.part.target == name]
        laws: dict[str, list[tuple[int, Plain]]] = {}
        families: dict[str, str] = {}
        unloaded: dict[str, None] = {}
        for each in sorted(mine, key=lambda each: (each.part.seed, each.part.shard or "")):
            if each.content is None:
                continue
            if each.content["error"] is not None:
                unloaded[each.content["error"]["message"]] = None
            for law in each.content["laws"]:
                families[law["id"]] = law["family"]
                laws.setdefault(law["id"], []).append((each.part.seed, law))
        return TargetOverSeeds(
            name,
            tuple(LawOverSeeds(law, families[law], _of_own(parts)) for law, parts in laws.items()),
            tuple(unloaded),
        )

    def keep_cases(self, folder: Path) -> int:
        """Write the cases of all parts into a folder; how many there are.

        A file is named after what is in it: one that is there already is the same.
        """
        cases = {Path(name).name: text for each in self.judged for name, text in each.cases.items()}
        for name, text in cases.items():
            if not (folder / name).exists():
                folder.mkdir(parents=True, exist_ok=True)
                write_whole(folder / name, text)
        return len(cases)

    @property
    def exit_code(self) -> int:
        """1 where a law fails, a part has no report or the campaign was stopped; 4 where a target could not be loaded; 5 where nothing was judged; else 0."""
        statuses = {law.status for target in self.targets for law in target.laws}
        if any(status.fails for status in statuses) or self.failed or self.stopped:
            return 1
        if any(target.unloaded for target in self.targets):
            return 4
        return 5 if statuses <= {Status.NOT_APPLICABLE} else 0

    def as_json(self) -> dict[str, Any]:
        """Plain data, with numbers that are not finite still in it."""
        return {
            "schema": SCHEMA,
            "bncheck": self.environment["bncheck"],
            "kind": KIND,
            "environment": dict(self.environment),
            "seeds": sorted({part.seed for part in self.planned}),
            "parts": {"planned": len(self.planned), "judged": len(self.judged) - len(self.failed)},
            "machines": sorted({each.machine for each in self.judged}),
            "failed": [{"part": each.part.told(), "error": each.error} for each in self.failed],
            "targets": [target.as_json() for target in self.targets],
            "stopped": self.stopped,
            "seconds": self.seconds,
            "exit": self.exit_code,
        }


def _of_own(parts: Sequence[tuple[int, Plain]]) -> tuple[tuple[int, Plain], ...]:
    """Without those of shards that leave the law to another, unless all do."""
    judged = [(seed, law) for seed, law in parts if law["status"] != Status.NOT_APPLICABLE]
    return tuple(judged or parts)


def planned(
    targets: Sequence[str], seeds: Sequence[int], shards: int, pattern: Callable[[str], Part]
) -> tuple[Part, ...]:
    """One part for each target, seed and shard, seed by seed; `pattern` makes that of a target."""
    cut = [None] if shards == 1 else [f"{number}/{shards}" for number in range(1, shards + 1)]
    return tuple(
        replace(pattern(target), seed=seed, shard=shard)
        for seed in seeds
        for target in targets
        for shard in cut
    )


def conducted(
    parts: Sequence[Part],
    executor: Executor,
    *,
    environment: Plain,
    seconds: float | None = None,
    told: Told = lambda _: None,
) -> Campaign:
    """The parts, as the executor takes them, for so many seconds; an interruption keeps what has come."""
    started = time.perf_counter()
    done: list[Judged] = []
    stopped: str | None = None
    futures = {executor.submit(judge, part): part for part in parts}
    try:
        for each in _results(futures, seconds):
            done.append(each)
            told(f"{len(done)} of {len(parts)}: {each.part.told()}: {_words(each)} ({each.seconds:.0f} s)")
    except OutOfTime:
        stopped = "its time was over"
    except KeyboardInterrupt:
        stopped = "interrupted"
    finally:
        for future in futures:
            future.cancel()
        if stopped is not None:
            PROCESSES.stop()
    return Campaign(tuple(parts), tuple(done), time.perf_counter() - started, stopped, environment)


def _results(futures: Mapping[Future[Judged], Part], seconds: float | None) -> Iterator[Judged]:
    """As they come; what the engine itself lost is a part without a report."""
    for future in as_completed(futures, timeout=seconds):
        error = future.exception()
        if error is None:
            yield future.result()
        else:
            yield Judged(futures[future], error=f"the engine lost it: {type(error).__name__}: {error}")


def _words(judged: Judged) -> str:
    """`2 violated, 75 held`."""
    if judged.content is None:
        return str(judged.error)
    if judged.content["error"] is not None:
        return f"not loaded: {judged.content['error']['message']}"
    found = [law["status"] for law in judged.content["laws"]]
    counts = {str(status): found.count(status) for status in Status}
    return ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in counts.items() if count)
