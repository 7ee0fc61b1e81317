"""The page of a report: sound HTML that needs nothing else, and everything that the report says."""

from __future__ import annotations

import re
from itertools import pairwise
from math import inf

import pytest
from reports.handmade import HOSTILE, crash, finding, hostile, law, report, target
from reports_html.reading import Page
from reports_html.samples import LAWS, everything, long_words, one_number

import bncheck
from bncheck.reports.html import MARKS, exact, headline, is_ours, page, plot, short
from bncheck.verdict import Status

REPORTS = {
    "everything": everything(),
    "one": one_number(),
    "hostile": hostile(),
    "long": long_words(),
    "none": report(),
}


@pytest.fixture(params=REPORTS)
def shown(request: pytest.FixtureRequest) -> Page:
    return Page(page(REPORTS[request.param], LAWS))


def cells(found: Page, *, after: str) -> list[str]:
    """The words of the row that a header begins."""
    return next(each.words for each in found.all("tr") if each.words.startswith(after)).split()


def test_every_element_is_ended_where_it_must_be(shown: Page) -> None:
    assert shown.wrong == []


def test_it_needs_no_network_and_runs_nothing(shown: Page) -> None:
    tags = {each.tag for each in shown.elements}
    assert tags.isdisjoint(
        {"script", "link", "img", "iframe", "object", "embed", "form", "base", "image", "use"}
    )
    names = {name for each in shown.elements for name in each.attributes}
    assert names.isdisjoint({"src", "srcset", "xlink:href", "action", "style"})
    assert not [name for name in names if name.startswith("on")]
    assert all(each.attributes["href"].startswith("#") for each in shown.all("a"))
    (style,) = shown.all("style")
    assert "url(" not in style.text
    assert "@import" not in style.text


def test_ids_are_unique_and_links_lead_to_them(shown: Page) -> None:
    ids = [each.attributes["id"] for each in shown.elements if "id" in each.attributes]
    assert len(ids) == len(set(ids))
    assert {each.attributes["href"].removeprefix("#") for each in shown.all("a")} <= set(ids)
    named = {
        each.attributes["aria-labelledby"] for each in shown.elements if "aria-labelledby" in each.attributes
    }
    assert named <= set(ids)


def test_every_header_of_a_table_says_what_it_heads(shown: Page) -> None:
    scopes = [each.attributes.get("scope") for each in shown.all("th")]
    assert set(scopes) <= {"col", "row", "rowgroup"}
    for table in ("everything", "one"):
        assert Page(page(REPORTS[table])).all("th", scope="rowgroup")


