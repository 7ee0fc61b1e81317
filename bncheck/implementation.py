"""An implementation: an adapter bound to a target, which evaluates a case to an outcome."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from bncheck.adapter import Adapter
from bncheck.capabilities import Capabilities
from bncheck.case import Case
from bncheck.dialect import Dialect
from bncheck.errors import LOST, DeviceLost, ImplementationCrashed
from bncheck.evaluation import evaluate
from bncheck.outcome import Outcome
from bncheck.performance import Performance
from bncheck.performing import perform
from bncheck.reference.profile import Profile


class Evaluator(Protocol):
    """Evaluates elsewhere: a worker process."""

    def evaluate(self, case: Case) -> Outcome:
        """The outcome of a case."""

    def perform(self, case: Case) -> Performance:
        """What a layer shows while it goes through the program of a case."""

    def close(self) -> None:
        """End the process; it is not used again."""


@dataclass(frozen=True, slots=True, eq=False)
class Implementation:
    """What is judged.  `name` is the target as the user wrote it; `device` "cpu" or "cuda".

    `declared`: the dialect that the user declares for it.  `companion`: the same target on the CPU, where `device` is
    another.  `ranks`: the only ranks of x that are judged, where not empty.
    `worker`: the process that evaluates it, where it is isolated.
    """

    name: str
    adapter: Adapter
    device: str = "cpu"
    declared: Dialect | None = None
    companion: Implementation | None = None
    ranks: tuple[int, ...] = ()
    worker: Evaluator | None = None

    @property
    def capabilities(self) -> Capabilities:
        """What it can be asked."""
        offered, second = self.adapter.capabilities, self.companion is not None
        dialect = self.dialect
        if not dialect.is_usual:
            offered = ruled_out(offered, dialect)
        return _restricted(offered, self.ranks, second_device=second)

    @property
    def dialect(self) -> Dialect:
        """The conventions it is judged by: those declared by the user, else the adapter's."""
        return self.declared if self.declared is not None else self.adapter.dialect

    def profile(self, case: Case) -> Profile:
        """The numeric profile that bounds are derived for on this case."""
        x, parameters, running = case.formats
        return self.dialect.profile(x, parameters, running, device=self.device)

    def evaluate(self, case: Case) -> Outcome:
        """Run the implementation on `case`, in its worker if it has one.

        Raises ImplementationCrashed or ImplementationTimedOut, which are verdicts.
        """
        if self.worker is not None:
            return self.worker.evaluate(case)
        with lost_device_told(self.adapter, self.device):
            return evaluate(self.adapter, case, device=self.device)

    def perform(self, case: Case) -> Performance:
        """Let one layer go through the program of `case`; raises as `evaluate` does."""
        if self.worker is not None:
            return self.worker.perform(case)
        with lost_device_told(self.adapter, self.device):
            return perform(self.adapter, case, device=self.device)

    def close(self) -> None:
        """End the worker, and that of the companion."""
        for worker in (self.worker, None if self.companion is None else self.companion.worker):
            if worker is not None:
                worker.close()


@contextmanager
def lost_device_told(adapter: Adapter, device: str) -> Iterator[None]:
    """A crash inside after which the device answers nothing more is raised as DeviceLost.

    An illegal memory access, for one, ends a CUDA context: from then on every call of the process fails with its
    error, and would be taken for a verdict on a case that has nothing to do with it.
    """
    try:
        yield
    except ImplementationCrashed as crash:
        if device == "cpu" or _answers(adapter):
            raise
        raise DeviceLost(f"{crash}; after it {device} {LOST}") from crash


def _answers(adapter: Adapter) -> bool:
    """Whether one number still travels to the device and back."""
    try:
        return float(adapter.fetch(adapter.place(np.ones(1, np.float32)))[0]) == 1
    except Exception:  # noqa: BLE001  # each framework has its own, and all mean the same
        return False


def ruled_out(offered: Capabilities, dialect: Dialect) -> Capabilities:
    """What a dialect leaves of the capabilities, and why."""
    train, evaluated = dialect.unbounded(training=True), dialect.unbounded(training=False)
    absent: dict[str, str | None] = {
        "train_bounds": train,
        "some_train_bounds": train,
        "some_bounds": train,
        "eval_bounds": evaluated,
        "double": "the dialect says that float64 is computed in float32"
        if dialect.float64 == "demoted"
        else None,
    }
    if dialect.first_batch == "debiased":
        corrects = "the dialect corrects the average for its start at zero"
        absent["frozen"] = f"{corrects}, which at momentum 0 is 0 / 0"
        absent["small_weights"] = f"{corrects}, so that none of the first batches weighs little"
    reasons = {name: reason for name, reason in absent.items() if reason is not None}
    return replace(
        offered,
        train_bounds=train is None,
        eval_bounds=evaluated is None,
        double="double" not in reasons,
        frozen=offered.frozen and "frozen" not in reasons,
        small_weights="small_weights" not in reasons,
        reasons={**reasons, **offered.reasons},
    )


def _restricted(offered: Capabilities, ranks: tuple[int, ...], *, second_device: bool) -> Capabilities:
    if second_device == offered.second_device and not ranks:
        return offered
    return replace(offered, ranks=ranks or offered.ranks, second_device=second_device)
