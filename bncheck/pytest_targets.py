"""Targets that are named to pytest: one test for each law and target, without a test file."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import click
import pytest

from bncheck.baseline.reading import baseline_of
from bncheck.case_file import folder_for_cases
from bncheck.commands.options import conventions, of_examples, of_judging, of_laws, of_loading
from bncheck.commands.settings import Configured, settings, told, without_a_command_line
from bncheck.environment import environment, installed_version
from bncheck.errors import BncheckError, UsageError
from bncheck.identify.identifying import misdeclared
from bncheck.law import Law
from bncheck.options import Options
from bncheck.properties.catalogue import CATALOGUE
from bncheck.pytest_session import Bench, bench, expect, units_of
from bncheck.target import DEVICE, parse_target

# The first part of every node id: no file of that name need be there.
ROOT = "bncheck"
# Of what can change a number, that which every target has in common.
UNTOLD = ("platform", "python", "click", "rich")


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """What the command line asks for, as a plugin.

    `chosen`: target to the laws that are named by node ids, all where there is None among them.  `settings`: what the
    environment and the project's pyproject.toml add, in words.
    """

    chosen: Mapping[str, tuple[str | None, ...]]
    options: Options
    settings: tuple[str, ...] = ()

    @classmethod
    def asked_for(cls, config: pytest.Config, named: Sequence[tuple[str, str | None]]) -> Self:
        """The targets of the options, or those of the node ids `named`, where there are any.

        Raises pytest.UsageError, one sentence, for what is not valid.
        """
        try:
            options, found = _options(config)
            asked = named or [(target, None) for target in config.getoption("bncheck_target")]
            chosen: dict[str, tuple[str | None, ...]] = {}
            for target, law in asked:
                parse_target(target)
                _check_law(law)
                chosen[target] = (*chosen.get(target, ()), law)
        except UsageError as error:
            raise pytest.UsageError(f"bncheck: {error}") from None
        return cls(chosen, options, found)

    def pytest_report_header(self) -> list[str]:
        """What is judged, how, and on which versions."""
        device = self.options.device or "cpu"
        words = f"profile {self.options.profile}, seed {self.options.seed}, device {device}"
        roots = {root for target in self.chosen if (root := _root(target)) is not None}
        found = {name: version for name, version in environment().items() if name not in UNTOLD}
        found |= {root: version for root in sorted(roots) if (version := installed_version(root)) is not None}
        versions = ", ".join(f"{name} {version}" for name, version in found.items())
        return [
            f"bncheck: {', '.join(self.chosen)}; {words}",
            *(f"bncheck setting: {each}" for each in self.settings),
            f"bncheck runs on: {versions}",
        ]

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """The targets after the files."""
        report = yield
        if isinstance(collector, pytest.Session) and report.passed:
            report.result = [*(report.result or ()), *self._collectors(collector)]
        return report

    def _collectors(self, session: pytest.Session) -> Iterator[pytest.Collector]:
        for target, laws in self.chosen.items():
            yield TargetCollector.from_parent(
                session,
                name=target,
                nodeid=f"{ROOT}::{target}",
                path=session.config.rootpath / ROOT,
                options=self.options,
                laws=laws,
            )

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """What is left after selection is known: those of one region are judged together."""
        for item in session.items:
            if isinstance(item, LawItem):
                expect(item.bench.target, item.bench.options, item.law)

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """Where no other distribution was asked for, laws that share examples go to one process."""
        if config.getoption("dist") != "load":
            return None
        from bncheck.pytest_scheduling import UnitScheduling  # noqa: PLC0415  # pytest-xdist need not be there

        return UnitScheduling(config, log)


class TargetCollector(pytest.Collector):
    """One target: a test a law, one of the conventions that no law judges, or one that says why it does not load."""

    def __init__(self, *, options: Options, laws: tuple[str | None, ...], **named: Any) -> None:
        super().__init__(**named)
        self.options, self.laws = options, laws

    def collect(self) -> Iterator[pytest.Item]:
        """The tests, those of laws that are judged together beside each other."""
        laws = [law for law in self.options.selected(CATALOGUE) if None in self.laws or law.id in self.laws]
        try:
            found = bench(self.name, self.options)
        except BncheckError as error:
            yield NotLoaded.from_parent(self, name="load", why=str(error), laws=laws)
            return
        units = units_of(CATALOGUE, most=None)
        order = list(dict.fromkeys(units.values()))
        for law in sorted(laws, key=lambda law: order.index(units[law.id])):
            yield LawItem.from_parent(self, name=law.id, bench=found, law=law)
        if found.implementation.dialect.measured and None in self.laws:
            yield Conventions.from_parent(self, name="conventions", bench=found)


class _Item(pytest.Item):
    """A test of a target."""

    def reportinfo(self) -> tuple[Path, None, str]:
        """Where it stands: nowhere, so that its name is all that is shown."""
        return self.path, None, self.nodeid.removeprefix(f"{ROOT}::")


class LawItem(_Item):
    """The test of one law."""

    def __init__(self, *, bench: Bench, law: Law, **named: Any) -> None:
        super().__init__(**named)
        self.bench, self.law = bench, law
        _mark(self, law)

    def runtest(self) -> None:
        """Judge the law, unless that was done with another; a failure is told as a run tells it."""
        try:
            ending = self.bench.ending(self.law)
        except BncheckError as error:
            pytest.fail(str(error), pytrace=False)
        if ending.outcome == "failed":
            pytest.fail(ending.text, pytrace=False)
        if ending.outcome == "skipped":
            pytest.skip(ending.text)
        if ending.outcome == "known":
            pytest.xfail(ending.text)


class Conventions(_Item):
    """The conventions that are declared and judged by measurement alone."""

    def __init__(self, *, bench: Bench, **named: Any) -> None:
        super().__init__(**named)
        self.bench = bench
        self.add_marker(pytest.mark.bncheck)

    def runtest(self) -> None:
        """Measure them."""
        wrong = misdeclared(self.bench.implementation)
        if wrong:
            pytest.fail("\n".join(dict.fromkeys(each.contradiction() for each in wrong)), pytrace=False)


class NotLoaded(_Item):
    """A target that does not load: it fails in the place of its laws, and is selected where one of them is."""

    def __init__(self, *, why: str, laws: Sequence[Law], **named: Any) -> None:
        super().__init__(**named)
        self.why = why
        self.extra_keyword_matches.update(law.id for law in laws)
        for law in laws:
            _mark(self, law)

    def runtest(self) -> None:
        """Say why."""
        pytest.fail(self.why, pytrace=False)


def _mark(item: pytest.Item, law: Law) -> None:
    item.add_marker(pytest.mark.bncheck(law=law.id, family=law.family))


@click.command("pytest", cls=Configured)
@of_examples("ci")
@of_laws
@of_judging
@of_loading
@click.option("--baseline", type=click.Path(path_type=Path))
def _judging(**_: Any) -> None:
    """What of the settings of a project concerns its tests."""


def _given(config: pytest.Config) -> dict[str, Any]:
    """The options that pytest's command line gives, by the names of the command's; raises UsageError for wrong ones."""
    given = {
        name: config.getoption(f"bncheck_{name}")
        for name in ("profile", "seed", "device", "baseline", "include", "exclude")
    }
    several = {"dtypes": config.getoption("bncheck_dtype"), "declared": config.getoption("bncheck_dialect")}
    device, seed = given["device"], given["seed"]
    if device is not None and not DEVICE.match(device):
        raise UsageError(f"{device!r} is no device; valid are cpu, cuda and cuda:N")
    if seed is not None and seed < 0:
        raise UsageError(f"{seed} is no seed; valid are 0 and up")
    return {name: value for name, value in given.items() if value is not None} | {
        name: tuple(value) for name, value in several.items() if value
    }


def _options(config: pytest.Config) -> tuple[Options, tuple[str, ...]]:
    """What the command line gives, else the environment and the project's settings; those of these, in words."""
    given, context = _given(config), without_a_command_line(_judging)
    found = context.params | given
    own = {key for key, option in settings(_judging).items() if option.name in given}
    options = Options(
        profile=found["profile"],
        seed=found["seed"],
        include=found["include"],
        exclude=found["exclude"],
        dtypes=found["dtypes"],
        ranks=found["ranks"],
        device=found["device"],
        dialect=conventions(found["declared"], found["numerics"]),
        isolate=found["isolate"],
        cases=folder_for_cases(),
        baseline=None if found["baseline"] is None else baseline_of(Path(found["baseline"])),
    )
    return options, tuple(each for each in told(context) if each.partition(" ")[0] not in own)


def _check_law(law: str | None) -> None:
    if law not in {None, "load", "conventions", *(each.id for each in CATALOGUE)}:
        raise UsageError(f"there is no law {law!r}; bncheck list shows them")


def _root(target: str) -> str | None:
    """The package of a target, None for a file."""
    parsed = parse_target(target)
    return None if parsed.is_file else parsed.locator.partition(".")[0]
