"""Signatures read by role: which argument is x, which is gamma, and how a call is put together from them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bncheck.errors import LoadError

_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclass(frozen=True, slots=True)
class Signature:
    """`roles`: role to parameter, those given by `options` left out; `options`: arguments that the user gave."""

    roles: Mapping[str, inspect.Parameter]
    options: Mapping[str, object]

    def has(self, role: str) -> bool:
        """Whether an argument of this role is free to be given."""
        return role in self.roles

    def needs(self, role: str) -> bool:
        """Whether an argument of this role must be given."""
        return role in self.roles and self.roles[role].default is inspect.Parameter.empty

    def call(self, function: Callable[..., object], values: Mapping[str, object]) -> object:
        """`function` of the values by role; a role that has no value here keeps its default."""
        positional: list[object] = []
        named: dict[str, object] = dict(self.options)
        for role, parameter in self.roles.items():
            if role not in values:
                continue
            if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
                positional.append(values[role])
            else:
                named[parameter.name] = values[role]
        return function(*positional, **named)


def parameters_of(function: Callable[..., object], name: str) -> Mapping[str, inspect.Parameter]:
    """The parameters of a callable by their names; LoadError where Python cannot tell them."""
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError) as error:
        raise LoadError(
            f"{name} is a {type(function).__name__} whose signature Python cannot read ({error}); "
            "wrap it in a Python function with the usual argument names, or write an adapter"
        ) from error


def read_signature(
    function: Callable[..., object],
    name: str,
    *,
    table: Mapping[str, tuple[str, ...]],
    options: Mapping[str, object],
) -> Signature:
    """The roles of a callable's arguments; LoadError for an unknown option or a required argument of no known role."""
    parameters = parameters_of(function, name)
    _check_options(parameters, name, options)
    roles: dict[str, inspect.Parameter] = {}
    for parameter in parameters.values():
        role = next((role for role, names in table.items() if parameter.name in names), None)
        if parameter.name in options or parameter.kind in _VARIADIC:
            continue
        if role is not None and role not in roles and not (role in {"gamma", "beta"} and _is_flag(parameter)):
            roles[role] = parameter
        elif parameter.default is inspect.Parameter.empty:
            raise LoadError(
                f"{name} needs the argument {parameter.name!r}, which has none of the usual names; "
                f"give it as {name}?{parameter.name}=..., or write an adapter"
            )
    return Signature(roles, options)


def _check_options(
    parameters: Mapping[str, inspect.Parameter], name: str, options: Mapping[str, object]
) -> None:
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    valid = [each.name for each in parameters.values() if each.kind not in _VARIADIC]
    for key in options:
        if key not in valid:
            raise LoadError(f"{name} has no argument {key!r}; valid are {', '.join(valid) or 'none'}")


def _is_flag(parameter: inspect.Parameter) -> bool:
    """Whether `bias` and its kind say that there is one (a bool) instead of giving it."""
    return isinstance(parameter.default, bool) or parameter.annotation in {bool, "bool"}
