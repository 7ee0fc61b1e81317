"""What a report says of a cause; it knows no layers, so that a report of what is sound loads none."""

from __future__ import annotations

from typing import Any, NamedTuple


class Explanation(NamedTuple):
    """What a report says of a cause: of `of` deviations from the truth it reproduces `explains`.

    `companions`: ids of the causes that act together with it, whose sentences are in `text` too.
    """

    id: str
    text: str
    explains: int
    of: int
    companions: tuple[str, ...] = ()

    @property
    def of_the_first_call(self) -> bool:
        """Whether it is a number that a process keeps from its first call, so that it matters what was called before."""
        return self.id.endswith("of_the_first_call")

    def as_json(self) -> dict[str, Any]:
        """The cause of the schema."""
        return {
            "id": self.id,
            "text": self.text,
            "explains": self.explains,
            "of": self.of,
            "with": list(self.companions),
        }

    def line(self) -> str:
        """`running_var.biased: The running variance tracks ... (reproduces 12 of 12 deviations)`."""
        names = " with ".join((self.id, *self.companions))
        return f"{names}: {self.text} (reproduces {self.explains} of {self.of} deviations)"
