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
