"""Laws that fail by one cause stand together, in each format that people read."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner
from reports.handmade import CAUSE, finding, law, report, target

from bncheck.command_line import commands
from bncheck.reports.html import page
from bncheck.reports.markdown import markdown
from bncheck.why import Why, why

LAYERS = Path(__file__).parents[1] / "command_line" / "samples" / "layers.py"
OTHER_WAY_ROUND = CAUSE | {"id": "eps.outside_the_root", "with": ["running_var.biased"]}
FAILING = report(
    target(
        law("forward.output", "violated", finding(causes=[])),
        law("forward.moments", "violated", finding(causes=[CAUSE], arrays={"x": "[[1], [0]]"})),
        law("gradient.dx", "unstable", finding(causes=[OTHER_WAY_ROUND])),
        law("gradient.dbeta", "known", finding(causes=[CAUSE])),
        law("contract.empty_batch", "timed_out", finding()),
        law("statistics.mean", "held"),
    )
)


def test_the_same_causes_are_one_whichever_leads_and_what_has_none_is_last() -> None:
    found = why(
        [
            ("a", (), ""),
            ("b", ("eps.missing", "axes.batch"), "Both."),
            ("c", ("mean.median",), "Median."),
            ("d", ("axes.batch", "eps.missing"), "The other way round."),
            ("e", (), ""),
            ("f", (), ""),
        ]
    )

    assert found == [
        Why(("eps.missing", "axes.batch"), "Both.", ("b", "d")),
        Why(("mean.median",), "Median.", ("c",)),
        Why((), "", ("a", "e", "f")),
    ]
    assert [each.line() for each in found] == [
        "2 laws: eps.missing with axes.batch: Both.",
        "1 law: mean.median: Median.",
        "3 laws: no known cause",
    ]


def test_markdown_tells_causes_before_the_laws() -> None:
    text = markdown(FAILING)

    told = (
        "- 2 laws by running\\_var.biased with eps.outside\\_the\\_root: It is biased."
        "  `forward.moments`, `gradient.dx`\n- 1 law by no known cause  `forward.output`\n\n| law |"
    )
    assert told in text


def test_one_law_that_fails_is_not_told_twice() -> None:
    single = report(target(law("forward.output", "violated", finding(causes=[CAUSE]))))

    assert "laws by" not in markdown(single)
    assert "laws fail" not in page(single)


def test_the_page_tells_causes_first_and_the_numbers_of_the_smallest_case() -> None:
    text = page(FAILING)

    assert "Why 3 laws fail" in text
    assert text.index("Why 3 laws fail") < text.index("What was judged")
    assert "<code>x = [[1], [0]]</code>" in text


def test_a_run_ends_with_why_its_laws_fail() -> None:
    words = ("--profile", "smoke", "--dtype", "float32", "--include", "^statistics", "--no-replay")
    told = CliRunner().invoke(commands, ["run", f"{LAYERS}:Wrong", *words]).output

    end = told[told.index("why 3 laws fail:") :].splitlines()
    assert end[1].startswith("  3 laws: running_var.biased with eps.outside_the_root: The running variance")
    assert end[2] == "    statistics.variance, statistics.convergence, statistics.unbiased"
