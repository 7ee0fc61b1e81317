"""Bounds on moving averages, per channel: one step after another, and corrected for a start at zero.

The corrected average (Kingma and Ba 2015, Adam, section 3): with h <- d h + w stat from 0 and d = 1 - w, what is shown
after t batches is s = h / D, D = 1 - d^t.  A layer may keep h, or s, or both; every form is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import expm1, inf, log, log1p

import numpy as np

from .formats import Array
from .problem import Debias, Problem
from .profile import Profile
from .summation import gamma

# In units of u: a power function of 2 ulp, its logarithm of 2 ulp times the exponent, and the last step of 1 - d^t, 2 ulp.
POWER, LOGARITHM, ONE_MINUS = 4.0, 6.0, 4.0


def average_error(problem: Problem, old: Array, statistic: Array, error: Array, profile: Profile) -> Array:
    """Largest error of an average after all steps, (C, 1).

    `old`: what is shown before; `statistic`: of the batch, wrong by `error`.
    """
    if problem.debias is not None:
        corrected = _Corrected(problem.debias, problem.weights, old, statistic, error, profile)
        return np.asarray(np.maximum(corrected.by_weight(), corrected.by_correction()))
    carried, value = np.zeros_like(old), old
    for weight in problem.weights:
        w = float(weight)
        new = (1 - w) * value + w * statistic
        carried = _step_error(value, carried, statistic, error, w, new=new, profile=profile)
        value = new
    return carried


def given_error(debias: Debias | None, given: Array, profile: Profile) -> Array:
    """Largest error of an average that is given and used, (C, 1).

    0, but where it is corrected: a layer that keeps h was given fl(s D), and divides that by what it makes of D.
    """
    if debias is None or debias.seen == 0:
        return np.zeros_like(given)
    share = _Share.of(debias, debias.seen, profile)
    if not share.error < 1:
        return np.full_like(given, inf)
    once, lost, division = 1 + _stored(profile), _lost(profile), profile.division_error
    grown = (
        (1 + share.error) * once * once / (1 - share.error) * (1 + division * profile.update.unit_roundoff)
    )
    carried = lost / (share.exact * (1 - share.error)) + division * lost
    return np.asarray((grown - 1) * np.abs(given) + carried)


@dataclass(frozen=True, slots=True)
class _Share:
    """D = 1 - d^t, and the largest relative error with which it is computed."""

    exact: float
    error: float

    @classmethod
    def of(cls, debias: Debias, batches: int, profile: Profile) -> _Share:
        """d is wrong by u' absolutely: it is rounded, or 1 minus a rounded w.  Relative to d^t that makes (1 + u'/d)^t - 1,
        and the power itself another e: t - 1 products, or a logarithm, a product and a power.  1 - d^t keeps the
        absolute error, which is what cancellation is.
        """
        u, share = profile.update.unit_roundoff, debias.share(batches)
        d, power = float(1 - debias.weight), float(1 - share)
        if share == 0:
            return cls(0.0, inf)
        moved = _wrong_power(d, power, batches, u=u) + batches * _tiny(profile)
        relative = moved / float(share)
        return cls(float(share), relative + ONE_MINUS * u * (1 + relative))


def _wrong_power(d: float, power: float, exponent: int, *, u: float) -> float:
    """The largest |computed d^t - d^t|."""
    wrong = gamma(3, u) / 3
    if wrong * exponent > d / 2:
        # d may be rounding altogether: the power is then between 0 and that of d + u'.
        return float((d + wrong) ** exponent * (1 + gamma(max(exponent, POWER), u)))
    moved = expm1(exponent * log1p(wrong / d))
    rounded = gamma(max(exponent - 1, POWER - LOGARITHM * exponent * log(d)), u)
    return power * (moved + rounded + moved * rounded) if power > 0 else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class _Corrected:
    """A corrected average and the steps that it goes through, `weights` those of what is shown."""

    debias: Debias
    weights: tuple[Fraction, ...]
    old: Array
    statistic: Array
    error: Array
    profile: Profile

    @property
    def shares(self) -> tuple[_Share, ...]:
        """D before the first step and after each."""
        seen = self.debias.seen
        return tuple(
            _Share.of(self.debias, seen + step, self.profile) if seen + step else _Share(0.0, 0.0)
            for step in range(len(self.weights) + 1)
        )

    def by_weight(self) -> Array:
        """s <- s + w_t (stat - s), or (1 - w_t) s + w_t stat, with w_t = w / D.

        w is wrong by u' absolutely, D relatively by its own error, and the division rounds: then w_t is wrong by the
        same factor on both sides, and stat - s is what it meets.
        """
        u, wrong = self.profile.update.unit_roundoff, gamma(3, self.profile.update.unit_roundoff) / 3
        once = (1 + wrong / float(self.debias.weight)) * (1 + self.profile.division_error * u)
        carried, value = np.zeros_like(self.old), self.old
        for share, weight in zip(self.shares[1:], map(float, self.weights), strict=True):
            if not share.error < 1:
                return np.full_like(self.old, inf)
            apart = np.abs(self.statistic - value) + self.error + carried
            moved = weight * (once / (1 - share.error) - 1) * apart
            new = (1 - weight) * value + weight * self.statistic
            carried = self._stepped(value, carried, weight, new=new, beside=moved)
            value = new
        return carried

    def by_correction(self) -> Array:
        """h <- d h + w stat, s = h / D; h kept from step to step, or made of s each time, which is wrong by more.

        h = s D is wrong by D E_s and by the error of D, and is rounded where it is kept; the step is one as any other;
        and then E_s = (E_h + |h| e) / (D (1 - e)), e the error of D, and a division.  Before the first batch h is 0.
        """
        w, profile = float(self.debias.weight), self.profile
        carried, value = np.zeros_like(self.old), self.old
        for (before, after), weight in zip(pairwise(self.shares), map(float, self.weights), strict=True):
            if not max(before.error, after.error) < 1:
                return np.full_like(self.old, inf)
            hidden = value * before.exact
            kept = carried * before.exact * (1 + before.error)
            if before.exact > 0:
                lost = (1 + before.error) * (1 + _stored(profile)) - 1
                kept = kept + lost * np.abs(hidden) + _lost(profile)
            new = (1 - w) * hidden + w * self.statistic
            wrong = self._stepped(hidden, kept, w, new=new)
            value = (1 - weight) * value + weight * self.statistic
            carried = (wrong + np.abs(new) * after.error) / (after.exact * (1 - after.error))
            rounded = profile.update.unit_roundoff * (np.abs(value) + carried) + _lost(profile)
            carried = _written(carried + profile.division_error * rounded, value, profile)
        return carried

    def _stepped(
        self, old: Array, old_error: Array, weight: float, *, new: Array, beside: Array | float = 0.0
    ) -> Array:
        return _step_error(
            old,
            old_error,
            self.statistic,
            self.error,
            weight,
            new=new,
            profile=self.profile,
            beside=beside,
        )


def _step_error(
    old: Array,
    old_error: Array,
    statistic: Array,
    error: Array,
    weight: float,
    *,
    new: Array,
    profile: Profile,
    beside: Array | float = 0.0,
) -> Array:
    """One update: w_r old + w stat, or old + w (stat - old).

    Either weight may come from a subtraction from 1 of the rounded other, so that its error is absolute:
    u w + u w_r = u.  Besides, the first form rounds two products, the second the difference and the product:
    (u + 2 u w)(|old| + |stat|).  Three roundings on a path, so u stands for gamma_3 / 3.
    Underflows, at most four: w times the statistic, w_r times the old value, and then either two products and the
    sum, or w times the difference, the product and the sum.  `beside`: what a wrong weight adds.
    """
    u, rest = gamma(3, profile.update.unit_roundoff) / 3, 1 - weight
    before, now = np.abs(old) + old_error, np.abs(statistic) + error
    products = np.maximum(rest * before + weight * now, weight * (before + now))
    total = (
        rest * old_error + weight * error + u * (before + now + 2 * products) + 4 * _tiny(profile) + beside
    )
    total = total + profile.update.half_ulp(np.abs(new) + total)
    return _written(total, new, profile)


def _written(error: Array, value: Array, profile: Profile) -> Array:
    """The error after a number is kept in the format of the running statistics."""
    if profile.running.is_narrower_than(profile.update):
        return np.asarray(error + profile.running.half_ulp(np.abs(value) + error))
    return np.asarray(error)


def _stored(profile: Profile) -> float:
    return max(profile.update.unit_roundoff, profile.running.unit_roundoff)


def _lost(profile: Profile) -> float:
    """What a tiny number loses where it is computed and kept."""
    return _tiny(profile) + profile.running.underflow_error(flush_to_zero=False)


def _tiny(profile: Profile) -> float:
    return profile.arithmetic.underflow_error(flush_to_zero=profile.flush_to_zero)
