"""Every planted bug and every sound variant, as explicit tuples; no framework is loaded before one is made."""

from __future__ import annotations

from bncheck.planted.affine_bugs import AFFINE_BUGS
from bncheck.planted.algorithm_bugs import ALGORITHM_BUGS
from bncheck.planted.bug import Bug, Sound
from bncheck.planted.determinism_bugs import DETERMINISM_BUGS
from bncheck.planted.epsilon_bugs import EPSILON_BUGS
from bncheck.planted.framework_sound import FRAMEWORK_SOUND
from bncheck.planted.gradient_bugs import GRADIENT_BUGS
from bncheck.planted.jax_catalogue import JAX_BUGS
from bncheck.planted.layout_bugs import LAYOUT_BUGS
from bncheck.planted.mode_bugs import MODE_BUGS
from bncheck.planted.momentum_bugs import MOMENTUM_BUGS
from bncheck.planted.numpy_sound import NUMPY_SOUND
from bncheck.planted.precision_bugs import PRECISION_BUGS
from bncheck.planted.second_order_bugs import SECOND_ORDER_BUGS
from bncheck.planted.shard_bugs import SHARD_BUGS
from bncheck.planted.size_bugs import SIZE_BUGS
from bncheck.planted.special_bugs import SPECIAL_BUGS
from bncheck.planted.state_bugs import STATE_BUGS
from bncheck.planted.torch_catalogue import TORCH_BUGS
from bncheck.planted.variance_bugs import VARIANCE_BUGS

BUGS: tuple[Bug, ...] = (
    *MOMENTUM_BUGS,
    *VARIANCE_BUGS,
    *EPSILON_BUGS,
    *ALGORITHM_BUGS,
    *GRADIENT_BUGS,
    *SECOND_ORDER_BUGS,
    *MODE_BUGS,
    *STATE_BUGS,
    *LAYOUT_BUGS,
    *PRECISION_BUGS,
    *SIZE_BUGS,
    *SHARD_BUGS,
    *AFFINE_BUGS,
    *SPECIAL_BUGS,
    *DETERMINISM_BUGS,
    *TORCH_BUGS,
    *JAX_BUGS,
)
SOUND: tuple[Sound, ...] = (*NUMPY_SOUND, *FRAMEWORK_SOUND)
