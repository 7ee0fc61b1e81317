"""How a cause stands on probes: what it reproduces, what it misses, and whether a sound fact speaks against it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bncheck.causes.cause import Cause
from bncheck.causes.differentiation import DERIVATIVES
from bncheck.causes.laboratory import Laboratory, Probe
from bncheck.causes.observation import kind

# Of the facts that a cause predicts to be wrong, so many are wrong for each that is right.
FULFILLED = 3
# Of the error that a computation in a narrow format may make, one that is done in it makes this share, in one of so many
# of what it explains.
SHOWN, FACTS = 2.0**-7, 4

Named = tuple[int, str]
NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of one cause on a list of probes.

    `explained`: facts that it reproduces where the truth does not, by the number of the probe and the name; `missed`:
    those that it does not.  No fact in which the implementation is sound speaks against it.  `derived`: some of them only
    by the bounds of its class.
    """

    cause: Cause
    explained: frozenset[Named]
    missed: frozenset[Named]
    derived: bool = False

    @property
    def kinds(self) -> set[str]:
        """The quantities all of whose deviations it reproduces."""
        return {kind(name) for _, name in self.explained} - {kind(name) for _, name in self.missed}


def standing_of(
    laboratory: Laboratory,
    cause: Cause,
    probes: Sequence[Probe],
    *,
    whole: bool = False,
    without: frozenset[str] = NONE,
) -> Standing | None:
    """The standing of a cause on all probes; None as soon as it is no candidate.

    `whole`: it is one only if it reproduces everything.  `without`: quantities that are not looked at.
    """
    explained: set[Named] = set()
    missed: set[Named] = set()
    used: list[float] = []
    derived = False
    for number, probe in enumerate(probes):
        found = laboratory.matched(cause, probe)
        fits = {name for name, match in found.items() if match.fits}
        if any(name not in fits and kind(name) not in without for name in found.keys() & probe.sound):
            return None
        judged = {name for name in probe.deviations & found.keys() if kind(name) not in without}
        explained |= {(number, name) for name in judged & fits}
        used += [found[name].used for name in judged & fits]
        derived |= any(match.derived for match in found.values())
        missed |= {(number, name) for name in judged - fits}
        if missed and whole:
            return None
    if not explained or (cause.narrow and FACTS * sum(each >= SHOWN for each in used) < len(used)):
        return None
    return Standing(cause, frozenset(explained), frozenset(missed), derived)


def whole_standings(
    laboratory: Laboratory,
    causes: Iterable[Cause],
    probes: Sequence[Probe],
    *,
    without: frozenset[str] = NONE,
) -> list[Standing]:
    """Those of the causes that reproduce everything, the simplest first.  `without`: quantities that are not looked at."""
    if not any(probe.deviations for probe in probes):
        return []
    wrong = kinds_of(probes) - without
    fitting = (cause for cause in causes if cause.touches(wrong) == wrong)
    found = [_whole(laboratory, cause, probes, wrong, without) for cause in fitting]
    kept = [each for each in found if each is not None and is_fulfilled(laboratory, each.cause, probes)]
    return sorted(kept, key=lambda each: (each.cause.narrow, each.cause.complexity, each.derived))


def _whole(
    laboratory: Laboratory,
    cause: Cause,
    probes: Sequence[Probe],
    wrong: frozenset[str],
    without: frozenset[str],
) -> Standing | None:
    """With the backward pass that is written for a sound forward pass, or with the derivative of its own."""
    if (found := standing_of(laboratory, cause, probes, whole=True, without=without)) is not None:
        return found
    if not _may_be_differentiated(cause, wrong):
        return None
    if standing_of(laboratory, cause, probes, whole=True, without=without | DERIVATIVES) is None:
        return None
    return standing_of(laboratory, replace(cause, differentiated=True), probes, whole=True, without=without)


def surviving(laboratory: Laboratory, causes: Iterable[Cause], probes: Sequence[Probe]) -> list[Cause]:
    """The causes that no fact of the probes rules out: they reproduce all that is wrong there, and err nowhere else."""
    wrong, telling = kinds_of(probes), list(probes)
    return [
        cause
        for cause in causes
        if cause.touches(wrong) == wrong
        and not _is_ruled_out(
            laboratory, cause, telling, DERIVATIVES if _may_be_differentiated(cause, wrong) else NONE
        )
    ]


def _is_ruled_out(
    laboratory: Laboratory, cause: Cause, telling: list[Probe], without: frozenset[str]
) -> bool:
    """Whether a fact speaks against a cause.  The single batch that does is tried first on the next cause: those of a
    family stand together, and err on the same probes.
    """
    for place, probe in enumerate(telling):
        found = laboratory.matched(cause, probe)
        if all(match.fits or kind(name) in without for name, match in found.items()):
            continue
        if not probe.case.program:
            telling.insert(0, telling.pop(place))
        return True
    return False


def _may_be_differentiated(cause: Cause, wrong: frozenset[str]) -> bool:
    """Whether it could be about a forward pass, which is then wrong, and whose gradients follow from it."""
    return "y" in wrong and not cause.is_of_gradients


def is_fulfilled(laboratory: Laboratory, cause: Cause, probes: Sequence[Probe]) -> bool:
    """Whether the implementation deviates where the layer of the cause does.

    A cause that makes large rounding errors is matched by small ones too: what it errs in has to be wrong.
    """
    shown = unfulfilled = 0
    for probe in probes:
        predicted = laboratory.predicted(cause, probe)
        shown += len(predicted & probe.deviations)
        unfulfilled += len(predicted & probe.sound)
    return shown > FULFILLED * unfulfilled


def kinds_of(probes: Iterable[Probe]) -> frozenset[str]:
    """The quantities that are wrong on single batches."""
    return frozenset(kind(name) for probe in probes if not probe.case.program for name in probe.deviations)


def ordered(probes: Iterable[Probe]) -> list[Probe]:
    """Single batches, which cost least, before programs; of each what deviates, where a wrong cause is found out soonest."""
    return sorted(probes, key=lambda probe: (bool(probe.case.program), not probe.deviations))
