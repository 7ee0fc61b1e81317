"""Reports of schema 1 with everything that a page shows."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from reports.handmade import CAUSE, EVERY_VERDICT, NOT_LOADED, finding, law, report, target

from bncheck.dialect import Dialect

LAWS = {
    "forward.output": (
        "training output agrees with the oracle",
        "y = gamma (x - mu) / sqrt(var + eps) + beta",
    ),
}
ENTRY: dict[str, Any] = {
    "target": "layers.py:Wrong",
    "law": "forward.output",
    "dtype": "float32",
    "case": "cases/abc.json",
    "cause": "running_var.biased",
    "quantities": ["y"],
    "reason": "it is wrong upstream",
    "link": "javascript:alert(1)",
    "versions": {},
    "expires": None,
    "where": {},
    "standing": "other_cause",
    "stale": True,
    "message": "it has another cause today",
    "examples": 3,
}
REPLAYED = {
    "id": "abc123",
    "case": "cases/abc123.json",
    "law": "forward.output",
    "dtype": "float64",
    "status": "violated",
    "replayed": "still failing",
    "message": "y[0] is 1",
}


def _near(start: float, quantity: str, worst: float | str, dtype: str = "float32") -> dict[str, Any]:
    return {"dtype": dtype, "quantity": quantity, "from": start, "comparisons": 3, "worst": worst}


# With nothing at eps, and of float64 one place alone.
PROFILE: dict[str, list[dict[str, Any]]] = {
    "offset": [
        _near(1.0, "y", 0.5),
        _near(1.0, "running_mean", 0.0),
        _near(1.0, "running_var", 0.25),
        _near(65536.0, "y", 300.0),
        _near(65536.0, "running_var", "Infinity"),
        _near(1.0, "y", 0.125, "float64"),
    ],
    "length": [_near(2.0, "dx", 1e-7), _near(1024.0, "dx", 2.0)],
    "eps": [],
}


def everything() -> dict[str, Any]:
    """A target with each verdict, one that holds and one that could not be loaded."""
    first = target(
        *EVERY_VERDICT,
        capabilities={"ranks": [2, 4], "dtypes": ["float32"], "reasons": {"ranks": "rank 3: it raises"}},
        dialect=asdict(Dialect(momentum="old", eps_default=1e-3)),
        numerics={"variance": "one_pass", "affine": "any", "breakdown_offset": 4096.0, "dtype": "float32"},
        contradictions=["judged by momentum=old, measured new"],
        baseline=[ENTRY],
        replayed=[REPLAYED],
        stopped="the time was up",
        profile=PROFILE,
    )
    second = target(law("forward.output", "held", worst=0.25), target="torch.nn:BatchNorm2d")
    return report(first, second, NOT_LOADED, damaged_cases=["'x.json' is no saved case"])


def one_number() -> dict[str, Any]:
    """One violated law, whose numbers are told apart by their digits."""
    found = finding(
        quantity="running_var",
        index=[0],
        actual=0.1,
        expected=0.30000000000000004,
        bound=2.0**-20,
        causes=[CAUSE],
    )
    return report(target(law("statistics.variance", "violated", found, worst=123456.0)))


def long_words() -> dict[str, Any]:
    """Words without a space, longer than a narrow window is wide, wherever a target or a user can write them."""
    word = "w" * 400
    found = finding(message=word, input=word, replay=word, quantity=word, causes=[CAUSE | {"text": word}])
    laws = (law(f"forward.{word}", "violated", found, reason=word), law("a.b", "not_applicable", reason=word))
    told = {"versions": {word: word}, "contradictions": [word], "dialect": {word: word}, "device": word}
    entry = ENTRY | {"reason": word, "message": word, "link": word, "cause": word}
    own = target(
        *laws, target=word, baseline=[entry], replayed=[REPLAYED | {"message": word, "id": word}], **told
    )
    other = target(target=word, error={"type": "LoadError", "message": word})
    return report(own, other, damaged_cases=[word], environment={"bncheck": word})
