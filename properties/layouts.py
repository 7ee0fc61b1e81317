"""Laws of memory layouts: the same numbers have the same outcome wherever they lie.

Both evaluations are of one problem, so that one bound holds for each.  Which array lies where is part of the case; what
remains of it in a smallest case is the layout that is misread.
"""

from __future__ import annotations

from collections.abc import Iterator

from bncheck.case import Case
from bncheck.comparison import Comparison, compare
from bncheck.law import law
from bncheck.properties.relation import exactly, sum_of
from bncheck.regions import EVALUATION_LAYOUTS, LAYOUTS
from bncheck.trial import Trial, shape_of

SOURCE = "strides are where numbers lie and not what they are"
TRAIN = ("train", "layouts")


@law("layout.forward", region=LAYOUTS, source=SOURCE, needs=(*TRAIN, "train_bounds"))
def training_output_does_not_depend_on_layouts(case: Case, trial: Trial) -> Iterator[Comparison]:
    """|y - y of contiguous arrays| <= 2 E, however x, gamma, beta and the running statistics lie in memory."""
    yield from _unmoved(case, trial, "y")


@law("layout.gradients", region=LAYOUTS, source=SOURCE, needs=(*TRAIN, "gradient", "some_train_bounds"))
def training_gradients_do_not_depend_on_layouts(case: Case, trial: Trial) -> Iterator[Comparison]:
    """|dx - dx of contiguous arrays| <= 2 E, and the same for dgamma and dbeta; dy lies in a layout of its own."""
    yield from _unmoved(case, trial, "dx", "dgamma", "dbeta")


@law("layout.statistics", region=LAYOUTS, source=SOURCE, needs=(*TRAIN, "statistics", "set_statistics"))
def running_statistics_are_updated_where_they_lie(case: Case, trial: Trial) -> Iterator[Comparison]:
    """|running_mean - that of contiguous arrays| <= 2 E, and the same for running_var, read from the arrays given: an
    update of a contiguous copy of them is lost.
    """
    yield from _unmoved(case, trial, "running_mean", "running_var")


@law(
    "layout.evaluation",
    region=EVALUATION_LAYOUTS,
    source=SOURCE,
    needs=("eval", "set_statistics", "layouts", "eval_bounds"),
)
def evaluation_does_not_depend_on_layouts(case: Case, trial: Trial) -> Iterator[Comparison]:
    """|y - y of contiguous arrays| <= 2 E in evaluation, and the same for the gradients where they are offered."""
    yield from _unmoved(case, trial, "y")
    if trial.capabilities.eval_gradient:
        yield from _unmoved(case, trial, "dx", "dgamma", "dbeta")


def _unmoved(case: Case, trial: Trial, *quantities: str) -> Iterator[Comparison]:
    """Each quantity that the case has against that of the same arrays one element after the other."""
    if not case.layouts:
        return
    plain = trial.derive(case, "contiguous", lambda case: case.changed(layouts={}))
    limits = trial.bounds(case)
    for name in quantities:
        if name in limits:
            expected, limit = exactly(trial.rows(plain, name)), sum_of(limits[name], limits[name])
            yield compare(name, trial.rows(case, name), expected, limit, shape_of(name, case))


LAYOUT_LAWS = (
    training_output_does_not_depend_on_layouts,
    training_gradients_do_not_depend_on_layouts,
    running_statistics_are_updated_where_they_lie,
    evaluation_does_not_depend_on_layouts,
)
