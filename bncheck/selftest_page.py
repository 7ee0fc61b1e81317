"""The self-test as a page of documentation in Markdown: what ran, one row a bug, one row a law, throughput."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from bncheck.kill_matrix import CRASHES, Hit, KillMatrix, by_class
from bncheck.planted.bug import Bug
from bncheck.proving import SOUND_EXAMPLES
from bncheck.selftest import SelfTest, pairs

TITLE = "# The kill matrix"


def page(found: SelfTest) -> str:
    """The whole page."""
    parts = (_head, _grounds, _wrong, _bugs, _laws, _sound, _throughput)
    return "\n".join(line for part in parts for line in part(found)).rstrip() + "\n"


def _head(found: SelfTest) -> Iterator[str]:
    matrix, options = found.matrix, found.options
    ports = sum(bug.port_of is not None for bug in matrix.bugs)
    versions = ", ".join(f"{name} {version}" for name, version in found.environment.items())
    yield TITLE
    yield ""
    yield (
        "Which law, run alone, kills which planted bug: a small variation of a sound implementation that models a public "
        "report, or that comes near to one.  This page is what `bncheck selftest --report md` writes."
    )
    yield ""
    yield f"- {found.date}, profile {options.profile}, seed {options.seed}; {versions}."
    yield (
        f"- {len(matrix.bugs)} planted bugs in {len(by_class(tuple(matrix.bugs)))} classes, {ports} of them ports of another "
        f"to a second framework; {len(matrix.bugs) - len(matrix.survivors)} are killed."
    )
    yield (
        f"- {len(matrix.sound)} sound variants, of which {len(matrix.rejected)} are rejected.  "
        f"{len(matrix.laws)} laws, of which {len(matrix.idle)} kill nothing."
    )
    yield ""


def _grounds(found: SelfTest) -> Iterator[str]:
    yield f"The two evaluations of the oracle agree on {found.compared} numbers.  The references against each other:"
    yield ""
    yield from _table(
        ("references", "comparisons", "largest difference / sum of the bounds"),
        [
            (f"{each.left}, {each.right}", str(each.comparisons), f"{each.worst:.2g}")
            for each in pairs(found.agreements)
        ],
    )
    for name, reason in found.absent.items():
        yield f"The reference in {name} was not cross-checked: {reason}"
        yield ""


def _wrong(found: SelfTest) -> Iterator[str]:
    """What should be empty, where it is not."""
    matrix = found.matrix
    lines = [f"- Defect of bncheck: {defect}" for defect in matrix.defects]
    lines += [f"- Survives: `{bug.id}`, {bug.text}" for bug in matrix.survivors]
    for sound, row in matrix.rejected.items():
        lines += [f"- Rejected: `{sound.id}` by {found.place(hit)}: {hit.message}" for hit in row.hits]
    if matrix.complete:
        lines += [f"- Kills nothing: `{law.id}`." for law in matrix.idle]
    lines += [f"- Not judged: `{target}`: {reason}" for target, reason in matrix.absent.items()]
    if lines:
        yield "## What is open"
        yield ""
        yield from lines
        yield ""


def _bugs(found: SelfTest) -> Iterator[str]:
    yield "## Bugs"
    yield ""
    yield (
        "The laws that kill a bug stand in the order in which a run meets them; (u) marks a verdict of unstable, (c) a "
        "crash.  Time to kill: examples, and the time of judging them on this bug alone, up to the first verdict."
    )
    for bug_class, bugs in by_class(tuple(found.matrix.bugs)).items():
        yield ""
        yield f"### {bug_class}"
        yield ""
        yield from _table(
            ("bug", "what it does", "report", "killed by", "time to kill"),
            [_bug(bug, found.matrix) for bug in bugs],
        )


def _bug(bug: Bug, matrix: KillMatrix) -> tuple[str, ...]:
    row = matrix.bugs[bug]
    text = bug.text if bug.port_of is None else f"{bug.text}  Port of `{bug.port_of}`."
    killers = ", ".join(map(_marked, row.killers)) or "**survives**"
    until = "" if row.until is None else f"{row.until[0]}, {1000 * row.until[1]:.1f} ms"
    return f"`{bug.id}`", text, bug.report, killers, until


def _marked(hit: Hit) -> str:
    mark = {"unstable": " (u)"} | dict.fromkeys(CRASHES, " (c)")
    return f"{hit.law}{mark.get(hit.status, '')}"


def _laws(found: SelfTest) -> Iterator[str]:
    matrix = found.matrix
    yield "## Laws"
    yield ""
    yield (
        "Kills of each law alone, the bugs that no other law kills, and what one example costs.  A star marks a law that "
        "no bug needs beyond agreement with the oracle: it holds where no oracle is trusted."
    )
    yield ""
    rows = []
    for law in matrix.laws:
        star = " *" if law in matrix.beyond_need else ""
        only = ", ".join(f"`{bug}`" for bug in matrix.only_killed_by(law))
        cost = matrix.costs.get(law.id)
        each = "" if cost is None else f"{1000 * cost.each:.2f} ms"
        rows.append((f"{law.id}{star}", str(len(matrix.killed[law.id])), only, each))
    yield from _table(("law", "kills", "only killer of", "an example"), rows)


def _sound(found: SelfTest) -> Iterator[str]:
    yield "## Sound variants"
    yield ""
    yield (
        f"Each is judged by every law that applies to it, on the first {SOUND_EXAMPLES} examples of each region in float32 "
        "(in all its dtypes in profile thorough), and none may be rejected.  The soak has more."
    )
    yield ""
    rows = [
        (
            f"`{sound.id}`",
            sound.text,
            str(len(row.applied)),
            str(row.comparisons),
            "**yes**" if row.hits else "no",
        )
        for sound, row in found.matrix.sound.items()
    ]
    yield from _table(("variant", "what it does otherwise", "laws", "comparisons", "rejected"), rows)


def _throughput(found: SelfTest) -> Iterator[str]:
    matrix = found.matrix
    yield "## Throughput"
    yield ""
    rows = [
        ("comparisons (one array of one case under one law is one)", str(matrix.comparisons)),
        ("wall time", f"{found.seconds:.0f} s with {found.options.processes} processes"),
        ("comparisons a second", f"{matrix.comparisons / found.seconds:.0f}"),
    ]
    if matrix.times_to_kill:
        examples, seconds = zip(*matrix.times_to_kill, strict=True)
        rows += [
            ("median time to kill", f"{median(examples):.0f} examples, {1000 * median(seconds):.1f} ms"),
            ("worst time to kill", f"{max(examples)} examples, {max(seconds):.2f} s"),
        ]
    yield from _table(("quantity", "value"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table, and an empty line after it."""
    for row in (head, ["---"] * len(head), *rows):
        cells = (cell.replace("|", "\\|").replace("\n", " ") for cell in row)
        yield f"| {' | '.join(cells)} |"
    yield ""
