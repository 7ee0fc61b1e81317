"""The smallest case of planted bugs, number by number: no other is as small and shows the bug."""

from __future__ import annotations

import numpy as np
import pytest

from bncheck.checking import run
from bncheck.options import Options
from bncheck.planted.catalogue import BUGS
from bncheck.properties.catalogue import CATALOGUE

pytestmark = pytest.mark.long

BY_ID = {bug.id: bug for bug in BUGS}
STEP = [[1], [0]]
STILL = [[0], [0]]
# Bug, law, x, and what else is not 0, with what a case has by default: eps 1, momentum 0.5.
SMALLEST = [
    ("variance.unbiased", "forward.output", STEP, {"gamma": [1]}),
    ("variance.about_zero", "forward.output", STEP, {"gamma": [1]}),
    ("running_var.biased", "statistics.variance", STEP, {}),
    ("eps.outside_the_root", "forward.output", STEP, {"gamma": [1]}),
    ("eps.missing", "forward.output", STILL, {}),
    ("eps.hard_coded", "forward.output", STEP, {"gamma": [1]}),
    ("momentum.swapped", "statistics.mean", STEP, {"momentum": 1.0}),
    ("running_mean.never_updated", "statistics.mean", STILL, {"running_mean": [1]}),
    ("affine.gamma_absolute", "forward.output", STEP, {"gamma": [-1]}),
    ("affine.no_beta", "forward.output", STILL, {"beta": [1]}),
    ("affine.gamma_of_the_next_channel", "forward.output", [[0, 0], [0, 1]], {"gamma": [0, 1]}),
    ("gradient_dgamma.mean_for_sum", "gradient.dgamma", STEP, {}),
    ("gradient_dbeta.mean_for_sum", "gradient.dbeta", STILL, {}),
    ("mode.running_statistics_in_training", "forward.output", STILL, {"gamma": [1], "running_mean": [1]}),
    ("axes.first_sample", "forward.output", [[[[[0]]]], [[[[1]]]]], {"gamma": [1]}),
    ("state.load_forgets_the_counter", "program.counter", STILL, {"program": "train reload"}),
]


@pytest.mark.parametrize(("bug", "law", "x", "others"), SMALLEST, ids=[each[0] for each in SMALLEST])
def test_the_smallest_case_of_a_planted_bug(
    bug: str, law: str, x: list[object], others: dict[str, object]
) -> None:
    options = Options("ci", include=f"^{law}$", dtypes=("float32",))
    (target,) = run([BY_ID[bug].make()], CATALOGUE, options).targets
    case = target.laws[0].findings[0].case
    found = {name: getattr(case, name) for name in ("gamma", "beta", "running_mean", "running_var")}
    zeros = [0] * case.channels
    expected = {name: others.get(name, zeros) for name in found}
    assert np.array_equal(case.x, np.array(x))
    assert {name: array.tolist() for name, array in found.items()} == expected
    assert (case.eps, case.momentum) == (1.0, others.get("momentum", 0.5))
    assert " ".join(map(str, case.program)) == others.get("program", "")
