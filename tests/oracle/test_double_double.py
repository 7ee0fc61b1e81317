"""Double-double operations are right to about 2^-104, whatever their operands."""

from __future__ import annotations

from fractions import Fraction
from math import ldexp

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bncheck.reference.double_double import DoubleDouble

# u = 2^-53; Joldes, Muller and Popescu 2017, Tight and rigorous error bounds for basic building blocks of
# double-word arithmetic: sum 3 u^2, product at most 7 u^2, quotient at most 15 u^2, with higher orders in u.
SUM, PRODUCT, QUOTIENT = (Fraction(units, 2**106) for units in (4, 8, 16))
# Two Newton steps: the last leaves three products, three sums and what is left of the first, squared.
ROOT = Fraction(64, 2**106)


@st.composite
def numbers(draw: st.DrawFn) -> DoubleDouble:
    """A nonzero pair of 2^-200 to 2^200 in magnitude, its low part up to half an ulp of the high one, or 0."""
    high = ldexp(draw(st.floats(1, 2)), draw(st.integers(-200, 199))) * draw(st.sampled_from([-1, 1]))
    low = high * ldexp(draw(st.integers(-(2**52), 2**52)), -54 - 52)
    return DoubleDouble(np.array([[high]]), np.array([[low]]))


def value(number: DoubleDouble) -> Fraction:
    return Fraction(float(number.hi[0, 0])) + Fraction(float(number.lo[0, 0]))


@given(numbers(), numbers())
def test_a_sum_is_right_relative_to_itself_even_after_cancellation(a: DoubleDouble, b: DoubleDouble) -> None:
    exact = value(a) + value(b)

    assert abs(value(a + b) - exact) <= SUM * abs(exact)


@given(numbers(), st.floats(-1, 1))
def test_a_difference_of_neighbours_is_right_relative_to_itself(a: DoubleDouble, share: float) -> None:
    b = DoubleDouble(a.hi, a.lo * share)
    exact = value(a) - value(b)

    assert abs(value(a - b) - exact) <= SUM * abs(exact)


@given(numbers(), numbers())
def test_a_product_is_right_relative_to_itself(a: DoubleDouble, b: DoubleDouble) -> None:
    exact = value(a) * value(b)

    assert abs(value(a * b) - exact) <= PRODUCT * abs(exact)


@given(numbers(), numbers())
def test_a_quotient_is_right_relative_to_itself(a: DoubleDouble, b: DoubleDouble) -> None:
    exact = value(a) / value(b)

    assert abs(value(a / b) - exact) <= QUOTIENT * abs(exact)


@given(numbers())
def test_an_inverse_root_squares_to_the_inverse(a: DoubleDouble) -> None:
    positive = a if a.hi[0, 0] > 0 else -a

    # (r (1 + e))^2 a = (1 + e)^2, so the error of r is half of this.
    assert abs(value(positive.inverse_root()) ** 2 * value(positive) - 1) <= 2 * ROOT


@given(st.lists(numbers(), min_size=1, max_size=20))
def test_a_total_errs_by_a_sum_for_every_level_of_the_tree(terms: list[DoubleDouble]) -> None:
    row = DoubleDouble(
        np.concatenate([term.hi for term in terms], axis=1),
        np.concatenate([term.lo for term in terms], axis=1),
    )
    exact = [value(term) for term in terms]

    error = abs(value(row.total()) - sum(exact, Fraction(0)))

    assert error <= 5 * SUM * sum(map(abs, exact), Fraction(0))


@given(numbers(), st.integers(-300, 300))
def test_scaling_by_a_power_of_two_is_exact(a: DoubleDouble, exponent: int) -> None:
    assert value(a.scaled(np.array([[exponent]], dtype=np.float64))) == value(a) * Fraction(2) ** exponent
