"""Each law of sizes, run alone, kills its bugs and holds for sound layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from mutants.layers import LayerAdapter, Rows, sound, total

from bncheck.corpus import Corpus
from bncheck.effort import CI, THOROUGH
from bncheck.regions import SIZE


def _layer(**parts: Callable[..., object]) -> LayerAdapter:
    return LayerAdapter(replace(sound(), **parts))  # type: ignore[arg-type]  # parts by their names


def _mean(x: Rows) -> Rows:
    return np.asarray(total(x) / x.dtype.type(x.shape[1]))


def _whole_blocks(x: Rows, width: int) -> Rows:
    """Without the tail of a last block that is not full."""
    return x if x.shape[1] < width else x[:, : x.shape[1] // width * width]


def _padded_variance(x: Rows, mean: Rows, width: int) -> Rows:
    """The lanes beyond the end are 0, and so 0 - mean."""
    lanes = -x.shape[1] % width
    return np.asarray((total((x - mean) ** 2) + lanes * mean**2) / x.dtype.type(x.shape[1]))


def _tile_of_channels(x: Rows, mean: Rows) -> Rows:
    """The channels beyond the last whole tile of 32 get the variance of the one before."""
    variance = np.array(sound().variance(x, mean))
    if len(x) > 32:
        whole = len(x) // 32 * 32
        variance[whole:] = variance[whole - 1]
    return variance


def _ghosts(x: Rows, _mean_of_all: Rows) -> Rows:
    """Variances within blocks of 256, averaged."""
    blocks = [x[:, start : start + 256] for start in range(0, x.shape[1], 256)]
    return np.asarray(sum(total((each - _mean(each)) ** 2) for each in blocks) / x.dtype.type(x.shape[1]))


KILLED: dict[str, list[LayerAdapter]] = {
    "sizes.reduction": [
        _layer(mean=lambda x: _mean(_whole_blocks(x, 8))),
        _layer(mean=lambda x: _mean(_whole_blocks(x, 1024))),
        _layer(variance=lambda x, mean: _padded_variance(x, mean, 32)),
        _layer(variance=_tile_of_channels),
        _layer(variance=_ghosts),
        _layer(dbeta=lambda dy: total(_whole_blocks(dy, 64))),
        _layer(dgamma=lambda dy, xc, r: total(_whole_blocks(dy * xc, 16)) * r),
    ],
    "sizes.channels": [
        _layer(variance=_tile_of_channels),
        _layer(mean=lambda x: _mean(x) + (len(x) - 1) * x.dtype.type(1e-3)),
    ],
}


def test_a_run_reaches_the_sizes_beside_powers_of_two() -> None:
    corpus = Corpus(0, CI)
    cases = corpus.examples(corpus.drawing(SIZE, "float32", dtypes=1, ladder=False))
    counts, channels = {case.count for case in cases}, {case.channels for case in cases}
    assert counts & {4095, 4096, 4097}
    assert counts & {1023, 1025}
    assert counts & {31, 33}
    assert channels & {31, 33}
    assert channels & {255, 257}
    assert max(case.x.size for case in cases) <= 2**14


def test_a_thorough_run_reaches_65537() -> None:
    corpus = Corpus(0, THOROUGH)
    drawing = replace(corpus.drawing(SIZE, "float32", dtypes=1, ladder=False), count=250)
    assert {case.count for case in corpus.examples(drawing)} & {65535, 65536, 65537}
