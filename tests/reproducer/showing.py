"""Where each planted bug stands in the planted library, beside what it was made from, and a case of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bncheck.case_file import SavedCase, save
from bncheck.corpus import Corpus
from bncheck.effort import CI, SMOKE
from bncheck.fitting import fit
from bncheck.implementation import Implementation
from bncheck.law import Law
from bncheck.loading import load
from bncheck.planted.bug import Bug
from bncheck.planted.numpy_adapter import NumpyLayerAdapter
from bncheck.properties.catalogue import CATALOGUE
from bncheck.reference.formats import FORMATS
from bncheck.shrinking import shrunk
from bncheck.trial import Trial
from bncheck.verdict import Failure
from bncheck.verify import judge, planned

COUNT = "nothing in the signature of a class tells that it counts its batches, for a momentum of None"
RESET = "there is no usual name for a method of a class that sets its statistics back"
RELOAD = "there are no usual names for methods of a class that save and load its state"
MOVE = "there is no usual name for a method of a class that moves it to another dtype"
CHANGE = "the momentum of a class is that of its constructor"
OLDER = "backward(dy) of a class is that of its last forward pass"
NEW = "a class is given its statistics, so that what it starts from is not seen"
PLAIN = "a class that raises without gamma is taken for one that cannot do without"
APART = "a class does not say whether a backward pass will follow"
FURTHER = "a class with backward(dy) offers no derivatives beyond its gradients"
STRIDED = "a module that raises on strided input is taken for one that does not offer it"
BUFFERS = "a module whose statistics are no buffers is not asked to save and load them"

# The bugs that a class or module does not show by itself, and why: a user would show them by an adapter with words for
# its own methods, which `planted_words` is.
BY_AN_ADAPTER: Mapping[str, str] = {
    "momentum.none_is_a_tenth": COUNT,
    "momentum.cumulative_counts_one_too_many": COUNT,
    "state.counter_stands_still": COUNT,
    "state.counter_counts_by_two": COUNT,
    "state.counter_of_the_class": COUNT,
    "state.load_forgets_the_counter": COUNT,
    "state.reset_forgets_the_counter": COUNT,
    "state.reset_forgets_the_variance": RESET,
    "running_var.restarts_at_zero": RESET,
    "eps.subtracted_when_loaded": RELOAD,
    "state.load_forgets_the_variance": RELOAD,
    "state.saved_by_reference": RELOAD,
    "state.move_through_half": MOVE,
    "state.move_loses_the_statistics": MOVE,
    "momentum.changes_are_ignored": CHANGE,
    "mode.backward_in_the_mode_of_the_layer": OLDER,
    "state.backward_of_the_last_forward": OLDER,
    "running_var.starts_at_zero": NEW,
    "running_var.starts_at_a_half": NEW,
    "crash.without_gamma": PLAIN,
    "mode.tracks_with_gradients_alone": APART,
    "second_order.tangent_of_evaluation": FURTHER,
    "second_order.tangent_of_a_constant_deviation": FURTHER,
    "second_order.tangent_of_training": FURTHER,
    "second_order.tangent_without_beta": FURTHER,
    "second_order.constant_deviation": FURTHER,
    "second_order.two_for_three": FURTHER,
    "second_order.not_centred": FURTHER,
    "second_order.zero": FURTHER,
    "second_order.dy_of_a_constant_deviation": FURTHER,
    "second_order.gamma_left_in": FURTHER,
    "second_order.parameters_forgotten": FURTHER,
    "second_order.evaluation_as_training": FURTHER,
    "crash.view_of_a_strided_input": STRIDED,
    "state.statistics_are_no_buffers": BUFFERS,
}
# What differs from call to call fails many laws by chance, and this one by its nature.
REPEATED = ("determinism.varying_bits", "determinism.varying_sample", "determinism.lost_updates")
# With what the call before left, the first laws fail only on what was called before: these fail by themselves.
BY_THEMSELVES = {"determinism.scratch_of_the_call_before": "forward.moments"}
CORPORA = Corpus(0, SMOKE), Corpus(0, CI)


@dataclass(frozen=True, slots=True)
class Place:
    """`target`, `sound`: the bug and what it was made from, as targets; `name`, `other`: as a script names them."""

    target: str
    sound: str
    name: str
    other: str


def place_of(bug: Bug, *, by_itself: bool = False) -> Place:
    """That of a planted bug; `by_itself`: without an adapter, even where that shows nothing."""
    adapter: Any = bug.make()
    attribute = bug.id.replace(".", "__")
    if isinstance(adapter, NumpyLayerAdapter):
        sound = "sound_biased" if adapter.dialect.running_variance == "biased" else "sound"
        names = f"planted_library.numpy_layers:{attribute}", f"planted_library.numpy_layers:{sound}"
    elif adapter.name == "torch_module":
        module, sound = adapter.construction.found.thing, "torch_sound"
        by_hand = (
            any(base.__name__ == "ByHand" for base in module.__mro__)
            and not adapter.capabilities.second_order
        )
        place = module.__module__.replace("bncheck.planted.", "planted_library.")
        layer = "ByHand" if by_hand else "BatchNorm"
        names = f"{place}:{module.__name__}", f"planted_library.torch_layer:{layer}"
    else:
        names = f"planted_library.jax_functions:{attribute}", "planted_library.jax_functions:sound"
    name, other = (each.replace(":", ".") for each in names)
    if bug.id in BY_AN_ADAPTER and not by_itself:
        names = f"reproducer.planted_words:{attribute}", f"reproducer.planted_words:{sound}"
    return Place(*names, name, other)


def first_failure(bug: Bug, target: str, *, most: int = 2) -> tuple[Law, Implementation, Failure] | None:
    """What the first example of the first corpora shows that fails a law that the bug's own adapter can be asked about."""
    own = bug.make().capabilities
    laws = [law for law in CATALOGUE if law.why_not(own) is None]
    if bug.id in REPEATED:
        laws = [law for law in laws if law.id == "purity.repetition"]
    if bug.id in BY_THEMSELVES:
        laws = [law for law in laws if law.id == BY_THEMSELVES[bug.id]]
    implementation = load(target, dtypes=bug.dtypes)
    plain = tuple(dtype for dtype in bug.dtypes if dtype in implementation.capabilities.dtypes)
    for corpus in CORPORA[:most]:
        for dtypes in (plain, implementation.capabilities.dtypes):
            plan = planned(laws, implementation, dtypes)
            for drawing, judged in plan.drawings(corpus, ladder=implementation.capabilities.compiles):
                if dtypes != plain and (set(plain) & set(drawing.region.dtypes or FORMATS)):
                    continue  # a region that has the bug's own dtypes is judged in these
                for case in corpus.examples(drawing):
                    trial, fitted = Trial(implementation), fit(case, implementation)
                    for law in judged:
                        failure = judge(law, fitted, trial, drawing).failure
                        if failure is not None:
                            return law, implementation, failure
    return None


def case_of(bug: Bug, target: str, folder: Path) -> Path:
    """The file of a case on which a target fails, made small as a run makes it, without the causes."""
    found = first_failure(bug, target)
    assert found is not None, f"no law fails on {target}"
    law, implementation, first = found
    smallest = shrunk(law, implementation, first, budget=CI.shrinks)
    words, dtype = smallest.messages()[0], smallest.drawing.dtype
    return save(SavedCase(target, law.id, dtype, str(smallest.status), words, smallest.case), folder)


def on_the_sound_one(script: str, place: Place) -> str:
    """The same script with the name of what the bug was made from."""
    modules = place.name.rpartition(".")[0], place.other.rpartition(".")[0]
    script = re.sub(rf"\b{re.escape(place.name)}\b", place.other, script)
    return script.replace(f"import {modules[0]}\n", f"import {modules[1]}\n")
