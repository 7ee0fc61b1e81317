"""Averages that are corrected for a start at zero: no sound form exceeds its bound, and what is wrong does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from bncheck.dialect import on_accelerator
from bncheck.reference.average_bounds import average_error, given_error
from bncheck.reference.double_double import DoubleDouble
from bncheck.reference.formats import BFLOAT16, FLOAT16, FLOAT32, FLOAT64, Array, Format, dtype_of
from bncheck.reference.problem import Debias, Problem, as_pair
from bncheck.reference.profile import Profile, host_profile

from .channels import rounded
from .corrected import FORMS, POWERS, SPOKEN, Form, Power, Spoken, after, by_expm1
from .machine import Machine

CHANNELS = 100
WEIGHTS = (0.1, 0.01, 0.5, 0.9, 0.99, 1e-3, 1.0, 1 - 2.0**-30, 2.0**-10)
SEEN = (0, 1, 2, 3, 5, 17, 100)
STEPS = (1, 1, 2, 5)
FORMATS = pytest.mark.parametrize("stored", [FLOAT64, FLOAT32, FLOAT16, BFLOAT16], ids=lambda each: each.name)


@dataclass(frozen=True, slots=True, eq=False)
class Average:
    """`old` is shown after `debias.seen` batches; then come `steps` more of one `statistic`.  (C, 1) each."""

    debias: Debias
    steps: int
    old: Array
    statistic: Array

    @property
    def problem(self) -> Problem:
        x = np.zeros((len(self.old), 2))
        return Problem(
            x=x,
            dy=None,
            gamma=None,
            beta=None,
            running_mean=self.old,
            running_var=self.old,
            eps=1e-3,
            training=True,
            weights=self.debias.weights(self.steps),
            debias=self.debias,
        )

    def error_of(self, shown: Array) -> Array:
        """|shown - exact|, the exact one beyond float64."""
        kept, new = (_pair(each) for each in (self.problem.decay, 1 - self.problem.decay))
        exact = DoubleDouble.of(self.old) * kept + DoubleDouble.of(self.statistic) * new
        return np.asarray(np.abs((shown - exact.hi) - exact.lo))

    def bound(self, profile: Profile) -> Array:
        return average_error(self.problem, self.old, self.statistic, np.zeros_like(self.old), profile)


def _pair(value: Fraction) -> DoubleDouble:
    high, low = as_pair(value)
    return DoubleDouble(np.full((1, 1), high), np.full((1, 1), low))


def averages(stored: Format, count: int, *, seed: int = 0) -> Iterator[Average]:
    random = np.random.default_rng(seed)
    for _ in range(count):
        weight = float(random.choice(WEIGHTS) if random.random() < 0.6 else 10.0 ** random.uniform(-3, 0))
        # Below that half precision has no 1 - w.
        weight = max(weight, 2.0**-5) if stored.significand < FLOAT32.significand else weight
        debias = Debias(Fraction(weight), int(random.choice(SEEN)))
        scale = 10.0 ** random.uniform(-2, 2, (CHANNELS, 1))
        old = random.standard_normal((CHANNELS, 1)) * scale * 10.0 ** random.uniform(-2, 2)
        # What a new layer shows: 0, or 1 for a variance.
        old = old if debias.seen else np.full_like(old, random.integers(2))
        statistic = random.standard_normal((CHANNELS, 1)) * scale
        yield Average(debias, int(random.choice(STEPS)), rounded(old, stored), rounded(statistic, stored))


def machines(stored: Format) -> Iterator[tuple[Machine, Profile]]:
    wide = FLOAT64 if stored == FLOAT64 else FLOAT32
    profile = replace(host_profile(wide, stored, stored), update=stored, running=stored)
    dtype = dtype_of(stored.name)
    yield Machine(dtype, dtype), profile
    yield Machine(dtype, dtype, flush=stored == wide), profile
    yield Machine(dtype, dtype, flush=stored == wide, loose=True), on_accelerator(profile)


def ways() -> Iterator[tuple[Spoken, Power, Form]]:
    """by_expm1 has a power of its own."""
    for spoken, power, form in product(SPOKEN, POWERS, FORMS):
        if spoken is not by_expm1 or power is POWERS[0]:
            yield spoken, power, form


def worst(error: Array, limit: Array) -> float:
    """Error over bound; infinite for what is no number where there is a bound."""
    with np.errstate(all="ignore"):
        quotient = np.where(np.isnan(error), np.inf, np.where(error > 0, error / limit, 0.0))
    return float(np.max(np.where(np.isfinite(limit), quotient, 0.0)))


@FORMATS
def test_a_sound_form_never_exceeds_its_bound(stored: Format) -> None:
    found: dict[str, float] = {}
    for average, (machine, profile) in product(averages(stored, 12), machines(stored)):
        limit = average.bound(profile)
        for spoken, power, form in ways():
            with np.errstate(all="ignore"):
                weights = spoken(machine, float(average.debias.weight), power)
                given, statistic = machine.number(average.old), machine.number(average.statistic)
                shown = after(form, given, statistic, weights, seen=average.debias.seen, steps=average.steps)
            error = average.error_of(shown.values.astype(np.float64))
            found[form.name] = max(found.get(form.name, 0.0), worst(error, limit))
    assert set(found) == {form.name for form in FORMS}
    assert {name: error for name, error in found.items() if error > 1} == {}
    # Nor is the bound far above what they attain.
    assert max(found.values()) > 0.1


@FORMATS
def test_what_is_given_is_shown_again_within_its_bound(stored: Format) -> None:
    found = 0.0
    for average, (machine, profile) in product(averages(stored, 12, seed=1), machines(stored)):
        seen = average.debias.seen
        limit = given_error(average.debias, average.old, profile)
        assert seen or not limit.any()
        for spoken, power, form in ways() if seen else ():
            with np.errstate(all="ignore"):
                weights = spoken(machine, float(average.debias.weight), power)
                shown = form.shown(form.kept(machine.number(average.old), seen, weights), seen, weights)
            found = max(found, worst(np.abs(shown.values.astype(np.float64) - average.old), limit))
    assert 0.1 < found <= 1


def one_too_many(average: Average, batches: int) -> Fraction:
    return average.debias.share(batches + 1)


def not_at_all(_average: Average, _batches: int) -> Fraction:
    return Fraction(1)


def one_too_few(average: Average, batches: int) -> Fraction:
    return average.debias.share(max(batches - 1, 1))


@pytest.mark.parametrize("share", [one_too_many, not_at_all, one_too_few])
def test_another_correction_is_told_from_rounding(share: object) -> None:
    """Computed in float64, judged in float32: after up to three batches and one more, and a tenth as the weight."""
    assert callable(share)
    profile = host_profile(FLOAT32, FLOAT32, FLOAT32)
    random = np.random.default_rng(5)
    for seen in range(1, 4):
        debias = Debias(Fraction(0.1), seen)
        old, statistic = (rounded(random.uniform(1, 2, (CHANNELS, 1)), FLOAT32) for _ in range(2))
        average = Average(debias, 1, old, statistic)
        hidden = old * float(share(average, seen)) * 0.9 + 0.1 * statistic
        error = average.error_of(hidden / float(share(average, seen + 1)))
        assert np.mean(error > average.bound(profile)) > 0.95


@pytest.mark.parametrize("seen", [0, 1, 4])
def test_the_weights_are_those_of_the_definition(seen: int) -> None:
    """s <- (1 - w_t) s + w_t stat against h <- (1 - w) h + w stat, s = h / (1 - (1 - w)^t), in rational numbers."""
    w, shown, statistics = Fraction(1, 8), Fraction(3), (Fraction(5), Fraction(-2), Fraction(7))
    debias = Debias(w, seen)
    hidden = shown * (1 - (1 - w) ** seen)
    for step, (weight, statistic) in enumerate(zip(debias.weights(3), statistics, strict=True), start=1):
        hidden = (1 - w) * hidden + w * statistic
        shown = (1 - weight) * shown + weight * statistic
        assert shown == hidden / (1 - (1 - w) ** (seen + step))
    assert debias.weights(1)[0] == 1 or seen
