"""What is exact of a case with a direction, and the bounds of it: derivatives beyond the gradients."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bncheck.case import Case, channel_major
from bncheck.reference.bounds import Bound, around
from bncheck.reference.derivative_bounds import second_order_bounds, tangent_bound
from bncheck.reference.formats import FLOAT64, Array
from bncheck.reference.oracle import Exact, Truth, solve
from bncheck.reference.problem import Problem, nearest
from bncheck.reference.profile import Profile
from bncheck.reference.second_order import SecondOrder, second_order


@dataclass(frozen=True, slots=True, eq=False)
class Further:
    """`direction`: (C, m).  `truth`: that of the problem whose dy is the direction: its dx is the derivative of y along
    it, and of dx to dy, for the Jacobian is symmetric.  `second`: where the case has a dy.
    """

    problem: Problem
    direction: Array
    truth: Truth
    second: SecondOrder | None

    def exact(self, quantity: str) -> Exact:
        """One of the quantities that an outcome has besides."""
        if quantity in {"second_x", "second_gamma"}:
            assert self.second is not None
            return self.second.x if quantity == "second_x" else self.second.gamma
        assert self.truth.dx is not None
        return self.truth.dx

    def bounds(self, profile: Profile) -> dict[str, Bound]:
        """The bounds of a profile, by quantity; without gamma there is no second_gamma."""
        if profile.inputs is not None:
            rounded, direction = self.problem.rounded(profile.inputs), nearest(self.direction, profile.inputs)
            near, profile = solved(rounded, direction, double_double=False), replace(profile, inputs=None)
            here, there = self.bounds(profile), near.bounds(profile)
            return {
                name: around(here[name], there[name], self.exact(name), near.exact(name)) for name in here
            }
        along = tangent_bound(self.problem, self.truth, profile, self.direction, self.exact("tangent"))
        if self.second is None:
            return {"tangent": along}
        found = second_order_bounds(self.problem, self.truth, profile, self.direction, self.second)
        if self.problem.gamma is None:
            del found["second_gamma"]
        return {"second_dy": along, **found}


def further(case: Case) -> Further:
    """The exact derivatives along the direction of x that a case has; those of gamma and beta must be absent."""
    assert case.direction is not None
    assert case.direction.gamma is None
    assert case.direction.beta is None
    double = case.formats[0] == FLOAT64
    return solved(case.problem(), channel_major(case.direction.x), double_double=double)


def solved(problem: Problem, direction: Array, *, double_double: bool) -> Further:
    """The same of a problem and a direction, (C, m)."""
    truth = solve(replace(problem, dy=direction), double_double=double_double)
    second = None if problem.dy is None else second_order(problem, direction, double_double=double_double)
    return Further(problem, direction, truth, second)
