"""The report in Markdown, for the summary of a job on GitHub."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape

from bncheck.reports.characters import allowed
from bncheck.reports.finding_text import (
    NOT_HELD,
    Plain,
    beside_the_laws,
    causes,
    first_message,
    why_it_fails,
)
from bncheck.verdict import Status
from bncheck.why import NO_CAUSE

TITLE = "# bncheck"
# Of a message in a table; all of it stands in the other formats.
LONGEST = 300


def markdown(report: Plain) -> str:
    """The whole page: the verdicts on each target, then what was run."""
    parts = [[TITLE, ""], *(_target(target) for target in report["targets"]), _end(report)]
    return "\n".join(line for part in parts for line in part) + "\n"


def is_ours(text: str) -> bool:
    """Whether a text is such a report."""
    return text.startswith(f"{TITLE}\n\n")


def plain(text: str) -> str:
    """Words in which nothing is markup, on one line."""
    return re.sub(r"([\\`*_\[\]|~])", r"\\\1", escape(_line(text), quote=False))


def code(text: str) -> str:
    """A code span on one line, whatever backticks are in it; its pipes divide no table."""
    line = _line(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{space}{line}{space}{fence}".replace("|", "\\|")


def _line(text: str) -> str:
    return " ".join(allowed(text).split())


def _target(target: Plain) -> Iterator[str]:
    name = code(target["target"])
    if target["error"] is not None:
        yield from (f"## {name}: not loaded", "", plain(target["error"]["message"]), "")
        return
    yield from (f"## {name}: {_counts(target['laws']) or 'nothing was judged'}", "")
    wrong = [law for law in target["laws"] if law["status"] in NOT_HELD]
    for each in why_it_fails(target):
        sentence = f": {plain(each.text)}" if each.text else ""
        yield f"- {each.counted} by {plain(each.cause)}{sentence}  {', '.join(map(code, each.laws))}"
    if wrong:
        yield ""
        head = ("law", "status", "error / bound", "dtypes", "found", "cause", "reproduce with")
        yield from _table(head, [_wrong(law) for law in wrong])
    beside = [*beside_the_laws(target), *_noted(target)]
    if beside:
        yield from (*(f"- {plain(sentence)}" for sentence in beside), "")
    if target["laws"]:
        yield from _details(target["laws"])


def _noted(target: Plain) -> list[str]:
    """What a reader should know of, though it fails no run by itself."""
    measured = [
        each for each in target.get("contradictions", ()) if each not in target.get("misdeclared", ())
    ]
    stopped = target.get("stopped")
    return [*(f"dialect: {each}" for each in measured), *([f"stopped: {stopped}"] if stopped else [])]


def _counts(laws: Sequence[Plain]) -> str:
    counts = Counter(law["status"] for law in laws)
    return ", ".join(f"{counts[status]} {_words(status)}" for status in Status if counts[status])


def _wrong(law: Plain) -> tuple[str, ...]:
    finding = law["findings"][0] if law["findings"] else None
    message = first_message(law)
    shown = message if len(message) <= LONGEST else f"{message[:LONGEST]}..."
    own = [name for name, each in law["by_dtype"].items() if each["status"] == law["status"]]
    return (
        code(law["id"]),
        _words(law["status"]),
        _ratio(law["worst"]),
        " ".join(own),
        plain(shown),
        "" if finding is None else "<br>".join(map(plain, causes(finding) or [NO_CAUSE])),
        "" if finding is None else code(finding["replay"]),
    )


def _details(laws: Sequence[Plain]) -> Iterator[str]:
    yield from ("<details>", f"<summary>All {len(laws)} laws</summary>", "")
    yield from _table(
        ("law", "status", "deciding", "error / bound", "why"),
        [
            (
                code(law["id"]),
                _words(law["status"]),
                f"{law['deciding']}/{law['examples']}",
                _ratio(law["worst"]),
                plain(law["reason"] or ""),
            )
            for law in laws
        ],
    )
    yield from ("</details>", "")


def _end(report: Plain) -> Iterator[str]:
    for sentence in report.get("damaged_cases", ()):
        yield from (f"- not replayed: {plain(sentence)}", "")
    checks = sum(law["examples"] for target in report["targets"] for law in target["laws"])
    yield (
        f"{checks} checks in {report['seconds']:.1f} s; profile {plain(report['profile'])}, seed {report['seed']}, "
        f"bncheck {plain(report['bncheck'])} (exit {report['exit']})"
    )


def _words(status: str) -> str:
    return status.replace("_", " ")


def _ratio(worst: float | str | None) -> str:
    return "-" if worst is None else f"{float(worst):.3g}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Cells that are Markdown already, and an empty line after them."""
    for row in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(row)} |"
    yield ""
