"""History: what an evaluation shows that comes after another one, in a layer of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
        body = other.evaluated()
        arrays = [f"{name} = {literal}" for name, literal in other.needed(body).items()]
        return ["def before():", *indented([*arrays, *body]), "before()", *self.claim.lines(scene)]


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
