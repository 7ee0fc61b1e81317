"""How an implementation that ends is told where no layer that refuses explains it."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest
from causes.failures import BENCH, failure_on

from bncheck.adapter import Config
from bncheck.case import Native
from bncheck.causes.attribution import Attribution
from bncheck.causes.endings import ATTEMPTS, ending
from bncheck.causes.probes import probe
from bncheck.errors import ImplementationDied
from bncheck.implementation import Implementation
from bncheck.loading import load
from bncheck.planted.numpy_adapter import NumpyLayerAdapter
from bncheck.planted.numpy_layer import Layer, Made

SAMPLES = Path(__file__).parents[1] / "reproducer" / "samples"
LAYER = """
import os, sys
from pathlib import Path
sys.path.insert(0, {sample!r})
from odd_layers import Sound

class Once(Sound):
    def forward(self, x, training=True):
        if len(x) == 9 and not Path({counter!r}).exists():
            Path({counter!r}).touch()
            os._exit(3)
        return super().forward(x, training)
"""
CASE = probe("float32", (4, 3), "train", 5)
LONG = probe("float32", (9, 3), "train", 5).changed(dy=None)


class Dying(NumpyLayerAdapter):
    """Ends its process in one of so many calls, the first of them."""

    def __init__(self, one_in: int) -> None:
        super().__init__(Layer())
        self.calls, self.one_in = count(), one_in

    def make(self, config: Config) -> Made:
        if next(self.calls) % self.one_in == 0:
            raise ImplementationDied("its process ended: signal SIGABRT")
        return super().make(config)


@pytest.mark.parametrize(
    ("one_in", "when"),
    [(1, ""), (ATTEMPTS - 1, ", though not every time")],
)
def test_the_end_of_a_process_is_looked_for_again(one_in: int, when: str) -> None:
    implementation = Implementation("layer", Dying(one_in))
    law, failure = failure_on(implementation, "forward.output", CASE)

    found = ending(implementation, law, failure)

    assert [each.id for each in found] == ["crash.process"]
    assert found[0].text == f"Its process ended: signal SIGABRT{when}."


def test_what_does_not_end_again_has_no_cause() -> None:
    implementation = Implementation("layer", Dying(10 * ATTEMPTS))
    law, failure = failure_on(implementation, "forward.output", CASE)

    assert ending(implementation, law, failure) == []


class Rank5Unknown(NumpyLayerAdapter):
    """Has no kernel for an empty batch of rank 5, and leaves the statistics alone at the others."""

    def forward(self, handle: Made, x: Native, training: bool) -> Native:  # noqa: FBT001
        if x.ndim == 5 and x.size == 0:
            raise KeyError("no kernel")
        return super().forward(handle, x, training)


def test_the_variant_whose_end_a_law_complains_of_is_named() -> None:
    implementation = Implementation("layer", Rank5Unknown(Layer()))
    case = probe("float32", (4, 3), "train", 5)
    empty = case.changed(x=case.x[:0], dy=None)
    law, failure = failure_on(implementation, "contract.empty_batch", empty)

    found = Attribution(implementation, bench=BENCH).explanations(law, failure, failure)

    assert [each.id for each in found] == ["crash.key_error"]
    assert found[0].text.startswith("It ends in KeyError: 'no kernel'")
    assert found[0].text.endswith(", on x (0, 3, 1, 1, 1) float32.")


def test_what_is_refused_as_it_should_be_is_no_cause() -> None:
    """One value a channel raises, as declared; that one rank takes it is what is wrong."""

    class Lenient(NumpyLayerAdapter):
        def forward(self, handle: Made, x: Native, training: bool) -> Native:  # noqa: FBT001
            if x.ndim == 5 and x.shape[0] == 1:
                return x * 0 + 1
            return super().forward(handle, x, training)

    implementation = Implementation("layer", Lenient(Layer()))
    case = probe("float32", (4, 3), "train", 5)
    law, failure = failure_on(implementation, "contract.single_value", case.changed(x=case.x[:1], dy=None))

    found = Attribution(implementation, bench=BENCH).explanations(law, failure, failure)

    assert not any(each.id.startswith("crash.") for each in found)


def test_a_process_that_does_not_end_again_was_ended_by_something_else(tmp_path: Path) -> None:
    """In a file, which is judged in a process of its own: the first of its processes ends, as a file counts them."""
    counter = tmp_path / "counter"
    (tmp_path / "layers.py").write_text(
        LAYER.format(counter=str(counter), sample=str(SAMPLES)), encoding="utf-8"
    )
    implementation = load(f"{tmp_path / 'layers.py'}:Once", dtypes=("float32",))
    try:
        law, failure = failure_on(implementation, "forward.output", LONG)
        found = Attribution(implementation, bench=BENCH).explanations(law, failure, failure)
    finally:
        implementation.close()

    assert [each.id for each in found] == ["crash.not_by_itself"]
    assert found[0].text.startswith("Its process ended: exit code 3")
