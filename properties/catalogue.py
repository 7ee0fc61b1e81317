"""The catalogue: every law, in the order in which they are reported."""

from __future__ import annotations

from bncheck.law import Law
from bncheck.properties.devices import outcomes_agree_between_devices
from bncheck.properties.evaluation import EVALUATION_LAWS
from bncheck.properties.finite_differences import central_differences_agree_with_the_claimed_gradient
from bncheck.properties.forward import FORWARD
from bncheck.properties.gradients import GRADIENTS
from bncheck.properties.layouts import LAYOUT_LAWS
from bncheck.properties.programs import PROGRAM_LAWS
from bncheck.properties.purity import PURITY
from bncheck.properties.statistics import STATISTICS

CATALOGUE: tuple[Law, ...] = (
    *FORWARD,
    *STATISTICS,
    *EVALUATION_LAWS,
    *GRADIENTS,
    central_differences_agree_with_the_claimed_gradient,
    *PURITY,
    *LAYOUT_LAWS,
    *PROGRAM_LAWS,
    outcomes_agree_between_devices,
)
