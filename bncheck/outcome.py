"""An outcome: what one evaluation returns; what the implementation does not offer is absent."""

from __future__ import annotations

from dataclasses import dataclass

from bncheck.case import Native

QUANTITIES = ("y", "running_mean", "running_var", "dx", "dgamma", "dbeta")
# What an outcome has besides where its case has a direction.
FURTHER = ("tangent", "second_dy", "second_x", "second_gamma")


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """`y`, `dx`: shape of x.  The others: shape (C,).  `batches`: the counter of batches, where one is kept.

    Of a case with a direction: `tangent`, the derivative of y along it, or the derivatives of its inner product with
    the gradients, `second_dy`, `second_x` and `second_gamma`.
    `side_effects`: names of what the evaluation changed besides: "x", "dy", "gamma" or "beta" where it wrote into them,
    "y shares memory with x" and the like, and what `surroundings` observes.
    """

    y: Native
    running_mean: Native | None = None
    running_var: Native | None = None
    batches: int | None = None
    dx: Native | None = None
    dgamma: Native | None = None
    dbeta: Native | None = None
    tangent: Native | None = None
    second_dy: Native | None = None
    second_x: Native | None = None
    second_gamma: Native | None = None
    side_effects: tuple[str, ...] = ()

    def quantity(self, name: str) -> Native | None:
        """One of QUANTITIES or FURTHER by its name."""
        return {
            "y": self.y,
            "running_mean": self.running_mean,
            "running_var": self.running_var,
            "dx": self.dx,
            "dgamma": self.dgamma,
            "dbeta": self.dbeta,
            "tangent": self.tangent,
            "second_dy": self.second_dy,
            "second_x": self.second_x,
            "second_gamma": self.second_gamma,
        }[name]
