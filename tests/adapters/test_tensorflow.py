"""TensorFlow's operations, judged by what their documentation says of them."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

import bncheck
from bncheck.adapters.frameworks import missing_framework
from bncheck.errors import LoadError
from bncheck.identify.identifying import contradictions
from bncheck.loading import load

# Not imported here: TensorFlow and paddle come in one order alone.
pytestmark = pytest.mark.skipif(find_spec("tensorflow") is None, reason="tensorflow is not installed")

FUSED = "tensorflow.compat.v1.nn:fused_batch_norm"
MOMENTS = "tensorflow.nn:batch_normalization"
LAWS = r"^(forward\.output|statistics\.(mean|variance)|evaluation\.(output|statistics)|gradient\.d(x|gamma))$"


def verdicts(target: str, laws: str, *, dtype: str = "float32", **declared: str) -> dict[str, str]:
    report = bncheck.check(target, profile="smoke", include=laws, dtypes=[dtype], dialect=declared)
    return {law.law.id: law.status.value for law in report.targets[0].laws}


@pytest.mark.parametrize(
    ("target", "dtype"), [(FUSED, "float32"), (FUSED, "bfloat16"), (f"{FUSED}?data_format=NCHW", "float32")]
)
def test_the_fused_operation_is_right_by_the_main_laws(target: str, dtype: str) -> None:
    found = verdicts(target, LAWS, dtype=dtype)

    assert set(found.values()) == {"held"}, found


def test_moments_and_the_formula_are_right_where_they_keep_nothing() -> None:
    found = verdicts(MOMENTS, LAWS, dtype="float64")

    missing = {each for each, verdict in found.items() if verdict == "not_applicable"}
    assert missing == {"statistics.mean", "statistics.variance", "evaluation.statistics"}
    assert {verdict for each, verdict in found.items() if each not in missing} == {"held"}


@pytest.mark.parametrize("target", [FUSED, MOMENTS])
def test_what_is_declared_is_what_is_measured(target: str) -> None:
    implementation = load(target)

    found = contradictions(implementation)

    implementation.close()
    assert {each.name for each in found} == set()


def test_a_wrong_declaration_of_the_running_variance_is_seen() -> None:
    found = verdicts(FUSED, r"^statistics\.variance$", running_variance="biased")

    assert found == {"statistics.variance": "violated"}


def test_what_they_do_not_offer_is_told_with_its_reason() -> None:
    fused, moments = load(FUSED), load(MOMENTS)
    fused.close()
    moments.close()

    assert fused.capabilities.why_not("plain") == "scale and offset are arguments that it must have"
    assert (fused.capabilities.ranks, moments.capabilities.ranks) == ((4, 5), (2, 3, 4, 5))
    told = "tf.nn.moments and tf.nn.batch_normalization keep no running statistics"
    assert moments.capabilities.why_not("statistics") == told


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (f"{FUSED}?data_format=CHWN", "data_format is 'CHWN'; valid are NHWC, NCHW"),
        (f"{FUSED}?epsilon=0.5", "takes no 'epsilon' here; valid are data_format"),
        (f"{MOMENTS}@cuda", "bncheck judges TensorFlow on cpu alone, not on 'cuda'"),
    ],
)
def test_what_cannot_be_judged_is_refused_in_one_sentence(target: str, said: str) -> None:
    with pytest.raises(LoadError) as told:
        load(target)

    assert said in str(told.value)


def test_a_missing_library_is_told_with_the_extra_that_brings_it() -> None:
    said = missing_framework(ModuleNotFoundError(name="tensorflow"), "it")

    assert str(said) == 'it needs tensorflow, which is not installed here: pip install "bncheck[tensorflow]"'
