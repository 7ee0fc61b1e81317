"""Measurements of the estimator that the running variance tracks, by rank and by length."""

from __future__ import annotations

from math import prod, sqrt

from bncheck.identify.averages import AMPLITUDE, MEAN, NEEDS, weight_of
from bncheck.identify.measurement import Measurement
from bncheck.identify.questions import RESOLUTION, Questions, alternating, nearest, number_in_words
from bncheck.reference.formats import FLOAT32, FORMATS

BIASED = AMPLITUDE**2
EPS = 0.125
_SHORT, _LONG = 8, 64


def running_variance(questions: Questions) -> Measurement:
    """The estimator, by its ratio to the biased variance of a batch."""
    questions.needs(*NEEDS)
    found = {(len(shape), prod(shape) // shape[1]): _ratio(questions, shape) for shape in _shapes(questions)}
    names = {key: name for key, (name, _) in found.items()}
    value = questions.known["running_variance"] = _value(names)
    evidence = "; ".join(_told(key, found[key][1], several=len(questions.ranks) > 1) for key in _shown(names))
    return Measurement("running_variance", value, evidence, questions.implementation.dialect.running_variance)


def _shapes(questions: Questions) -> list[tuple[int, ...]]:
    """(8, C), (4, C, 2), (4, C, 2, 1), ... and one of 64 values a channel where the format tells 64/63 from 1."""
    channels = questions.channels
    shapes = [
        (_SHORT, channels) if rank == 2 else (_SHORT // 2, channels, 2, *(1,) * (rank - 3))
        for rank in questions.ranks
    ]
    if FORMATS[questions.dtype].significand >= FLOAT32.significand:
        first = shapes[0]
        shapes.append((first[0] * _LONG // _SHORT, *first[1:]))
    return shapes


def _ratio(questions: Questions, shape: tuple[int, ...]) -> tuple[str, float]:
    """The estimator's name and what is tracked over the biased variance, in batches of a shape."""
    count = prod(shape) // shape[1]
    case = questions.case(alternating(MEAN, AMPLITUDE, count), shape=shape, eps=EPS)
    outcome = questions.tracked(case)
    # A mean that stays where it is tells no weight: then the one that was given is taken.
    weight = weight_of(questions, outcome, case) or case.momentum or 1.0
    old = 1.0 if case.running_var is None else questions.number(case.running_var)
    new = questions.number(outcome.running_var)
    if new == old:
        return "never updated", 0.0
    ratio = (new - (1 - weight) * old) / (weight * BIASED)
    guesses = _guesses(count, shape[0] if len(shape) > 2 else count, eps=case.eps)
    # Eight roundings of x's format: the half formats do not tell all of these from one another.
    rounding = max(RESOLUTION, 2.0 ** (3 - FORMATS[questions.dtype].significand))
    name = nearest(ratio, guesses, resolution=rounding)
    if name is None and weight != 1:
        swapped = (new - weight * old) / ((1 - weight) * BIASED)
        other = nearest(swapped, {"biased": 1.0, "unbiased": count / (count - 1)})
        name = None if other is None else f"{other}, with the weights of new and old exchanged"
    return name or "another", ratio


def _guesses(count: int, samples: int, *, eps: float) -> dict[str, float]:
    """Estimators, each over the biased variance 4 of a batch of mean 1."""
    bessel = count / (count - 1)
    return {
        "unbiased": bessel,
        "biased": 1.0,
        "biased times (m - 1) / m": 1 / bessel,
        "unbiased twice": bessel**2,
        "unbiased by the number of samples": samples / (samples - 1),
        "the deviation": sqrt(bessel / BIASED),
        "the biased deviation": sqrt(1 / BIASED),
        "the inverse deviation": 1 / (sqrt(BIASED + eps) * BIASED),
        "the mean of the squares": (BIASED + MEAN**2) / BIASED,
        "the mean of the squares, unbiased": bessel * (BIASED + MEAN**2) / BIASED,
        "the biased variance plus eps": 1 + eps / BIASED,
        "the unbiased variance plus eps": bessel + eps / BIASED,
        "variance plus eps, unbiased": bessel * (1 + eps / BIASED),
    }


def _value(names: dict[tuple[int, int], str]) -> str:
    """One name; by rank where the short batches differ; by length where the long one does."""
    if len(set(names.values())) == 1:
        return next(iter(names.values()))
    short = {rank: name for (rank, count), name in names.items() if count == _SHORT}
    if len(set(short.values())) == 1:
        by_length = {count: name for (_, count), name in names.items()}
        return f"by length: {', '.join(f'{name} at m = {count}' for count, name in by_length.items())}"
    if all(name == ("unbiased" if rank >= 4 else "biased") for rank, name in short.items()):
        return "by_rank"
    return f"by rank: {', '.join(f'{name} at {rank}' for rank, name in short.items())}"


def _shown(names: dict[tuple[int, int], str]) -> list[tuple[int, int]]:
    """The first, and every other one that has another name."""
    first = next(iter(names))
    return [key for key in names if key == first or names[key] != names[first]]


def _told(key: tuple[int, int], ratio: float, *, several: bool) -> str:
    rank, count = key
    fraction = ""
    if nearest(ratio, {"bessel": count / (count - 1), "one": 1.0}) == "bessel":
        fraction = f" = {count}/{count - 1}"
    place = f"m = {count}" + (f" and rank {rank}" if several else "")
    return f"ratio to the biased one {number_in_words(ratio)}{fraction} at {place}"
