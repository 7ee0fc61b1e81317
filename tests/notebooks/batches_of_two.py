"""Batches of two samples in ten channels, where the gradient to x nearly cancels; float64.

With two values a channel xhat is +-s, s^2 = var / (var + eps), and so exactly
dx_1 = -dx_2 = gamma r (dy_1 - dy_2) / 2 * eps / (var + eps), r = 1 / sqrt(var + eps):
two terms of size S = |gamma| r |dy| leave about 1e-5 S / var.
"""

from __future__ import annotations

import numpy as np
from notebooks.printed import printed

from bncheck.case import Case
from bncheck.reference.formats import Array

EPS = 1e-5


def batch(x: Array, gamma: Array, beta: Array, dy: Array) -> Case:
    """A training batch without running statistics."""
    return Case(x, dy, gamma, beta, None, None, eps=EPS, momentum=0.1, mode="train")


def drawn_batch() -> Case:
    """Uniform from NumPy's first generator at seed 123: x, gamma, beta, dy."""
    draw = np.random.RandomState(123).rand
    x, gamma, beta, dy = draw(2, 10), draw(10), draw(10), draw(2, 10)
    return batch(x, gamma, beta, dy)


def rejected_batch() -> Case:
    """x and dy on which a right layer was rejected, as they were printed; gamma was not, so it is 1 here."""
    return batch(REJECTED_X.values.copy(), np.ones(10), np.zeros(10), REJECTED_DY.values.copy())


def cancelling_batch() -> Case:
    """Normal from seed 21: x, gamma, beta, dy.  At [0, 3] S is 5e-3 and dx 6.6e-9."""
    draw = np.random.default_rng(21).standard_normal
    x, gamma, beta, dy = draw((2, 10)), draw(10), draw(10), draw((2, 10))
    return batch(x, gamma, beta, dy)


REJECTED_X = printed(
    """
    -0.5489551  1.80597011  1.51886562 -0.35400011 -0.82343141
     0.13021495 1.26729865  0.33276498  0.5565487  -0.21208012
     0.4562709  1.54454445 -0.23966878  0.14330773  0.25381648
     0.28372536 -1.41188888 -1.87686866 -1.01965507  0.1679423
    """,
    shape=(2, 10),
    decimals=8,
)
REJECTED_DY = printed(
    """
     0.55385617 -0.53067456  1.37725748 -0.14317597  0.020316
    -0.19396387  0.13402679  0.70447407  0.66565344 -0.89842294
     1.52366378 -1.09502646  0.07922701 -0.27439657 -1.04899168
    -0.07512059 -0.74081377  0.07290724  0.40308596  1.47192937
    """,
    shape=(2, 10),
    decimals=8,
)
# The differences that were taken there for dx, in six channels of which both rows were printed to the end.
REJECTED_DIFFERENCES = printed(
    """
     7.85297926e-05 -6.29592753e-04  2.80610755e-05 -1.29596637e-04 -1.41530727e-05  1.08539892e-03
    -7.85321398e-05  6.29520508e-04 -2.80606161e-05  1.29604454e-04  1.41534645e-05 -1.08561070e-03
    """,
    shape=(2, 6),
)
