"""An implementation: an adapter bound to a target, which evaluates a case to an outcome."""

from __future__ import annotations

import traceback
import warnings
from dataclasses import dataclass, replace

from bncheck.adapter import Adapter, Config, FrameworkArray, Gradients, Handle, State
from bncheck.capabilities import Capabilities
from bncheck.case import Case, Native
from bncheck.dialect import Dialect
from bncheck.errors import BncheckError, ImplementationCrashed
from bncheck.outcome import Outcome
from bncheck.reference.profile import Profile


@dataclass(frozen=True, slots=True, eq=False)
class Implementation:
    """What is judged.  `name` is the target as the user wrote it; `device` "cpu" or "cuda".

    `declared`: the dialect that the user declares for it.  `companion`: the same target on the CPU, where `device` is
    another.  `ranks`: the only ranks of x that are judged, where not empty.
    """

    name: str
    adapter: Adapter
    device: str = "cpu"
    declared: Dialect | None = None
    companion: Implementation | None = None
    ranks: tuple[int, ...] = ()

    @property
    def capabilities(self) -> Capabilities:
        """What it can be asked."""
        return _restricted(self.adapter.capabilities, self.ranks, second_device=self.companion is not None)

    @property
    def dialect(self) -> Dialect:
        """The conventions it is judged by: those declared by the user, else the adapter's."""
        return self.declared if self.declared is not None else self.adapter.dialect

    def profile(self, case: Case) -> Profile:
        """The numeric profile that bounds are derived for on this case."""
        x, parameters, running = case.formats
        return self.dialect.profile(x, parameters, running, device=self.device)

    def evaluate(self, case: Case) -> Outcome:
        """Run the implementation on `case`; whatever it raises becomes ImplementationCrashed."""
        try:
            # Where warnings are errors, as under pytest, 1 / 0 in NumPy would be a crash of the implementation.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return self._evaluate(case)
        except BncheckError:
            raise
        except Exception as error:
            raise ImplementationCrashed(told(error)) from error

    def _evaluate(self, case: Case) -> Outcome:
        with self.adapter.running(case.x.size):
            handle = self._prepared(case)
            for _ in range(case.steps):
                y, gradients = self._step(handle, case)
        state = self.adapter.get_state(handle) if self.capabilities.statistics else State(None, None)
        return Outcome(
            y=self.adapter.fetch(y),
            running_mean=state.mean,
            running_var=state.var,
            batches=state.batches,
            dx=self._fetched(gradients.dx),
            dgamma=self._fetched(gradients.dgamma),
            dbeta=self._fetched(gradients.dbeta),
        )

    def _step(self, handle: Handle, case: Case) -> tuple[FrameworkArray, Gradients]:
        x = self.adapter.place(case.x)
        if case.dy is not None and self._differentiates(case):
            return self.adapter.evaluate(handle, x, self.adapter.place(case.dy), case.training)
        return self.adapter.forward(handle, x, case.training), Gradients(None, None, None)

    def _prepared(self, case: Case) -> Handle:
        parameters = next((a for a in (case.gamma, case.running_mean) if a is not None), case.x)
        handle = self.adapter.make(
            Config(
                shape=case.x.shape,
                eps=case.eps,
                momentum=case.momentum,
                affine=case.affine,
                dtype=case.x.dtype,
                parameter_dtype=parameters.dtype,
                device=self.device,
            )
        )
        if case.gamma is not None and case.beta is not None:
            self.adapter.set_params(handle, case.gamma, case.beta)
        if case.running_mean is not None and self.capabilities.set_statistics:
            self.adapter.set_state(handle, State(case.running_mean, case.running_var, case.batches))
        return handle

    def _differentiates(self, case: Case) -> bool:
        return self.capabilities.gradient if case.training else self.capabilities.eval_gradient

    def _fetched(self, native: object) -> Native | None:
        return None if native is None else self.adapter.fetch(native)


def _restricted(offered: Capabilities, ranks: tuple[int, ...], *, second_device: bool) -> Capabilities:
    if second_device == offered.second_device and not ranks:
        return offered
    return replace(offered, ranks=ranks or offered.ranks, second_device=second_device)


def told(error: Exception) -> str:
    """What was raised and where: the type, the message's first line, the innermost frame."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno})" if frames else ""
    message = str(error).strip().splitlines()
    return f"{type(error).__name__}: {message[0] if message else 'no message'}{place}"
