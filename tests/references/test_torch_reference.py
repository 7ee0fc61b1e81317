import pytest

pytest.importorskip("torch")

import torch

from bncheck.reference.torch_reference import batch_norm, batch_norm_vjp

# Mean 0 and biased variance 1: with eps = 3 the inverse deviation is 1/2, and every step is exact in binary.
SIGNS = [[-1.0], [-1.0], [1.0], [1.0]]
FORMATS = [torch.float64, torch.float32, torch.float16, torch.bfloat16]
CUDA = pytest.param(
    "cuda",
    marks=[
        pytest.mark.gpu,
        pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here"),
    ],
)


@pytest.fixture(params=["cpu", CUDA])
def device(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def tensor(values: object, device: str, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.tensor(values, dtype=dtype, device=device)


def listed(result: torch.Tensor | None) -> object:
    return None if result is None else result.tolist()


def test_training_normalises_with_the_biased_variance(device: str) -> None:
    y = batch_norm(tensor([[0], [1]], device), training=True, eps=0.0, momentum=0.1).y

    assert y.tolist() == [[-1.0], [1.0]]


def test_eps_is_added_to_the_variance_under_the_root(device: str) -> None:
    y = batch_norm(tensor(SIGNS, device), training=True, eps=3.0, momentum=0.1).y

    assert y.tolist() == [[-0.5], [-0.5], [0.5], [0.5]]


def test_gamma_scales_what_is_normalised_and_beta_shifts_it(device: str) -> None:
    gamma, beta = tensor([4], device), tensor([1], device)

    y = batch_norm(tensor(SIGNS, device), gamma, beta, training=True, eps=3.0, momentum=0.1).y

    assert y.tolist() == [[-1.0], [-1.0], [3.0], [3.0]]


def test_the_running_variance_takes_the_unbiased_variance_of_the_batch(device: str) -> None:
    zero = tensor([0], device)

    forward = batch_norm(
        tensor([[0], [1]], device), None, None, zero, zero, training=True, eps=0.0, momentum=1.0
    )

    assert (listed(forward.running_mean), listed(forward.running_var)) == ([0.5], [0.5])


@pytest.mark.parametrize(("momentum", "batches"), [(0.25, 0), (None, 3)])
def test_the_new_batch_weighs_momentum_or_one_over_the_batches_seen(
    momentum: float | None, batches: int, device: str
) -> None:
    x, old = tensor([[0], [1]], device), tensor([8], device)

    forward = batch_norm(x, None, None, old, old, training=True, eps=0.0, momentum=momentum, batches=batches)

    assert (listed(forward.running_mean), listed(forward.running_var)) == ([6.125], [6.125])


def test_without_momentum_two_batches_leave_the_plain_mean_of_their_statistics(device: str) -> None:
    seven = tensor([7], device)
    first = batch_norm(
        tensor([[0], [1]], device), None, None, seven, seven, training=True, eps=0.0, momentum=None
    )

    second = batch_norm(
        tensor([[2], [6]], device),
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
    one = torch.ones(1)

    forward = batch_norm(
        torch.tensor(SIGNS), None, None, one, one, training=training, eps=0.5, momentum=0.1, batches=5
    )

    assert forward.batches == batches


def test_training_without_running_statistics_returns_none() -> None:
    forward = batch_norm(torch.tensor(SIGNS), training=True, eps=0.5, momentum=0.1)

    assert (forward.running_mean, forward.running_var) == (None, None)


def test_evaluation_normalises_with_the_running_statistics(device: str) -> None:
    gamma, beta, mean, var = (tensor([value], device) for value in (2, 1, 1, 3))

    y = batch_norm(
        tensor([[3], [5]], device), gamma, beta, mean, var, training=False, eps=1.0, momentum=0.1
    ).y

    assert y.tolist() == [[3.0], [5.0]]


def test_evaluation_leaves_the_bits_of_the_running_statistics(device: str) -> None:
    mean = tensor([-0.0, float("nan"), 1e-45, 0.1], device, torch.float32)
    var = tensor([0.0, 1e-45, float("inf"), 0.1], device, torch.float32)
    x = tensor([[1, 2, 3, 4]], device, torch.float16)

    forward = batch_norm(x, None, None, mean, var, training=False, eps=1e-5, momentum=0.1)

    assert forward.running_mean is not None
    assert forward.running_var is not None
    assert torch.equal(forward.running_mean.view(torch.int32), mean.view(torch.int32))
    assert torch.equal(forward.running_var.view(torch.int32), var.view(torch.int32))


@pytest.mark.parametrize("shape", [(8, 2), (4, 2, 2), (2, 2, 2, 2), (1, 2, 2, 2, 2)])
def test_channels_last_is_channels_second_transposed(shape: tuple[int, ...], device: str) -> None:
    # Both channels hold four -1 and four 1 in different orders; then any order of summation is exact.
    flat = tensor([[-1, -1, -1, -1, 1, 1, 1, 1], [1, -1, 1, -1, 1, -1, 1, -1]], device)
    x = flat.reshape(2, shape[0], *shape[2:]).movedim(0, 1)
    dy = torch.arange(x.numel(), dtype=torch.float64, device=device).reshape(x.shape)
    gamma = tensor([1, 2], device)

    second, pull_second = batch_norm_vjp(x, gamma, gamma, None, None, training=True, eps=3.0, momentum=0.1)
    last, pull_last = batch_norm_vjp(
        x.movedim(1, -1), gamma, gamma, None, None, training=True, eps=3.0, momentum=0.1, channel_axis=-1
    )

    dx, *of_parameters = pull_second(dy)
    dx_last, *of_parameters_last = pull_last(dy.movedim(1, -1))
    assert torch.equal(last.y.movedim(-1, 1), second.y)
    assert torch.equal(dx_last.movedim(-1, 1), dx)
    assert [listed(each) for each in of_parameters_last] == [listed(each) for each in of_parameters]


@pytest.mark.parametrize("parameters", FORMATS)
@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("training", [True, False])
def test_each_result_has_the_dtype_and_device_of_what_it_belongs_to(
    dtype: torch.dtype,
    parameters: torch.dtype,
    training: bool,  # noqa: FBT001
    device: str,
) -> None:
    x, ones = tensor(SIGNS, device, dtype), tensor([1], device, parameters)

    forward, pullback = batch_norm_vjp(x, ones, ones, ones, ones, training=training, eps=3.0, momentum=0.5)
    dx, dgamma, dbeta = pullback(x)

    assert {(result.dtype, result.device) for result in (forward.y, dx)} == {(dtype, x.device)}
    belonging = forward.running_mean, forward.running_var, dgamma, dbeta
    assert {result is not None and (result.dtype, result.device) for result in belonging} == {
        (parameters, x.device)
    }


@pytest.mark.parametrize(
    ("dtype", "values", "mean"),
    [
        (torch.float16, [2048, 2050], 2049),
        (torch.bfloat16, [256, 258], 257),
        (torch.float32, [1, 1 + 2**-22], 1 + 2**-23),
        (torch.float64, [1, 1 + 2**-50], 1 + 2**-51),
    ],
)
def test_the_mean_is_not_rounded_to_a_format_of_half_precision(
    dtype: torch.dtype, values: list[float], mean: float, device: str
) -> None:
    x = tensor([[value] for value in values], device, dtype)
    zero = tensor([0], device, torch.float64 if dtype == torch.float64 else torch.float32)

    forward = batch_norm(x, None, None, zero, zero, training=True, eps=0.5, momentum=1.0)

    assert listed(forward.running_mean) == [mean]


@pytest.mark.parametrize(("dtype", "values"), [(torch.float16, [2048, 2050]), (torch.bfloat16, [256, 258])])
def test_half_precision_is_centred_by_a_mean_it_cannot_hold(
    dtype: torch.dtype, values: list[float], device: str
) -> None:
    x = tensor([[value] for value in values], device, dtype)

    y = batch_norm(x, training=True, eps=0.0, momentum=0.1).y

    assert y.tolist() == [[-1.0], [1.0]]


def test_float64_keeps_an_eps_that_float32_would_round(device: str) -> None:
    eps = (1 + 2**-26) ** 2  # in float32 this is 1
    zero = tensor([0], device)

    y = batch_norm(tensor([[1]], device), None, None, zero, zero, training=False, eps=eps, momentum=0.1).y

    assert y.item() < 1 - 2**-27


def test_gradients_of_training_follow_the_closed_form(device: str) -> None:
    # r = 1/2, mean(dy) = 2, mean(dy xc) = -2, gamma r = 1: dx = dy - 2 + xc / 2.
    x, gamma, beta = tensor(SIGNS, device), tensor([2], device), tensor([0], device)
    _, pullback = batch_norm_vjp(x, gamma, beta, None, None, training=True, eps=3.0, momentum=0.1)

    gradients = pullback(tensor([[8], [0], [0], [0]], device))

    assert [listed(each) for each in gradients] == [[[5.5], [-2.5], [-1.5], [-1.5]], [-4.0], [8.0]]


def test_gradients_of_evaluation_take_the_statistics_for_constants(device: str) -> None:
    # xhat = (x - 1) / 2 = 1, 2, and dx = gamma r dy = dy.
    x = tensor([[3], [5]], device)
    gamma, beta, mean, var = (tensor([value], device) for value in (2, 0, 1, 3))
    _, pullback = batch_norm_vjp(x, gamma, beta, mean, var, training=False, eps=1.0, momentum=0.1)

    gradients = pullback(tensor([[8], [4]], device))

    assert [listed(each) for each in gradients] == [[[8.0], [4.0]], [16.0], [12.0]]


@pytest.mark.parametrize(
    ("gamma", "beta", "expected"),
    [
        (None, None, [[[2.75], [-1.25], [-0.75], [-0.75]], None, None]),
        (None, [0.0], [[[2.75], [-1.25], [-0.75], [-0.75]], None, [8.0]]),
        ([2.0], None, [[[5.5], [-2.5], [-1.5], [-1.5]], [-4.0], None]),
    ],
)
def test_gradients_of_parameters_that_are_none_are_none(
    gamma: list[float] | None, beta: list[float] | None, expected: list[object]
) -> None:
    _, pullback = batch_norm_vjp(
        torch.tensor(SIGNS),
        None if gamma is None else torch.tensor(gamma),
        None if beta is None else torch.tensor(beta),
        None,
        None,
        training=True,
        eps=3.0,
        momentum=0.1,
    )

    gradients = pullback(torch.tensor([[8.0], [0.0], [0.0], [0.0]]))

    assert [listed(each) for each in gradients] == expected


def test_the_pullback_is_linear_and_may_be_called_again() -> None:
    x = torch.tensor(SIGNS)
    _, pullback = batch_norm_vjp(x, None, None, None, None, training=True, eps=3.0, momentum=0.1)
    dy = torch.tensor([[8.0], [0.0], [0.0], [0.0]])

    once, twice = pullback(dy)[0], pullback(2 * dy)[0]

    assert torch.equal(twice, 2 * once)


def test_gradients_are_found_under_no_grad() -> None:
    with torch.no_grad():
        _, pullback = batch_norm_vjp(
            torch.tensor(SIGNS), None, None, None, None, training=True, eps=3.0, momentum=0.1
        )

        dx = pullback(torch.tensor([[8.0], [0.0], [0.0], [0.0]]))[0]

    assert dx.tolist() == [[2.75], [-1.25], [-0.75], [-0.75]]


@pytest.mark.parametrize("training", [True, False])
def test_no_input_is_written_or_made_to_require_a_gradient(training: bool) -> None:  # noqa: FBT001
    given = [torch.tensor(SIGNS), *(torch.ones(1) for _ in range(4))]
    before = [each.clone() for each in given]
    x, gamma, beta, mean, var = given

    _, pullback = batch_norm_vjp(x, gamma, beta, mean, var, training=training, eps=3.0, momentum=0.5)
    pullback(x)

    assert all(torch.equal(each, copy) for each, copy in zip(given, before, strict=True))
    assert not any(each.requires_grad for each in given)


@pytest.mark.parametrize("training", [True, False])
def test_no_result_shares_memory_with_an_input(training: bool) -> None:  # noqa: FBT001
    given = [torch.tensor(SIGNS), *(torch.ones(1) for _ in range(4))]
    x, gamma, beta, mean, var = given

    forward, pullback = batch_norm_vjp(x, gamma, beta, mean, var, training=training, eps=3.0, momentum=0.5)

    results = [forward.y, forward.running_mean, forward.running_var, *pullback(x)]
    addresses = {result.data_ptr() for result in results if result is not None}
    assert addresses.isdisjoint(each.data_ptr() for each in given)


@pytest.mark.parametrize(
    ("shape", "found"), [((1, 3), "one value"), ((1, 3, 1, 1), "one value"), ((0, 3), "no value")]
)
def test_training_on_fewer_than_two_values_per_channel_raises(shape: tuple[int, ...], found: str) -> None:
    with pytest.raises(ValueError, match="training needs at least two") as raised:
        batch_norm(torch.zeros(shape), training=True, eps=0.5, momentum=0.1)

    assert str(raised.value) == f"x of shape {shape} has {found} per channel; training needs at least two"


def test_evaluation_without_running_statistics_raises() -> None:
    with pytest.raises(ValueError, match="running_mean or running_var is None; evaluation needs both"):
        batch_norm(torch.tensor(SIGNS), training=False, eps=0.5, momentum=0.1)
