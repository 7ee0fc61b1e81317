"""The names by which code calls the quantities of batch normalisation: of arguments, of attributes, of gradients."""

from __future__ import annotations

from collections.abc import Mapping

from bncheck.adapter import BETA_NAMES, GAMMA_NAMES, MEAN_NAMES, VAR_NAMES

X_NAMES = ("x", "X", "input", "inputs", "input_tensor", "input_data", "inp", "tensor", "batch", "data")
EPS_NAMES = ("eps", "epsilon", "variance_epsilon")
MOMENTUM_NAMES = ("momentum", "exponential_average_factor")
TRAINING_NAMES = ("training", "train", "is_training", "is_train", "train_mode")
INFERENCE_NAMES = ("inference", "use_running_average", "use_global_stats", "is_eval")
CHANNELS_NAMES = (
    "num_features",
    "channels",
    "num_channels",
    "n_channels",
    "in_channels",
    "features",
    "n_features",
    "input_size",
    "input_dim",
    "dim",
    "size",
    "hidden_size",
    "C",
)
RANK_NAMES = ("num_dims", "ndim", "rank")

# A role is what an argument means; the tables say which names carry it, in each kind of signature.
FUNCTION_ROLES: Mapping[str, tuple[str, ...]] = {
    "x": X_NAMES,
    "gamma": GAMMA_NAMES,
    "beta": BETA_NAMES,
    "mean": MEAN_NAMES,
    "var": VAR_NAMES,
    "training": TRAINING_NAMES,
    "inference": INFERENCE_NAMES,
    "momentum": MOMENTUM_NAMES,
    "eps": EPS_NAMES,
}
CONSTRUCTOR_ROLES: Mapping[str, tuple[str, ...]] = {
    "channels": CHANNELS_NAMES,
    "rank": RANK_NAMES,
    "gamma": GAMMA_NAMES,
    "beta": BETA_NAMES,
    "eps": EPS_NAMES,
    "momentum": MOMENTUM_NAMES,
    "affine": ("affine",),
    "track": ("track_running_stats",),
    "dtype": ("dtype",),
    "device": ("device",),
}
CALL_ROLES: Mapping[str, tuple[str, ...]] = {
    "x": X_NAMES,
    "training": TRAINING_NAMES,
    "inference": INFERENCE_NAMES,
}


def gradient_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """What the gradients of parameters of these names are called: themselves, dgamma, d_gamma, grad_gamma, gamma_grad."""
    patterns = ("{}", "d{}", "d_{}", "grad_{}", "{}_grad")
    return tuple(pattern.format(name) for pattern in patterns for name in names)
