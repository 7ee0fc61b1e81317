"""A matrix as one page of HTML that needs no network: made of a template, light and dark, narrow and wide."""

from __future__ import annotations

from importlib.resources import files

from jinja2 import Environment, StrictUndefined

from bncheck.matrix.grid import Matrix
from bncheck.matrix.markdown_page import TITLE
from bncheck.reports.html import MARKS as LETTERS
from bncheck.verdict import Status

TEMPLATE = "page.html.j2"
MARKS = LETTERS | {Status.NOT_APPLICABLE: ""}


def html(found: Matrix) -> str:
    """The whole page."""
    text = (files("bncheck.matrix") / TEMPLATE).read_text(encoding="utf-8")
    template = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).from_string(text)
    families: dict[str, list[str]] = {}
    for law in found.laws:
        families.setdefault(law.partition(".")[0], []).append(law)
    return template.render(found=found, title=TITLE, marks=MARKS, families=families)
