"""What a report says of a cause; it knows no layers, so that a report of what is sound loads none."""

from __future__ import annotations

from typing import Any, NamedTuple


class Explanation(NamedTuple):
    """What a report says of a cause: of `of` deviations from the truth it reproduces `explains`."""

    id: str
    text: str
    explains: int
    of: int

    def as_json(self) -> dict[str, Any]:
        """The cause of the schema."""
        return self._asdict()

    def line(self) -> str:
        """`running_var.biased: The running variance tracks ... (reproduces 12 of 12 deviations)`."""
        return f"{self.id}: {self.text} (reproduces {self.explains} of {self.of} deviations)"
