"""What a target led to: the object, and what the user and the object itself declare about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import cast

from bncheck.adapters.documented import with_defaults
from bncheck.dialect import Dialect
from bncheck.errors import LoadError, UsageError
from bncheck.reference.formats import FORMATS

FRAMEWORKS = ("torch", "jax", "numpy")
_HINTS = ("framework", "dtypes", "dialect", "ranks")
RANKS = (2, 3, 4, 5)


@dataclass(frozen=True, slots=True)
class Found:
    """`thing`: class, function, factory or instance, None for an adapter's short name.  `name`: as the user says it.

    `options`: constructor arguments.  `device`: "cpu", "cuda" or "cuda:N".  `declared`: conventions declared by the user.
    `wanted_ranks`: the only ranks of x to judge, where not empty.  `wanted_dtypes`: asked for beyond the usual ones.
    The object itself may declare in `__bncheck__`: {"framework": ..., "dtypes": [...], "ranks": [...],
    "dialect": {...}}.
    """

    thing: object
    name: str
    options: Mapping[str, object] = field(default_factory=dict)
    device: str = "cpu"
    declared: Mapping[str, str] = field(default_factory=dict)
    wanted_ranks: tuple[int, ...] = ()
    wanted_dtypes: tuple[str, ...] = ()

    @property
    def is_instance(self) -> bool:
        """Whether it is a layer already made, to be copied; a class, function or factory is called."""
        return not isinstance(self.thing, type) and not _is_function(self.thing)

    @property
    def callable(self) -> Callable[..., object]:
        """The class, function or factory."""
        return cast("Callable[..., object]", self.thing)

    def dialect(self, default: Dialect) -> Dialect:
        """`default` with what the library documents, what the object declares and then what the user declares."""
        default = with_defaults(default, self.thing)
        hints = self._hint("dialect", {})
        if not isinstance(hints, Mapping):
            raise LoadError(
                f"{self.name}.__bncheck__['dialect'] is {hints!r}, expected a dict of conventions"
            )
        try:
            for key, value in hints.items():
                default = default.declared(str(key), str(value))
        except UsageError as error:
            raise LoadError(f"{self.name}.__bncheck__['dialect'] is wrong: {error}") from error
        for key, value in self.declared.items():
            default = default.declared(key, value)
        return default

    def dtypes(self, default: tuple[str, ...]) -> tuple[str, ...]:
        """The dtypes that the object declares, else `default`."""
        dtypes = self._hint("dtypes", default)
        if not isinstance(dtypes, list | tuple) or not dtypes or any(each not in FORMATS for each in dtypes):
            raise LoadError(
                f"{self.name}.__bncheck__['dtypes'] is {dtypes!r}; valid are {', '.join(FORMATS)}"
            )
        return tuple(dtypes)

    def dtypes_asked_for(self, usual: tuple[str, ...]) -> tuple[str, ...]:
        """`usual`, and what the user asks for beyond it."""
        return (*usual, *(each for each in self.wanted_dtypes if each not in usual))

    def ranks_within(self, offered: tuple[int, ...]) -> tuple[int, ...]:
        """Those of `offered` that the user, else the object, wants judged; LoadError where none is left."""
        wanted = self.wanted_ranks or self.ranks() or offered
        left = tuple(rank for rank in offered if rank in wanted)
        if not left:
            told, asked = (", ".join(map(str, each)) for each in (offered, wanted))
            raise LoadError(f"{self.name} takes x of rank {told}; rank {asked} was asked for")
        return left

    def ranks(self) -> tuple[int, ...]:
        """The ranks of x that the object declares; none where it leaves them to the adapter."""
        ranks = self._hint("ranks", ())
        if not isinstance(ranks, list | tuple) or any(each not in RANKS for each in ranks):
            raise LoadError(f"{self.name}.__bncheck__['ranks'] is {ranks!r}; valid are 2, 3, 4 and 5")
        return tuple(ranks)

    def framework(self) -> str | None:
        """The framework that the object declares, if it does."""
        framework = self._hint("framework", None)
        if framework is not None and framework not in FRAMEWORKS:
            raise LoadError(
                f"{self.name}.__bncheck__['framework'] is {framework!r}; valid are {', '.join(FRAMEWORKS)}"
            )
        return None if framework is None else str(framework)

    def _hint(self, key: str, default: object) -> object:
        hints = getattr(self.thing, "__bncheck__", {})
        if not isinstance(hints, Mapping) or any(each not in _HINTS for each in hints):
            raise LoadError(
                f"{self.name}.__bncheck__ is {hints!r}; expected a dict with keys of {', '.join(_HINTS)}"
            )
        hint: object = hints.get(key, default)
        return hint


def _is_function(found: object) -> bool:
    """Functions, partial and jitted ones, and built-in ones: what is called with x itself, or makes a layer."""
    return callable(found) and (hasattr(found, "__name__") or isinstance(found, partial))
