"""The corpus of plain bugs: every locator is recognised without an adapter, and what the bugs are written from is sound."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from causes.plain.catalogue import BUGS, SOUND, UNCAUSED

from bncheck import check
from bncheck.loading import load

PLAIN = Path(__file__).parent / "plain"
TARGETS = tuple(bug.target for bug in (*BUGS, *UNCAUSED))
# JAX compiles for every new shape, so that all laws would take half a minute.
JAX_LAWS = r"^(forward|evaluation)\.output$|^gradient\.dx$"


def here(target: str) -> str:
    """The locator of a file beside the catalogue; skips where its framework is not installed."""
    for framework in ("torch", "jax"):
        if framework in target.partition(":")[0]:
            pytest.importorskip(framework)
    return str(PLAIN / target)


@pytest.mark.parametrize("target", TARGETS)
def test_a_plain_bug_is_recognised_without_an_adapter(target: str) -> None:
    adapter = load(here(target), isolate=False).adapter

    assert adapter.name in {"layer_class", "torch_module", "function"}


@pytest.mark.parametrize("target", [each for each in SOUND if "jax" not in each])
def test_what_the_bugs_are_written_from_holds_every_law(target: str) -> None:
    report = check(here(target), profile="smoke", isolate=False)

    assert report.exit_code == 0


@pytest.mark.parametrize("target", [each for each in SOUND if "jax" in each])
def test_what_the_jax_bugs_are_written_from_holds_the_laws_of_agreement(target: str) -> None:
    report = check(here(target), profile="smoke", include=JAX_LAWS, dtypes=["float32"], isolate=False)

    assert report.exit_code == 0


def test_every_layer_and_function_of_the_corpus_stands_in_the_catalogue_once() -> None:
    written = {
        f"{path.name}:{statement.name}"
        for path in PLAIN.glob("*.py")
        if path.name != "catalogue.py"
        for statement in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(statement, ast.ClassDef | ast.FunctionDef)
        and statement.name not in {"checked", "column"}
    }

    assert sorted((*TARGETS, *SOUND)) == sorted(written)


def test_a_bug_has_a_family_and_what_belongs_to_none_has_none() -> None:
    assert all(bug.family for bug in BUGS)
    assert not any(bug.family for bug in UNCAUSED)
