from fractions import Fraction
from typing import TypeAlias

import ml_dtypes
import numpy as np
import numpy.typing as npt
import pytest

from bncheck.reference.numpy_reference import Array, batch_norm, batch_norm_vjp

DType: TypeAlias = npt.DTypeLike

# Mean 0 and biased variance 1: with eps = 3 the inverse deviation is 1/2, and every step is exact in binary.
SIGNS = [[-1.0], [-1.0], [1.0], [1.0]]
BFLOAT16 = np.dtype(ml_dtypes.bfloat16)


def array(values: object, dtype: DType = np.float64) -> Array:
    made: Array = np.array(values, dtype=dtype)
    return made


def listed(result: Array | None) -> object:
    return None if result is None else result.tolist()


def integers(shape: tuple[int, ...], *, seed: int) -> Array:
    return np.random.default_rng(seed).integers(-8, 9, shape).astype(np.float64)


def test_training_normalises_with_the_biased_variance() -> None:
    y = batch_norm(array([[0], [1]]), training=True, eps=0.0, momentum=0.1).y

    assert y.tolist() == [[-1.0], [1.0]]


def test_eps_is_added_to_the_variance_under_the_root() -> None:
    y = batch_norm(array(SIGNS), training=True, eps=3.0, momentum=0.1).y

    assert y.tolist() == [[-0.5], [-0.5], [0.5], [0.5]]


def test_gamma_scales_what_is_normalised_and_beta_shifts_it() -> None:
    y = batch_norm(array(SIGNS), array([4]), array([1]), training=True, eps=3.0, momentum=0.1).y

    assert y.tolist() == [[-1.0], [-1.0], [3.0], [3.0]]


def test_the_running_variance_takes_the_unbiased_variance_of_the_batch() -> None:
    forward = batch_norm(
        array([[0], [1]]), None, None, array([0]), array([0]), training=True, eps=0.0, momentum=1.0
    )

    assert (listed(forward.running_mean), listed(forward.running_var)) == ([0.5], [0.5])


def test_momentum_is_the_weight_of_the_new_batch() -> None:
    forward = batch_norm(
        array([[0], [1]]), None, None, array([8]), array([8]), training=True, eps=0.0, momentum=0.25
    )

    assert (listed(forward.running_mean), listed(forward.running_var)) == ([6.125], [6.125])


def test_without_momentum_two_batches_leave_the_plain_mean_of_their_statistics() -> None:
    first = batch_norm(
        array([[0], [1]]), None, None, array([7]), array([7]), training=True, eps=0.0, momentum=None
    )

    second = batch_norm(
        array([[2], [6]]),
        None,
        None,
        first.running_mean,
        first.running_var,
        training=True,
        eps=0.0,
        momentum=None,
        batches=first.batches,
    )

    assert (listed(second.running_mean), listed(second.running_var)) == ([(0.5 + 4) / 2], [(0.5 + 8) / 2])


def test_without_momentum_the_fourth_batch_weighs_a_quarter() -> None:
    forward = batch_norm(
        array([[0], [1]]),
        None,
        None,
        array([8]),
        array([8]),
        training=True,
        eps=0.0,
        momentum=None,
        batches=3,
    )

    assert (listed(forward.running_mean), listed(forward.running_var)) == ([6.125], [6.125])


@pytest.mark.parametrize(("training", "batches"), [(True, 6), (False, 5)])
def test_batches_counts_the_batches_of_training(training: bool, batches: int) -> None:  # noqa: FBT001
    forward = batch_norm(
        array(SIGNS), None, None, array([0]), array([1]), training=training, eps=0.5, momentum=0.1, batches=5
    )

    assert forward.batches == batches


def test_training_without_running_statistics_returns_none() -> None:
    forward = batch_norm(array(SIGNS), training=True, eps=0.5, momentum=0.1)

    assert (forward.running_mean, forward.running_var) == (None, None)


def test_evaluation_normalises_with_the_running_statistics() -> None:
    forward = batch_norm(
        array([[3], [5]]),
        array([2]),
        array([1]),
        array([1]),
        array([3]),
        training=False,
        eps=1.0,
        momentum=0.1,
    )

    assert forward.y.tolist() == [[3.0], [5.0]]


def test_evaluation_takes_a_single_value_per_channel() -> None:
    forward = batch_norm(
        array([[3]]), None, None, array([1]), array([3]), training=False, eps=1.0, momentum=0.1
    )

    assert forward.y.tolist() == [[1.0]]


def test_evaluation_leaves_the_bits_of_the_running_statistics() -> None:
    mean = array([-0.0, np.nan, 1e-45, 0.1], np.float32)
    var = array([0.0, 1e-45, np.inf, 0.1], np.float32)

    forward = batch_norm(
        array([[1, 2, 3, 4]], np.float16), None, None, mean, var, training=False, eps=1e-5, momentum=0.1
    )

    assert forward.running_mean is not None
    assert forward.running_var is not None
    assert (forward.running_mean.tobytes(), forward.running_var.tobytes()) == (mean.tobytes(), var.tobytes())


