"""Constructors of the field's layers, whose arguments have names that are known beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import getattr_static

from bncheck.adapters.found import Found
from bncheck.adapters.signatures import Signature, parameters_of
from bncheck.errors import LoadError


def constructor_of(found: Found, roles: Mapping[str, str], *, forbidden: tuple[str, ...] = ()) -> Signature:
    """The arguments of these roles that the user leaves open; LoadError for an instance and for an option that is none.

    `roles`: role to the argument's name.  `forbidden`: arguments that bncheck gives itself.
    """
    if found.is_instance:
        raise LoadError(
            f"{found.name} is an instance; name its class, with constructor arguments after a question mark"
        )
    # Of a class with a metaclass Python tells the signature of the metaclass's call.
    made = getattr_static(found.thing, "__init__") if isinstance(found.thing, type) else found.callable
    parameters = {name: each for name, each in parameters_of(made, found.name).items() if name != "self"}
    valid = [name for name in parameters if name not in forbidden]
    for key in found.options:
        if key not in valid:
            raise LoadError(f"{found.name} takes no {key!r} here; valid are {', '.join(valid)}")
    left = {role: parameters[name] for role, name in roles.items() if name not in found.options}
    return Signature(left, found.options)