def test_headings_leave_no_level_out(shown: Page) -> None:
    levels = [int(each.tag[1]) for each in shown.elements if re.fullmatch("h[1-6]", each.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_it_is_in_english_has_a_title_and_fits_the_window(shown: Page) -> None:
    assert [each.attributes for each in shown.all("html")] == [{"lang": "en"}]
    dots = [each for each in shown.all("g", class_="dot") if "transform" in each.attributes]
    assert len(shown.all("title")) == 1 + len(shown.all("g", class_="mark")) - len(legend(shown)) + len(dots)
    assert shown.all("meta", name="viewport", content="width=device-width, initial-scale=1")
    assert all("table" not in each.inside for each in shown.all("table"))
    assert all("div" in each.inside for each in shown.all("table"))


def legend(found: Page) -> list[str]:
    return [each.attributes["class"] for each in found.all("g", class_="mark") if "figcaption" in each.inside]


def test_what_a_target_says_is_no_markup() -> None:
    script = "<script>alert('1')</script>"
    own = law("forward.output", "violated", finding(message=script), reason=script)
    text = page(report(target(own, target=f"a.py:{script}")), {"forward.output": (script, script)})
    assert "<script" not in text
    assert Page(text).all("h2")[0].words == f"a.py:{script}: not all laws hold"
    message, *_ = [each for each in Page(text).all("code") if each.inside[-1] == "p"]
    assert message.text == script


def test_what_no_file_can_hold_is_replaced() -> None:
    text = page(hostile())
    assert "<b>" not in text
    assert HOSTILE not in text
    assert text.encode("utf-8").decode("utf-8") == text
    assert "\x00" not in text
    assert "\x1b" not in text


@pytest.mark.parametrize("status", Status)
def test_each_verdict_is_said_in_words_beside_its_mark(status: Status) -> None:
    found = Page(page(everything(), LAWS))
    words = status.replace("_", " ")
    said = {
        each.words for each in found.all("span", class_="badge") if status in each.attributes["class"].split()
    }
    assert f"{MARKS[status]} 1 {words}" in said
    if status is not Status.NOT_APPLICABLE:
        assert f"{MARKS[status]} {words}" in said


def test_the_verdict_and_the_counts_come_first() -> None:
    found = Page(page(everything()))
    assert [each.words for each in found.all("h2")] == [
        "layers.py:Wrong: not all laws hold",
        "torch.nn:BatchNorm2d: all laws hold",
        "nowhere.py:Layer: not loaded",
    ]
    first = next(each for each in found.all("p", class_="counts") if "section" in each.inside)
    assert first.words == (
        "C 1 crashed T 1 timed out V 1 violated U 1 unstable ? 1 undecided K 1 known ✓ 1 held – 1 not applicable"
    )


def test_what_it_ran_on_is_said() -> None:
    found = Page(page(everything()))
    card = found.all("dl")[0].words
    assert "device cpu adapter layer_class versions numpy 2.4.6" in card
    assert "x of rank 2, 4 in float32; not judged: rank 3: it raises" in card
    assert "variance one_pass, affine any (float32); digits run out at an offset of 2^12 deviations" in card
    assert (
        "dialect, declared momentum=old, eps_default=0.001 dialect, usual running_variance=unbiased" in card
    )
    assert "momentum_default" not in card
    (dim, *_) = [each.words for each in found.all("p", class_="dim")]
    assert dim == "Profile ci, seed 7, 252 checks in 12.3 s; exit code 1. bncheck 0.1.0."
    items = {each.words for each in found.all("li")}
    assert "dialect: judged by momentum=old, measured new" in items
    assert "stopped: the time was up" in items
    assert "'x.json' is no saved case" in items


def test_a_row_of_the_laws_has_its_numbers_and_is_marked_if_it_fails() -> None:
    found = Page(page(everything(), LAWS))
    row = next(each for each in found.all("tr") if each.words.startswith("forward.output"))
    assert row.attributes["class"] == "wrong"
    assert row.words == (
        "forward.output training output agrees with the oracle V violated 4 27/28 V 4 27/28 ✓ 4 27/28 1 of 1"
    )
    held = cells(found, after="forward.moments")
    assert " ".join(held) == "forward.moments ✓ held 4 27/28 ✓ 4 27/28 ✓ 4 27/28 1 of 1"
    assert not [each for each in found.all("tr") if each.words.startswith("devices.agreement V")]


def test_a_law_leads_to_its_finding() -> None:
    found = Page(page(everything()))
    links = {each.attributes["href"] for each in found.all("a") if each.words == "forward.output"}
    (article,) = found.all("article", id=links.pop().removeprefix("#"))
    assert not links
    assert article.words.startswith("V violated forward.output")


def test_the_numbers_of_a_finding_are_shown() -> None:
    found = Page(page(one_number()))
    row = cells(found, after="running_var[0]")
    assert row == ["running_var[0]", "float32", "0.1", "0.30000000000000004", "9.54e-07", "2.1e+05"]
    article = found.all("article")[0].words
    assert (
        "cause running_var.biased with eps.outside_the_root: It is biased. (reproduces 3 of 4 deviations)"
        in article
    )
    assert "smallest case x (2, 1) float32, train" in article
    assert [each.text for each in found.all("pre", class_="replay")] == ["bncheck replay abc"]


def test_a_finding_without_a_cause_says_so_and_one_without_numbers_has_no_table_of_them() -> None:
    found = Page(
        page(report(target(law("purity.input", "crashed", crash("ZeroDivisionError: two"), worst=None))))
    )
    (article,) = found.all("article")
    assert "cause no known cause" in article.words
    assert "ZeroDivisionError: two" in article.words
    assert not [each for each in found.all("table") if "article" in each.inside]


def test_findings_that_share_a_replay_show_it_once() -> None:
    shared = law("forward.output", "violated", finding(), finding(quantity="dx", message="dx[0] is 2"))
    apart = law("forward.moments", "violated", finding(), finding(replay="bncheck replay def"))
    found = Page(page(report(target(shared, apart))))
    assert [each.text for each in found.all("pre", class_="replay")] == [
        "bncheck replay abc",
        "bncheck replay abc",
        "bncheck replay def",
    ]


def test_the_formula_is_shown_where_it_is_known() -> None:
    formulas = [each.text for each in Page(page(everything(), LAWS)).all("pre", class_="formula")]
    assert formulas == [LAWS["forward.output"][1]]
    assert not Page(page(everything())).all("pre", class_="formula")


def test_reasons_saved_cases_and_the_baseline_are_shown() -> None:
    found = Page(page(everything()))
    assert " ".join(cells(found, after="devices.agreement")) == "devices.agreement there is no second device"
    assert " ".join(cells(found, after="abc123")) == "abc123 forward.output float64 still failing y[0] is 1"
    assert any(
        each.words.startswith(
            "forward.output float32 other cause stale 3 running_var.biased it is wrong upstream"
        )
        for each in found.all("tr")
    )


def test_every_law_with_a_number_is_drawn_and_the_line_at_one_is_marked() -> None:
    worst = {"a.zero": 0.0, "a.small": 1e-3, "a.one": 1.0, "a.large": 1e9, "a.infinite": "Infinity"}
    laws = [
        law(name, "held" if name[2] in "zso" else "violated", worst=number) for name, number in worst.items()
    ]
    drawn = plot([*laws, law("a.crash", "crashed", worst=None), law("a.none", "not_applicable", worst=None)])
    assert drawn is not None
    assert [point.law for point in drawn.points] == ["a.infinite", "a.large", "a.one", "a.small", "a.zero"]
    places = [point.place for point in drawn.points]
    assert places == sorted(places, reverse=True)
    assert len(set(places)) == len(places)
    assert drawn.points[0].worst == inf
    assert drawn.points[2].place == drawn.axis.place(1.0)
    assert drawn.left_out == ("a.crash",)
    found = Page(page(report(target(*laws))))
    (one,) = found.all("line", class_="one")
    assert one.attributes["x1"] == one.attributes["x2"] == f"{drawn.axis.place(1.0)}%"
    assert {each.words for each in found.all("title")} >= {"a.zero: held, 0", "a.large: violated, 1e+09"}


def test_the_places_are_those_of_a_logarithm_and_stay_on_the_axis() -> None:
    drawn = plot([law("a.b", "held", worst=each) for each in (1e-300, 1e-4, 1e-2, 1.0, 1e300)])
    assert drawn is not None
    axis = drawn.axis
    assert (axis.lowest, axis.highest) == (-6, 300)
    assert axis.place(1e-300) == axis.place(1e-6) == 13.0
    assert axis.place(1e300) == 87.0
    assert axis.place(1e147) == pytest.approx(50.0, abs=0.01)  # places have two digits after the point
    ticks = [text for _, text, _ in axis.ticks]
    assert ticks == ["0", "1", "10⁵¹", "10¹⁰²", "10¹⁵³", "10²⁰⁴", "10²⁵⁵", "∞"]


def test_what_fails_has_another_shape_than_what_holds() -> None:
    text = page(everything())
    found = Page(text)
    shapes = dict(re.findall(r'<g class="mark (\w+)">(?:<title>[^<]*</title>)?\s*<(.*?)/>', text))
    assert set(shapes) == {"violated", "unstable", "undecided", "known", "held"}
    assert len(set(shapes.values())) == len(shapes)
    assert "mark crashed" not in text
    assert any(
        "Without a number: purity.input, purity.state." in each.words for each in found.all("figcaption")
    )


def test_nothing_is_drawn_of_nothing() -> None:
    assert plot([]) is None
    assert plot([law("a.b", "crashed", worst=None)]) is None
    assert not Page(page(report(target()))).all("figure")


@pytest.mark.parametrize(
    ("statuses", "words"),
    [
        (("held", "violated", "undecided"), "not all laws hold"),
        (("held", "undecided", "known"), "no law fails, not all are decided"),
        (("held", "known"), "no law fails beyond what the baseline knows"),
        (("held", "not_applicable"), "all laws hold"),
        (("not_applicable",), "nothing was judged"),
        ((), "nothing was judged"),
    ],
)
def test_the_headline_says_the_most_serious(statuses: tuple[str, ...], words: str) -> None:
    assert headline(target(*(law("a.b", status) for status in statuses))) == words


def test_the_headline_does_not_praise_a_run_that_fails_for_something_else() -> None:
    assert headline(target(law("a.b", "held"), interrupted=True)) == "no law fails, but the run does"


def test_numbers_keep_what_tells_them_apart() -> None:
    assert [short(each) for each in (None, 0.0, 123456.0, "Infinity", "NaN")] == [
        "-",
        "0",
        "1.23e+05",
        "∞",
        "NaN",
    ]
    assert [exact(each) for each in (None, 0.1, "-Infinity")] == ["-", "0.1", "-∞"]


def test_a_page_is_told_from_another_file() -> None:
    assert is_ours(page(report()))
    assert not is_ours("<!doctype html>\n<!-- Batch normalization: implementations and laws -->\n")
    assert not is_ours("")


def test_a_real_report_is_shown_whole() -> None:
    found = bncheck.check("reference.numpy", profile="smoke", include=r"^statistics\.mean$")
    content = found.as_json()
    shown = Page(page(content))
    assert shown.wrong == []
    assert shown.all("h2")[0].words == "reference.numpy: all laws hold"
    (own,) = (each for each in content["targets"][0]["laws"] if each["id"] == "statistics.mean")
    row = cells(shown, after="statistics.mean")
    assert row[1:5] == ["✓", "held", f"{own['worst']:.3g}", f"{own['deciding']}/{own['examples']}"]
