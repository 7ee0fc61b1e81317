from collections.abc import Callable, Iterator

import ml_dtypes
import numpy as np
import pytest

pytest.importorskip("jax")

import jax
import jax.numpy as jnp

from bncheck.reference.jax_reference import batch_norm, batch_norm_vjp, batch_norm_with_gradients

# Mean 0, biased variance 1: with eps = 3 the inverse deviation r is 1/2.
SIGNS = [[-1.0], [-1.0], [1.0], [1.0]]
DY = [[8.0], [0.0], [0.0], [0.0]]
FORMATS = [np.float64, np.float32, np.float16, ml_dtypes.bfloat16]
# XLA may approximate r to 2 units in the last place (a relative 4u).  A result holds r at most to the third
# power (12u), and beside that the numbers below leave fewer than 8 operations that round at all.
RELATIVE = 20 * 2.0**-24


def platforms() -> list[str]:
    return ["cpu", "gpu"] if jax.default_backend() == "gpu" else ["cpu"]


@pytest.fixture(
    params=[
        "cpu",
        pytest.param(
            "gpu",
            marks=[
                pytest.mark.gpu,
                pytest.mark.skipif("gpu" not in platforms(), reason="no GPU is here that JAX sees"),
            ],
        ),
    ],
    autouse=True,
)
def device(request: pytest.FixtureRequest) -> Iterator[str]:
    with jax.default_device(jax.devices(request.param)[0]):
        yield request.param


def array(values: object, dtype: type = np.float32) -> jax.Array:
    return jnp.asarray(np.array(values, dtype=dtype))


def listed(result: jax.Array | None) -> object:
    return None if result is None else result.tolist()


def assert_within_rounding(actual: jax.Array | None, expected: object, *, size: float) -> None:
    """Each element is off by at most RELATIVE of `size`, the largest sum of its absolute terms."""
    assert actual is not None
    assert np.max(np.abs(np.asarray(actual, np.float64) - np.array(expected))) <= RELATIVE * size


def test_training_normalises_with_the_biased_variance() -> None:
    y = batch_norm(array([[0], [1]]), training=True, eps=0.0, momentum=0.1).y

    assert_within_rounding(y, [[-1], [1]], size=1)


def test_eps_is_added_to_the_variance_under_the_root() -> None:
    y = batch_norm(array(SIGNS), training=True, eps=3.0, momentum=0.1).y

    assert_within_rounding(y, [[-0.5], [-0.5], [0.5], [0.5]], size=0.5)


def test_gamma_scales_what_is_normalised_and_beta_shifts_it() -> None:
    y = batch_norm(array(SIGNS), array([4]), array([1]), training=True, eps=3.0, momentum=0.1).y

    assert_within_rounding(y, [[-1], [-1], [3], [3]], size=2 + 1)


def test_the_running_variance_takes_the_unbiased_variance_of_the_batch() -> None:
    zero = array([0])

    forward = batch_norm(array([[0], [1]]), None, None, zero, zero, training=True, eps=0.0, momentum=1.0)

    assert (listed(forward.running_mean), listed(forward.running_var)) == ([0.5], [0.5])


@pytest.mark.parametrize(("momentum", "batches"), [(0.25, 0), (None, 3)])
def test_the_new_batch_weighs_momentum_or_one_over_the_batches_seen(
    momentum: float | None, batches: int
) -> None:
    x, old = array([[0], [1]]), array([8])

    forward = batch_norm(x, None, None, old, old, training=True, eps=0.0, momentum=momentum, batches=batches)

    assert (listed(forward.running_mean), listed(forward.running_var)) == ([6.125], [6.125])


def test_without_momentum_two_batches_leave_the_plain_mean_of_their_statistics() -> None:
    seven = array([7])
    first = batch_norm(array([[0], [1]]), None, None, seven, seven, training=True, eps=0.0, momentum=None)

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

    assert listed(second.running_mean) == [(0.5 + 4) / 2]
    assert listed(second.running_var) == [(0.5 + 8) / 2]


@pytest.mark.parametrize(("training", "batches"), [(True, 6), (False, 5)])
def test_batches_counts_the_batches_of_training(training: bool, batches: int) -> None:  # noqa: FBT001
    one = array([1])

    forward = batch_norm(
        array(SIGNS), None, None, one, one, training=training, eps=0.5, momentum=0.1, batches=5
    )

    assert forward.batches == batches


def test_training_without_running_statistics_returns_none() -> None:
    forward = batch_norm(array(SIGNS), training=True, eps=0.5, momentum=0.1)

    assert (forward.running_mean, forward.running_var) == (None, None)


def test_evaluation_normalises_with_the_running_statistics() -> None:
    y = batch_norm(
        array([[3], [5]]),
        array([2]),
        array([1]),
        array([1]),
        array([3]),
        training=False,
        eps=1.0,
        momentum=0.1,
    ).y

    assert_within_rounding(y, [[3], [5]], size=4 + 1)


