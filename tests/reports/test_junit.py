"""JUnit XML: counts, verdicts and text, as Jenkins' junit-10.xsd allows them."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

from reports.handmade import (
    BESIDE,
    BESIDE_SENTENCES,
    CAUSE_LINE,
    CLEANED,
    EVERY_VERDICT,
    NOT_LOADED,
    finding,
    hostile,
    law,
    report,
    target,
)
from reports.standards import hold_against_junit

from bncheck.reports.junit import junit


def parsed(value: dict[str, Any]) -> ET.Element:
    """The document, held against the published schema."""
    document = junit(value)
    hold_against_junit(document)
    return ET.fromstring(document.encode())


def case_of(value: dict[str, Any], name: str) -> ET.Element:
    (case,) = (each for each in parsed(value).iter("testcase") if each.get("name") == name)
    return case


def test_each_verdict_is_counted_once_as_what_it_is() -> None:
    root = parsed(report(target(*EVERY_VERDICT), NOT_LOADED))
    assert root.attrib == {"name": "bncheck", "tests": "9", "failures": "3", "errors": "3", "time": "12.346"}
    judged, not_loaded = root
    assert judged.attrib == {
        "name": "layers.py:Wrong",
        "tests": "8",
        "failures": "3",
        "errors": "2",
        "skipped": "2",
        "time": "2.000",
    }
    assert not_loaded.attrib == {
        "name": "nowhere.py:Layer",
        "tests": "1",
        "failures": "0",
        "errors": "1",
        "skipped": "0",
        "time": "0.000",
    }


def test_a_case_says_what_became_of_its_law() -> None:
    cases = {case.get("name"): case for case in parsed(report(target(*EVERY_VERDICT))).iter("testcase")}
    assert list(cases) == [each["id"] for each in EVERY_VERDICT]
    assert {case.get("classname") for case in cases.values()} == {"layers.py:Wrong"}
    assert {case.get("time") for case in cases.values()} == {"0.250"}
    assert {name: [(child.tag, child.attrib) for child in case] for name, case in cases.items()} == {
        "forward.output": [("failure", {"type": "violated", "message": "y[1, 0] is 3, expected 1"})],
        "numerics.stable": [("failure", {"type": "unstable", "message": "y[1, 0] is 3, expected 1"})],
        "statistics.mean": [("failure", {"type": "undecided", "message": "no example decided"})],
        "purity.input": [("error", {"type": "crashed", "message": "ZeroDivisionError: two is too few"})],
        "purity.state": [("error", {"type": "timed_out", "message": "no answer in 10 s"})],
        "statistics.variance": [("skipped", {"message": "known: tolerated: see the tracker"})],
        "devices.agreement": [("skipped", {"message": "there is no second device"})],
        "forward.moments": [],
    }


def test_the_body_has_every_message_and_cause_the_case_and_the_replay() -> None:
    assert case_of(report(target(*EVERY_VERDICT)), "forward.output")[0].text == (
        "y[1, 0] is 3, expected 1\n"
        f"{CAUSE_LINE}\n"
        "smallest case: x (2, 1) float32, train\n"
        "Reproduce with: bncheck replay abc\n"
        "dx[0] is 2\n"
        "no known cause\n"
        "smallest case: x (2, 1) float32, train\n"
        "Reproduce with: bncheck replay abc"
    )


def test_findings_of_one_case_and_cause_share_what_follows_their_messages() -> None:
    two = law("forward.output", "violated", finding(), finding(message="dx[0] is 2"))
    assert case_of(report(target(two)), "forward.output")[0].text == (
        "y[1, 0] is 3, expected 1\ndx[0] is 2\nno known cause\n"
        "smallest case: x (2, 1) float32, train\nReproduce with: bncheck replay abc"
    )


def test_a_verdict_without_a_finding_has_its_reason_as_its_body() -> None:
    assert case_of(report(target(*EVERY_VERDICT)), "statistics.mean")[0].text == "no example decided"


def test_a_target_that_does_not_load_is_one_case_with_an_error() -> None:
    case = case_of(report(NOT_LOADED), "load")
    assert case.get("classname") == "nowhere.py:Layer"
    assert [(child.tag, child.attrib, child.text) for child in case] == [
        (
            "error",
            {"type": "LoadError", "message": "there is no file nowhere.py"},
            "there is no file nowhere.py",
        )
    ]


def test_there_is_a_timestamp_only_where_the_report_has_one() -> None:
    (without,) = parsed(report(target()))
    (stamped,) = parsed(report(target(), timestamp="2026-01-02T03:04:05"))
    assert without.get("timestamp") is None
    assert stamped.get("timestamp") == "2026-01-02T03:04:05"


def test_what_the_numbers_depend_on_stands_among_the_properties() -> None:
    properties = parsed(report(target())).iter("property")
    assert [(each.get("name"), each.get("value")) for each in properties] == [
        ("bncheck", "0.1.0"),
        ("profile", "ci"),
        ("seed", "7"),
        ("adapter", "layer_class"),
        ("device", "cpu"),
        ("numpy", "2.4.6"),
    ]


def test_what_else_fails_the_run_is_told_and_is_no_case() -> None:
    (suite,) = parsed(report(target(EVERY_VERDICT[-1], **BESIDE)))
    assert suite.get("tests") == "1"
    assert suite.findtext("system-err") == "\n".join(BESIDE_SENTENCES)


def test_a_long_time_has_no_exponent() -> None:
    slow = law("forward.output", "held", seconds=123456.7)
    assert case_of(report(target(slow)), "forward.output").get("time") == "123456.700"


def test_hostile_text_comes_back_as_it_was_but_for_what_xml_does_not_allow() -> None:
    root = parsed(hostile())
    judged, not_loaded = root
    # A parser reads every line ending in text as \n; in attributes they are written as references, and stay.
    in_text = CLEANED.replace("\r\n", "\n")
    failure, known, skipped = judged.findall("testcase/*")
    assert judged.get("name") == f"<{CLEANED}>"
    assert failure.get("message") == CLEANED
    assert failure.text == (
        f"{in_text}\ncause: running_var.biased with eps.outside_the_root: {in_text} (reproduces 3 of 4 deviations)\n"
        f"smallest case: {in_text}\nReproduce with: {in_text}"
    )
    assert known.get("message") == f"known: {CLEANED}"
    assert skipped.get("message") == CLEANED
    assert not_loaded.findall("testcase/error")[0].get("message") == CLEANED


def test_hostile_text_is_written_with_references() -> None:
    told = law("forward.output", "undecided", reason='a ]]> b\x00\r\n<c> & "d"')
    assert (
        '<failure type="undecided" message="a ]]&gt; b\ufffd&#13;&#10;&lt;c&gt; &amp; &quot;d&quot;">'
        'a ]]&gt; b\ufffd\r\n&lt;c&gt; &amp; "d"</failure>'
    ) in junit(report(target(told)))


def test_an_undecided_law_fails_only_where_it_fails_the_run() -> None:
    told = law("forward.output", "undecided", reason="no example decided")
    (child,) = case_of(report(target(told), profile="smoke"), "forward.output")
    assert (child.tag, child.attrib) == ("skipped", {"message": "undecided: no example decided"})
