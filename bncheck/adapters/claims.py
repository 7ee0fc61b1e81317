"""What a target claims before it is probed: from its signature, its attributes and what the user gave."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace

import numpy as np

from bncheck.adapter import Handle
from bncheck.adapters.arrays import Arrays, unchangeable, undifferentiated
from bncheck.adapters.attributes import Slot, dtype_name, number_of, shape_of
from bncheck.adapters.construction import Construction, spoken_momentum
from bncheck.adapters.found import RANKS, Found
from bncheck.adapters.measured import measured_eps, measured_momentum
from bncheck.adapters.names import CHANNELS_NAMES, EPS_NAMES, MOMENTUM_NAMES
from bncheck.adapters.probe import Probe
from bncheck.adapters.signatures import Signature
from bncheck.capabilities import Capabilities
from bncheck.dialect import Dialect
from bncheck.reference.formats import FORMATS

Slots = Mapping[str, Slot | None]


def claimed(
    found: Found,
    construction: Construction,
    sample: Handle,
    *,
    slots: Slots,
    arrays: Arrays,
    dialect: Dialect,
    gradient: bool,
    eval_mode: bool,
    dtypes: tuple[str, ...] = ("float32", "float64"),
) -> Capabilities:
    """Everything that nothing speaks against."""
    given = {role: slot is not None for role, slot in slots.items()}
    tracked = given["mean"] and given["var"]
    reasons: dict[str, str] = {}
    if not tracked:
        reasons |= dict.fromkeys(("statistics", "set_statistics", "eval"), "it keeps no running statistics")
    elif not eval_mode:
        reasons["eval"] = "it has no train() and eval(), no `training` attribute and no such argument"
    if not gradient:
        reasons |= dict.fromkeys(("gradient", "eval_gradient"), "it has no backward(dy)")
    affine = _affine(construction, slots)
    if not affine:
        reasons["affine"] = "it has no gamma and beta of the usual names, or was made without them"
    plain = construction.has("affine") or not affine or _absent(sample, slots)
    if not plain:
        reasons["plain"] = "gamma and beta cannot be left out"
    fixed = not construction.has("momentum")
    if fixed:
        reasons["momentum"] = "momentum is fixed" if tracked else "it keeps no running statistics"
    if found.is_instance:
        reasons["mixed"] = "the instance's dtype is fixed"
    own_dtype = _own_dtype(sample, slots) if found.is_instance else ()
    return Capabilities(
        ranks=found.ranks_within(RANKS),
        mixed=not found.is_instance,
        dtypes=found.dtypes(own_dtype or found.dtypes_asked_for(dtypes)),
        gradient=gradient,
        eval_gradient=gradient,
        eval="eval" not in reasons,
        statistics=tracked,
        set_statistics=tracked,
        affine=affine,
        plain=plain,
        momentum=not fixed,
        cumulative=fixed and tracked and getattr(sample, "momentum", 0.0) is None,
        channels=None
        if construction.has("channels") or _sizeless(construction, sample, slots)
        else _channels(sample, slots),
        eps=None if construction.has("eps") else number_of(sample, EPS_NAMES),
        fixed_momentum=_fixed_momentum(construction, sample, dialect),
        compiles=arrays.compiles,
        actions=("copy",) if tracked and _copies(sample) else (),
        layouts=arrays.mutable,
        parameters=arrays.mutable and affine,
        memory=arrays.mutable,
        forward_mode=arrays.differentiates,
        second_order=arrays.differentiates,
        reasons=reasons | undifferentiated(arrays) | unchangeable(arrays),
    )


def _copies(sample: Handle) -> bool:
    """Whether a layer can be copied as Python copies objects."""
    try:
        deepcopy(sample)
    except Exception:  # noqa: BLE001  # whatever a stranger's object raises
        return False
    return True


def claimed_by_signature(
    found: Found, signature: Signature, arrays: Arrays, *, dtypes: tuple[str, ...]
) -> Capabilities:
    """What the signature of a function offers."""
    has = signature.has
    flag, tracked = has("training") or has("inference"), has("mean") and has("var")
    train = flag or has("momentum") or not tracked
    reasons: dict[str, str] = {}
    if not train:
        reasons["train"] = "it takes running statistics but neither a training flag nor a momentum"
    if not tracked:
        reasons |= dict.fromkeys(("statistics", "set_statistics", "eval"), "it takes no running statistics")
    elif train and not flag:
        reasons["eval"] = "it takes a momentum and no training flag, so it always trains"
    if not (has("gamma") and has("beta")):
        reasons["affine"] = "it does not take both gamma and beta"
    if not arrays.differentiates:
        reasons["gradient"] = reasons["eval_gradient"] = (
            "it is a NumPy function, of which no gradients are found automatically"
        )
    return Capabilities(
        ranks=found.ranks_within(RANKS),
        dtypes=found.dtypes(found.dtypes_asked_for(dtypes)),
        train=train,
        eval="eval" not in reasons,
        gradient=arrays.differentiates,
        eval_gradient=arrays.differentiates,
        statistics=tracked and train,
        set_statistics=tracked,
        affine="affine" not in reasons,
        plain=True,
        momentum=has("momentum"),
        compiles=arrays.compiles,
        actions=("momentum",) if has("momentum") else (),
        layouts=arrays.mutable,
        parameters=arrays.mutable and "affine" not in reasons,
        memory=arrays.mutable,
        forward_mode=arrays.differentiates,
        second_order=arrays.differentiates,
        reasons=reasons | undifferentiated(arrays) | unchangeable(arrays),
    )


def measured(probe: Probe, construction: Construction, sample: Handle) -> Capabilities:
    """The capabilities with the eps and the momentum that neither argument nor attribute tells."""
    capabilities = probe.adapter.capabilities
    eps, momentum = capabilities.eps, capabilities.fixed_momentum
    if eps is None and not construction.has("eps"):
        eps = measured_eps(probe)
    unknown = capabilities.statistics and not capabilities.momentum and not capabilities.cumulative
    if momentum is None and unknown and number_of(sample, MOMENTUM_NAMES) is None:
        momentum = measured_momentum(probe)
    return replace(capabilities, eps=eps, fixed_momentum=momentum)


def _affine(construction: Construction, slots: Slots) -> bool:
    if construction.given(("affine",)) is False:
        return False
    held = slots["gamma"] is not None and slots["beta"] is not None
    return held or (construction.has("gamma") and construction.has("beta"))


def _absent(sample: Handle, slots: Slots) -> bool:
    """Whether gamma and beta are None until they are given.

    Where the statistics are None as well, the layer builds itself on its first call if gamma is still None then, and
    would overwrite the statistics that it was given.
    """
    return all(_is_none(sample, slots, role) for role in ("gamma", "beta")) and not _is_none(
        sample, slots, "mean"
    )


def _is_none(sample: Handle, slots: Slots, role: str) -> bool:
    slot = slots[role]
    return slot is not None and slot.read(sample) is None


def _fixed_momentum(construction: Construction, sample: Handle, dialect: Dialect) -> float | None:
    if construction.has("momentum"):
        return None
    return spoken_momentum(number_of(sample, MOMENTUM_NAMES), dialect)


def _sizeless(construction: Construction, sample: Handle, slots: Slots) -> bool:
    """Whether layers of this class take any number of channels: they get arrays, or find out at the first batch."""
    return construction.needs("gamma") or _channels(sample, slots) is None


def _channels(sample: Handle, slots: Slots) -> int | None:
    sizes = [
        int(np.prod(shape)) for slot in slots.values() if slot and (shape := shape_of(slot.read(sample)))
    ]
    told = number_of(sample, CHANNELS_NAMES)
    return sizes[0] if sizes else None if told is None else int(told)


def _own_dtype(sample: Handle, slots: Slots) -> tuple[str, ...]:
    names = (dtype_name(slot.read(sample)) for slot in slots.values() if slot is not None)
    return next(((name,) for name in names if name in FORMATS), ())
