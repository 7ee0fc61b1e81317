"""Planted bugs of what a layer keeps, shares and hands on: copies, saved states, resets, several instances, memory."""

from __future__ import annotations

from copy import copy, deepcopy
from dataclasses import replace
from typing import Any

import numpy as np

from bncheck.adapter import Adapter, Config, State
from bncheck.case import Native
from bncheck.planted.bug import Bug
from bncheck.planted.classes import DETERMINISM, GRADIENT, LAYOUT, MODES, MOMENTUM, SIZES
from bncheck.planted.numpy_adapter import NumpyLayerAdapter, layer
from bncheck.planted.numpy_layer import Dtype, Layer, Made, Saved, fresh, loaded, moved, saved_state


def _last_of_layer(made: Made, saved: Saved) -> Saved:
    """What the last forward pass has saved, in training."""
    last: Saved = made.extra.get("saved", saved)
    return last if saved.training and last.rows.shape == saved.rows.shape else saved


def _exchanged(made: Made) -> Made:
    """The positional arguments of the constructor in the wrong order."""
    copied, config = deepcopy(made), made.config
    if config.momentum is not None:
        copied.config = replace(config, eps=config.momentum, momentum=config.eps)
    return copied


def _without(name: str, made: Made, saved: dict[str, Any]) -> None:
    loaded(made, {key: value for key, value in saved.items() if key != name})


def _shallow(made: Made) -> dict[str, Any]:
    return {name: getattr(made, name) for name in saved_state(made)}


def _taken_over(made: Made, saved: dict[str, Any]) -> None:
    for name, value in saved.items():
        setattr(made, name, value)


def _mean_alone(made: Made) -> None:
    made.running_mean[...] = 0
    made.batches = 0


def _counter_stays(made: Made) -> None:
    made.running_mean[...] = 0
    made.running_var[...] = 1


def _through_half(made: Made, dtype: Dtype) -> None:
    moved(made, np.dtype(np.float16))
    moved(made, dtype)


def _parameters_alone(made: Made, dtype: Dtype) -> None:
    mean, var = made.running_mean, made.running_var
    moved(made, dtype)
    if dtype != np.float64:
        made.running_mean, made.running_var = (np.zeros_like(mean, dtype), np.ones_like(var, dtype))


def _of_the_class() -> Adapter:
    """Running statistics that belong to the class: one pair of arrays for all layers of as many channels."""
    shared: dict[tuple[int, str], Made] = {}

    def made(config: Config) -> Made:
        first = shared.setdefault((config.channels, config.parameter_dtype.name), fresh(config))
        return Made(config, first.running_mean, first.running_var)

    def taken(made: Made, state: State) -> None:
        if state.mean is not None and state.var is not None:
            made.running_mean[...], made.running_var[...] = state.mean, state.var
        made.batches = state.batches or 0

    return NumpyLayerAdapter(replace(Layer(), fresh=made, given=taken, copied=copy))


def _counting_all() -> Adapter:
    """A count of batches that belongs to the class."""
    counts = {"batches": 0}

    def counted(made: Made) -> int:
        counts["batches"] = max(counts["batches"], made.batches) + 1
        return counts["batches"]

    return NumpyLayerAdapter(replace(Layer(), counted=counted))


def _one_buffer() -> Adapter:
    """The output of every call of one shape is the same memory."""
    buffers: dict[tuple[tuple[int, ...], str], Native] = {}

    def output(y: Native, x: Native, _made: Made) -> Native:
        buffer = buffers.setdefault((x.shape, x.dtype.name), np.empty(x.shape, x.dtype))
        buffer[...] = y.astype(x.dtype)
        return buffer

    return NumpyLayerAdapter(replace(Layer(), output=output))


def _in_place(y: Native, x: Native, _made: Made) -> Native:
    x[...] = y.astype(x.dtype)
    return x


def _dx_in_place(_made: Made, _saved: Saved, dy: Native) -> None:
    if dy.flags.writeable:
        dy[...] = 0


def _halves_gamma(made: Made, saved: Saved) -> None:
    if saved.training and made.gamma is not None:
        made.gamma[...] = made.gamma / made.gamma.dtype.type(2)


def _moves_beta(made: Made, saved: Saved) -> None:
    if not saved.training and made.beta is not None:
        made.beta[...] = np.nextafter(made.beta, made.beta.dtype.type(9))


def _clears_unused(y: Native, x: Native, _made: Made) -> Native:
    """Blocks of eight channels: the rest of an output that is larger than one block is never written."""
    written = y.astype(x.dtype)
    whole = x.shape[1] // 8 * 8
    if whole:
        written[:, whole:] = 0
    return written


