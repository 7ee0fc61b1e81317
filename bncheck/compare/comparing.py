"""From targets to what is different between them: cards, verdicts, translations, pairs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from bncheck.causes.explanation import Explanation
from bncheck.checking import report_on, trust_the_oracle
from bncheck.compare.difference import Contest, Difference, Entry, Kind, Pair
from bncheck.compare.pairs import paired
from bncheck.compare.phrases import OF_OUTPUT, contrast, differing, evidence, irregular, phrase
from bncheck.compare.translation import NUMERIC, translated, undeclared
from bncheck.corpus import Corpus
from bncheck.effort import effort_of
from bncheck.errors import UsageError
from bncheck.identify.identifying import identified
from bncheck.implementation import Implementation
from bncheck.law import Law
from bncheck.options import Options
from bncheck.report import FAILING, LawReport, TargetReport
from bncheck.taking import loaded
from bncheck.verdict import Status, most_serious
from bncheck.verify import Progress, planned, started, verify


def compared(
    targets: Sequence[str | object],
    laws: Sequence[Law],
    options: Options,
    *,
    progress: Progress | None = None,
) -> Contest:
    """Two targets or more by the laws that apply to all of them, and against each other.

    Raises UsageError for fewer than two or where they share no dtype, LoadError where one cannot be loaded.
    """
    if len(targets) < 2:
        raise UsageError("there is nothing to compare: name two targets or more")
    trust_the_oracle()
    implementations: list[Implementation] = []
    try:
        implementations.extend(loaded(target, options) for target in targets)
        return _contest(implementations, laws, options, progress)
    finally:
        for implementation in implementations:
            implementation.close()


def _labels(implementations: Sequence[Implementation]) -> list[str]:
    """The names; a target that is named twice is told apart by its place."""
    names = [each.name for each in implementations]
    return [
        f"{name} (#{number})" if names.count(name) > 1 else name for number, name in enumerate(names, start=1)
    ]


def _contest(
    implementations: Sequence[Implementation],
    laws: Sequence[Law],
    options: Options,
    progress: Progress | None,
) -> Contest:
    dtypes = _common_dtypes(implementations, options)
    options = replace(options, dtypes=dtypes)
    applying = [
        law
        for law in options.selected(laws)
        if law.dtypes(dtypes) and all(law.why_not(each.capabilities) is None for each in implementations)
    ]
    effort = effort_of(options.profile)
    # Only what the first line tells is shrunk and saved.
    quick, corpus = replace(options, cases=None), Corpus(options.seed, replace(effort, shrinks=0))
    entries, speaking = [], {}
    for label, implementation in zip(_labels(implementations), implementations, strict=True):
        card = replace(identified(implementation, sweeps=False, dtypes=dtypes), target=label)
        report = replace(report_on(implementation, applying, quick, corpus, progress=progress), target=label)
        if report.interrupted:
            raise KeyboardInterrupt
        conventions = undeclared(card)
        speaking[label] = translated(implementation, conventions)
        verdicts = _verdicts(speaking[label], report, corpus, dtypes) if conventions else {}
        entries.append(Entry(card, report, verdicts, conventions))
    shrinking = Corpus(options.seed, effort, corpus.drawn)
    entries = [_shrunk(entry, speaking[entry.name], options, shrinking) for entry in entries]
    pairs = paired(speaking, dtypes, corpus)
    return Contest(tuple(entries), tuple(_differences(entries, pairs)), pairs, dtypes)


def _shrunk(entry: Entry, implementation: Implementation, options: Options, corpus: Corpus) -> Entry:
    """The first law that no dialect explains on the smallest case, which is saved with the dialect that was measured."""
    wrong = entry.wrong
    if not wrong:
        return entry
    options = replace(options, dialect={**options.dialect, **entry.undeclared})
    (law,) = (each.law for each in entry.report.laws if each.law.id == wrong[0])
    found = report_on(implementation, [law], options, corpus).laws[0]
    laws = tuple(found if each.law.id == law.id else each for each in entry.report.laws)
    return replace(entry, report=replace(entry.report, laws=laws))


def _common_dtypes(implementations: Sequence[Implementation], options: Options) -> tuple[str, ...]:
    offered = [each.capabilities.dtypes for each in implementations]
    common = tuple(
        name
        for name in offered[0]
        if all(name in each for each in offered) and (not options.dtypes or name in options.dtypes)
    )
    if not common:
        told = "; ".join(f"{each.name}: {', '.join(each.capabilities.dtypes)}" for each in implementations)
        raise UsageError(f"the targets share no dtype that is asked for: {told}")
    return common


def _verdicts(
    implementation: Implementation, report: TargetReport, corpus: Corpus, dtypes: Sequence[str]
) -> Mapping[str, Status]:
    """The laws that fail by what the target declares, judged by what was measured."""
    failing = [each.law for each in report.laws if each.status in FAILING]
    plan = planned(failing, implementation, dtypes)
    tallies = verify(implementation, plan, corpus, started(plan))
    return {
        law.id: most_serious([tally.status for tally in by_dtype.values()])
        for law, by_dtype in tallies.items()
    }


def _differences(entries: Sequence[Entry], pairs: Sequence[Pair]) -> Iterator[Difference]:
    """Bugs first, those of most laws before others; then what is dialect, what is numerics, and what all do wrong."""
    shared = tuple(id_ for id_ in entries[0].wrong if all(id_ in entry.wrong for entry in entries))
    found = [each for entry in entries for each in _of_one(entry, entries, shared)]
    found += [each for pair in pairs for each in _of_pair(pair, entries)]
    cards = [entry.card for entry in entries]
    told = {name for entry in entries for name in (*irregular(entry.card), *entry.undeclared)}
    found += [
        Difference(
            Kind.NUMERICS if name in NUMERIC else Kind.DIALECT, contrast(name, cards), evidence(name, cards)
        )
        for name in differing(cards)
        if name not in told
    ]
    yield from sorted(found, key=lambda each: (tuple(Kind).index(each.kind), -len(each.laws)))
    if shared:
        names = ", ".join(entry.name for entry in entries)
        yield Difference(Kind.BUG, f"all of {names} violate {_first(entries[0], shared)}", laws=shared)


def _of_one(entry: Entry, entries: Sequence[Entry], shared: Sequence[str]) -> Iterator[Difference]:
    """A bug where a law fails by any dialect; numerics where one is only unstable; what it does not declare."""
    wrong = tuple(id_ for id_ in entry.wrong if id_ not in shared)
    shaky = tuple(id_ for id_ in entry.unexplained if id_ not in entry.wrong)
    if wrong:
        yield _bug(entry, entries, wrong)
    elif shaky:
        text = f"{_about('variance', entry, entries)} (unstable: {', '.join(shaky)})"
        yield Difference(Kind.NUMERICS, text, _shown("variance", entries), entry.name, shaky)
    for kind in (Kind.DIALECT, Kind.NUMERICS):
        names = [name for name in entry.undeclared if (name in NUMERIC) == (kind == Kind.NUMERICS)]
        if names and not (kind == Kind.NUMERICS and shaky):
            text = "; ".join(_about(name, entry, entries) for name in names)
            explained = tuple(id_ for id_ in entry.failing if id_ not in entry.unexplained)
            declare = {name: entry.undeclared[name] for name in names}
            shown = "; ".join(_shown(name, entries) for name in names)
            yield Difference(kind, text, shown, entry.name, explained, declare)


def _of_pair(pair: Pair, entries: Sequence[Entry]) -> Iterator[Difference]:
    """A bug where two differ by more than both may be off, and no law that was judged fails for either."""
    two = [entry for entry in entries if entry.name in {pair.left, pair.right}]
    if not pair.failures or any(entry.unexplained for entry in two):
        return
    found = f"{pair.left} and {pair.right} differ by more than the sum of their bounds: {pair.failures[0]}"
    for entry in two:
        for name in _reasons(entry, pair.failures[0]):
            text = f"{_about(name, entry, entries)} ({found})"
            yield Difference(Kind.BUG, text, _shown(name, entries), entry.name)
            return
    yield Difference(Kind.BUG, f"{found}; no law that was judged says which of them is off")


def _bug(entry: Entry, entries: Sequence[Entry], wrong: tuple[str, ...]) -> Difference:
    """The cause that the card shows, else the one that the finding was traced to, and the law that fails."""
    report = _law(entry, wrong)
    message = report.findings[0].message if report.findings else ""
    found = _first(entry, wrong)
    for name in _reasons(entry, message):
        text = f"{_about(name, entry, entries)} ({found})"
        return Difference(Kind.BUG, text, _shown(name, entries), entry.name, wrong)
    traced = next((cause.text for cause in _causes(report)), None)
    text = f"{entry.name} violates {found}" if traced is None else f"{entry.name}: {traced} ({found})"
    return Difference(Kind.BUG, text, "", entry.name, wrong)


def _reasons(entry: Entry, message: str) -> list[str]:
    """What is irregular on a card and can explain what a message tells of: what concerns y alone moves no statistics."""
    return [
        name
        for name in irregular(entry.card)
        if name not in entry.undeclared
        and not _is_vague(str(entry.card.value(name)))
        and not (name in OF_OUTPUT and message.startswith("running_"))
    ]


def _is_vague(value: str) -> bool:
    """Whether a card says no more than that it is not what it should be."""
    return value == "another" or value.startswith("another: y")


def _law(entry: Entry, wrong: Sequence[str]) -> LawReport:
    """What was found of the first of these laws."""
    return next(each for each in entry.report.laws if each.law.id == wrong[0])


def _causes(report: LawReport) -> tuple[Explanation, ...]:
    """Those of the first finding, the likeliest first."""
    return (report.findings[0].causes or ()) if report.findings else ()


def _first(entry: Entry, wrong: Sequence[str]) -> str:
    """The first of these laws, and what was found."""
    report = _law(entry, wrong)
    message = report.findings[0].message if report.findings else report.law.name
    return f"{wrong[0]}: {message}"


def _about(name: str, entry: Entry, entries: Sequence[Entry]) -> str:
    """What this target does, and then the others where they differ from it."""
    cards = [entry.card, *(each.card for each in entries if each is not entry)]
    if name in differing(cards):
        return contrast(name, cards)
    value = entry.card.value(name)
    return f"{entry.name} {phrase(name, value)}" if value is not None else entry.name


def _shown(name: str, entries: Sequence[Entry]) -> str:
    return evidence(name, [each.card for each in entries])
