"""What all formats say of a law, of a finding and of a target, from the JSON report of schema 1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from math import inf, isfinite
from typing import Any

from bncheck.verdict import Status
from bncheck.why import NO_CAUSE, Why, why

Plain = Mapping[str, Any]

CRASHES = (Status.CRASHED, Status.TIMED_OUT)
DOUBTS = (Status.UNSTABLE, Status.UNDECIDED)
NOT_HELD = (Status.VIOLATED, *DOUBTS, *CRASHES)


def first_message(law: Plain) -> str:
    """What is wrong, in one sentence: of the first finding, else why the verdict is what it is."""
    findings = law["findings"]
    return str(findings[0]["message"] if findings else law["reason"] or law["status"])


def causes(finding: Plain) -> list[str]:
    """The causes in words, the likeliest first."""
    return [_cause(cause) for cause in finding["causes"]]


def why_it_fails(target: Plain) -> list[Why]:
    """The laws of a target that fail by their likeliest causes, where more than one does; none is looked for of a timeout."""
    asked = [law for law in target["laws"] if law["status"] in NOT_HELD and law["status"] != Status.TIMED_OUT]
    failing = [law for law in asked if law["findings"]]
    told = (
        (
            law["id"],
            tuple(cause for each in named for cause in (each["id"], *each.get("with", ()))),
            named[0]["text"] if named else "",
        )
        for law in failing
        for named in [law["findings"][0]["causes"][:1]]
    )
    return why(told) if len(failing) > 1 else []


def cause_lines(finding: Plain) -> list[str]:
    """The same as lines of a text, which say so where there is none."""
    return [f"cause: {cause}" for cause in causes(finding)] or [NO_CAUSE]


def replay_line(finding: Plain) -> str:
    """How to see it again."""
    return f"Reproduce with: {finding['replay']}"


def law_text(law: Plain) -> str:
    """Every message; the causes, the smallest case and the replay once for all findings that share them."""
    return "\n".join(_lines(law)) or first_message(law)


def error_over_bound(finding: Plain) -> float | str | None:
    """|actual - expected| / bound, as JSON can hold it: Infinity where no error is allowed, or a number is not finite.

    None where a finding has no numbers.
    """
    if finding["bound"] is None:
        return None
    actual, expected, bound = (float(finding[name]) for name in ("actual", "expected", "bound"))
    error = abs(actual - expected)
    ratio = error / bound if bound else inf
    return ratio if isfinite(ratio) else "Infinity"


def beside_the_laws(target: Plain) -> list[str]:
    """What else fails a run, a sentence each: entries of the baseline, saved cases, conventions, an interruption."""
    stale = [each for each in target.get("baseline", ()) if each["stale"]]
    failing = [each for each in target.get("replayed", ()) if each["replayed"] == "still failing"]
    return [
        *(
            f"stale entry of the baseline: {each['law']} ({each['dtype']}): {each['message']}"
            for each in stale
        ),
        *(f"saved case {each['id']} still fails: {each['law']}: {each['message']}" for each in failing),
        *(f"dialect: {sentence}" for sentence in target.get("misdeclared", ())),
        *(["the run was interrupted"] if target.get("interrupted") else []),
    ]


def _cause(cause: Plain) -> str:
    names = " with ".join((cause["id"], *cause.get("with", ())))
    return f"{names}: {cause['text']} (reproduces {cause['explains']} of {cause['of']} deviations)"


def _lines(law: Plain) -> Iterator[str]:
    for shared, findings in groupby(law["findings"], _after_the_message):
        yield from (finding["message"] for finding in findings)
        yield from shared


def _after_the_message(finding: Plain) -> list[str]:
    return [*cause_lines(finding), f"smallest case: {finding['input']}", replay_line(finding)]
