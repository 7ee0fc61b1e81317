"""Settings: options of commands that a project's pyproject.toml or the environment gives, and the schema of them.

The command line comes before the environment, and that before the file.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from typing import Any

import click
from click.core import ParameterSource

from bncheck.errors import UsageError
from bncheck.project_file import nearest, settings_in
from bncheck.terminal import clear_errors

PREFIX = "BNCHECK_"
SETTINGS = frozenset(
    {
        "baseline", "device", "dialect", "dtype", "exclude", "exit-zero", "include", "isolate", "max-failures", "max-time",
        "numerics", "profile", "rank", "replay", "report", "report-dir", "seed", "shard", "workers",
    }
)  # fmt: skip


class Configured(click.Command):
    """A command that takes its options, where they are not given, from BNCHECK_* or from the table tool.bncheck."""

    def __init__(self, *words: Any, **named: Any) -> None:
        super().__init__(*words, **named)
        for key, option in settings(self).items():
            option.envvar = _variable(key)

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **named: Any) -> click.Context:
        """With what the nearest pyproject.toml says as defaults; help is there whatever that says."""
        if not {"--help", "-h"}.intersection(args):
            with clear_errors():
                _check_environment()
                named["default_map"] = _from_file(self) | (named.get("default_map") or {})
        return super().make_context(info_name, args, *rest, **named)


def without_a_command_line(command: click.Command) -> click.Context:
    """The options of a command as the environment and the nearest pyproject.toml give them; raises UsageError for wrong ones."""
    _check_environment()
    try:
        return click.Command.make_context(command, str(command.name), [], default_map=_from_file(command))
    except click.ClickException as error:
        raise UsageError(error.format_message()) from None


def settings(command: click.Command) -> dict[str, click.Option]:
    """Those options of a command that are settings, by their names without dashes in front."""
    named = {
        max(option.opts, key=len).removeprefix("--"): option
        for option in command.params
        if isinstance(option, click.Option)
    }
    return {key: option for key, option in named.items() if key in SETTINGS}


def _variable(key: str) -> str:
    return PREFIX + key.upper().replace("-", "_")


def _check_environment() -> None:
    """UsageError for a variable that sets nothing and is near one that does; others may be somebody else's."""
    known = {_variable(key).removeprefix(PREFIX) for key in SETTINGS}
    for name in os.environ:
        key = name.removeprefix(PREFIX)
        if not name.startswith(PREFIX) or key in known:
            continue
        for near in difflib.get_close_matches(key, known, n=1, cutoff=0.75):
            raise UsageError(f"{name} in the environment is no setting; near it is {PREFIX}{near}")


def _from_file(command: click.Command) -> dict[str, Any]:
    path = nearest()
    if path is None:
        return {}
    known, found = settings(command), {}
    for key, value in settings_in(path).items():
        if key not in SETTINGS:
            raise UsageError(
                f"{key!r} in the table tool.bncheck of {path} is no setting; valid are {', '.join(sorted(SETTINGS))}"
            )
        if key in known:
            _checked(known[key], key, value, str(path))
            found[str(known[key].name)] = value
    return found


def _checked(option: click.Option, key: str, value: object, path: str) -> None:
    """UsageError unless a value of TOML is one that the option takes."""
    flag = option.is_flag
    if isinstance(value, list) != option.multiple or isinstance(value, bool) != flag:
        kind = "a list" if option.multiple else "true or false" if flag else "a single value"
        raise UsageError(f"{key} in the table tool.bncheck of {path} is {value!r}, expected {kind}")
    for each in value if isinstance(value, list) else [value]:
        try:
            option.type.convert(each, option, None)
        except click.BadParameter as error:
            raise UsageError(f"{key} in the table tool.bncheck of {path} is wrong: {error.message}") from None


def told(context: click.Context) -> Iterator[str]:
    """`profile smoke (BNCHECK_PROFILE)` for each option of a command that the environment or a file has given."""
    for key, option in settings(context.command).items():
        source, value = context.get_parameter_source(str(option.name)), context.params.get(str(option.name))
        shown = (
            " ".join(map(str, value))
            if isinstance(value, tuple)
            else str(value).lower()
            if option.is_flag
            else value
        )
        if source == ParameterSource.ENVIRONMENT:
            yield f"{key} {shown} ({option.envvar})"
        elif source == ParameterSource.DEFAULT_MAP:
            yield f"{key} {shown} ({nearest()})"


def schema(commands: Mapping[str, click.Command]) -> dict[str, Any]:
    """The JSON schema of the table tool.bncheck, from the options of the commands that it configures."""
    properties: dict[str, Any] = {}
    for command in commands.values():
        for key, option in settings(command).items():
            one = _schema_of(option)
            kind = {"type": "array", "items": one} if option.multiple else one
            properties[key] = kind | {"description": option.help}
    properties["dialect"] = {
        "type": "object",
        "additionalProperties": {"type": "object", "additionalProperties": {"type": ["string", "number"]}},
        "description": "The conventions that each target declares, by its name.",
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "tool.bncheck in pyproject.toml",
        "type": "object",
        "additionalProperties": False,
        "properties": dict(sorted(properties.items())),
    }


def _schema_of(option: click.Option) -> dict[str, Any]:
    kind = option.type
    if option.is_flag:
        return {"type": "boolean"}
    if isinstance(kind, click.Choice):
        return {"enum": list(kind.choices)}
    if isinstance(kind, click.IntRange | click.FloatRange):
        name = "integer" if isinstance(kind, click.IntRange) else "number"
        least = {"exclusiveMinimum" if kind.min_open else "minimum": kind.min} if kind.min is not None else {}
        most = {"maximum": kind.max} if kind.max is not None else {}
        return {"type": name, **least, **most}
    return {"type": "string"}
