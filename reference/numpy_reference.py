"""Batch normalisation in NumPy, with the backward pass written out in closed form.

Inside, an array is a matrix of shape (C, m): one row a channel, its m values contiguous, so that NumPy sums
pairwise.
Source: Ioffe and Szegedy (2015), Batch Normalization, Algorithms 1 and 2 and section 3.
"""

import math
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.floating]
Gradients: TypeAlias = tuple[Array, Array | None, Array | None]
Pullback: TypeAlias = Callable[[Array], Gradients]


class Forward(NamedTuple):
    """What one evaluation returns; running statistics are None where none were given."""

    y: Array
    running_mean: Array | None
    running_var: Array | None
    batches: int


class _Normalised(NamedTuple):
    """The channels of one batch: centred of shape (C, m); mean, variance and inverse_std of shape (C, 1)."""

    centred: Array
    mean: Array
    variance: Array
    inverse_std: Array


def batch_norm(
    x: Array,
    gamma: Array | None = None,
    beta: Array | None = None,
    running_mean: Array | None = None,
    running_var: Array | None = None,
    *,
    training: bool,
    eps: float,
    momentum: float | None,
    batches: int = 0,
    channel_axis: int = 1,
) -> Forward:
    """Normalise: y = gamma (x - mu) / sqrt(var + eps) + beta; all else is said at `batch_norm_vjp`."""
    forward, _ = batch_norm_vjp(
        x,
        gamma,
        beta,
        running_mean,
        running_var,
        training=training,
        eps=eps,
        momentum=momentum,
        batches=batches,
        channel_axis=channel_axis,
    )
    return forward


# IEEE special values travel through in silence, as they do in the other two frameworks.
@np.errstate(all="ignore")
def batch_norm_vjp(
    x: Array,
    gamma: Array | None,
    beta: Array | None,
    running_mean: Array | None,
    running_var: Array | None,
    *,
    training: bool,
    eps: float,
    momentum: float | None,
    batches: int = 0,
    channel_axis: int = 1,
) -> tuple[Forward, Pullback]:
    """Normalise: y = gamma (x - mu) / sqrt(var + eps) + beta, and the pullback dy -> (dx, dgamma, dbeta).

    Training: mu and var are the mean and the biased variance of the m values of a channel, and with weight w
    running <- (1 - w) running + w (mu, var m/(m-1)): the running variance is unbiased.  w = momentum, the
    weight of the new batch, or 1/(batches + 1), the cumulative average, where momentum is None.
    Evaluation: mu and var are the running statistics, which are returned unchanged.

    dx has the shape of x; dgamma = sum(dy xhat) and dbeta = sum(dy) are None where gamma and beta are.

    x and dy have ranks 2 to 5 and C channels along channel_axis (1 or -1); everything else has shape (C,).
    float64 x computes in float64, any other x in float32; each result is rounded once, y and dx to the dtype
    of x, the others to the dtype of the array they belong to.
    Raises ValueError for training on fewer than two values per channel and for evaluation without running
    statistics.
    """
    eps = float(eps)  # a NumPy scalar would pull float32 arithmetic up to its own float64
    rows = _rows(x, channel_axis, _arithmetic(x))
    if training:
        _require_two_values(x, rows)
        state = _from_batch(rows, eps=eps)
        weight = 1 / (batches + 1) if momentum is None else float(momentum)
        running = _updated(state, running_mean, running_var, weight=weight)
    else:
        if running_mean is None or running_var is None:
            raise ValueError("running_mean or running_var is None; evaluation needs both")
        state = _from_running(rows, running_mean, running_var, eps=eps)
        running = running_mean.copy(), running_var.copy()
    y = _scaled(state.centred * state.inverse_std, gamma)
    if beta is not None:
        y = y + _column(beta, rows.dtype)
    forward = Forward(_unrows(y, x, channel_axis), *running, batches + int(training))

    @np.errstate(all="ignore")
    def pullback(dy: Array) -> Gradients:
        """(dx, dgamma, dbeta); may be called again with another dy."""
        cotangent = _rows(dy, channel_axis, rows.dtype)
        through_statistics = _through_batch(cotangent, state) if training else cotangent
        dx = _scaled(state.inverse_std, gamma) * through_statistics
        dgamma = (cotangent * (state.centred * state.inverse_std)).sum(axis=1)
        dbeta = cotangent.sum(axis=1)
        return (
            _unrows(dx, x, channel_axis),
            None if gamma is None else dgamma.astype(gamma.dtype),
            None if beta is None else dbeta.astype(beta.dtype),
        )

    return forward, pullback


