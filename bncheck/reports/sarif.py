"""SARIF 2.1.0 (OASIS, 2020), as code scanning reads it: a rule a law, a result a finding."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

from bncheck.law import Law
from bncheck.reports.characters import allowed
from bncheck.reports.finding_text import (
    CRASHES,
    NOT_HELD,
    Plain,
    beside_the_laws,
    cause_lines,
    error_over_bound,
    first_message,
    replay_line,
)
from bncheck.reports.places import file_of, qualified_name, uri_of
from bncheck.verdict import Status

VERSION = "2.1.0"
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS: Mapping[str, str] = {
    **dict.fromkeys((Status.VIOLATED, *CRASHES), "error"),
    **dict.fromkeys((Status.UNSTABLE, Status.UNDECIDED), "warning"),
    Status.KNOWN: "note",
}
# Changed when what goes into a fingerprint changes.
FINGERPRINT = "bncheckFinding/v1"
NUMBERS = ("bound", "expected", "actual")


def sarif(report: Plain, laws: Sequence[Law]) -> dict[str, Any]:
    """The report as plain data; `laws`: those that there are, which describe the rules.

    Non-finite numbers stay the strings that they are in the report.
    """
    rules = _judged(report)
    return {
        "$schema": SCHEMA,
        "version": VERSION,
        "runs": [
            {
                "tool": {"driver": _driver(report, rules, laws)},
                "invocations": [_invocation(report)],
                "results": list(_results(report, rules)),
            }
        ],
    }


def is_ours(text: str) -> bool:
    """Whether a text is such a report."""
    try:
        return bool(json.loads(text)["runs"][0]["tool"]["driver"]["name"] == "bncheck")
    except (ValueError, LookupError, TypeError):
        return False


def _judged(report: Plain) -> list[str]:
    """Ids of the laws that at least one target is judged by, in the order of the report."""
    judged = (
        law["id"]
        for target in report["targets"]
        for law in target["laws"]
        if law["status"] != Status.NOT_APPLICABLE
    )
    return list(dict.fromkeys(judged))


def _driver(report: Plain, rules: Sequence[str], laws: Sequence[Law]) -> dict[str, Any]:
    by_id = {law.id: law for law in laws}
    return {
        "name": "bncheck",
        "version": report["bncheck"],
        "rules": [{"id": each} | (_described(by_id[each]) if each in by_id else {}) for each in rules],
        "notifications": [{"id": each} for each in ("load", "run")],
    }


def _described(law: Law) -> dict[str, Any]:
    return {
        "shortDescription": _message(law.name),
        "fullDescription": _message(law.formula),
        "help": _message(law.source),
    }


def _invocation(report: Plain) -> dict[str, Any]:
    """bncheck itself succeeds where it has judged all that it was given, whatever it found."""
    targets = report["targets"]
    failed = [each for each in targets if each["error"] is not None or each.get("interrupted")]
    notifications = [
        *(
            _notification("load", each["error"]["message"], each["target"])
            for each in targets
            if each["error"]
        ),
        *(_notification("run", told, each["target"]) for each in targets for told in beside_the_laws(each)),
    ]
    return {
        "executionSuccessful": not failed,
        "exitCode": report["exit"],
        "toolExecutionNotifications": notifications,
    }


def _notification(kind: str, text: str, target: str) -> dict[str, Any]:
    return {
        "descriptor": {"id": kind},
        "level": "error",
        "message": _message(f"{target}: {text}"),
        "locations": [_location(target)],
    }


def _results(report: Plain, rules: Sequence[str]) -> Iterator[dict[str, Any]]:
    index = {each: place for place, each in enumerate(rules)}
    for target in report["targets"]:
        for law in target["laws"]:
            if law["status"] not in (*NOT_HELD, Status.KNOWN):
                continue
            for finding in law["findings"] or (None,):
                properties = _properties(finding, report)
                yield _result(target["target"], law, finding) | {
                    "ruleIndex": index[law["id"]],
                    "properties": properties,
                }


def _result(target: str, law: Plain, finding: Plain | None) -> dict[str, Any]:
    """`finding`: None for a verdict without one, which its reason stands for."""
    lines = (
        [first_message(law)]
        if finding is None
        else [finding["message"], *cause_lines(finding), replay_line(finding)]
    )
    suppressed = {"suppressions": [{"kind": "external", "justification": allowed(law["reason"] or "")}]}
    return {
        "ruleId": law["id"],
        "level": LEVELS[law["status"]],
        "message": _message("\n".join(lines)),
        "locations": [_location(target)],
        "partialFingerprints": {FINGERPRINT: _fingerprint(target, law, finding)},
        **(suppressed if law["status"] == Status.KNOWN else {}),
    }


def _properties(finding: Plain | None, report: Plain) -> dict[str, Any]:
    numbers = dict.fromkeys(NUMBERS) if finding is None else {name: finding[name] for name in NUMBERS}
    ratio = None if finding is None else error_over_bound(finding)
    return {**numbers, "ratio": ratio, "profile": report["profile"], "seed": report["seed"]}


def _location(target: str) -> dict[str, Any]:
    file = file_of(target)
    if file is None:
        return {"logicalLocations": [{"fullyQualifiedName": allowed(qualified_name(target))}]}
    return {"physicalLocation": {"artifactLocation": {"uri": uri_of(file)}, "region": {"startLine": 1}}}


def _fingerprint(target: str, law: Plain, finding: Plain | None) -> str:
    """The same for the same quantity of the same law, whatever numbers show it."""
    found = (None, None) if finding is None else (finding["quantity"], finding["dtype"])
    return sha256(json.dumps([target, law["id"], *found]).encode()).hexdigest()


def _message(text: str) -> dict[str, str]:
    """A message; literal braces are doubled in it (section 3.11.5)."""
    return {"text": allowed(text).replace("{", "{{").replace("}", "}}")}
