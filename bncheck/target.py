"""Targets: how a user names an implementation, read into its parts."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass

from bncheck.adapters.builtin import adapter_names
from bncheck.errors import UsageError

_FORM = "[adapter+]LOCATOR[:attribute][?key=value&...][@device]"
_NAME = r"[^\W\d]\w*"
_REST = re.compile(
    r"(?::(?P<attribute>[^:?@]*))?(?:\?(?P<options>[^@]*(?:@[^@]*)*?))?(?:@(?P<device>[^@]*))?\Z", re.DOTALL
)
_DOTTED = re.compile(rf"{_NAME}(?:\.{_NAME})*\Z")
_SHORT = re.compile(r"[^\W\d][\w-]*(?:\.[\w-]+)*\Z")
DEVICE = re.compile(r"cpu\Z|cuda(?::\d+)?\Z", re.ASCII)
_FILE = re.compile(r"\.(?:py|onnx)(?=[:?@]|\Z)")
_WORDS = {"true": True, "false": False, "none": None}


@dataclass(frozen=True, slots=True)
class Target:
    """`text`: as it was given.  `locator`: a module, a .py or .onnx file, or a short name.

    `options`: constructor arguments, values read as Python literals.  `device`: cpu, cuda or cuda:N; None where open.
    """

    text: str
    adapter: str | None
    locator: str
    attribute: str | None
    options: tuple[tuple[str, object], ...]
    device: str | None

    @property
    def is_file(self) -> bool:
        """Whether the locator is a path."""
        return self.locator.endswith((".py", ".onnx"))


def parse_target(text: str) -> Target:
    """The parts of `[adapter+]LOCATOR[:attribute][?key=value&...][@device]`; UsageError where it has another form."""
    adapter, rest = _adapter(text)
    locator, tail = _located(rest)
    parts = _REST.match(tail)
    if parts is None:
        raise _wrong(text, f"nothing is known of {tail!r}")
    attribute, device = parts["attribute"], parts["device"]
    if not locator.endswith((".py", ".onnx")) and not _SHORT.match(locator):
        raise _wrong(text, f"{locator!r} is no module, no .py or .onnx file and no short name")
    if attribute is not None and not _DOTTED.match(attribute):
        raise _wrong(text, f"{attribute!r} is no name of an attribute")
    if device is not None and not DEVICE.match(device):
        raise _wrong(text, f"{device!r} is no device; valid are cpu, cuda and cuda:N")
    return Target(text, adapter, locator, attribute, _options(text, parts["options"]), device)


def _adapter(text: str) -> tuple[str | None, str]:
    """The adapter's name and what follows the plus sign; in the path of a .py file a plus is one only after a known name."""
    name, plus, rest = text.partition("+")
    if not plus or re.search(r"[:?@]", name):
        return None, text
    if re.search(r"\.py(?=[:?@]|\Z)", text) and name not in adapter_names():
        return None, text
    if not _SHORT.match(name):
        raise _wrong(text, f"{name!r} is no name of an adapter")
    return name, rest


def _located(text: str) -> tuple[str, str]:
    """The locator and what follows it: of a file the first ending after which the rest makes sense, else up to : ? @."""
    for ending in _FILE.finditer(text):
        parts = _REST.match(text, ending.end())
        if ending.start() and parts is not None and _sensible(parts["attribute"], parts["device"]):
            return text[: ending.end()], text[ending.end() :]
    found = re.search(r"[:?@]", text)
    place = found.start() if found else len(text)
    return text[:place], text[place:]


def _sensible(attribute: str | None, device: str | None) -> bool:
    return (attribute is None or bool(_DOTTED.match(attribute))) and (
        device is None or bool(DEVICE.match(device))
    )


def _options(text: str, written: str | None) -> tuple[tuple[str, object], ...]:
    if written is None:
        return ()
    options: dict[str, object] = {}
    for each in written.split("&"):
        key, equals, value = each.partition("=")
        if not equals or not re.fullmatch(_NAME, key):
            raise _wrong(text, f"{each!r} is no key=value")
        if key in options:
            raise _wrong(text, f"{key!r} is given twice")
        options[key] = _literal(value)
    return tuple(options.items())


def _literal(value: str) -> object:
    """A Python literal, with true, false and none also understood; anything else is a string."""
    if value in _WORDS:
        return _WORDS[value]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # the compiler's opinion on a value that may well be a plain string
            return ast.literal_eval(value)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return value


def _wrong(text: str, why: str) -> UsageError:
    return UsageError(f"{text!r} is no target: {why}; a target is {_FORM}, such as torch.nn:BatchNorm2d@cpu")
