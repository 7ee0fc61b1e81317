"""The planted bugs in JAX, by name."""

from __future__ import annotations

from bncheck.planted.bug import Bug
from bncheck.planted.classes import ALGORITHM, COMPILED, EPSILON, ESTIMATOR, GRADIENT, MODES, MOMENTUM
from bncheck.planted.makers import in_jax

JAX_BUGS = (
    Bug(
        "momentum.swapped_in_jax",
        "The momentum of a JAX function weighs the old statistics.",
        MOMENTUM,
        "PaddlePaddle/Paddle#51120",
        in_jax("swapped"),
        port_of="momentum.swapped",
    ),
    Bug(
        "running_var.biased_in_jax",
        "A JAX function tracks the biased variance.",
        ESTIMATOR,
        "tenstorrent/tt-metal#55438",
        in_jax("biased"),
        port_of="running_var.biased",
    ),
    Bug(
        "eps.outside_the_root_in_jax",
        "A JAX function adds eps to the deviation.",
        EPSILON,
        "jax-ml/jax#442",
        in_jax("eps_outside"),
        port_of="eps.outside_the_root",
    ),
    Bug(
        "numerics.one_pass_in_jax",
        "A JAX function takes the variance in one pass.",
        ALGORITHM,
        "google/flax#1491",
        in_jax("one_pass"),
        port_of="numerics.one_pass",
        expected="unstable",
    ),
    Bug(
        "gradient_dx.constant_statistics_in_jax",
        "A JAX function stops the gradient of mean and variance.",
        GRADIENT,
        "facebookresearch/CrypTen#143",
        in_jax("stopped"),
        port_of="gradient_dx.constant_statistics",
    ),
    Bug(
        "mode.batch_statistics_in_evaluation_in_jax",
        "A JAX function normalises with the batch in evaluation.",
        MODES,
        "google/flax#1360",
        in_jax("of_the_batch"),
        port_of="mode.batch_statistics_in_evaluation",
    ),
    Bug(
        "gradient_dx.mean_with_a_rule_of_its_own",
        "The rule that was written for the gradient of the mean forgets to divide.",
        GRADIENT,
        "FluxML/NNlib.jl#757",
        in_jax("mean_with_own_gradient"),
    ),
    Bug(
        "eps.of_the_first_call",
        "eps is a constant of the compilation, that of the first call.",
        COMPILED,
        "pytorch/pytorch#181696",
        in_jax("eps_of_the_first_call"),
    ),
    Bug(
        "momentum.of_the_first_call",
        "The momentum is a constant of the compilation, that of the first call.",
        COMPILED,
        "pytorch/pytorch#14027",
        in_jax("momentum_of_the_first_call"),
    ),
    Bug(
        "state.statistics_of_the_first_call",
        "The running mean is a constant of the compilation, that of the first call.",
        COMPILED,
        "ml-explore/mlx#1960",
        in_jax("statistics_of_the_first_call"),
    ),
)