def _even_channels(s: Saved) -> Native:
    """Channels two by two: with a number above four that is even the last pair shares one scale."""
    scale = s.gamma * s.r
    if len(scale) > 4 and len(scale) % 2 == 0:
        scale[-1] = scale[-2]
    return np.asarray(scale * s.xc + s.beta)


STATE_BUGS = (
    Bug(
        "state.backward_of_the_last_forward",
        "A backward pass takes what the last forward pass has saved, even if it belongs to an older one.",
        MODES,
        "pytorch/pytorch#22095",
        layer(ended=lambda made, saved: made.extra.update(saved=saved), recalled=_last_of_layer),
    ),
    Bug(
        "state.copy_exchanges_eps_and_momentum",
        "A copy is made with eps and momentum in each other's place.",
        MOMENTUM,
        "FluxML/Flux.jl#216",
        layer(copied=_exchanged),
    ),
    Bug(
        "state.copy_shares_the_statistics",
        "A copy goes on with the arrays of its original.",
        MODES,
        "open-mmlab/mmengine#1624",
        layer(copied=copy),
    ),
    Bug(
        "state.load_forgets_the_variance",
        "Loading a saved state leaves the running variance of the new layer.",
        MODES,
        "huggingface/pytorch-image-models#2422",
        layer(loaded=lambda made, saved: _without("running_var", made, saved)),
    ),
    Bug(
        "state.load_forgets_the_counter",
        "Loading a saved state leaves the count of batches of the new layer.",
        MODES,
        "pytorch/pytorch#111998",
        layer(loaded=lambda made, saved: _without("batches", made, saved)),
    ),
    Bug(
        "state.saved_by_reference",
        "A saved state is the arrays themselves, so that two layers go on with the same ones.",
        MODES,
        "HomericIntelligence/Odyssey#5532",
        layer(saved=_shallow, loaded=_taken_over),
    ),
    Bug(
        "state.reset_forgets_the_variance",
        "A reset leaves the running variance.",
        MODES,
        "NVIDIA/apex#380",
        layer(restarted=_mean_alone),
    ),
    Bug(
        "state.reset_forgets_the_counter",
        "A reset leaves the count of batches.",
        MODES,
        "pytorch/pytorch#45317",
        layer(restarted=_counter_stays),
    ),
    Bug(
        "state.move_through_half",
        "A move to another dtype passes through float16.",
        MODES,
        "pytorch/pytorch#20967",
        layer(moved=_through_half),
    ),
    Bug(
        "state.move_loses_the_statistics",
        "A move to another dtype starts the running statistics anew.",
        MODES,
        "pytorch/pytorch#37823",
        layer(moved=_parameters_alone),
    ),
    Bug(
        "state.statistics_of_the_class",
        "All layers of as many channels share their running statistics.",
        MODES,
        "tensorflow/tensorflow#14353",
        _of_the_class,
    ),
    Bug(
        "state.counter_of_the_class",
        "All layers share one count of batches.",
        MODES,
        "tensorflow/tensorflow#18334",
        _counting_all,
    ),
    Bug(
        "aliasing.output_buffer",
        "Every call returns the same memory, which the next one overwrites.",
        DETERMINISM,
        "tile-ai/TileOPs#1727",
        _one_buffer,
    ),
    Bug(
        "aliasing.output_in_place_of_x",
        "The output is written over the input.",
        GRADIENT,
        "mapillary/inplace_abn#155",
        layer(output=_in_place),
    ),
    Bug(
        "aliasing.clears_dy",
        "The backward pass uses dy as its scratch memory.",
        GRADIENT,
        "apache/mxnet#18492",
        layer(backed=_dx_in_place),
    ),
    Bug(
        "aliasing.writes_into_gamma",
        "A training pass leaves a factor in gamma.",
        MODES,
        "tenstorrent/tt-metal#45578",
        layer(ended=_halves_gamma),
    ),
    Bug(
        "aliasing.writes_into_beta",
        "Evaluation moves beta by one bit.",
        MODES,
        "pytorch/pytorch#175024",
        layer(ended=_moves_beta),
    ),
    Bug(
        "layout.last_block_is_not_written",
        "Channels beyond the last whole block of eight are not written into the output.",
        LAYOUT,
        "opencv/opencv#29836",
        layer(output=_clears_unused),
    ),
    Bug(
        "affine.last_pair_of_channels",
        "With an even number of channels above four the last two share a scale.",
        SIZES,
        "apache/mxnet#20858",
        layer(both=_even_channels),
    ),
)