def test_evaluation_leaves_the_bits_of_the_running_statistics() -> None:
    mean, var = array([-0.0, np.nan, 1e-45, 0.1]), array([0.0, 1e-45, np.inf, 0.1])
    x = array([[1, 2, 3, 4]], np.float16)

    forward = batch_norm(x, None, None, mean, var, training=False, eps=1e-5, momentum=0.1)

    assert np.asarray(forward.running_mean).tobytes() == np.asarray(mean).tobytes()
    assert np.asarray(forward.running_var).tobytes() == np.asarray(var).tobytes()


@pytest.mark.parametrize("shape", [(8, 2), (4, 2, 2), (2, 2, 2, 2), (1, 2, 2, 2, 2)])
def test_channels_last_is_channels_second_transposed(shape: tuple[int, ...]) -> None:
    # Both channels hold four -1 and four 1 in different orders, which makes every sum of x exact.
    flat = array([[-1, -1, -1, -1, 1, 1, 1, 1], [1, -1, 1, -1, 1, -1, 1, -1]])
    x = jnp.moveaxis(flat.reshape(2, shape[0], *shape[2:]), 0, 1)
    dy = jnp.arange(16, dtype=jnp.float32).reshape(x.shape)
    gamma = array([1, 2])

    second, gradients = batch_norm_with_gradients(
        x, dy, gamma, gamma, None, None, training=True, eps=3.0, momentum=0.1
    )
    last, gradients_last = batch_norm_with_gradients(
        jnp.moveaxis(x, 1, -1),
        jnp.moveaxis(dy, 1, -1),
        gamma,
        gamma,
        None,
        None,
        training=True,
        eps=3.0,
        momentum=0.1,
        channel_axis=-1,
    )

    # Each side is within the bound of the exact result: together twice.  |dy| <= 15, gamma r <= 1 = 2 |xhat|.
    assert_within_rounding(jnp.moveaxis(last.y, -1, 1), second.y, size=2 * (1 + 2))
    assert_within_rounding(jnp.moveaxis(gradients_last[0], -1, 1), gradients[0], size=2 * (15 + 15 + 15))
    assert_within_rounding(gradients_last[1], gradients[1], size=2 * 8 * 15 / 2)
    assert listed(gradients_last[2]) == listed(gradients[2])


@pytest.mark.parametrize(
    ("dtype", "parameters"),
    [*((dtype, dtype) for dtype in FORMATS), *((half, np.float32) for half in FORMATS[2:])],
)
@pytest.mark.parametrize("training", [True, False])
def test_each_result_has_the_dtype_of_what_it_belongs_to(
    dtype: type,
    parameters: type,
    training: bool,  # noqa: FBT001
) -> None:
    with jax.enable_x64(dtype == np.float64):
        x, ones = array(SIGNS, dtype), array([1], parameters)

        forward, (dx, dgamma, dbeta) = batch_norm_with_gradients(
            x, x, ones, ones, ones, ones, training=training, eps=3.0, momentum=0.5
        )

    assert {forward.y.dtype, dx.dtype} == {np.dtype(dtype)}
    belonging = forward.running_mean, forward.running_var, dgamma, dbeta
    assert {None if result is None else result.dtype for result in belonging} == {np.dtype(parameters)}


@pytest.mark.parametrize(
    ("dtype", "values", "mean"),
    [
        (np.float16, [2048, 2050], 2049),
        (ml_dtypes.bfloat16, [256, 258], 257),
        (np.float32, [1, 1 + 2**-22], 1 + 2**-23),
        (np.float64, [1, 1 + 2**-50], 1 + 2**-51),
    ],
)
def test_the_mean_is_not_rounded_to_a_format_of_half_precision(
    dtype: type, values: list[float], mean: float
) -> None:
    is_double = dtype == np.float64
    with jax.enable_x64(is_double):
        x = array([[value] for value in values], dtype)
        zero = array([0], np.float64 if is_double else np.float32)

        forward = batch_norm(x, None, None, zero, zero, training=True, eps=0.5, momentum=1.0)

        assert listed(forward.running_mean) == [mean]


@pytest.mark.parametrize(("dtype", "values"), [(np.float16, [2048, 2050]), (ml_dtypes.bfloat16, [256, 258])])
def test_half_precision_is_centred_by_a_mean_it_cannot_hold(dtype: type, values: list[float]) -> None:
    y = batch_norm(array([[value] for value in values], dtype), training=True, eps=0.0, momentum=0.1).y

    # Computed in float32 within a few 2^-24 of -1 and 1, then rounded to a far coarser format: exactly -1 and 1.
    assert y.tolist() == [[-1.0], [1.0]]


def test_float64_keeps_an_eps_that_float32_would_round() -> None:
    eps = (1 + 2**-26) ** 2  # in float32 this is 1
    with jax.enable_x64(True):  # noqa: FBT003
        x, zero = array([[1]], np.float64), array([0], np.float64)

        y = batch_norm(x, None, None, zero, zero, training=False, eps=eps, momentum=0.1).y

        assert y.item() < 1 - 2**-27


