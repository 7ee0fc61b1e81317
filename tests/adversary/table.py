"""What an adversary attains of every bound: `python tests/adversary/table.py [--minutes N] [--seed S]` prints Markdown.

A long search on problems and algorithms drawn from a seed; 1 is the bound itself.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

if __name__ == "__main__":  # a script sees its own folder, not the one whose folders are imported here
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from adversary.algorithms import members
from adversary.inputs import LOW_PRECISION, drawn, varied
from adversary.search import QUANTITIES, Duel, attained


@dataclass(frozen=True, slots=True, eq=False)
class Fought:
    """A duel, the name of its order of summation, and what it attained."""

    order: str
    duel: Duel
    worst: dict[str, float]

    @property
    def statistics(self) -> str:
        """What the statistics come from."""
        return self.order if self.duel.problem.training else "given (evaluation)"

    @property
    def gradient(self) -> str:
        """The backward pass."""
        member = self.duel.member
        return (member.train if self.duel.problem.training else member.evaluation).__name__


def duels(seed: int, *, largest: int = 8) -> Iterator[Fought]:
    """Without end, in 8 and in 12 bits: any algorithm on any problem, and by turns a neighbour of a best duel so far."""
    random, best = np.random.default_rng(seed), dict[tuple[str, str], Fought]()
    for number, (order, member) in enumerate(members(random)):
        if number % 2 == 0:
            stored = LOW_PRECISION[number // 2 % len(LOW_PRECISION)]
            fought = _fight(random, order, Duel.of(member, drawn(random, stored, largest=largest), stored))
        else:
            parent = list(best.values())[random.integers(len(best))]
            old = parent.duel
            near = Duel.of(old.member, varied(random, old.problem, old.stored), old.stored)
            fought = _fight(random, parent.order, near)
        for name, ratio in fought.worst.items():
            key = name, fought.statistics
            if key not in best or best[key].worst[name] < ratio:
                best[key] = fought
        yield fought


def _fight(random: np.random.Generator, order: str, duel: Duel) -> Fought:
    return Fought(order, duel, attained(duel, random))


# A way of grouping duels, and the quantities that it may matter to.
GROUPS: dict[str, tuple[Callable[[Fought], str], tuple[str, ...]]] = {
    "all": (lambda _: "all", QUANTITIES),
    "format": (lambda each: f"u = 2^-{each.duel.stored.significand}", QUANTITIES),
    "statistics": (lambda each: each.statistics, QUANTITIES),
    "affine form": (lambda each: each.duel.member.normalise.__name__, ("y",)),
    "running update": (lambda each: each.duel.member.update.__name__, ("running_mean", "running_var")),
    "backward pass": (lambda each: each.gradient, ("dx", "dgamma", "dbeta")),
}


def main() -> None:
    """Search for some minutes, then one table a way of grouping the duels."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    tables = {title: defaultdict[str, dict[str, float]](dict) for title in GROUPS}
    number, above, ends = 0, 0, time.monotonic() + 60 * given.minutes
    for fought in duels(given.seed):
        number, above = number + 1, above + (max(fought.worst.values()) > 1)
        for title, (group, _) in GROUPS.items():
            _note(tables[title][group(fought)], fought)
        if time.monotonic() > ends:
            break
    head = f"{number} duels, {above} of them above a bound; seed {given.seed}, {given.minutes:g} minutes on one core."
    parts = [_table(title, rows, GROUPS[title][1]) for title, rows in tables.items()]
    sys.stdout.write("\n\n".join([head, *parts]) + "\n")


def _note(row: dict[str, float], fought: Fought) -> None:
    for name, ratio in fought.worst.items():
        row[name] = max(row.get(name, 0.0), ratio)


def _table(title: str, rows: dict[str, dict[str, float]], quantities: tuple[str, ...]) -> str:
    lines = [" | ".join([title, *quantities]), " | ".join(["---"] * (1 + len(quantities)))]
    for name in sorted(rows):
        cells = (f"{rows[name][quantity]:.3f}" if quantity in rows[name] else "" for quantity in quantities)
        lines.append(" | ".join([name, *cells]))
    return "\n".join(f"| {line} |" for line in lines)


if __name__ == "__main__":
    main()
