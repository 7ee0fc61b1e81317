"""The documentation tells every law as the catalogue has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bncheck.laws_page import page
from bncheck.properties.catalogue import CATALOGUE

PAGE = Path(__file__).resolve().parents[2] / "docs" / "laws.md"


@pytest.mark.skipif(not PAGE.is_file(), reason="the documentation is not there")
def test_the_documentation_tells_every_law() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(CATALOGUE)


def test_a_law_is_told_with_its_formula_source_and_inputs() -> None:
    law = next(law for law in CATALOGUE if law.id == "statistics.variance")
    told = page([law])
    assert told.startswith("# The laws\n\n1 laws, ")
    for words in (
        "## statistics\n",
        "### statistics.variance\n",
        f"    {law.formula.splitlines()[0]}\n",
        law.source,
    ):
        assert words in told
