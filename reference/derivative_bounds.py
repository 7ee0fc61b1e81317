"""Bounds on tangents and on second derivatives, from the errors of the few numbers that every form is made of.

For a vector a (dy, v, a tangent): p = mean(a), q = mean(a xc); for two of them h = mean(d v) - s p, where s and c are
the p and q of d.  Whatever the form, forward or reverse mode through the layer, twice through it, or the closed
formulae, it makes these, x - mean and powers of r, and multiplies them out:

    tangent       gamma r B(t),                               B(t) = t - p - xc r^2 q
    second_x      gamma r^3 (xc k - c (v - p) - q (d - s)),   k = 3 r^2 q c - h
    second_gamma  m r (h - r^2 q c), or r sum(v B(d)), or r sum(d B(v))

A term of p, q or h carries at most IN_SUM roundings besides those of the sum; from there to the result lie at most AFTER
for a tangent (FEW where the statistics are constants) and AGAIN for a second derivative, some of them inside a second
sum.  A product carries those of both its factors.  Each factor comes with its error, and their products are kept:
nothing is of first order alone.  The error of the mean is one constant for the channel, so it meets |p|, not mean|a|.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .bounds import Bound, bounded, strength_of
from .domain import Mask
from .formats import Array
from .forward_bounds import rounded_to
from .moment_bounds import MomentErrors, batch_errors, given_errors
from .oracle import Exact, Truth
from .problem import Problem
from .profile import Profile
from .second_order import SecondOrder
from .summation import Summation, gamma

IN_SUM, FEW, AFTER, AGAIN = 8.0, 4.0, 14.0, 26.0
# Intermediates on the way to a result that may be tiny, each of which loses its own absolute error.
INTERMEDIATES = 64


@dataclass(frozen=True, slots=True, eq=False)
class _Vector:
    """Of a: |a|, mean|a|, |p| and |q| with their errors and with the largest that can be computed, p_high and q_high."""

    values: Array
    size: Array
    total: Array
    p: Array
    p_error: Array
    q: Array
    q_error: Array

    @property
    def p_high(self) -> Array:
        return np.asarray(self.p + self.p_error)

    @property
    def q_high(self) -> Array:
        return np.asarray(self.q + self.q_error)


class _Channels:
    """What all bounds of one problem share; `centring` is the error of x - mean wherever it stands, once more centred
    and as x k - mean k too.
    """

    def __init__(self, problem: Problem, truth: Truth, profile: Profile) -> None:
        self.problem, self.truth, self.profile = problem, truth, profile
        self.errors: MomentErrors = (batch_errors if problem.training else given_errors)(
            problem, truth, profile
        )
        self.summation = Summation(profile, problem.count)
        self.u = profile.arithmetic.unit_roundoff
        self.tiny = profile.arithmetic.underflow_error(flush_to_zero=profile.flush_to_zero)
        self.x, self.mean, self.xc = np.abs(problem.x), np.abs(truth.mean), np.abs(truth.centred)
        self.r, self.after, self.again = truth.inverse_std, gamma(AFTER, self.u), gamma(AGAIN, self.u)
        self.scale = np.abs(problem.gamma) if problem.gamma is not None else np.ones_like(self.mean)
        shift = self.errors.mean
        again = self.summation.growth(4) * (_mean(self.xc) + shift) + shift
        self.centring = (
            shift + self.u * (self.xc + self.x + 2 * self.mean + 4 * shift) + again + 3 * self.tiny
        )

    def risen(self, power: int) -> Array:
        """The largest relative error of r to a power, before it is rounded itself."""
        up, down = (1 + self.errors.r_up) ** power - 1, 1 - (1 - self.errors.r_down) ** power
        return np.asarray(np.maximum(up, down))

    def vector(self, a: Array) -> _Vector:
        """E_p = G mean|a| + c_div u |p|;  E_q = E_mu |p| + G mean((|a| + |p|) F) + u mean(|a| (|x| + 2 |mu|)).

        F is |xc| + E_mu, or |x| + |mu| where sum(a x) - mean sum(a) is claimed too; |p| for forms that centre a.
        """
        profile, summation, shift = self.profile, self.summation, self.errors.mean
        size, total, p = np.abs(a), _mean(np.abs(a)), np.abs(_mean(a))
        grown = summation.growth(IN_SUM + summation.narrowing)
        p_error = grown * total + 3 * self.tiny
        p_error = p_error + (profile.division_error + summation.narrowing) * self.u * (p + p_error)
        folded = profile.backward == "any" or profile.variance == "one_pass"
        factor = self.x + self.mean + 2 * shift if folded else self.xc + shift
        around = size + p + p_error
        q_error = shift * (p + p_error) + grown * _mean(around * factor)
        q_error = q_error + gamma(3, self.u) * _mean(size * (self.x + 2 * self.mean + 2 * shift))
        q_error = q_error + self.tiny * (4 + 3 * _mean(around) + _largest(self.x) + 3 * self.mean)
        return _Vector(a, size, total, p, p_error, np.abs(_mean(a * self.truth.centred)), q_error)

    def carried(self, *vectors: _Vector, powers: int, reaches: int) -> Array:
        """What multiplies the absolute error of a tiny intermediate at most: m, gamma, r, x and the vectors."""
        reach = _largest(self.x) + self.mean + self.errors.mean
        product = self.problem.count ** len(vectors) * np.maximum(self.scale, 1)
        product = product * np.maximum(self.errors.r_high, 1) ** powers * np.maximum(reach, 1) ** reaches
        for vector in vectors:
            product = product * np.maximum(_largest(vector.size), 1)
        return np.asarray(product)

    def inside(self, carried: Array) -> Mask:
        """Where no product, in whatever order it is formed, leaves the range, and the statistics stay in theirs."""
        largest = min(self.profile.arithmetic.largest, self.profile.accumulator.largest) / 1024
        squares = self.problem.count * _largest(self.x) ** 2
        return np.asarray((carried < largest) & (squares < largest))


def tangent_bound(problem: Problem, truth: Truth, profile: Profile, direction: Array, exact: Exact) -> Bound:
    """Of the derivative of y along a direction of x, which is also that of dx to dy: J is symmetric, (C, m)."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        channels = _Channels(problem, truth, profile)
        t = channels.vector(direction)
        carried = channels.carried(t, powers=3, reaches=2)
        error = channels.scale * _tangent(channels, t) + INTERMEDIATES * channels.tiny * carried
        error = rounded_to(profile.output, profile, size=np.abs(exact.hi), error=error)
        signal = strength_of(problem) * channels.r * _rms(t.size)
        return bounded(exact, error, signal, channels.inside(carried), profile.output)


