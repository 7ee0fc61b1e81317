"""A matrix as a page in Markdown: one row a law, one column a target, and every finding below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bncheck.matrix.grid import Column, Group, Matrix

TITLE = "# Implementations and laws"
MARKS = {
    "held": "·",
    "violated": "**V**",
    "unstable": "**U**",
    "undecided": "**?**",
    "crashed": "**C**",
    "timed_out": "**T**",
    "known": "K",
    "not_applicable": "",
}
MACHINES = {"x86_64", "AMD64", "aarch64", "arm64"}
LEGEND = (
    "· held; **V** violated; **U** unstable (inside the bound of a one-pass variance alone); **C** crashed; **T** timed out; "
    "**?** undecided; K known (in the baseline); empty: not applicable.  A letter leads to the finding."
)


def markdown(found: Matrix) -> str:
    """The whole page."""
    parts = (_head, _targets, _table, _findings)
    return "\n".join(line for part in parts for line in part(found)).rstrip() + "\n"


def _head(found: Matrix) -> Iterator[str]:
    told = {
        name: _kind_of_system(text) if name == "platform" else text
        for name, text in found.environment.items()
    }
    versions = ", ".join(f"{name} {text}" for name, text in told.items())
    yield TITLE
    yield ""
    yield f"{found.date}; profile {found.profile}, seed {found.seed}; {versions}."
    yield ""
    yield (
        f"{len(found.columns)} implementations, {len(found.laws)} laws, {found.seconds:.0f} s.  What "
        "`bncheck matrix --report md` writes.  What a law says: `bncheck explain LAW`."
    )
    yield ""


def _kind_of_system(platform: str) -> str:
    """`Linux x86_64` of what Python says of a platform: a page that is kept says nothing of one machine's kernel."""
    name, *parts = platform.split("-")
    return " ".join([name, *(part for part in parts if part in MACHINES)])


def _targets(found: Matrix) -> Iterator[str]:
    yield "## Implementations"
    yield ""
    rows = [
        (str(number), f"`{column.target}`", column.versions, column.told(), f"{column.seconds:.0f} s")
        for number, column in enumerate(found.columns, start=1)
    ]
    yield from _lines(("", "target", "versions", "verdicts", "time"), rows)
    for column in found.columns:
        for each in column.content.get("contradictions", ()):
            yield f"`{column.target}`: {each}"
            yield ""
    if found.absent:
        yield "Not installed here:"
        yield ""
        for target, command in found.absent.items():
            yield f"- `{target}`: `{command}`"
        yield ""


def _table(found: Matrix) -> Iterator[str]:
    yield "## Verdicts"
    yield ""
    yield LEGEND
    yield ""
    rows = [(law, *(_cell(column, law, found) for column in found.columns)) for law in found.laws]
    yield from _lines(("law", *(str(number) for number in range(1, len(found.columns) + 1))), rows)


def _cell(column: Column, law: str, found: Matrix) -> str:
    judged = column.laws.get(law)
    if judged is None:
        return "-"
    mark, finding = MARKS[judged["status"]], found.finding(column.target, law)
    return mark if finding is None else f"[{mark}](#{finding.anchor})"


def _findings(found: Matrix) -> Iterator[str]:
    yield "## Findings"
    yield ""
    if not found.findings:
        yield "None."
        return
    yield "Those of a target that have verdict and cause in common, or else quantity and dtype, stand together, with one script for all."
    yield ""
    for each in found.groups:
        yield from _group(each)


def _group(group: Group) -> Iterator[str]:
    yield f"### {group.title}"
    yield ""
    yield group.why
    yield ""
    rows = [
        (
            f'<a id="{each.anchor}"></a>{each.law}',
            each.content["message"],
            each.content["input"],
            f"`{each.content['replay']}`",
        )
        for each in group.findings
    ]
    yield from _lines(("law", "what happens", "smallest case", "replay"), rows)
    if group.script is None:
        yield f"No script: {group.without_script or 'none was asked for'}."
        yield ""
        return
    yield "<details><summary>script without bncheck</summary>"
    yield ""
    yield "```python"
    yield group.script.rstrip()
    yield "```"
    yield ""
    yield "</details>"
    yield ""


def _lines(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table, and an empty line after it."""
    for row in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
    yield ""
