"""Which adapter an object asks for: by what it derives from, how it can be called, and what its arguments are named."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import cast

from bncheck.adapter import Adapter
from bncheck.adapters.builtin import adapter_for_class, adapter_for_function, built
from bncheck.adapters.construction import construction_of
from bncheck.adapters.found import Found
from bncheck.adapters.names import CONSTRUCTOR_ROLES, FUNCTION_ROLES
from bncheck.adapters.signatures import parameters_of
from bncheck.errors import BncheckError, LoadError
from bncheck.evaluation import told

_UNDERSTOOD = (
    "a torch.nn.Module, a function of x, a class or an instance with __call__ or forward(x), a factory of these, "
    "or a bncheck.adapter.Adapter"
)


def recognised(found: Found) -> Adapter:
    """The adapter for what was found, by what it looks like; LoadError where it looks like nothing known."""
    thing = found.thing
    if isinstance(thing, Adapter):
        return thing
    if isinstance(thing, type):
        if issubclass(thing, Adapter):
            return from_factory(thing, found)
        return built(adapter_for_class(thing) or "layer_class", found)
    if (
        isinstance(thing, ModuleType)
        or thing is None
        or isinstance(thing, str | bytes | int | float | list | dict)
    ):
        raise LoadError(f"{found.name} is a {type(thing).__name__}; bncheck understands {_UNDERSTOOD}")
    if not found.is_instance:
        return built(adapter_for_function(thing) or _kind_of_function(found), found)
    if not callable(thing) and not hasattr(thing, "forward"):
        raise LoadError(
            f"{found.name} is a {type(thing).__name__} that cannot be called and has no forward; "
            f"bncheck understands {_UNDERSTOOD}"
        )
    return built(adapter_for_class(type(thing)) or "layer_class", found)


def _kind_of_function(found: Found) -> str:
    """A function of x, or a factory, told apart by what its arguments are called."""
    parameters = [name for name in parameters_of(found.callable, found.name) if name not in found.options]
    if any(name in FUNCTION_ROLES["x"] for name in parameters):
        return "function"
    roles = {"channels", "rank", "affine", "eps", "momentum", "gamma"}
    known = {name for role in roles for name in CONSTRUCTOR_ROLES[role]}
    if parameters and not any(name in known for name in parameters):
        raise LoadError(
            f"{found.name} is a function of ({', '.join(parameters)}), which has no argument of the usual names: "
            f"{', '.join(FUNCTION_ROLES['x'])} for the input; bncheck understands {_UNDERSTOOD}"
        )
    return _kind_of_product(found)


def _kind_of_product(found: Found) -> str:
    """What a factory makes, told by its annotation, else by making one."""
    product = inspect.signature(found.callable).return_annotation
    # What stands for a missing annotation is a class itself.
    if product is inspect.Signature.empty or not isinstance(product, type):
        try:
            values: dict[str, object] = {
                "channels": 3,
                "rank": 2,
                "eps": 1e-3,
                "momentum": 0.5,
                "affine": True,
            }
            product = type(construction_of(found).make(values))
        except BncheckError:
            raise
        except Exception as error:
            raise LoadError(f"{found.name} could not be made: {told(error)}") from error
    return adapter_for_class(product) or "layer_class"


def from_factory(factory: object, found: Found, *arguments: object) -> Adapter:
    """An adapter class, or what an entry point names, called with the object, the options and, where taken, the device."""
    if isinstance(factory, Adapter):
        return factory
    make = cast("Callable[..., object]", factory)
    parameters = parameters_of(make, found.name)
    options = dict(found.options)
    for key in options:
        if key not in parameters and not any(each.kind is each.VAR_KEYWORD for each in parameters.values()):
            raise LoadError(
                f"{found.name} has no argument {key!r}; valid are {', '.join(parameters) or 'none'}"
            )
    if "device" in parameters and "device" not in options:
        options["device"] = found.device
    try:
        adapter = make(*arguments, **options)
    except BncheckError:
        raise
    except Exception as error:
        raise LoadError(f"{found.name} could not be made: {told(error)}") from error
    if not isinstance(adapter, Adapter):
        raise LoadError(f"{found.name} made a {type(adapter).__name__}, not a bncheck.adapter.Adapter")
    return adapter
