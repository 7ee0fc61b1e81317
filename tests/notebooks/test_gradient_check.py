"""A layer with a cache at batch size two, and why a naive gradient check rejects it though it is right."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from mutants.layers import LayerAdapter, sound, total
from notebooks.batches_of_two import (
    EPS,
    REJECTED_DIFFERENCES,
    cancelling_batch,
    drawn_batch,
    rejected_batch,
)
from notebooks.printed import Printed, printed
from notebooks.trials import REFERENCES, TORCH_LAYER, findings, trial_of

import bncheck
from bncheck.case import Case
from bncheck.implementation import Implementation
from bncheck.loading import load
from bncheck.reference.formats import Array
from bncheck.report import Report
from bncheck.trial import Trial, as_rows
from bncheck.verdict import Status

PRINTED = {
    "y": printed(
        """
         0.72640427 -0.41564403 -0.29326955  1.10465806  1.14813386
        -0.01063257  0.78812861  1.1216348   0.65271203 -0.12849391
        -0.54219439  1.28304638  1.15499507 -0.11728786 -0.29647328
         0.63515501  0.06457401  0.66514353  1.23560801  1.13216726
        """,
        shape=(2, 10),
        decimals=8,
    ),
    "dx": printed(
        """
         2.89510703e-04 -2.77848552e-04 -8.71412370e-04 -2.67810219e-05  4.55331949e-04
        -2.21904874e-05  1.87777622e-06  2.10144722e-05 -3.15033262e-02  9.45501401e-04
        -2.89510703e-04  2.77848552e-04  8.71412370e-04  2.67810219e-05 -4.55331949e-04
         2.21904874e-05 -1.87777622e-06 -2.10144722e-05  3.15033262e-02 -9.45501401e-04
        """,
        shape=(2, 10),
    ),
    "dgamma": printed(
        """
        0.50324365  0.71064996  0.28564723 -0.13023102  0.523444
        0.0536546   0.06600998  0.30423557  0.35322534 -0.10236735
        """,
        decimals=8,
    ),
    "dbeta": printed(
        """
        0.74458162  0.9419592   0.92034561  0.95989422  1.20907299
        0.55457615  0.90005648  1.66686055  1.39494196  1.12331686
        """,
        decimals=8,
    ),
}
TORCH_DX = printed(
    """
     2.8979e-04 -2.7798e-04 -8.7130e-04 -2.6777e-05  4.5487e-04
    -2.2148e-05  1.8504e-06  2.0966e-05 -3.1500e-02  9.4646e-04
    -2.8958e-04  2.7809e-04  8.7110e-04  2.6777e-05 -4.5527e-04
     2.2137e-05 -1.8774e-06 -2.1019e-05  3.1497e-02 -9.4629e-04
    """,
    shape=(2, 10),
)


class LayerWithCache:
    """Training alone; `forward` keeps what `backward(dy)` needs, which returns (dx, {"w": dgamma, "b": dbeta})."""

    def __init__(self, num_features: int, eps: float = EPS) -> None:
        self.w, self.b, self.eps = np.ones(num_features), np.zeros(num_features), eps
        self.cache: tuple[Array, Array] | None = None

    def forward(self, x: Array) -> Array:
        """y, from rows (N, C)."""
        centred = x - x.mean(axis=0)
        inverse = 1 / np.sqrt((centred * centred).mean(axis=0) + self.eps)
        self.cache = centred * inverse, inverse
        return self.w * self.cache[0] + self.b

    def backward(self, dy: Array) -> tuple[Array, dict[str, Array]]:
        """In closed form."""
        assert self.cache is not None
        (xhat, inverse), count = self.cache, len(dy)
        to_w, to_b = (dy * xhat).sum(axis=0), dy.sum(axis=0)
        dx = self.w * inverse * (dy - to_b / count - xhat * (to_w / count))
        return dx, {"w": to_w, "b": to_b}


IMPLEMENTATIONS: dict[str, type | str] = {**{name: name for name in REFERENCES}, "cache": LayerWithCache}


def trial_on(name: str) -> Trial:
    target = IMPLEMENTATIONS[name]
    return trial_of(target) if isinstance(target, str) else Trial(load(target))


@pytest.mark.parametrize("quantity", PRINTED)
def test_the_oracle_gives_the_printed_output_and_gradients(quantity: str) -> None:
    case = drawn_batch()
    expected = trial_of("reference.numpy").exact(case, quantity).hi
    native = expected.T if PRINTED[quantity].values.ndim == 2 else expected[:, 0]
    assert PRINTED[quantity].misses(native) == []


@pytest.mark.parametrize("quantity", PRINTED)
@pytest.mark.parametrize("name", IMPLEMENTATIONS)
def test_an_implementation_gives_the_printed_output_and_gradients(name: str, quantity: str) -> None:
    trial, case = trial_on(name), drawn_batch()
    actual = trial.outcome(case).quantity(quantity)
    assert actual is not None
    assert PRINTED[quantity].misses(actual, allowed=trial.bounds(case)[quantity].largest) == []


@cache
def report() -> Report:
    return bncheck.check(LayerWithCache, profile="smoke")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_layer_with_a_cache_is_held(dtype: str) -> None:
    (target,) = report().targets
    found = {law.law.id: law.tallies[dtype].status for law in target.laws if dtype in law.tallies}
    assert {"forward.output", "gradient.dx", "gradient.dgamma", "gradient.dbeta"} <= set(found)
    assert found == dict.fromkeys(found, Status.HELD)


def test_the_gradients_of_the_layer_with_a_cache_are_held_by_finite_differences() -> None:
    (target,) = report().targets
    assert {law.law.id: law.status for law in target.laws}["gradient.differences"] == Status.HELD


def in_float32() -> Case:
    """The drawn batch as torch was given it."""
    case = drawn_batch()
    assert case.dy is not None
    assert case.gamma is not None
    assert case.beta is not None
    x, dy, gamma, beta = (array.astype(np.float32) for array in (case.x, case.dy, case.gamma, case.beta))
    return case.changed(x=x, dy=dy, gamma=gamma, beta=beta)


def relative_errors(actual: Printed, expected: Printed) -> Array:
    return np.abs(actual.values - expected.values) / np.abs(expected.values)


def test_the_printed_float32_dx_of_torch_is_inside_its_bound() -> None:
    trial, case = trial_of(TORCH_LAYER), in_float32()
    assert TORCH_DX.misses(trial.exact(case, "dx").hi.T, allowed=trial.bounds(case)["dx"].largest) == []


def test_the_printed_float32_dx_of_torch_is_outside_a_relative_tolerance_of_a_thousandth() -> None:
    errors = relative_errors(TORCH_DX, PRINTED["dx"])
    assert (errors > 1e-3).any()
    # The worst of all is the smallest element: the error is of the size of S u, whatever is left of S.
    assert np.argmax(errors) == np.argmin(np.abs(PRINTED["dx"].values))
    assert 0.014 < errors.max() < 0.015


def test_the_float32_dx_of_torch_here_is_inside_its_bound() -> None:
    assert findings("gradient.dx", in_float32(), trial_of(TORCH_LAYER)) == []


def output(x: Array, case: Case) -> Array:
    """y for other values of x, by the usual formula."""
    assert case.gamma is not None
    assert case.beta is not None
    y: Array = case.gamma.astype(float) * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + case.eps) + case.beta
    return y


def naive_differences(case: Case, *, step: float) -> Array:
    """(L(x + h e_i) - L(x - h e_i)) / 2h for every i, L = sum(dy y) over all channels: the usual gradient check."""
    assert case.dy is not None
    dy, found = case.dy.astype(float), np.empty(case.x.shape)
    for index in np.ndindex(*case.x.shape):
        ahead, behind = case.x.astype(float), case.x.astype(float)
        ahead[index] += step
        behind[index] -= step
        loss = [float(np.sum(dy * output(x, case))) for x in (ahead, behind)]
        found[index] = (loss[0] - loss[1]) / (2 * step)
    return found


def disagreement(left: Array, right: Array) -> Array:
    """|a - b| / max(1e-8, |a| + |b|), as such checks have it."""
    return np.asarray(np.abs(left - right) / np.maximum(1e-8, np.abs(left) + np.abs(right)))


def true_dx(case: Case) -> Array:
    """dx by the oracle, (N, C)."""
    dx: Array = trial_of("reference.numpy").exact(case, "dx").hi.T
    return dx


def test_the_printed_differences_miss_1e_5_whatever_the_parameters_were() -> None:
    # The true gradients of the two samples are c and -c, so of the differences a and b one is off by |a + b| / 2.
    ahead, behind = REJECTED_DIFFERENCES.values
    least = np.abs(ahead + behind) / 2 / (2 * np.maximum(np.abs(ahead), np.abs(behind)))
    assert least.max() > 1e-5


@pytest.mark.parametrize("step", [1e-6, 1e-7])
def test_a_naive_difference_misses_1e_5_on_the_printed_x_and_dy(step: float) -> None:
    case = rejected_batch()
    assert disagreement(naive_differences(case, step=step), true_dx(case)).max() > 1e-5


def test_a_naive_difference_is_off_by_a_fifth_where_the_gradient_nearly_cancels() -> None:
    case = cancelling_batch()
    exact, difference = true_dx(case), naive_differences(case, step=1e-7)
    error = disagreement(difference, exact)
    assert f"{exact[0, 3]:.3e} {difference[0, 3]:.2e} {error[0, 3]:.3f}" == "6.644e-09 4.44e-09 0.199"
    assert error.max() == error[0, 3]


# Ours does not fail there: it allows what rounding does to the two outputs, which is of the size of S and the loss,
# not of dx.  At two values a channel xhat is +-1 up to eps / (var + eps), y hardly moves with x, and dx is what
# is left of two terms of size S: a tolerance relative to dx asks for digits that no difference has.  Ours also
# steps by (3u)^(1/3) sqrt(var + eps) a channel and adds up each channel by itself, so that it still sees bugs.
BATCHES = {"drawn": drawn_batch, "rejected": rejected_batch, "cancelling": cancelling_batch}


@pytest.mark.parametrize("law", ["gradient.differences", "gradient.dx"])
@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("name", IMPLEMENTATIONS)
def test_our_check_does_not_fail_where_a_naive_one_does(name: str, batch: str, law: str) -> None:
    assert findings(law, BATCHES[batch](), trial_on(name)) == []


@pytest.mark.parametrize("batch", BATCHES)
def test_xhat_is_one_up_to_eps_over_the_variance(batch: str) -> None:
    case = BATCHES[batch]()
    truth = trial_of("reference.numpy").truth(case)
    xhat, remainder = np.abs(truth.centred) * truth.inverse_std, EPS / (truth.variance + EPS)
    # 1 - sqrt(1 - q) lies between q / 2 and q; five roundings of float64 made it.
    assert (1 - xhat <= remainder + 5 * 2.0**-53).all()


def test_dx_is_what_eps_leaves_of_two_terms_that_cancel() -> None:
    case = cancelling_batch()
    truth = trial_of("reference.numpy").truth(case)
    assert case.gamma is not None
    assert case.dy is not None
    size = (
        np.abs(as_rows(case.gamma)) * truth.inverse_std * np.abs(as_rows(case.dy)).max(axis=1, keepdims=True)
    )
    left = np.abs(true_dx(case).T) / size
    # Ten roundings of float64 made the two sides.
    assert (left <= EPS / (truth.variance + EPS) * (1 + 10 * 2.0**-53)).all()


@pytest.mark.parametrize("law", ["gradient.differences", "gradient.dx"])
def test_our_check_still_sees_there_that_a_gradient_leaves_out_eps(law: str) -> None:
    forgetful = replace(
        sound(),
        train_dx=lambda dy, xc, r, g: (
            g * r * (dy - total(dy) / 2 - np.sign(xc) * (total(dy * np.sign(xc)) / 2))
        ),
    )
    trial = Trial(Implementation("eps left out", LayerAdapter(forgetful)))
    assert findings(law, cancelling_batch(), trial) != []
