"""Imports run one way, as the data does, and a framework is loaded only when a target asks for it."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Every unit of bncheck, the ground floor first: a unit imports only itself and what stands before it.  A folder is one
# unit, and "bncheck" is the package's own __init__.  A new module is entered where the data meets it.
ORDER = (
    "reference",
    "errors",
    "environment",
    "whole_files",
    "project_file",
    "effort",
    "layout",
    "step",
    "direction",
    "case",
    "case_data",
    "case_text",
    "case_file",
    "shapes",
    "recipes",
    "batches",
    "capabilities",
    "programs",
    "strategies",
    "placements",
    "special_cases",
    "degenerate_cases",
    "range_cases",
    "size_cases",
    "regions",
    "draws",
    "corpus",
    "outcome",
    "simplification",
    "dialect",
    "adapter",
    "surroundings",
    "evaluation",
    "performance",
    "performing",
    "implementation",
    "fitting",
    "adapters",
    "planted",
    "wire",
    "casting",
    "isolation",
    "target",
    "configuration",
    "locating",
    "loading",
    "worker",
    "comparison",
    "error_profile",
    "verdict",
    "model",
    "further",
    "trial",
    "stale_memory",
    "law",
    "properties",
    "laws_page",
    "numerics",
    "division",
    "verify",
    "shrinking",
    "causes",
    "replaying",
    "baseline",
    "saved_cases",
    "why",
    "report",
    "report_difference",
    "identify",
    "lanes",
    "kill_matrix",
    "recollection",
    "proving",
    "cross_check",
    "processes",
    "selftest",
    "selftest_text",
    "selftest_page",
    "selftest_files",
    "options",
    "taking",
    "work",
    "crew_messages",
    "crew_member",
    "crew",
    "findings",
    "checking",
    "recording",
    "baseline_update",
    "compare",
    "reproducer",
    "earlier_text",
    "text_report",
    "json_report",
    "reports",
    "runs",
    "matrix",
    "campaign",
    "pytest_session",
    "pytest_support",
    "testing",
    "terminal",
    "commands",
    "command_line_page",
    "pytest_scheduling",
    "pytest_targets",
    "pytest_plugin",
    "command_line",
    "__main__",
    "bncheck",
)

# The doors are where a user comes in; only they know which laws there are and how a result is shown.
DOORS = {
    "pytest_session",
    "pytest_support",
    "pytest_scheduling",
    "pytest_targets",
    "commands",
    "command_line",
    "__main__",
    "bncheck",
}
FOR_DOORS_ALONE = {
    "bncheck.properties.catalogue",
    "bncheck.text_report",
    "bncheck.json_report",
    "bncheck.reports.formats",
    "bncheck.selftest_text",
    "bncheck.selftest_files",
}


def modules() -> dict[str, Path]:
    """Every module that ships, by the name it is imported under."""
    folders = {f"bncheck.{folder.name}": folder for folder in (ROOT / "bncheck").iterdir() if folder.is_dir()}
    folders |= {"bncheck": ROOT / "bncheck"}
    folders |= {f"bncheck.{name}": ROOT / name for name in ("reference", "properties")}
    found = {f"{name}.{path.stem}": path for name, folder in folders.items() for path in folder.glob("*.py")}
    return {name.removesuffix(".__init__"): path for name, path in found.items()}


MODULES = modules()

pytestmark = pytest.mark.skipif(
    not (ROOT / "reference").is_dir(), reason=f"{ROOT} is not a checkout: there are no sources to read"
)


def unit(module: str) -> str:
    """`bncheck.adapters.torch` is of the unit `adapters`."""
    return module.split(".")[1] if "." in module else module


def named(node: ast.AST, package: str) -> list[str]:
    """The modules that one import statement in `package` names, in full: relative ones are resolved."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    parents = package.split(".")
    above = parents[: len(parents) - node.level + 1] if node.level else []
    source = ".".join([*above, *filter(None, [node.module])])
    submodules = [f"{source}.{alias.name}" for alias in node.names]
    return [name if name in MODULES else source for name in submodules]


def imports(module: str) -> set[str]:
    """Our own modules that `module` imports, at its top or inside a function."""
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return {name for node in nodes for name in named(node, package) if name.split(".")[0] == "bncheck"}


def test_every_unit_has_its_place_in_the_order() -> None:
    assert {unit(module) for module in MODULES} <= set(ORDER)


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_imports_only_what_stands_before_it(module: str) -> None:
    place = ORDER.index(unit(module))
    allowed = {unit(module), *ORDER[:place]}

    assert {name for name in imports(module) if unit(name) not in allowed} == set()


def test_no_imports_go_round_in_a_circle() -> None:
    graph = {module: {name for name in imports(module) if name != module} for module in MODULES}

    assert set(TopologicalSorter(graph).static_order()) >= set(MODULES)


def test_the_reference_imports_nothing_of_ours() -> None:
    reference = [module for module in MODULES if unit(module) == "reference"]

    assert {name for module in reference for name in imports(module) if unit(name) != "reference"} == set()


def test_the_laws_know_no_adapter() -> None:
    known = {name for module in MODULES if unit(module) == "properties" for name in imports(module)}

    assert {name for name in known if unit(name) in {"adapters", "target", "locating", "loading"}} == set()


def test_only_the_doors_import_the_catalogue_and_the_reports() -> None:
    inside = [module for module in MODULES if unit(module) not in DOORS]
    known = {(module, name) for module in inside for name in imports(module)}

    assert {(module, name) for module, name in known if name in FOR_DOORS_ALONE} == set()


@pytest.mark.parametrize(
    "arguments", [["-c", "import bncheck"], ["-m", "bncheck", "--help"]], ids=["import", "help"]
)
def test_no_framework_is_loaded_before_a_target_asks_for_it(arguments: list[str]) -> None:
    command = [sys.executable, "-X", "importtime", *arguments]

    run = subprocess.run(command, capture_output=True, text=True, check=True)

    loaded = {line.rpartition("|")[2].strip().split(".")[0] for line in run.stderr.splitlines()}
    assert "bncheck" in loaded
    assert loaded.isdisjoint({"torch", "jax", "jaxlib"})
