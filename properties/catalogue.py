"""The catalogue: every law, in the order in which they are reported."""

from __future__ import annotations

from bncheck.law import Law
from bncheck.properties.arrangements import ARRANGEMENTS
from bncheck.properties.contracts import CONTRACTS
from bncheck.properties.devices import outcomes_agree_between_devices
from bncheck.properties.entry_points import forward_pass_is_the_same_without_gradients
from bncheck.properties.evaluation import EVALUATION_LAWS
from bncheck.properties.finite_differences import central_differences_agree_with_the_claimed_gradient
from bncheck.properties.forward import FORWARD
from bncheck.properties.gradients import GRADIENTS
from bncheck.properties.layouts import LAYOUT_LAWS
from bncheck.properties.parameters import PARAMETERS
from bncheck.properties.populations import statistics_of_small_batches_are_unbiased
from bncheck.properties.precision import PRECISION
from bncheck.properties.programs import PROGRAM_LAWS
from bncheck.properties.purity import PURITY
from bncheck.properties.ranges import RANGES
from bncheck.properties.second_order import SECOND_ORDER
from bncheck.properties.sizes import SIZES
from bncheck.properties.special_values import SPECIAL_VALUES
from bncheck.properties.statistics import STATISTICS
from bncheck.properties.symmetries import SYMMETRIES
from bncheck.properties.weights import scale_of_the_weights_does_not_matter

CATALOGUE: tuple[Law, ...] = (
    *FORWARD,
    forward_pass_is_the_same_without_gradients,
    *RANGES,
    *STATISTICS,
    statistics_of_small_batches_are_unbiased,
    *EVALUATION_LAWS,
    *GRADIENTS,
    central_differences_agree_with_the_claimed_gradient,
    *SECOND_ORDER,
    *SYMMETRIES,
    *ARRANGEMENTS,
    scale_of_the_weights_does_not_matter,
    *PARAMETERS,
    *SPECIAL_VALUES,
    *CONTRACTS,
    *PRECISION,
    *SIZES,
    *PURITY,
    *LAYOUT_LAWS,
    *PROGRAM_LAWS,
    outcomes_agree_between_devices,
)
