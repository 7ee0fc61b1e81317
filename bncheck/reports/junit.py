"""JUnit XML, as Jenkins and GitLab read it: a test suite a target, a test case a law."""

from __future__ import annotations

from collections import Counter
from typing import Any
from xml.etree import ElementTree as ET

from bncheck.effort import effort_of
from bncheck.reports.characters import allowed
from bncheck.reports.finding_text import CRASHES, NOT_HELD, Plain, beside_the_laws, first_message, law_text
from bncheck.verdict import Status

DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'
ROOT = '<testsuites name="bncheck"'


def junit(report: Plain) -> str:
    """The report as a document in UTF-8; times are in seconds."""
    suites = [_suite(target, report) for target in report["targets"]]
    root = ET.Element("testsuites", name="bncheck")
    for count in ("tests", "failures", "errors"):
        root.set(count, str(sum(int(suite.attrib[count]) for suite in suites)))
    root.set("time", _seconds(report["seconds"]))
    root.extend(suites)
    ET.indent(root)
    return f"{DECLARATION}{ET.tostring(root, encoding='unicode')}\n"


def is_ours(text: str) -> bool:
    """Whether a text is such a report."""
    return text.startswith(f"{DECLARATION}{ROOT}")


def _suite(target: Plain, report: Plain) -> ET.Element:
    name, error = allowed(target["target"]), target["error"]
    strict = effort_of(str(report["profile"])).strict
    cases = (
        [_case(name, law, strict=strict) for law in target["laws"]]
        if error is None
        else [_not_loaded(name, error)]
    )
    kinds = Counter(child.tag for case in cases for child in case)
    suite = ET.Element(
        "testsuite",
        name=name,
        tests=str(len(cases)),
        failures=str(kinds["failure"]),
        errors=str(kinds["error"]),
        skipped=str(kinds["skipped"]),
        time=_seconds(sum(law["seconds"] for law in target["laws"])),
    )
    if report.get("timestamp") is not None:
        suite.set("timestamp", allowed(str(report["timestamp"])))
    suite.append(_properties(target, report))
    suite.extend(cases)
    beside = beside_the_laws(target)
    if beside:
        ET.SubElement(suite, "system-err").text = allowed("\n".join(beside))
    return suite


def _properties(target: Plain, report: Plain) -> ET.Element:
    """What the numbers depend on."""
    told: dict[str, Any] = {name: report[name] for name in ("bncheck", "profile", "seed")}
    told |= {name: target[name] for name in ("adapter", "device")} | dict(target.get("versions", {}))
    properties = ET.Element("properties")
    for name, value in told.items():
        if value is not None:
            ET.SubElement(properties, "property", name=allowed(name), value=allowed(str(value)))
    return properties


def _case(target: str, law: Plain, *, strict: bool) -> ET.Element:
    """`strict`: whether an undecided law fails the run."""
    case = ET.Element("testcase", classname=target, name=allowed(law["id"]), time=_seconds(law["seconds"]))
    status, reason = law["status"], allowed(law["reason"] or "")
    if status == Status.UNDECIDED and not strict:
        ET.SubElement(case, "skipped", message=f"undecided: {reason}")
    elif status in NOT_HELD:
        kind = "error" if status in CRASHES else "failure"
        told = ET.SubElement(case, kind, type=status, message=allowed(first_message(law)))
        told.text = allowed(law_text(law))
    elif status == Status.KNOWN:
        ET.SubElement(case, "skipped", message=f"known: {reason}")
    elif status == Status.NOT_APPLICABLE:
        ET.SubElement(case, "skipped", message=reason)
    return case


def _not_loaded(target: str, error: Plain) -> ET.Element:
    case = ET.Element("testcase", classname=target, name="load", time=_seconds(0))
    message = allowed(error["message"])
    ET.SubElement(case, "error", type=allowed(error["type"]), message=message).text = message
    return case


def _seconds(seconds: float) -> str:
    """Without an exponent and with three decimals: readers of the format take no more."""
    return f"{seconds:.3f}"
