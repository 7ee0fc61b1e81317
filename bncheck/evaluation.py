"""One evaluation in this process: an adapter on a case, to an outcome, watched for what it changes besides."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from bncheck.adapter import ROLES, Adapter, Config, FrameworkArray, Gradients, Handle, State
from bncheck.case import Case, Native
from bncheck.direction import Direction
from bncheck.errors import BncheckError, ImplementationCrashed
from bncheck.layout import meetings
from bncheck.outcome import Outcome
from bncheck.surroundings import watched

# What an evaluation makes or keeps, and what it is given and must leave apart.
MADE, GIVEN = ("y", "dx", "running_mean", "running_var"), ("x", "dy", "gamma", "beta")
SHARES = " shares memory with "


def evaluate(adapter: Adapter, case: Case, *, device: str) -> Outcome:
    """The outcome of `case`; whatever the adapter raises, an exit included, becomes ImplementationCrashed."""
    with caught(), watched() as watch:
        outcome = (_outcome if case.direction is None else _further)(adapter, case, device)
    return (
        replace(outcome, side_effects=(*outcome.side_effects, *watch.changed)) if watch.changed else outcome
    )


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
    offered = adapter.capabilities
    differentiates = offered.gradient if case.training else offered.eval_gradient
    changed: set[str] = set()
    with adapter.running(case.x.size):
        handle = prepared(adapter, case, configured(case, device))
        # Variants of an example that ask for y alone are not looked at once more.
        watching = case.dy is not None
        given = _parameters(adapter, handle) if watching else {}
        for _ in range(case.steps):
            x = placed(adapter, case, "x")
            dy = cotangent(adapter, case) if differentiates else None
            y, gradients = _step(adapter, handle, x, dy, training=case.training)
            changed |= _written(adapter, {"x": (x, case.x), "dy": (dy, case.dy)})
        if given:
            changed |= {name for name, bits in _parameters(adapter, handle).items() if bits != given[name]}
        if watching and offered.memory:
            changed |= _sharing(adapter, handle, {"y": y, "dx": gradients.dx, "x": x, "dy": dy})
    if case.dy is None:
        gradients = Gradients(None, None, None)
    state = adapter.get_state(handle) if offered.statistics else State(None, None)
    return Outcome(
        y=adapter.fetch(y),
        running_mean=state.mean,
        running_var=state.var,
        batches=state.batches,
        dx=_fetched(adapter, gradients.dx),
        dgamma=_fetched(adapter, gradients.dgamma),
        dbeta=_fetched(adapter, gradients.dbeta),
        side_effects=tuple(sorted(changed)),
    )


def _further(adapter: Adapter, case: Case, device: str) -> Outcome:
    """Derivatives along the direction of a case; y and they are all that is looked at."""
    assert case.direction is not None
    with adapter.running(case.x.size):
        handle = prepared(adapter, case, configured(case, device))
        x = placed(adapter, case, "x")
        direction = Direction(*(None if each is None else adapter.place(each) for each in case.direction))
        if case.dy is None:
            y, tangent = adapter.tangent(handle, x, direction, case.training)
            return Outcome(adapter.fetch(y), tangent=adapter.fetch(tangent))
        dy = placed(adapter, case, "dy")
        y, second = adapter.second_order(handle, x, dy, direction, case.training)
    return Outcome(
        adapter.fetch(y),
        second_dy=adapter.fetch(second.dy),
        second_x=adapter.fetch(second.x),
        second_gamma=_fetched(adapter, second.gamma),
    )


def cotangent(adapter: Adapter, case: Case) -> FrameworkArray | None:
    """dy; 0 where there is none and the statistics wait for a backward pass."""
    if case.dy is not None:
        return placed(adapter, case, "dy")
    return adapter.place(np.zeros_like(case.x)) if case.backward and case.training else None


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


def _parameters(adapter: Adapter, handle: Handle) -> dict[str, bytes | None]:
    """The bits of gamma and beta as the layer holds them now, where they can be read."""
    if not adapter.capabilities.parameters:
        return {}
    found = zip(("gamma", "beta"), adapter.get_params(handle), strict=True)
    return {name: None if array is None else array.tobytes() for name, array in found}


def _sharing(adapter: Adapter, handle: Handle, arrays: Mapping[str, FrameworkArray | None]) -> set[str]:
    """What the evaluation made, or keeps, in the memory of what it was given or of something else that it made."""
    named = dict(arrays) | {role: adapter.held(handle, role) for role in ROLES}
    found = {name: adapter.footprint(named[name]) for name in (*MADE, *GIVEN) if named.get(name) is not None}
    told = {name: footprint for name, footprint in found.items() if footprint is not None}
    return {f"{one}{SHARES}{other}" for one, other in meetings(told) if one in MADE}


def placed(adapter: Adapter, case: Case, name: str) -> FrameworkArray:
    """x or dy of a case as the framework's own, in its layout."""
    array: Native = getattr(case, name)
    return adapter.place(array, case.layouts[name]) if name in case.layouts else adapter.place(array)


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
    if (case.replaces or case.debiased) and case.batches > 0 and not adapter.capabilities.counter:
        # That a layer which does not count has seen batches cannot be told to it, but shown.
        for _ in range(case.batches if case.debiased else 1):
            _show(adapter, handle, case)
    if case.running_mean is not None and adapter.capabilities.set_statistics and not _is_new(case):
        adapter.set_state(handle, State(case.running_mean, case.running_var, case.batches))
    for role in ROLES:
        if role in case.layouts:
            adapter.lay_out(handle, role, case.layouts[role])
    return handle


def _show(adapter: Adapter, handle: Handle, case: Case) -> None:
    """A batch in training: that of the case, or of zeros where it has no two values a channel to train on."""
    x = case.x if case.count > 1 else np.zeros((2, case.channels, *(1,) * (case.x.ndim - 2)), case.x.dtype)
    late = case.backward and adapter.capabilities.gradient
    dy = adapter.place(np.zeros_like(x)) if late else None
    _step(adapter, handle, adapter.place(x), dy, training=True)


def _is_new(case: Case) -> bool:
    """Whether the statistics given weigh nothing: then the layer is judged as it comes."""
    return case.training and case.batches == 0 and case.debias is not None


def _fetched(adapter: Adapter, native: object) -> Native | None:
    return None if native is None else adapter.fetch(native)


def told(error: BaseException) -> str:
    """What was raised and where: the type, the message's first line, the innermost frame."""
    innermost = error.__traceback__
    while innermost is not None and innermost.tb_next is not None:
        innermost = innermost.tb_next
    place = ""
    if innermost is not None:
        path = innermost.tb_frame.f_code.co_filename
        place = f" ({path.rsplit('/', 1)[-1]}:{innermost.tb_lineno})"
    message = str(error).strip().splitlines()
    return f"{type(error).__name__}: {message[0] if message else 'no message'}{place}"
