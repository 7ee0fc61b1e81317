"""One evaluation in this process: an adapter on a case, to an outcome, watched for what it changes besides."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from bncheck.adapter import Adapter, Config, FrameworkArray, Gradients, Handle, State
from bncheck.case import Case, Native
from bncheck.errors import BncheckError, ImplementationCrashed
from bncheck.outcome import Outcome
from bncheck.surroundings import watched


def evaluate(adapter: Adapter, case: Case, *, device: str) -> Outcome:
    """The outcome of `case`; whatever the adapter raises, an exit included, becomes ImplementationCrashed."""
    with caught(), watched() as watch:
        outcome = _outcome(adapter, case, device)
    return replace(outcome, side_effects=(*outcome.side_effects, *watch.changed))


@contextmanager
def caught() -> Iterator[None]:
    """What is raised inside, an exit included, becomes ImplementationCrashed; warnings are not looked at."""
    try:
        with warnings.catch_warnings():
            # Where warnings are errors, as under pytest, 1 / 0 in NumPy would be a crash of the implementation.
            warnings.simplefilter("ignore")
            yield
    except (BncheckError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise ImplementationCrashed(told(error)) from error


def _outcome(adapter: Adapter, case: Case, device: str) -> Outcome:
    differentiates = adapter.capabilities.gradient if case.training else adapter.capabilities.eval_gradient
    written: set[str] = set()
    with adapter.running(case.x.size):
        handle = prepared(adapter, case, configured(case, device))
        for _ in range(case.steps):
            x = adapter.place(case.x)
            dy = adapter.place(case.dy) if case.dy is not None and differentiates else None
            y, gradients = _step(adapter, handle, x, dy, training=case.training)
            written |= _written(adapter, {"x": (x, case.x), "dy": (dy, case.dy)})
    state = adapter.get_state(handle) if adapter.capabilities.statistics else State(None, None)
    return Outcome(
        y=adapter.fetch(y),
        running_mean=state.mean,
        running_var=state.var,
        batches=state.batches,
        dx=_fetched(adapter, gradients.dx),
        dgamma=_fetched(adapter, gradients.dgamma),
        dbeta=_fetched(adapter, gradients.dbeta),
        side_effects=tuple(sorted(written)),
    )


def _step(
    adapter: Adapter, handle: Handle, x: FrameworkArray, dy: FrameworkArray | None, *, training: bool
) -> tuple[FrameworkArray, Gradients]:
    if dy is None:
        return adapter.forward(handle, x, training), Gradients(None, None, None)
    return adapter.evaluate(handle, x, dy, training)


def _written(adapter: Adapter, placed: dict[str, tuple[FrameworkArray | None, Native | None]]) -> set[str]:
    """The inputs whose bits are no longer those of the case."""
    return {
        name
        for name, (native, given) in placed.items()
        if native is not None and given is not None and adapter.fetch(native).tobytes() != given.tobytes()
    }


def configured(case: Case, device: str) -> Config:
    """What a layer for this case is made for."""
    parameters = next((a for a in (case.gamma, case.running_mean) if a is not None), case.x)
    return Config(
        shape=case.x.shape,
        eps=case.eps,
        momentum=case.momentum,
        affine=case.affine,
        dtype=case.x.dtype,
        parameter_dtype=parameters.dtype,
        device=device,
    )


def prepared(adapter: Adapter, case: Case, config: Config) -> Handle:
    """A new layer with the parameters and the running statistics of the case."""
    handle = adapter.make(config)
    if case.gamma is not None and case.beta is not None:
        adapter.set_params(handle, case.gamma, case.beta)
    if case.running_mean is not None and adapter.capabilities.set_statistics:
        adapter.set_state(handle, State(case.running_mean, case.running_var, case.batches))
    return handle


def _fetched(adapter: Adapter, native: object) -> Native | None:
    return None if native is None else adapter.fetch(native)


def told(error: BaseException) -> str:
    """What was raised and where: the type, the message's first line, the innermost frame."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno})" if frames else ""
    message = str(error).strip().splitlines()
    return f"{type(error).__name__}: {message[0] if message else 'no message'}{place}"