def test_float64_outside_enable_x64_raises() -> None:
    with jax.enable_x64(True):  # noqa: FBT003
        x = array(SIGNS, np.float64)

    with pytest.raises(ValueError, match="x is float64 while JAX computes in float32"):
        batch_norm(x, training=True, eps=0.5, momentum=0.1)


def test_gradients_of_training_follow_the_closed_form() -> None:
    # mean(dy) = 2, mean(dy xc) = -2, gamma r = 1: dx = dy - 2 + xc / 2, of sizes 8 + 2 + 1/2.
    _, (dx, dgamma, dbeta) = batch_norm_with_gradients(
        array(SIGNS), array(DY), array([2]), array([0]), None, None, training=True, eps=3.0, momentum=0.1
    )

    assert_within_rounding(dx, [[5.5], [-2.5], [-1.5], [-1.5]], size=10.5)
    assert_within_rounding(dgamma, [-4], size=4)
    assert listed(dbeta) == [8.0]


def test_gradients_of_evaluation_take_the_statistics_for_constants() -> None:
    # xhat = (x - 1) / 2 = 1, 2, and dx = gamma r dy = dy.
    _, (dx, dgamma, dbeta) = batch_norm_with_gradients(
        array([[3], [5]]),
        array([[8], [4]]),
        array([2]),
        array([0]),
        array([1]),
        array([3]),
        training=False,
        eps=1.0,
        momentum=0.1,
    )

    assert_within_rounding(dx, [[8], [4]], size=8)
    assert_within_rounding(dgamma, [16], size=16)
    assert listed(dbeta) == [12.0]


def test_gradients_of_parameters_that_are_none_are_none() -> None:
    _, (dx, dgamma, dbeta) = batch_norm_with_gradients(
        array(SIGNS), array(DY), None, None, None, None, training=True, eps=3.0, momentum=0.1
    )

    assert_within_rounding(dx, [[2.75], [-1.25], [-0.75], [-0.75]], size=5.25)
    assert (dgamma, dbeta) == (None, None)


@pytest.mark.parametrize("training", [True, False])
def test_the_pullback_gives_what_the_single_entry_gives(training: bool) -> None:  # noqa: FBT001
    x, dy, one = array(SIGNS), array(DY), array([1])

    _, pullback = batch_norm_vjp(x, one, one, one, one, training=training, eps=3.0, momentum=0.5)
    _, gradients = batch_norm_with_gradients(
        x, dy, one, one, one, one, training=training, eps=3.0, momentum=0.5
    )

    # One compiled function serves both, so not a bit may differ.
    assert [listed(each) for each in pullback(dy)] == [listed(each) for each in gradients]


def compilations(work: Callable[[], object]) -> int:
    """How many programs XLA compiles while the work is done."""
    seen: list[str] = []

    def listener(event: str, duration_secs: float, **kwargs: str | int) -> None:  # noqa: ARG001
        seen.append(event)

    jax.monitoring.register_event_duration_secs_listener(listener)
    try:
        work()
    finally:
        jax.monitoring.unregister_event_duration_listener(listener)
    return seen.count("/jax/core/compile/backend_compile_duration")


def test_new_eps_momentum_and_batches_compile_nothing_new() -> None:
    x, one = jnp.ones((5, 7)), jnp.ones(7)  # a shape that no other test compiles

    def evaluate(eps: float, momentum: float | None, batches: int) -> None:
        batch_norm_with_gradients(
            x, x, one, one, one, one, training=True, eps=eps, momentum=momentum, batches=batches
        )

    assert compilations(lambda: evaluate(3.0, 0.5, 0)) > 0
    assert compilations(lambda: evaluate(1.0, 0.1, 0)) == 0
    assert compilations(lambda: evaluate(0.0, None, 7)) == 0


@pytest.mark.parametrize("training", [True, False])
def test_no_input_is_written_or_donated(training: bool) -> None:  # noqa: FBT001
    given = [array(SIGNS), array(DY), *(array([1]) for _ in range(4))]
    before = [listed(each) for each in given]
    x, dy, gamma, beta, mean, var = given

    batch_norm_with_gradients(x, dy, gamma, beta, mean, var, training=training, eps=3.0, momentum=0.5)

    assert [listed(each) for each in given] == before


@pytest.mark.parametrize(
    ("shape", "found"), [((1, 3), "one value"), ((1, 3, 1, 1), "one value"), ((0, 3), "no value")]
)
def test_training_on_fewer_than_two_values_per_channel_raises(shape: tuple[int, ...], found: str) -> None:
    with pytest.raises(ValueError, match="training needs at least two") as raised:
        batch_norm(jnp.zeros(shape), training=True, eps=0.5, momentum=0.1)

    assert str(raised.value) == f"x of shape {shape} has {found} per channel; training needs at least two"


def test_evaluation_without_running_statistics_raises() -> None:
    with pytest.raises(ValueError, match="running_mean or running_var is None; evaluation needs both"):
        batch_norm(array(SIGNS), training=False, eps=0.5, momentum=0.1)