@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 2), (2, 3, 2, 2), (2, 3, 2, 2, 2)])
def test_channels_last_is_channels_second_transposed(shape: tuple[int, ...]) -> None:
    x, dy = integers(shape, seed=1), integers(shape, seed=2)
    gamma, beta = array([1, 2, -3]), array([0, 1, 2])

    second, pull_second = batch_norm_vjp(x, gamma, beta, None, None, training=True, eps=0.5, momentum=0.1)
    last, pull_last = batch_norm_vjp(
        np.moveaxis(x, 1, -1), gamma, beta, None, None, training=True, eps=0.5, momentum=0.1, channel_axis=-1
    )

    assert np.array_equal(np.moveaxis(last.y, -1, 1), second.y)
    dx, dgamma, dbeta = pull_second(dy)
    dx_last, dgamma_last, dbeta_last = pull_last(np.moveaxis(dy, 1, -1))
    assert np.array_equal(np.moveaxis(dx_last, -1, 1), dx)
    assert (listed(dgamma_last), listed(dbeta_last)) == (listed(dgamma), listed(dbeta))


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 3, 2, 2), (2, 3, 1, 2, 2)])
def test_statistics_are_taken_over_every_axis_but_the_channels(shape: tuple[int, ...]) -> None:
    x = integers(shape, seed=3)
    flat = np.moveaxis(x, 1, -1).reshape(-1, 3)

    y = batch_norm(x, training=True, eps=0.5, momentum=0.1).y

    # Sums of small integers are exact in any order, so the two agree to the last bit.
    assert np.array_equal(
        np.moveaxis(y, 1, -1).reshape(-1, 3), batch_norm(flat, training=True, eps=0.5, momentum=0.1).y
    )


@pytest.mark.parametrize("parameters", [np.float64, np.float32, np.float16, BFLOAT16])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, BFLOAT16])
@pytest.mark.parametrize("training", [True, False])
def test_each_result_has_the_dtype_of_what_it_belongs_to(
    dtype: DType,
    parameters: DType,
    training: bool,  # noqa: FBT001
) -> None:
    x, ones = array(SIGNS, dtype), array([1], parameters)

    forward, pullback = batch_norm_vjp(x, ones, ones, ones, ones, training=training, eps=3.0, momentum=0.5)
    dx, dgamma, dbeta = pullback(x)

    assert {forward.y.dtype, dx.dtype} == {np.dtype(dtype)}
    belonging = forward.running_mean, forward.running_var, dgamma, dbeta
    assert {None if result is None else result.dtype for result in belonging} == {np.dtype(parameters)}


@pytest.mark.parametrize(
    ("dtype", "values", "mean"),
    [
        (np.float16, [2048, 2050], 2049),
        (BFLOAT16, [256, 258], 257),
        (np.float32, [1, 1 + 2**-22], 1 + 2**-23),
        (np.float64, [1, 1 + 2**-50], 1 + 2**-51),
    ],
)
def test_the_mean_is_not_rounded_to_a_format_of_half_precision(
    dtype: DType, values: list[float], mean: float
) -> None:
    wide = np.float64 if dtype == np.float64 else np.float32
    x = array([[value] for value in values], dtype)

    forward = batch_norm(
        x, None, None, array([0], wide), array([0], wide), training=True, eps=0.5, momentum=1.0
    )

    assert listed(forward.running_mean) == [mean]


@pytest.mark.parametrize(("dtype", "values"), [(np.float16, [2048, 2050]), (BFLOAT16, [256, 258])])
def test_half_precision_is_centred_by_a_mean_it_cannot_hold(dtype: DType, values: list[float]) -> None:
    y = batch_norm(array([[value] for value in values], dtype), training=True, eps=0.0, momentum=0.1).y

    assert y.tolist() == [[-1.0], [1.0]]


def test_a_numpy_scalar_for_eps_leaves_the_arithmetic_in_float32() -> None:
    x = np.random.default_rng(4).normal(size=(64, 3)).astype(np.float32)

    with_scalar = batch_norm(x, training=True, eps=np.float64(0.1), momentum=0.1).y

    assert np.array_equal(with_scalar, batch_norm(x, training=True, eps=0.1, momentum=0.1).y)


def test_float64_keeps_an_eps_that_float32_would_round() -> None:
    eps = (1 + 2**-26) ** 2  # in float32 this is 1
    y = batch_norm(array([[1]]), None, None, array([0]), array([0]), training=False, eps=eps, momentum=0.1).y

    assert y[0, 0] < 1 - 2**-27


def test_gradients_of_training_follow_the_closed_form() -> None:
    # r = 1/2, mean(dy) = 2, mean(dy xc) = -2, gamma r = 1: dx = dy - 2 + xc / 2.
    _, pullback = batch_norm_vjp(
        array(SIGNS), array([2]), array([0]), None, None, training=True, eps=3.0, momentum=0.1
    )

    dx, dgamma, dbeta = pullback(array([[8], [0], [0], [0]]))

    assert (dx.tolist(), listed(dgamma), listed(dbeta)) == ([[5.5], [-2.5], [-1.5], [-1.5]], [-4.0], [8.0])