def _from_batch(rows: Array, *, eps: float) -> _Normalised:
    """Algorithm 1: the mean, then the biased variance of what is centred (two passes)."""
    mean = _mean(rows)
    centred = rows - mean
    variance = _mean(centred * centred)
    return _Normalised(centred, mean, variance, 1 / np.sqrt(variance + eps))


def _from_running(rows: Array, running_mean: Array, running_var: Array, *, eps: float) -> _Normalised:
    """Algorithm 2, line 11: the statistics are constants."""
    mean = _column(running_mean, rows.dtype)
    variance = _column(running_var, rows.dtype)
    return _Normalised(rows - mean, mean, variance, 1 / np.sqrt(variance + eps))


def _through_batch(cotangent: Array, state: _Normalised) -> Array:
    """B = dy - mean(dy) - xc r^2 mean(dy xc), so that dx = gamma r B (section 3, collected)."""
    along_ones = _mean(cotangent)
    along_centred = _mean(cotangent * state.centred)
    return cotangent - along_ones - state.centred * (state.inverse_std * state.inverse_std * along_centred)


def _updated(
    state: _Normalised, running_mean: Array | None, running_var: Array | None, *, weight: float
) -> tuple[Array | None, Array | None]:
    """The running statistics after a batch; the variance that enters is the unbiased one, biased m/(m-1)."""
    count = state.centred.shape[1]
    unbiased = state.variance * (count / (count - 1))
    return (
        _blended(running_mean, state.mean, weight=weight),
        _blended(running_var, unbiased, weight=weight),
    )


def _blended(old: Array | None, new: Array, *, weight: float) -> Array | None:
    """(1 - weight) old + weight new, in the format of new and rounded once to the dtype of old."""
    if old is None:
        return None
    blended = (1 - weight) * old.astype(new.dtype) + weight * new[:, 0]
    return blended.astype(old.dtype)


def _mean(rows: Array) -> Array:
    """The mean of each row, of shape (C, 1)."""
    mean: Array = rows.sum(axis=1, keepdims=True) / rows.shape[1]
    return mean


def _scaled(rows: Array, gamma: Array | None) -> Array:
    """Multiply the rows by gamma; the rows themselves where gamma is None."""
    return rows if gamma is None else _column(gamma, rows.dtype) * rows


def _column(parameter: Array, dtype: np.dtype[np.floating]) -> Array:
    """A parameter of shape (C,) as a column beside the rows."""
    return parameter.astype(dtype)[:, np.newaxis]


def _rows(array: Array, channel_axis: int, dtype: np.dtype[np.floating]) -> Array:
    """A copy of shape (C, m), each row contiguous."""
    moved = np.moveaxis(array, channel_axis, 0)
    return moved.astype(dtype, order="C").reshape(moved.shape[0], math.prod(moved.shape[1:]))


def _unrows(rows: Array, like: Array, channel_axis: int) -> Array:
    """The rows in the shape of `like`, rounded once to its dtype."""
    moved = np.moveaxis(like, channel_axis, 0).shape
    return np.moveaxis(rows.reshape(moved), 0, channel_axis).astype(like.dtype, order="C")


def _arithmetic(x: Array) -> np.dtype[np.floating]:
    """The format that everything is computed in."""
    return np.dtype(np.float64) if x.dtype == np.float64 else np.dtype(np.float32)


def _require_two_values(x: Array, rows: Array) -> None:
    """ValueError where the statistics of a channel would be taken over fewer than two values."""
    count = rows.shape[1]
    if count < 2:
        found = "one value" if count == 1 else "no value"
        raise ValueError(f"x of shape {x.shape} has {found} per channel; training needs at least two")
