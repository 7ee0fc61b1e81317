"""An adapter of the user's that offers what it does not do is told so, and not taken for a layer that crashes."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import bncheck
from bncheck import Adapter, Capabilities
from bncheck.errors import LoadError
from bncheck.loading import load


class Normaliser:
    """Names of its own, and neither parameters nor statistics."""

    def __init__(self, tiny: float) -> None:
        self.tiny = tiny

    def learn(self, x: Any) -> Any:
        axes = (0, *range(2, x.ndim))
        mean, var = (moment(axis=axes, keepdims=True, dtype=np.float64) for moment in (x.mean, x.var))
        return ((x - mean) / np.sqrt(var + self.tiny)).astype(x.dtype)


class Own(Adapter):
    """As README shows one."""

    name = "own"
    capabilities = Capabilities(dtypes=("float32",), gradient=False, eval_gradient=False)

    def make(self, config: Any) -> Normaliser:
        return Normaliser(config.eps)

    def forward(self, handle: Any, x: Any, training: bool) -> Any:  # noqa: ARG002, FBT001  # a protocol's
        return handle.learn(x)


class Less(Own):
    """It offers what there is."""

    capabilities = Capabilities(
        dtypes=("float32",),
        gradient=False,
        eval_gradient=False,
        affine=False,
        statistics=False,
        set_statistics=False,
    )


def test_what_is_missing_and_what_to_do_is_one_sentence() -> None:
    told = (
        "Own offers what it does not do: Normaliser has none of the attributes gamma, weight, scale, w, g; a method of Own "
        "can do it (set_params, get_state, set_state), or its capabilities leave it out"
    )
    with pytest.raises(LoadError, match=re.escape(told)):
        load(Own())


def test_what_offers_less_is_judged() -> None:
    report = bncheck.check(Less(), profile="smoke", include="forward.output")
    assert [str(law.status) for law in report.targets[0].laws] == ["held"]
