"""What a finding is about: the quantities that its causes have to explain, and the probes by which these are judged."""

from __future__ import annotations

from collections.abc import Sequence

from bncheck.causes.laboratory import Probe
from bncheck.causes.observation import kind
from bncheck.causes.standing import Standing
from bncheck.outcome import FURTHER
from bncheck.verdict import Failure


def judged_by(every: Sequence[Probe], smallest: Failure) -> list[Probe]:
    """The probes by which the causes of a part are judged: programs where the finding is of one."""
    return [probe for probe in every if smallest.case.program or not probe.case.program]


def about_what(smallest: Failure, every: Sequence[Probe]) -> frozenset[str]:
    """The quantities of an outcome that a finding is about; none where it is about what a law makes of them.

    Where an output or a gradient is wrong, so are the derivatives of it, and the finding is about that.
    """
    known = {kind(name) for probe in every for name in (*probe.deviations, *probe.sound)}
    about = frozenset(known.intersection(comparison.quantity for comparison in smallest.comparisons))
    if not about or not about <= frozenset(FURTHER):
        return about
    directed = [probe for probe in every if probe.case.direction is not None]
    first = {kind(name) for probe in directed for name in probe.deviations}.difference(FURTHER)
    return frozenset(first) or about


def of_subject(parts: Sequence[Standing], about: frozenset[str]) -> list[Standing]:
    """Of these, those that reproduce all deviations of a quantity that a finding is about."""
    return [each for each in parts if each.kinds & (about or each.kinds)]
