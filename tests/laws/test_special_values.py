"""Each law of NaN and infinity, run alone, kills its bugs and holds for sound layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from laws.verdicts import CORPUS, verdicts
from mutants.layers import ONE_PASS, LayerAdapter, Rows, sound, total

from bncheck.case import channel_major
from bncheck.fitting import fit
from bncheck.implementation import Implementation
from bncheck.properties.special_values import SPECIAL_VALUES
from bncheck.regions import SPECIAL
from bncheck.shrinking import shrunk
from bncheck.trial import Trial
from bncheck.verdict import Failure, Status
from bncheck.verify import judge

LAWS = {law.id: law for law in SPECIAL_VALUES}


def _layer(**parts: Callable[..., object]) -> LayerAdapter:
    return LayerAdapter(replace(sound(), **parts))  # type: ignore[arg-type]  # parts by their names


def _mean(x: Rows) -> Rows:
    return np.asarray(total(x) / x.dtype.type(x.shape[1]))


def _finite_dx(dy: Rows, xc: Rows, r: Rows, g: Rows) -> Rows:
    """The sums over what is finite."""
    known = np.nan_to_num(dy, posinf=0.0, neginf=0.0)
    return np.asarray(sound().train_dx(known, xc, r, g))


KILLED: dict[str, list[LayerAdapter]] = {
    "special_values.containment": [
        # one product with a matrix that is 0 between channels: 0 NaN is NaN
        _layer(mean=lambda x: _mean(x) + 0 * x.sum()),
        # a check of the whole batch in front of each update
        _layer(blend=lambda old, new, w: (1 - w) * old + w * new if np.isfinite(new).all() else old),
        _layer(train_dx=lambda dy, xc, r, g: sound().train_dx(dy, xc, r, g) + 0 * xc.sum()),
    ],
    "special_values.propagation": [
        _layer(output=lambda y, dtype: np.nan_to_num(y).astype(dtype)),
        _layer(mean=lambda x: _mean(np.where(np.isfinite(x), x, 0))),
        _layer(blend=lambda old, new, w: np.where(np.isfinite(new), (1 - w) * old + w * new, old)),
        _layer(
            train_dx=lambda dy, xc, r, g: np.nan_to_num(sound().train_dx(dy, xc, r, g), posinf=0, neginf=0)
        ),
        _layer(dgamma=lambda dy, xc, r: np.nan_to_num(total(dy * xc) * r)),
    ],
    "special_values.evaluation": [
        _layer(eval_moments=lambda x, mean, var: (mean + 0 * total(x), var)),
        _layer(affine=lambda x, mean, r, g, b: g * (np.nan_to_num(x - mean) * r) + b),
        _layer(after_eval=lambda old: old + old.dtype.type(1)),
        _layer(eval_dx=lambda dy, xc, r, g: g * r * dy + 0 * xc.sum()),
    ],
    "special_values.cotangent": [
        _layer(dbeta=lambda dy: total(np.nan_to_num(dy))),
        _layer(train_dx=_finite_dx),
        _layer(dgamma=lambda dy, xc, r: total(dy * xc) * r + 0 * dy.sum()),
    ],
}


def test_a_variance_clipped_by_a_maximum_that_prefers_numbers_to_nan_swallows_nothing_else() -> None:
    clipped = replace(ONE_PASS, variance=lambda x, mean: np.fmax(_mean(x * x) - mean * mean, x.dtype.type(0)))
    found = verdicts(LayerAdapter(clipped), LAWS["special_values.propagation"])
    assert found == {"special_values.propagation": Status.HELD}


def test_a_negative_running_variance_is_no_special_value_of_x() -> None:
    """NaN is then the right answer, and no example has one."""
    cases = CORPUS.examples(CORPUS.drawing(SPECIAL, "float32", dtypes=4, ladder=False))
    variances = [case.running_var for case in cases if case.running_var is not None]
    assert all((variance >= 0).all() for variance in variances)


def test_a_swallowed_nan_shrinks_to_a_case_that_still_holds_one() -> None:
    law = LAWS["special_values.propagation"]
    implementation = Implementation("layer", KILLED[law.id][0])
    drawing = CORPUS.drawing(SPECIAL, "float32", dtypes=4, ladder=False)
    case = fit(CORPUS.examples(drawing)[3], implementation)
    first = judge(law, case, Trial(implementation), drawing).failure
    assert isinstance(first, Failure)
    smallest = shrunk(law, implementation, first, budget=300).case
    assert not np.isfinite(channel_major(smallest.x)).all()
    assert smallest.x.size == 2
