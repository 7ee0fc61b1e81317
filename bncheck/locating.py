"""From a locator to the object it names: modules and files imported, attributes looked up, errors put in a sentence."""

from __future__ import annotations

import difflib
import hashlib
import importlib
import importlib.util
import sys
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import ModuleType

from bncheck.adapters.frameworks import missing_framework
from bncheck.errors import LoadError
from bncheck.target import Target


def located(target: Target) -> object:
    """The object that a target names; LoadError says in one sentence why there is none."""
    module = _from_file(target) if target.is_file else _from_module(target)
    if target.attribute is None:
        offered = [name for name, value in vars(module).items() if _is_own(name, value, module)]
        raise LoadError(
            f"{target.text} names no attribute; {target.locator} defines {', '.join(offered) or 'none that is public'}, "
            f"and a target is {target.locator}:NAME"
        )
    return _attribute(module, target)


def _attribute(module: ModuleType, target: Target) -> object:
    found: object = module
    for name in (target.attribute or "").split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            near = difflib.get_close_matches(name, [each for each in dir(found) if not each.startswith("__")])
            owner = target.locator if found is module else f"{target.locator}:{target.attribute}"
            hint = f"; near it are {', '.join(near)}" if near else ""
            raise LoadError(f"{owner} has no attribute {name!r}{hint}") from None
    return found


def _from_module(target: Target) -> ModuleType:
    """The module, looked for where Python looks and then in the current directory."""
    here = str(Path.cwd())
    added = here not in sys.path
    if added:
        sys.path.append(here)
    try:
        return _imported(lambda: importlib.import_module(target.locator), target)
    finally:
        if added and here in sys.path:
            sys.path.remove(here)


def _from_file(target: Target) -> ModuleType:
    """The .py file as a module of a name of its own; beside it, its neighbours can be imported."""
    path = Path(target.locator).expanduser()
    if not path.is_file():
        raise LoadError(f"there is no file {target.locator}")
    path = path.resolve()
    name = f"{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise LoadError(f"{target.locator} is no Python file; bncheck has no adapter for it")
    module, loader = importlib.util.module_from_spec(spec), spec.loader

    def execute() -> ModuleType:
        loader.exec_module(module)
        return module

    sys.modules[name] = module  # as the import system does, so that dataclasses and deep copies find it
    sys.path.insert(0, str(path.parent))
    try:
        return _imported(execute, target)
    except LoadError:
        del sys.modules[name]
        raise
    finally:
        with suppress(ValueError):  # the file itself may have changed sys.path
            sys.path.remove(str(path.parent))


def _imported(load: Callable[[], ModuleType], target: Target) -> ModuleType:
    """Run the import; whatever it raises, sys.exit included, becomes a LoadError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # warnings on import are the affair of the module's own tests
            return load()
    except KeyboardInterrupt:
        raise
    except ModuleNotFoundError as error:
        raise _not_found(error, target) from error
    except BaseException as error:  # SystemExit of a script without a main guard
        raise LoadError(f"importing {target.locator} raised {_told(error, target)}") from error


def _not_found(error: ModuleNotFoundError, target: Target) -> LoadError:
    missing = missing_framework(error, target.text)
    if missing is not None:
        return missing
    name = error.name or ""
    if not target.is_file and (target.locator == name or target.locator.startswith(f"{name}.")):
        return LoadError(f"there is no module {name!r}; looked in the Python path and in {Path.cwd()}")
    return LoadError(f"importing {target.locator} raised {_told(error, target)}")


def _told(error: BaseException, target: Target) -> str:
    """The type, the message's first line and the place: the last line in the user's own file where it came by it."""
    message = (str(error).strip() or "no message").splitlines()[0]
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {message.split(' (')[0]} ({Path(error.filename or '?').name}:{error.lineno})"
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        frame for frame in frames if target.is_file and Path(frame.filename).name == Path(target.locator).name
    ]
    frame = (own or [each for each in frames if "importlib" not in each.filename] or frames)[-1]
    return f"{type(error).__name__}: {message} ({Path(frame.filename).name}:{frame.lineno})"


def _is_own(name: str, value: object, module: ModuleType) -> bool:
    return (
        not name.startswith("_") and callable(value) and getattr(value, "__module__", None) == module.__name__
    )