def second_order_bounds(
    problem: Problem, truth: Truth, profile: Profile, direction: Array, exact: SecondOrder
) -> dict[str, Bound]:
    """Of the derivatives of sum(v dx) to x, second_x (C, m), and to gamma, second_gamma (C, 1)."""
    assert problem.dy is not None
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        channels = _Channels(problem, truth, profile)
        d, v = channels.vector(problem.dy), channels.vector(direction)
        carried = channels.carried(d, v, powers=5, reaches=3)
        lost, inside = INTERMEDIATES * channels.tiny * carried, channels.inside(carried)
        of_x = channels.scale * _second_x(channels, d, v) if problem.training else 0 * channels.xc
        of_gamma = (_second_gamma if problem.training else _given_gamma)(channels, d, v)
        of_x = rounded_to(profile.output, profile, size=np.abs(exact.x.hi), error=of_x + lost)
        of_gamma = rounded_to(profile.parameters, profile, size=np.abs(exact.gamma.hi), error=of_gamma + lost)
        signal = channels.r * _rms(d.size) * _rms(v.size)
        return {
            "second_x": bounded(
                exact.x, of_x, strength_of(problem) * channels.r * signal, inside, profile.output
            ),
            "second_gamma": bounded(
                exact.gamma, of_gamma, problem.count * signal, inside, profile.parameters
            ),
        }


def _tangent(channels: _Channels, t: _Vector) -> Array:
    """r_high E_B + |B| E_r, or |t| E_r with its roundings where the statistics are constants."""
    errors, r = channels.errors, channels.r
    if not channels.problem.training:
        return np.asarray(t.size * (errors.r_error + gamma(FEW, channels.u) * errors.r_high))
    term = r * r * channels.xc * t.q
    high = r * r * (1 + channels.risen(2)) * (channels.xc + channels.centring) * t.q_high
    parts = t.size + t.p_high + high
    error = t.p_error + (high - term) + channels.after * parts
    if channels.profile.variance == "one_pass":
        # Where rounding may have made the variance negative, max(0, variance) cuts its derivative off.
        error = error + np.where(channels.truth.variance <= errors.variance, term, 0.0)
    return np.asarray(errors.r_high * error + _bracket(channels, t) * errors.r_error)


def _bracket(channels: _Channels, t: _Vector) -> Array:
    """|B|, with what float64 loses of it."""
    along = _mean(t.values * channels.truth.centred)
    term = channels.truth.centred * (channels.r * channels.r * along)
    lost = 2.0**-50 * (t.size + t.p + np.abs(term))
    return np.asarray(np.abs(t.values - _mean(t.values) - term) + lost)


