"""Annotations: one command a law that does not hold, escaped as GitHub's own toolkit does."""

from reports.handmade import (
    BESIDE,
    BESIDE_SENTENCES,
    CAUSE_LINE,
    EVERY_VERDICT,
    NOT_LOADED,
    finding,
    hostile,
    law,
    report,
    target,
)

from bncheck.reports.github import annotations, command


def test_each_law_that_does_not_hold_is_one_command() -> None:
    cause = CAUSE_LINE.replace("\n", "%0A")
    replay = "Reproduce with: bncheck replay abc"
    assert annotations(report(target(*EVERY_VERDICT))) == [
        (
            "::error file=layers.py,title=forward.output violated%3A layers.py%3AWrong::"
            f"y[1, 0] is 3, expected 1%0A{cause}%0A{replay}"
        ),
        (
            "::warning file=layers.py,title=numerics.stable unstable%3A layers.py%3AWrong::"
            f"y[1, 0] is 3, expected 1%0Ano known cause%0A{replay}"
        ),
        "::warning file=layers.py,title=statistics.mean undecided%3A layers.py%3AWrong::no example decided",
        (
            "::error file=layers.py,title=purity.input crashed%3A layers.py%3AWrong::"
            f"ZeroDivisionError: two is too few%0Ano known cause%0A{replay}"
        ),
        (
            "::error file=layers.py,title=purity.state timed out%3A layers.py%3AWrong::"
            f"no answer in 10 s%0Ano known cause%0A{replay}"
        ),
    ]


def test_a_target_that_is_no_file_is_named_without_one() -> None:
    (line,) = annotations(report(target(EVERY_VERDICT[2], target="torch.nn:BatchNorm1d")))
    assert line == "::warning title=statistics.mean undecided%3A torch.nn%3ABatchNorm1d::no example decided"


def test_a_target_that_does_not_load_is_an_error() -> None:
    assert annotations(report(NOT_LOADED)) == [
        "::error file=nowhere.py,title=nowhere.py%3ALayer not loaded::there is no file nowhere.py"
    ]


def test_what_else_fails_the_run_is_an_error() -> None:
    assert annotations(report(target(**BESIDE))) == [
        f"::error file=layers.py,title=layers.py%3AWrong fails the run::{sentence}"
        for sentence in BESIDE_SENTENCES
    ]


def test_nothing_is_said_where_all_holds() -> None:
    assert annotations(report(target(*EVERY_VERDICT[-3:]))) == []


def test_percent_signs_and_line_endings_are_escaped_and_colons_and_commas_in_properties_too() -> None:
    assert command("error", "1%: a,\r\n::b", file="c%0A,d:e\n", title=None) == (
        "::error file=c%250A%2Cd%3Ae%0A::1%25: a,%0D%0A::b"
    )


def test_hostile_text_stays_on_one_line() -> None:
    violated, not_loaded = annotations(hostile())
    escaped = "50%25 of |x|, `y`:%0D%0A]]> <b>&\ufffd\ufffd[31m\ufffd\ufffd"
    in_a_property = "50%25 of |x|%2C `y`%3A%0D%0A]]> <b>&\ufffd\ufffd[31m\ufffd\ufffd"
    assert violated == (
        f"::error title=forward.output violated%3A <{in_a_property}>::{escaped}%0A"
        f"cause: running_var.biased with eps.outside_the_root: {escaped} (reproduces 3 of 4 deviations)%0A"
        f"Reproduce with: {escaped}"
    )
    assert not_loaded == f"::error title={in_a_property} not loaded::{escaped}"


def test_a_law_that_fails_is_told_once_whatever_its_saved_cases_say() -> None:
    replayed = [
        {"id": case, "law": name, "replayed": "still failing", "message": "y is 3"}
        for case, name in (("1", "forward.output"), ("2", "gradient.dx"))
    ]
    wrong = law("forward.output", "violated", finding())
    lines = annotations(report(target(wrong, replayed=replayed)))
    assert [line.partition("title=")[2].partition("::")[0] for line in lines] == [
        "forward.output violated%3A layers.py%3AWrong",
        "layers.py%3AWrong fails the run",
    ]
    assert "saved case 2 still fails: gradient.dx" in lines[1]
