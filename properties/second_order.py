"""Laws of derivatives beyond the gradients: along a direction, in forward mode, and of the gradients themselves."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bncheck.case import Case, Native, channel_major, from_channel_major
from bncheck.comparison import Comparison, compare
from bncheck.direction import Direction
from bncheck.law import law
from bncheck.regions import DIRECTIONS, EVALUATION_DIRECTIONS
from bncheck.shapes import fitted_shape
from bncheck.trial import Trial, shape_of

SOURCE = "Ioffe and Szegedy 2015, section 3, the chain rule once more"
TRAIN = ("train", "forward_mode", "train_bounds")
EVAL = ("eval", "set_statistics", "forward_mode", "eval_bounds")
TWICE = ("train", "gradient", "second_order", "train_bounds")
EVAL_TWICE = ("eval", "set_statistics", "eval_gradient", "second_order", "eval_bounds")
# The one shape in which a target that compiles is asked.
COMPILED = (8, 2)


@law("forward_mode.output", region=DIRECTIONS, source=SOURCE, needs=TRAIN)
def tangent_in_training_agrees_with_the_oracle(case: Case, trial: Trial) -> Iterator[Comparison]:
    """Along t in x, y moves by gamma r (t - mean(t) - xhat mean(t xhat)): mean and variance move with x."""
    yield from trial.agreement(_along(_asked(case, trial), trial), "tangent")


@law("forward_mode.parameters", region=DIRECTIONS, source=SOURCE, needs=(*TRAIN, "affine"))
def tangent_of_the_parameters_is_an_affine_image_of_xhat(case: Case, trial: Trial) -> Iterator[Comparison]:
    """Along t in gamma and t' in beta, y moves by t xhat + t'.

    t is the beta of the case and t' its gamma, so that this is its y with the two exchanged, and has the bound of that.
    """
    case = _asked(case, trial)
    if case.gamma is not None:
        found = trial.derive(case, "along gamma and beta", _along_parameters)
        yield _agrees(trial, found, "tangent", trial.derive(case, "exchanged", _exchanged), "y")


@law("forward_mode.evaluation", region=EVALUATION_DIRECTIONS, source=SOURCE, needs=EVAL)
def tangent_in_evaluation_agrees_with_the_oracle(case: Case, trial: Trial) -> Iterator[Comparison]:
    """Along t in x, y moves by gamma t / sqrt(running_var + eps): the statistics are constants."""
    yield from trial.agreement(_along(_asked(case, trial), trial), "tangent")


@law("second_order.dy", region=DIRECTIONS, source=SOURCE, needs=TWICE)
def derivative_of_dx_to_dy_is_the_tangent(case: Case, trial: Trial) -> Iterator[Comparison]:
    """d sum(v dx) / d dy = gamma r (v - mean(v) - xhat mean(v xhat)): the Jacobian of y is symmetric."""
    yield from trial.agreement(_twice(_asked(case, trial), trial), "second_dy")


@law("second_order.x", region=DIRECTIONS, source=SOURCE, needs=TWICE)
def derivative_of_dx_to_x_agrees_with_the_oracle(case: Case, trial: Trial) -> Iterator[Comparison]:
    """d sum(v dx) / dx = gamma r^3 (xc (3 r^2 q c - h) - c (v - mean(v)) - q (dy - mean(dy))), where xc = x - mean,
    c = mean(dy xc), q = mean(v xc) and h = mean(dy v) - mean(dy) mean(v).
    """
    yield from trial.agreement(_twice(_asked(case, trial), trial), "second_x")


@law("second_order.gamma", region=DIRECTIONS, source=SOURCE, needs=(*TWICE, "affine"))
def derivative_of_dx_to_gamma_agrees_with_the_oracle(case: Case, trial: Trial) -> Iterator[Comparison]:
    """d sum(v dx) / d gamma = sum(v dx) / gamma = m r (h - r^2 q c), with the names of second_order.x."""
    yield from trial.agreement(_twice(_asked(case, trial), trial), "second_gamma")


@law("second_order.parameters", region=DIRECTIONS, source=SOURCE, needs=(*TWICE, "affine"))
def derivatives_of_dgamma_and_dbeta_are_images_of_the_layer(case: Case, trial: Trial) -> Iterator[Comparison]:
    """For f = sum(v dgamma) + sum(v' dbeta): df / d dy = v xhat + v', and df / dx = v r (dy - mean(dy) - xhat mean(dy xhat)).

    v is the beta of the case and v' its gamma: the one is its y with the two exchanged, the other the tangent of that.
    """
    case = _asked(case, trial)
    if case.gamma is None or case.dy is None:
        return
    found = trial.derive(case, "twice, gamma and beta", _twice_parameters)
    other = trial.derive(case, "exchanged", _exchanged)
    yield _agrees(trial, found, "second_dy", other, "y")
    along_dy = trial.derive(case, "exchanged, along dy", lambda case: _exchanged(case, Direction(case.dy)))
    yield _agrees(trial, found, "second_x", along_dy, "tangent")


@law("second_order.evaluation", region=EVALUATION_DIRECTIONS, source=SOURCE, needs=EVAL_TWICE)
def second_derivatives_in_evaluation_agree_with_the_oracle(case: Case, trial: Trial) -> Iterator[Comparison]:
    """f = sum(v dx) = sum(gamma r v dy) with constant r: df / d dy = gamma r v, df / d gamma = r sum(v dy), df / dx = 0."""
    names = ("second_dy", "second_x", "second_gamma")
    yield from trial.agreement(_twice(_asked(case, trial), trial), *names)


def _agrees(trial: Trial, found: Case, quantity: str, other: Case, of_other: str) -> Comparison:
    """What was asked of one case against the exact answer and the bound of another."""
    exact, limit = trial.exact(other, of_other), trial.bounds(other)[of_other]
    return compare(quantity, trial.rows(found, quantity), exact, limit, shape_of(quantity, found))


def _along(case: Case, trial: Trial) -> Case:
    return trial.derive(case, "along v", lambda case: case.changed(dy=None, direction=Direction(_v(case))))


def _twice(case: Case, trial: Trial) -> Case:
    return trial.derive(case, "twice, v", lambda case: case.changed(direction=Direction(_v(case))))


def _along_parameters(case: Case) -> Case:
    return case.changed(dy=None, direction=Direction(np.zeros_like(case.x), case.beta, case.gamma))


def _twice_parameters(case: Case) -> Case:
    return case.changed(direction=Direction(np.zeros_like(case.x), case.beta, case.gamma))


def _exchanged(case: Case, direction: Direction | None = None) -> Case:
    return case.changed(dy=None, gamma=case.beta, beta=case.gamma, direction=direction)


def _v(case: Case) -> Native:
    """dy backwards, and a pattern of its size that is neither even nor odd: a direction of its own for x and dy."""
    rows = channel_major(case.x if case.dy is None else case.dy)
    place = 7 * np.arange(case.count) + 3 * np.arange(case.channels)[:, np.newaxis]
    size = np.ldexp(1.0, np.frexp(np.max(np.abs(rows), axis=1, keepdims=True))[1])
    return from_channel_major(rows[:, ::-1] + size * ((place + 3) % 11 - 5) / 4, case.x.shape, case.x.dtype)


def _asked(case: Case, trial: Trial) -> Case:
    """The case itself; for a target that compiles its values over and over, or the first of them, in one shape, and
    with gamma and beta where those can be given.
    """
    if not trial.capabilities.compiles:
        return case
    shape = fitted_shape(COMPILED, trial.capabilities.ranks)
    affine = trial.capabilities.affine
    return trial.derive(case, f"as {shape}, affine {affine}", lambda case: _tiled(case, shape, affine=affine))


def _tiled(case: Case, shape: tuple[int, ...], *, affine: bool) -> Case:
    channels, count = np.arange(shape[1]) % case.channels, np.arange(COMPILED[0]) % case.count

    def rows(array: Native) -> Native:
        return from_channel_major(channel_major(array)[channels][:, count], shape, array.dtype)

    vectors = {name: getattr(case, name) for name in ("gamma", "beta", "running_mean", "running_var")}
    if affine and case.gamma is None:
        dtype = case.x.dtype if case.running_mean is None else case.running_mean.dtype
        ones = np.ones(case.channels).astype(dtype)
        vectors |= {"gamma": ones, "beta": ones}
    taken = {name: None if vector is None else vector[channels] for name, vector in vectors.items()}
    return case.changed(x=rows(case.x), dy=None if case.dy is None else rows(case.dy), layouts={}, **taken)


SECOND_ORDER = (
    tangent_in_training_agrees_with_the_oracle,
    tangent_of_the_parameters_is_an_affine_image_of_xhat,
    tangent_in_evaluation_agrees_with_the_oracle,
    derivative_of_dx_to_dy_is_the_tangent,
    derivative_of_dx_to_x_agrees_with_the_oracle,
    derivative_of_dx_to_gamma_agrees_with_the_oracle,
    derivatives_of_dgamma_and_dbeta_are_images_of_the_layer,
    second_derivatives_in_evaluation_agree_with_the_oracle,
)
