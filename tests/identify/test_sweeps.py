"""The numeric profile: what the error is over its bound, and from where on y is lost."""

from __future__ import annotations

import pytest
from identify.planted import PLANTED

from bncheck.identify.identifying import identified
from bncheck.identify.measurement import Sweep
from bncheck.loading import load


def sweeps(id_: str, dtype: str) -> dict[str, Sweep]:
    card = identified(load(PLANTED[id_].make()), dtypes=(dtype,))
    return {each.name: each for each in card.sweeps}


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
def test_a_sound_layer_stays_within_the_bound_everywhere(dtype: str) -> None:
    found = sweeps("numpy.two_pass", dtype)
    assert set(found) == {"offset", "length", "eps", "scale"}
    for sweep in found.values():
        worst = sweep.worst
        assert worst is not None
        assert worst.ratio is not None
        assert 0 < worst.ratio <= 1
        assert sweep.breakdown is None


def test_the_ranges_are_those_that_are_told() -> None:
    found = sweeps("numpy.two_pass", "float32")
    ends = {name: (sweep.points[0].at, sweep.points[-1].at) for name, sweep in found.items()}
    assert ends == {
        "offset": (1.0, 2.0**24),
        "length": (8.0, 2.0**16),
        "eps": (1e-12, 1.0),
        "scale": (1e-18, 1e18),
    }


def test_a_one_pass_layer_leaves_the_bound_and_loses_y_at_the_square_root_of_its_digits() -> None:
    offset = sweeps("numpy.one_pass", "float32")["offset"]
    assert offset.breakdown == 2.0**12
    beyond = [point.at for point in offset.points if (point.ratio or 0.0) > 1]
    assert beyond
    assert min(beyond) < 2.0**12


def test_eps_in_another_place_shows_in_the_sweep_of_eps_and_not_of_offsets() -> None:
    found = sweeps("eps.in_place_of_a_smaller_variance", "float32")
    eps, offset = found["eps"].worst, found["offset"].worst
    assert eps is not None
    assert offset is not None
    assert (eps.ratio or 0.0) > 100 * (offset.ratio or 0.0)