def test_gradients_of_evaluation_take_the_statistics_for_constants() -> None:
    # xhat = (x - 1) / 2 = 1, 2, and dx = gamma r dy = dy.
    _, pullback = batch_norm_vjp(
        array([[3], [5]]),
        array([2]),
        array([0]),
        array([1]),
        array([3]),
        training=False,
        eps=1.0,
        momentum=0.1,
    )

    dx, dgamma, dbeta = pullback(array([[8], [4]]))

    assert (dx.tolist(), listed(dgamma), listed(dbeta)) == ([[8.0], [4.0]], [16.0], [12.0])


def dot(left: list[Fraction], right: list[Fraction]) -> Fraction:
    return sum((a * b for a, b in zip(left, right, strict=True)), Fraction(0))


def exact_gradients(
    x: list[Fraction], dy: list[Fraction], *, gamma: Fraction, r: Fraction
) -> tuple[list[Fraction], Fraction]:
    """dx and dgamma of one channel, by differentiating each step of the forward pass along each x in turn."""
    m = len(x)
    centred = [value - sum(x, Fraction(0)) / m for value in x]
    dx = []
    for i in range(m):
        dcentred = [Fraction(i == j) - Fraction(1, m) for j in range(m)]
        dvar = 2 * dot(centred, dcentred) / m
        dr = -(r**3) * dvar / 2
        along_xi = [gamma * (dc * r + c * dr) for c, dc in zip(centred, dcentred, strict=True)]
        dx.append(dot(dy, along_xi))
    return dx, dot(dy, centred) * r


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("m", [2, 4, 8, 16])
def test_gradients_equal_the_exact_derivatives_where_nothing_rounds(m: int, seed: int) -> None:
    # Integers, m a power of two, and an eps that makes variance + eps a power of four: float64 holds every
    # intermediate exactly, so no tolerance is needed.  The channels permute one multiset: one variance.
    rng = np.random.default_rng(seed)
    values = rng.integers(-8, 9, m).astype(np.float64)
    x, dy = np.stack([rng.permutation(values) for _ in range(3)], axis=1), integers((m, 3), seed=seed + 100)
    gamma, root = array([1, -3, 2]), 2.0 ** (4 + seed % 3)

    _, pullback = batch_norm_vjp(
        x, gamma, gamma, None, None, training=True, eps=root**2 - float(np.var(values)), momentum=0.1
    )
    dx, dgamma, dbeta = pullback(dy)

    for channel in range(3):
        exact_dx, exact_dgamma = exact_gradients(
            [Fraction(value) for value in x[:, channel].tolist()],
            [Fraction(value) for value in dy[:, channel].tolist()],
            gamma=Fraction(float(gamma[channel])),
            r=1 / Fraction(root),
        )
        assert dx[:, channel].tolist() == exact_dx
        assert dgamma is not None
        assert dgamma[channel] == exact_dgamma
    assert dbeta is not None
    assert np.array_equal(dbeta, dy.sum(axis=0))


def test_gradients_of_parameters_that_are_none_are_none() -> None:
    _, pullback = batch_norm_vjp(array(SIGNS), None, None, None, None, training=True, eps=3.0, momentum=0.1)

    dx, dgamma, dbeta = pullback(array([[8], [0], [0], [0]]))

    assert (dx.tolist(), dgamma, dbeta) == ([[2.75], [-1.25], [-0.75], [-0.75]], None, None)


@pytest.mark.parametrize("training", [True, False])
def test_no_input_is_written_or_handed_out(training: bool) -> None:  # noqa: FBT001
    given = [array(SIGNS), array([2]), array([1]), array([0]), array([1])]
    for each in given:
        each.flags.writeable = False  # writing raises
    x, gamma, beta, mean, var = given

    forward, pullback = batch_norm_vjp(x, gamma, beta, mean, var, training=training, eps=3.0, momentum=0.5)

    results = [forward.y, forward.running_mean, forward.running_var, *pullback(x)]
    assert all(result is not None for result in results)
    assert not any(
        np.shares_memory(result, each) for result in results if result is not None for each in given
    )


@pytest.mark.parametrize(
    ("shape", "found"), [((1, 3), "one value"), ((1, 3, 1, 1), "one value"), ((0, 3), "no value")]
)
def test_training_on_fewer_than_two_values_per_channel_raises(shape: tuple[int, ...], found: str) -> None:
    with pytest.raises(ValueError, match="training needs at least two") as raised:
        batch_norm(np.zeros(shape), training=True, eps=0.5, momentum=0.1)

    assert str(raised.value) == f"x of shape {shape} has {found} per channel; training needs at least two"


def test_evaluation_without_running_statistics_raises() -> None:
    with pytest.raises(ValueError, match="running_mean or running_var is None; evaluation needs both"):
        batch_norm(array(SIGNS), training=False, eps=0.5, momentum=0.1)


def test_a_special_value_stays_in_its_channel_and_warns_of_nothing() -> None:
    x = array([[np.inf, -1], [0, 1]], np.float16)

    y = batch_norm(x, training=True, eps=0.0, momentum=0.1).y

    assert np.isnan(y[:, 0]).any()
    assert y[:, 1].tolist() == [-1.0, 1.0]