def _covariance(channels: _Channels, d: _Vector, v: _Vector) -> tuple[Array, Array]:
    """|h| and its error: mean(d v) - s p, mean(d (v - p)) and mean((d - s)(v - p)) alike."""
    size = _mean(d.size * v.size) + d.p_high * v.total + v.p_high * d.total + d.p_high * v.p_high
    error = channels.summation.growth(IN_SUM + channels.summation.narrowing) * size
    error = error + d.p_error * v.p_high + v.p_error * d.p_high + 4 * channels.tiny
    apart = (d.values - _mean(d.values)) * (v.values - _mean(v.values))
    return np.abs(_mean(apart)) + 2.0**-50 * size, np.asarray(error)


def _second_x(channels: _Channels, d: _Vector, v: _Vector) -> Array:
    """r_high^3 E_G + |G| E_(r^3) for G = xc k - c (v - p) - q (d - s); the last two may be centred once more."""
    r, xc = channels.r, channels.xc
    h, h_error = _covariance(channels, d, v)
    bend, bend_high = r * r * v.q * d.q, r * r * (1 + channels.risen(2)) * v.q_high * d.q_high
    k_error = 3 * (bend_high - bend) + h_error
    k_high = 3 * bend_high + h + h_error
    xc_high = xc + channels.centring
    away = np.abs(v.values - _mean(v.values)), np.abs(d.values - _mean(d.values))
    error = xc * k_error + channels.centring * k_high
    error = error + d.q_error * away[0] + d.q_high * v.p_error + v.q_error * away[1] + v.q_high * d.p_error
    parts = xc_high * k_high + d.q_high * (v.size + v.p_high) + v.q_high * (d.size + d.p_high)
    summed = _mean(xc_high) * k_high + d.q_high * v.total + v.q_high * d.total
    error = (
        error
        + channels.again * parts
        + channels.summation.growth(AGAIN + channels.summation.narrowing) * summed
    )
    size = xc * (3 * bend + h) + d.q * away[0] + v.q * away[1]
    cube = channels.risen(3)
    found = r**3 * (error * (1 + cube) + size * cube)
    if channels.profile.variance == "one_pass":
        found = found + np.where(channels.truth.variance <= channels.errors.variance, r**3 * size, 0.0)
    return np.asarray(found)


def _second_gamma(channels: _Channels, d: _Vector, v: _Vector) -> Array:
    """The larger of the error of m r (h - r^2 q c) and of those of r sum(v B(d)) and r sum(d B(v))."""
    r, errors, count = channels.r, channels.errors, channels.problem.count
    h, h_error = _covariance(channels, d, v)
    bend, bend_high = r * r * v.q * d.q, r * r * (1 + channels.risen(2)) * v.q_high * d.q_high
    error = h_error + (bend_high - bend) + channels.again * (h + h_error + bend_high)
    whole = count * (errors.r_high * error + (h + bend) * errors.r_error)
    if channels.profile.variance == "one_pass":
        whole = whole + np.where(channels.truth.variance <= errors.variance, count * r * bend, 0.0)
    return np.asarray(np.maximum(whole, np.maximum(_summed(channels, d, v), _summed(channels, v, d))))


def _summed(channels: _Channels, one: _Vector, other: _Vector) -> Array:
    """sum(|a| E) + G(D + AGAIN) sum(|a| (r |B| + E)), E the error of r B."""
    each = _tangent(channels, other)
    terms = one.size * (channels.r * _bracket(channels, other) + each)
    grown = channels.summation.growth(AGAIN + channels.summation.narrowing)
    return np.asarray(channels.problem.count * (_mean(one.size * each) + grown * _mean(terms)))


def _given_gamma(channels: _Channels, d: _Vector, v: _Vector) -> Array:
    """r sum(d v) with constant r: G(D + IN_SUM) sum|d v| r_high and |sum(d v)| E_r."""
    grown = channels.summation.growth(IN_SUM + channels.summation.narrowing)
    product = d.values * v.values
    exact = np.abs(_mean(product)) + 2.0**-50 * _mean(np.abs(product))
    error = grown * _mean(np.abs(product)) * channels.errors.r_high + exact * channels.errors.r_error
    return np.asarray(channels.problem.count * error)


def _mean(values: Array) -> Array:
    return np.asarray(np.mean(values, axis=-1, keepdims=True))


def _largest(values: Array) -> Array:
    return np.asarray(np.max(values, axis=-1, keepdims=True))


def _rms(size: Array) -> Array:
    return np.asarray(np.sqrt(_mean(size * size)))
