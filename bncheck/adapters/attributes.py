"""Where a layer keeps gamma, beta and its running statistics: an attribute, or an entry of a dict of parameters."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass

import numpy as np

from bncheck.adapter import FrameworkArray, Handle

# Bare names that many layers use for the batch's own statistics, None until the first batch comes.
_AMBIGUOUS = ("mean", "var", "variance")
_DICTIONARIES = ("params", "parameters", "_params", "state")


@dataclass(frozen=True, slots=True)
class Slot:
    """The entry `name` of the dict that is the layer's attribute `holder`, or its attribute `name` where None."""

    name: str
    holder: str | None = None

    def read(self, layer: Handle) -> FrameworkArray | None:
        """What stands there now."""
        return getattr(layer, self.name) if self.holder is None else getattr(layer, self.holder)[self.name]

    def write(self, layer: Handle, value: FrameworkArray) -> None:
        """Put `value` there, in the shape of what stands there: (1, C, 1, 1) stays (1, C, 1, 1)."""
        shape = shape_of(self.read(layer))
        if shape and np.prod(shape) == np.prod(value.shape):
            value = value.reshape(shape)
        if self.holder is None:
            setattr(layer, self.name, value)
        else:
            getattr(layer, self.holder)[self.name] = value


def slot_of(layer: Handle, names: tuple[str, ...]) -> Slot | None:
    """The first of the names that the layer has, as an array, a number or None; a method of that name is none."""
    for name in names:
        if hasattr(layer, name) and _is_value(getattr(layer, name)):
            if name in _AMBIGUOUS and getattr(layer, name) is None:
                continue
            return Slot(name)
    for holder in _DICTIONARIES:
        entries = getattr(layer, holder, None)
        if isinstance(entries, MutableMapping):
            for name in names:
                if name in entries:
                    return Slot(name, holder)
    return None


def number_of(layer: Handle, names: tuple[str, ...]) -> float | None:
    """The first attribute of these names that is a number."""
    values = (getattr(layer, name, None) for name in names)
    numbers = (
        each for each in values if isinstance(each, int | float | np.number) and not isinstance(each, bool)
    )
    return next((float(each) for each in numbers), None)


def shape_of(value: FrameworkArray | None) -> tuple[int, ...]:
    """The shape of an array, () for anything else."""
    return tuple(getattr(value, "shape", ()))


def dtype_name(value: FrameworkArray | None) -> str | None:
    """float32 and its kind, in every framework; None for what has no dtype."""
    dtype = getattr(value, "dtype", None)
    return None if dtype is None else str(dtype).removeprefix("torch.")


def _is_value(value: object) -> bool:
    """Whether this is what a layer would keep: an array (which may be callable in no framework), a number, None."""
    return not callable(value) and not isinstance(value, bool | str)
