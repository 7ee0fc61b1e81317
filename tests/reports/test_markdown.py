"""Markdown: what a summary shows, and that no text of a target becomes markup in it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from markdown_it import MarkdownIt
from reports.handmade import (
    BESIDE,
    BESIDE_SENTENCES,
    CAUSE,
    EVERY_VERDICT,
    NOT_LOADED,
    crash,
    finding,
    hostile,
    law,
    report,
    target,
)

from bncheck.reports.markdown import code, markdown, plain

# What the page itself is made of.
TAGS = {
    "h1",
    "h2",
    "p",
    "code",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "ul",
    "li",
    "br",
    "details",
    "summary",
}


class Tags(HTMLParser):
    """Which elements a page has."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.seen.add(tag)


def rendered(text: str) -> str:
    return str(MarkdownIt("commonmark").enable("table").render(text))


def lines_of(*laws: dict[str, object]) -> list[str]:
    return markdown(report(target(*laws))).splitlines()


def test_the_headline_counts_the_verdicts() -> None:
    assert lines_of(*EVERY_VERDICT)[:3] == [
        "# bncheck",
        "",
        (
            "## `layers.py:Wrong`: 1 held, 1 violated, 1 unstable, 1 known, 1 not applicable, 1 undecided, 1 crashed, "
            "1 timed out"
        ),
    ]


def test_the_table_has_the_laws_that_do_not_hold() -> None:
    wrong = law("forward.output", "violated", finding(causes=[CAUSE, CAUSE | {"id": "eps.x", "with": []}]))
    unjudged = law("statistics.mean", "undecided", reason="no example decided")
    dead = law("purity.input", "crashed", crash("it ended"), worst=None)
    lines = lines_of(wrong, EVERY_VERDICT[-1], unjudged, dead)
    assert lines[4:7] == [
        "- 1 law by running\\_var.biased with eps.outside\\_the\\_root: It is biased.  `forward.output`",
        "- 1 law by no known cause  `purity.input`",
        "",
    ]
    assert lines[7:13] == [
        "| law | status | error / bound | dtypes | found | cause | reproduce with |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        (
            "| `forward.output` | violated | 4 | float32 | y\\[1, 0\\] is 3, expected 1 | "
            "running\\_var.biased with eps.outside\\_the\\_root: It is biased. (reproduces 3 of 4 deviations)<br>"
            "eps.x: It is biased. (reproduces 3 of 4 deviations) | `bncheck replay abc` |"
        ),
        "| `statistics.mean` | undecided | 4 | float32 | no example decided |  |  |",
        "| `purity.input` | crashed | - | float32 | it ended | no known cause | `bncheck replay abc` |",
        "",
    ]


def test_a_target_on_which_all_holds_has_no_such_table() -> None:
    lines = lines_of(EVERY_VERDICT[-1])
    assert lines[2:5] == ["## `layers.py:Wrong`: 1 held", "", "<details>"]


def test_the_details_have_every_law_and_why_it_does_not_apply() -> None:
    lines = lines_of(*EVERY_VERDICT)
    start = lines.index("<details>")
    assert lines[start + 1] == "<summary>All 8 laws</summary>"
    assert "| `devices.agreement` | not applicable | 27/28 | - | there is no second device |" in lines[start:]
    assert "| `statistics.variance` | known | 27/28 | 4 | tolerated: see the tracker |" in lines[start:]
    assert sum(line.startswith("| `") for line in lines[start:]) == 8
    assert lines[-3:-1] == ["</details>", ""]


def test_the_last_line_says_what_was_run() -> None:
    assert lines_of(*EVERY_VERDICT)[-1] == (
        "224 checks in 12.3 s; profile ci, seed 7, bncheck 0.1.0 (exit 1)"
    )


def test_a_target_that_does_not_load_says_why() -> None:
    page = markdown(report(NOT_LOADED))
    assert page.startswith(
        "# bncheck\n\n## `nowhere.py:Layer`: not loaded\n\nthere is no file nowhere.py\n\n"
    )


def test_what_else_fails_the_run_and_what_a_reader_should_know_are_listed() -> None:
    told = BESIDE | {
        "contradictions": ["declared momentum=old, measured new", "judged by a, measured b"],
        "stopped": "the time is over",
    }
    lines = markdown(report(target(**told), damaged_cases=["case.json is damaged"])).splitlines()
    listed = [line.removeprefix("- ") for line in lines if line.startswith("- ")]
    assert listed == [
        *map(plain, BESIDE_SENTENCES),
        "dialect: judged by a, measured b",
        "stopped: the time is over",
        "not replayed: case.json is damaged",
    ]


def test_an_error_that_is_not_finite_is_shown() -> None:
    assert "| `forward.output` | violated | inf |" in markdown(
        report(target(law("forward.output", "violated", finding(), worst="Infinity")))
    )


def test_a_long_message_is_cut_in_the_table() -> None:
    page = markdown(report(target(law("purity.input", "crashed", crash("x" * 1000)))))
    assert f"| {'x' * 300}... |" in page


def test_words_are_escaped() -> None:
    assert plain("50% of |x|, `y`:\r\n]]> <b>&\x00 *z* _w_ [a](b) ~c~ \\") == (
        "50% of \\|x\\|, \\`y\\`: \\]\\]&gt; &lt;b&gt;&amp;\ufffd \\*z\\* \\_w\\_ \\[a\\](b) \\~c\\~ \\\\"
    )


def test_code_spans_hold_backticks_and_pipes() -> None:
    assert code("a|b") == "`a\\|b`"
    assert code("a`b``c") == "```a`b``c```"
    assert code("`a`\n<b>") == "`` `a` <b> ``"


def test_no_hostile_text_becomes_markup_or_divides_a_table() -> None:
    page = markdown(hostile())
    html, tags = rendered(page), Tags()
    tags.feed(html)
    assert tags.seen <= TAGS
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]", page)
    rows = re.findall("<tr>(.*?)</tr>", html, re.DOTALL)
    assert [len(re.findall("<t[hd]", row)) for row in rows] == [7, 7, 5, 5, 5, 5]
    assert "50% of |x|, `y`: ]]&gt; &lt;b&gt;&amp;\ufffd\ufffd[31m\ufffd\ufffd</td>" in html
