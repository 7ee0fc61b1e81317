"""Every report of a run follows the schema, the schema takes nothing else, and the reference page tells it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import fields
from math import inf, nan
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from jsonschema import Draft202012Validator
from report_schema.runs import of_the_page, parsed, real_reports
from report_schema.tables import tables
from reports.handmade import CAUSE, crash, finding
from reports_html.samples import ENTRY, PROFILE, REPLAYED

from bncheck.baseline.features import KEYS
from bncheck.baseline.standing import Standing
from bncheck.capabilities import Capabilities
from bncheck.dialect import Dialect
from bncheck.layout import LAYOUTS
from bncheck.reference.formats import FORMATS
from bncheck.verdict import Status

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "report.md"
FIELDS = "## The fields\n\n"
NAMES = (
    "of the page",
    "sound",
    "raises",
    "not loaded",
    "wrong shape",
    "half precision",
    "interrupted",
    "stopped",
    "known",
    "fixed",
    "expired",
    "other version",
)
Plain = dict[str, Any]

pytestmark = pytest.mark.skipif(not PAGE.is_file(), reason="the documentation is not there")


@pytest.fixture(scope="module")
def schema() -> Plain:
    return parsed((DOCS / "report.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Plain]:
    folder = tmp_path_factory.mktemp("reports")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return {"of the page": of_the_page(folder), **real_reports(folder)}


def problems(schema: Plain, content: Any, name: str | None = None) -> list[str]:
    """What the schema, or its definition of a name, says against some plain data."""
    whole = schema if name is None else {"$ref": f"#/$defs/{name}", "$defs": schema["$defs"]}
    found = Draft202012Validator(whole).iter_errors(content)
    return [f"{each.json_path}: {each.message}" for each in found]


def objects(schema: Plain) -> dict[str, Plain]:
    """The definitions whose fields are ours, by name."""
    return {
        name: each for name, each in {"": schema, **schema["$defs"]}.items() if each.get("type") == "object"
    }


def test_the_schema_is_one(schema: Plain) -> None:
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("name", NAMES)
def test_a_real_report_follows_the_schema(schema: Plain, reports: dict[str, Plain], name: str) -> None:
    assert problems(schema, reports[name]) == []


def test_the_real_reports_are_of_different_kinds(reports: dict[str, Plain]) -> None:
    assert tuple(reports) == NAMES
    targets = {name: report["targets"][0] for name, report in reports.items()}
    first = {name: target["laws"][0]["status"] for name, target in targets.items() if target["laws"]}
    assert first == {
        "of the page": "violated",
        "sound": "held",
        "raises": "crashed",
        "wrong shape": "violated",
        "half precision": "held",
        "interrupted": "undecided",
        "stopped": "undecided",
        "known": "known",
        "fixed": "held",
        "expired": "violated",
        "other version": "held",
    }
    assert targets["not loaded"]["error"]["type"] == "LoadError"
    assert targets["wrong shape"]["laws"][0]["worst"] == "Infinity"
    assert targets["half precision"]["laws"][0]["by_dtype"].keys() == {"float16", "bfloat16"}
    assert targets["interrupted"]["interrupted"]
    assert targets["stopped"]["stopped"] == "its time was over"
    standings = {
        name: target["baseline"][0]["standing"] for name, target in targets.items() if target["baseline"]
    }
    assert standings == {
        "known": "known",
        "fixed": "fixed",
        "expired": "expired",
        "other version": "other_version",
    }
    replayed = {
        name: target["replayed"][0]["replayed"] for name, target in targets.items() if target["replayed"]
    }
    assert replayed == {"known": "known", "fixed": "fixed", "expired": "still failing"}
    assert len(reports["known"]["damaged_cases"]) == 1


def test_each_field_of_the_schema_is_in_some_real_report(schema: Plain, reports: dict[str, Plain]) -> None:
    seen: set[tuple[str, str]] = set()
    for report in reports.values():
        _look(report, schema, schema, "", seen)
    assert seen == {(name, field) for name, each in objects(schema).items() for field in each["properties"]}


def _look(content: Any, part: Plain, schema: Plain, name: str, seen: set[tuple[str, str]]) -> None:
    """Note which fields of which definitions are in a report."""
    if "$ref" in part:
        name = part["$ref"].removeprefix("#/$defs/")
        part = schema["$defs"][name]
    if "anyOf" in part and content is not None:
        _look(content, part["anyOf"][0], schema, name, seen)
    elif isinstance(content, list):
        for each in content:
            _look(each, part["items"], schema, name, seen)
    elif isinstance(content, dict):
        for key, each in content.items():
            own = part.get("properties", {}).get(key)
            if own is not None:
                seen.add((name, key))
            _look(each, own or part["additionalProperties"], schema, name, seen)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("finding", finding(causes=[CAUSE])),
        ("finding", crash("ZeroDivisionError: two is too few")),
        ("baseline_entry", ENTRY),
        ("replayed_case", REPLAYED),
        ("error_profile", PROFILE),
    ],
    ids=["finding", "crash", "entry", "replayed", "profile"],
)
def test_what_is_made_by_hand_for_other_tests_follows_it(schema: Plain, name: str, content: Any) -> None:
    assert problems(schema, content, name) == []


def _first(report: Plain) -> Plain:
    law: Plain = report["targets"][0]["laws"][0]
    return law


@pytest.mark.parametrize(
    ("damage", "place", "word"),
    [
        (lambda report: report.update(more=1), "$", "'more' was unexpected"),
        (lambda report: _first(report).update(more=1), "$.targets[0].laws[0]", "'more' was unexpected"),
        (
            lambda report: _first(report).pop("reason"),
            "$.targets[0].laws[0]",
            "'reason' is a required property",
        ),
        (
            lambda report: _first(report).update(status="failed"),
            "$.targets[0].laws[0].status",
            "'failed' is not valid under any",
        ),
        (lambda report: _first(report).update(worst=nan), "$.targets[0].laws[0].worst", "nan is not valid"),
        (lambda report: _first(report).update(worst=inf), "$.targets[0].laws[0].worst", "inf is not valid"),
        (lambda report: _first(report).update(worst=-inf), "$.targets[0].laws[0].worst", "-inf is not valid"),
        (
            lambda report: _first(report).update(worst="nan"),
            "$.targets[0].laws[0].worst",
            "'nan' is not valid",
        ),
        (
            lambda report: _first(report).update(seconds=nan),
            "$.targets[0].laws[0].seconds",
            "nan should not be valid",
        ),
        (
            lambda report: _first(report).update(examples=-1),
            "$.targets[0].laws[0].examples",
            "-1 is less than",
        ),
        (
            lambda report: _first(report)["by_dtype"].update(float8=_first(report)["by_dtype"]["float32"]),
            "$.targets[0].laws[0].by_dtype",
            "'float8' is not one of",
        ),
        (lambda report: report.update(schema=2), "$.schema", "1 was expected"),
        (lambda report: report.update(exit=3), "$.exit", "3 is not one of"),
    ],
)
def test_a_damaged_report_is_rejected(
    schema: Plain, reports: dict[str, Plain], damage: Callable[[Plain], object], place: str, word: str
) -> None:
    report = deepcopy(reports["of the page"])
    damage(report)
    (problem,) = problems(schema, report)
    assert problem.startswith(f"{place}: ")
    assert word in problem


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_is_not_finite_is_taken_as_its_text(
    schema: Plain, reports: dict[str, Plain], word: str
) -> None:
    report = deepcopy(reports["of the page"])
    _first(report)["worst"] = _first(report)["findings"][0]["actual"] = word
    assert problems(schema, report) == []


def test_every_object_is_strict(schema: Plain) -> None:
    closed = {name for name, each in objects(schema).items() if each["additionalProperties"] is False}
    assert objects(schema).keys() - closed == {"environment"}
    left_out = {
        (name, field)
        for name, each in objects(schema).items()
        for field in each["properties"].keys() - set(each["required"])
    }
    assert left_out == {("numerics", "dtype"), *(("where", key) for key in KEYS)}


def _described(part: Any, place: str) -> Iterator[tuple[str, str | None]]:
    """Every field, definition and word of the schema, with its description."""
    for key, each in part.items():
        if key in {"properties", "$defs"}:
            for name, own in each.items():
                yield f"{place}/{name}", own.get("description")
                yield from _described(own, f"{place}/{name}")
        if key == "oneOf":
            yield from ((f"{place}/{own['const']}", own.get("description")) for own in each)


def test_every_field_has_a_description_of_one_sentence(schema: Plain) -> None:
    described = dict(_described(schema, ""))
    assert {
        place for place, text in described.items() if not re.fullmatch(r"[A-Z].*[^.]\.", text or "")
    } == set()
    assert {"/target/laws", "/status/held", "/finding", "/exit"} <= described.keys()


def test_the_words_of_the_schema_are_those_of_the_code(schema: Plain) -> None:
    defined = schema["$defs"]
    words = {name: [each["const"] for each in defined[name]["oneOf"]] for name in ("status", "standing")}
    assert words == {"status": [*Status], "standing": [*Standing]}
    assert defined["dtype"]["enum"] == [*FORMATS]
    assert list(defined["where"]["properties"]) == [*KEYS]
    assert defined["where"]["properties"]["layout"]["items"]["enum"] == [*LAYOUTS]
    assert list(defined["summary"]["properties"]) == [*Status]
    assert list(defined["capabilities"]["properties"]) == [each.name for each in fields(Capabilities)]


@pytest.mark.parametrize("convention", [each.name for each in fields(Dialect)])
def test_the_schema_takes_what_a_convention_can_be(schema: Plain, convention: str) -> None:
    own, allowed = (
        schema["$defs"]["dialect"]["properties"][convention],
        get_args(get_type_hints(Dialect)[convention]),
    )
    assert own.get("enum", (float, type(None))) == (allowed if float in allowed else [*allowed])


def test_the_page_has_the_tables_of_the_schema(schema: Plain) -> None:
    before, _, told = PAGE.read_text(encoding="utf-8").partition(FIELDS)
    assert told == tables(schema)
    links = set(re.findall(r"\]\(#([a-z-]+)\)", before + told))
    headings = {each.lower().replace(" ", "-") for each in re.findall(r"^### (.+)$", told, re.MULTILINE)}
    assert "profile-entry" in links <= headings


def test_the_tables_tell_each_field_with_its_type_and_meaning(schema: Plain) -> None:
    told = tables(schema)
    for line in (
        "| number or non-finite | A finite number, or one of the texts",
        "### Law in one dtype\n",
        "| `held` | No error exceeded its bound",
        "| `targets` | list of [target](#target) | One entry",
        "| `by_dtype` | object: dtype to [law in one dtype](#law-in-one-dtype) | ",
        "| `worst` | number or non-finite or null | ",
        "| `index` | list of count or null | ",
        "| `variance` | `two_pass`, `stable`, `one_pass`, `null` | ",
        "| `dtype` | dtype; may be missing | ",
    ):
        assert line in told


def test_the_example_of_the_page_is_a_real_report_but_for_what_is_left_out(reports: dict[str, Plain]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    (example,) = re.findall(r"^    \{\n.*?^    \}\n", text, re.MULTILINE | re.DOTALL)
    shown = re.sub("^    ", "", example, flags=re.MULTILINE)
    parts = [_without_numbers(part) for part in re.split(r" *\.\.\.\n", shown)]
    real = _without_numbers(json.dumps(reports["of the page"], indent=2) + "\n")
    assert len(parts) > 1
    assert re.fullmatch("(?:.*\n)+?".join(map(re.escape, parts)), real)


def _without_numbers(text: str) -> str:
    """What a processor, a version or a cause that is new can change is left out."""
    return re.sub(r"\d[\w.+-]*", "#", text)
