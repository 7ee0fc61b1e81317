"""JSON reports of schema 1 made by hand: one law of each verdict, and text that no format takes as it is."""

from __future__ import annotations

from typing import Any

# Control characters, a lone surrogate, and what is markup in one of the formats.
HOSTILE = "50% of |x|, `y`:\r\n]]> <b>&\x00\x1b[31m\ud800\ufffe"
# The same where those that XML 1.0 does not allow are replaced.
CLEANED = "50% of |x|, `y`:\r\n]]> <b>&\ufffd\ufffd[31m\ufffd\ufffd"

CAUSE = {
    "id": "running_var.biased",
    "text": "It is biased.",
    "explains": 3,
    "of": 4,
    "with": ["eps.outside_the_root"],
}
CAUSE_LINE = (
    "cause: running_var.biased with eps.outside_the_root: It is biased. (reproduces 3 of 4 deviations)"
)


def finding(**changed: Any) -> dict[str, Any]:
    return {
        "quantity": "y",
        "index": [1, 0],
        "actual": 3.0,
        "expected": 1.0,
        "bound": 0.5,
        "message": "y[1, 0] is 3, expected 1",
        "dtype": "float32",
        "input": "x (2, 1) float32, train",
        "arrays": {"x": "[[0], [1]]"},
        "case": None,
        "replay": "bncheck replay abc",
        "causes": [],
    } | changed


def crash(message: str) -> dict[str, Any]:
    return finding(message=message, quantity=None, index=None, actual=None, expected=None, bound=None)


def law(law_id: str, status: str, *findings: dict[str, Any], **changed: Any) -> dict[str, Any]:
    counts = {"examples": 28, "deciding": 27, "comparisons": 28, "worst": 4.0}
    own = {"status": status, "known": 0, **counts}
    return {
        "id": law_id,
        "family": law_id.partition(".")[0],
        "status": status,
        "reason": None,
        "seconds": 0.25,
        "elements": {"judged": 1, "inconclusive": 0, "not_judged": 0},
        "by_dtype": {"float32": own, "float64": own | {"status": "held"}},
        "findings": list(findings),
        **counts,
    } | changed


def target(*laws: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return {
        "target": "layers.py:Wrong",
        "adapter": "layer_class",
        "device": "cpu",
        "versions": {"numpy": "2.4.6"},
        "error": None,
        "laws": list(laws),
        "contradictions": [],
        "misdeclared": [],
        "interrupted": False,
        "stopped": None,
        "baseline": [],
        "replayed": [],
    } | changed


def report(*targets: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return {
        "schema": 1,
        "bncheck": "0.1.0",
        "environment": {"bncheck": "0.1.0"},
        "seed": 7,
        "profile": "ci",
        "seconds": 12.3456,
        "targets": list(targets),
        "summary": {},
        "exit": 1,
        "damaged_cases": [],
    } | changed


EVERY_VERDICT = (
    law("forward.output", "violated", finding(causes=[CAUSE]), finding(quantity="dx", message="dx[0] is 2")),
    law("numerics.stable", "unstable", finding(), reason="outside the bound of its class"),
    law("statistics.mean", "undecided", reason="no example decided"),
    law("purity.input", "crashed", crash("ZeroDivisionError: two is too few"), worst=None),
    law("purity.state", "timed_out", crash("no answer in 10 s"), worst=None),
    law("statistics.variance", "known", reason="tolerated: see the tracker"),
    law("devices.agreement", "not_applicable", reason="there is no second device", by_dtype={}, worst=None),
    law("forward.moments", "held"),
)

NOT_LOADED = target(
    target="nowhere.py:Layer",
    adapter=None,
    device=None,
    versions={},
    error={"type": "LoadError", "message": "there is no file nowhere.py"},
)

BESIDE = {
    "baseline": [
        {"law": "forward.output", "dtype": "float32", "stale": True, "message": "it holds now"},
        {"law": "forward.moments", "dtype": "float32", "stale": False, "message": ""},
    ],
    "replayed": [
        {"id": "abc", "law": "forward.output", "replayed": "still failing", "message": "y[0] is 1"},
        {"id": "def", "law": "forward.output", "replayed": "fixed", "message": ""},
    ],
    "misdeclared": ["declared momentum=old, measured new"],
    "interrupted": True,
}
BESIDE_SENTENCES = [
    "stale entry of the baseline: forward.output (float32): it holds now",
    "saved case abc still fails: forward.output: y[0] is 1",
    "dialect: declared momentum=old, measured new",
    "the run was interrupted",
]


def hostile() -> dict[str, Any]:
    """A report whose words are hostile wherever a target or a user can write them."""
    found = finding(message=HOSTILE, input=HOSTILE, replay=HOSTILE, causes=[CAUSE | {"text": HOSTILE}])
    laws = (
        law("forward.output", "violated", found),
        law("statistics.mean", "known", reason=HOSTILE),
        law("devices.agreement", "not_applicable", reason=HOSTILE),
    )
    return report(
        target(*laws, target=f"<{HOSTILE}>"),
        target(target=HOSTILE, error={"type": "LoadError", "message": HOSTILE}),
    )
