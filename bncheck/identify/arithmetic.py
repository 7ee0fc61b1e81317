"""Measurements of the arithmetic: the numeric class, the offset at which its digits run out, and the clipping."""

from __future__ import annotations

from dataclasses import replace
from math import log2

import numpy as np

from bncheck.identify.measurement import Measurement
from bncheck.identify.questions import Questions, Unanswered
from bncheck.identify.sweeps import cases
from bncheck.numerics import OFFSETS, Numerics, measured
from bncheck.reference.formats import FORMATS

_IN_WORDS = {
    "two_pass": "two-pass variance",
    "stable": "stable variance, two-pass or Welford",
    "one_pass": "one-pass variance mean(x^2) - mean(x)^2",
}
# Far enough out for a one-pass variance of every format to be mostly rounding.
_OFFSETS = tuple(2.0**power for power in range(10, 21))


def variance(questions: Questions) -> Measurement:
    """The strongest class whose bounds y meets over all offsets."""
    found = _measured(questions)
    words = "y leaves the bounds of every class" if found.variance is None else _IN_WORDS[found.variance]
    return Measurement(
        "variance", found.variance, f"{words} ({_digits(found)})", questions.implementation.dialect.variance
    )


def affine(questions: Questions) -> Measurement:
    """Whether y is (x - mean) r, or a x + b, which loses the digits of an offset once more."""
    found = _measured(questions)
    if found.affine is None:
        raise Unanswered("y leaves the bounds of every class")
    centred = found.affine == "centred"
    evidence = "y meets the bounds of (x - mean) r" if centred else "y meets those of a x + b alone"
    value = "centred" if centred else "folded"
    return Measurement("affine", value, evidence, questions.implementation.dialect.affine)


def clipped(questions: Questions) -> Measurement:
    """Whether a computed variance can be negative, which makes y NaN or the running variance shrink below its share."""
    questions.needs("train")
    declared = questions.implementation.dialect.clipped
    wrong: list[float] = []
    for case in cases(questions, [(offset, 1.0) for offset in _OFFSETS]):
        outcome = questions.outcome(case)
        y = outcome.y.astype(np.float64)
        nan = np.isnan(y).any(axis=tuple(axis for axis in range(y.ndim) if axis != 1))
        tracked, old = outcome.running_var, case.running_var
        # Where each channel has its variance; what has another shape is told by a law.
        if tracked is not None and tracked.size == nan.size and old is not None and case.momentum is not None:
            kept = old.astype(np.float64) * (1 - float(case.weights()[0]))
            nan = nan | (tracked.astype(np.float64).reshape(-1) < kept * (1 - 2.0**-6))
        wrong += [
            2.0 ** round(log2(abs(each)))
            for each in case.x.astype(np.float64)[0].reshape(nan.size, -1)[nan, 0]
        ]
    if wrong:
        return Measurement(
            "clipped",
            "no",
            f"a variance below 0 at an offset of 2^{log2(min(wrong)):.0f} deviations",
            declared,
        )
    return Measurement(
        "clipped", "yes", "no variance below 0 at offsets of 2^10 to 2^20 deviations", declared
    )


def _measured(questions: Questions) -> Numerics:
    """Of float32 where that is offered; asked once."""
    if "numerics" not in questions.known:
        questions.needs("train", "train_bounds")
        implementation = questions.implementation
        first = measured(implementation, questions.dtype)
        if first is not None and first.variance is None:
            unclipped = replace(implementation.dialect, clipped="no")
            first = measured(replace(implementation, declared=unclipped), questions.dtype)
        questions.known["numerics"] = first
    found = questions.known["numerics"]
    if found is None:
        raise Unanswered("it fails to answer on a sweep of offsets")
    assert isinstance(found, Numerics)
    return found


def _digits(found: Numerics) -> str:
    if found.breakdown_offset is None:
        # Beyond its last digit a format holds no deviation beside the offset, and there is nothing to keep.
        last = min(round(log2(OFFSETS[-1])), FORMATS[found.dtype].significand)
        return f"keeps digits up to offset 2^{last} sigma, {found.dtype}"
    return f"loses all digits from offset 2^{log2(found.breakdown_offset):.0f} sigma, {found.dtype}"
