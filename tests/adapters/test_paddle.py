"""paddle's layers, judged by the formulas of their documentation."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

import bncheck
from bncheck.adapters.frameworks import missing_framework
from bncheck.errors import LoadError
from bncheck.identify.identifying import contradictions
from bncheck.loading import load, needs_isolation
from bncheck.target import parse_target

# Not imported here: TensorFlow and paddle come in one order alone.
pytestmark = pytest.mark.skipif(find_spec("paddle") is None, reason="paddle is not installed")

LAYERS = [f"paddle.nn:BatchNorm{rank}D" for rank in (1, 2, 3)]
# The documentation does not say that eps and momentum are kept in float32.
SILENT = {"eps_storage": "float32"}
LAWS = r"^(forward\.output|statistics\.(mean|variance)|evaluation\.(output|statistics)|gradient\.d(x|gamma))$"


def verdicts(target: str, laws: str, *, dtype: str = "float64", **declared: str) -> dict[str, str]:
    report = bncheck.check(target, profile="smoke", include=laws, dtypes=[dtype], dialect=declared)
    return {law.law.id: law.status.value for law in report.targets[0].laws}


@pytest.mark.parametrize("target", [*LAYERS, "paddle.nn:BatchNorm2D?data_format=NHWC"])
def test_paddle_is_right_by_the_main_laws(target: str) -> None:
    found = verdicts(target, LAWS, **SILENT)

    assert set(found.values()) == {"held"}, found


def test_float32_is_right_as_it_is_documented() -> None:
    assert set(verdicts(LAYERS[0], LAWS, dtype="float32").values()) == {"held"}


def test_numbers_that_are_rounded_to_float32_are_seen_in_float64() -> None:
    found = verdicts(LAYERS[0], r"^statistics\.mean$")

    assert found == {"statistics.mean": "violated"}


def test_a_wrong_declaration_of_the_running_variance_is_seen() -> None:
    found = verdicts(LAYERS[0], r"^statistics\.variance$", **SILENT, running_variance="unbiased")

    assert found == {"statistics.variance": "violated"}


def test_what_is_declared_is_what_is_measured_but_for_one_value_a_channel() -> None:
    implementation = load(LAYERS[0], dialect=SILENT)

    found = contradictions(implementation)

    implementation.close()
    assert {each.name for each in found} == {"single"}


def test_statistics_that_are_not_contiguous_are_not_updated_and_that_is_seen() -> None:
    found = verdicts(LAYERS[0], r"^layout\.(forward|statistics)$", dtype="float32")

    assert found == {"layout.forward": "held", "layout.statistics": "violated"}


def test_what_a_layer_cannot_be_asked_is_told() -> None:
    implementation = load(f"{LAYERS[1]}?epsilon=0.5&momentum=0.75&num_features=3")
    implementation.close()
    offered = implementation.capabilities

    assert (offered.eps, offered.fixed_momentum, offered.channels, offered.ranks) == (0.5, 0.25, 3, (4,))
    assert offered.why_not("momentum") == "momentum is given"
    assert offered.why_not("forward_mode") == "paddle's own jvp differentiates backwards twice"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (
            f"{LAYERS[0]}?eps=0.5",
            "takes no 'eps' here; valid are num_features, momentum, epsilon, data_format",
        ),
        (f"{LAYERS[0]}@cuda", "is judged on cpu alone, not on 'cuda'"),
    ],
)
def test_what_cannot_be_judged_is_refused_in_one_sentence(target: str, said: str) -> None:
    with pytest.raises(LoadError) as told:
        load(target)

    assert said in str(told.value)


def test_paddle_has_a_process_of_its_own() -> None:
    assert needs_isolation(parse_target(LAYERS[0]))


def test_a_missing_library_is_told_with_the_extra_that_brings_it() -> None:
    said = missing_framework(ModuleNotFoundError(name="paddle.nn"), "it")

    assert str(said) == 'it needs paddle, which is not installed here: pip install "bncheck[paddle]"'
