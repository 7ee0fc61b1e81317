"""History: what an evaluation shows that comes after another one, in a layer of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bncheck.case import Case
from bncheck.reproducer.claims import Claim, Number
from bncheck.reproducer.scene import Scene
from bncheck.reproducer.spelling import Lines, indented
from bncheck.reproducer.witness import Witness


@dataclass(frozen=True, slots=True)
class After:
    """A claim about an evaluation that comes after that of the case `first`."""

    claim: Claim
    first: Case

    def lines(self, scene: Scene) -> Lines:
        """The first evaluation in a function, whose names are its own."""
        other = Scene(scene.spelling, scene.capabilities, self.first)
        body = read(other.evaluated())
        needed, claimed = other.needed(body), self.claim.lines(scene)
        same = self._same(needed, scene.needed(claimed), scene)
        arrays = [f"{name} = {literal}" for name, literal in needed.items() if name not in same]
        given = ", ".join(f"{name}={name}" for name in same)
        return [f"def before({given}):", *indented([*arrays, *body]), "before()", *claimed]

    def _same(self, needed: Mapping[str, str], after: Mapping[str, str], scene: Scene) -> list[str]:
        """The arrays that both evaluations have, where none can be written to."""
        if scene.spelling.words.framework != "jax":
            return []
        return [name for name, literal in needed.items() if after.get(name) == literal]


def read(lines: Lines) -> Lines:
    """The lines without those that give names, called nothing for it, to what no later line reads."""
    kept: Lines = []
    for line in reversed(lines):
        names = re.fullmatch(r"([\w, ]+) = [^()]*", line)
        later = "\n".join(kept)
        if names is None or any(re.search(rf"\b{name}\b", later) for name in names[1].split(", ")):
            kept.insert(0, line)
    return kept


def with_history(found: Sequence[Witness], asked: Sequence[Case]) -> Iterator[Witness]:
    """The same witnesses where they come a second time, and where they come after what was evaluated before them."""
    for witness in found:
        claim, case = witness.claim, witness.case
        if not isinstance(claim, Number) or claim.pair:
            continue
        yield replace(witness, claim=replace(claim, again=True))
        place = next((number for number, other in enumerate(asked) if other is case), 0)
        if place:
            yield replace(witness, claim=After(claim, asked[place - 1]))
