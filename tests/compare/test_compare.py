"""Comparisons: the first line names the cause, and says whether it is dialect, numerics or a bug."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from identify.planted import PLANTED

from bncheck.command_line import commands
from bncheck.compare.comparing import compared
from bncheck.compare.difference import Contest, Kind
from bncheck.compare.phrases import ORDER, phrase
from bncheck.identify.identifying import MEASURES
from bncheck.options import Options
from bncheck.properties.catalogue import CATALOGUE

LAYERS = Path(__file__).parents[1] / "identify" / "samples" / "layers.py"
# Enough laws to see each planted bug by, few enough to be quick.
LAWS = r"^(forward\.output|statistics|evaluation\.output|parameters\.momentum|contract)"

OUTPUT, VARIANCE = r"^forward\.output$", r"^statistics\.variance$"


def planted(*ids: str, include: str = LAWS, dialect: dict[str, str] | None = None) -> Contest:
    """Planted layers in float32 against each other, under their ids."""
    targets = [PLANTED[id_].make() for id_ in ids]
    options = Options(profile="smoke", dtypes=("float32",), include=include, dialect=dialect or {})
    return compared(targets, CATALOGUE, options)


def kinds(contest: Contest) -> set[Kind]:
    return {each.kind for each in contest.differences}


def compare(folder: Path, *words: str, include: str = LAWS) -> Result:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return CliRunner().invoke(commands, ["compare", *words, "--include", include, "--dtype", "float32"])


def first(result: Result) -> str:
    return result.output.splitlines()[0]


def test_two_references_are_not_different() -> None:
    options = Options(profile="smoke", include=LAWS)
    pytest.importorskip("torch")
    contest = compared(["reference.numpy", "reference.torch"], CATALOGUE, options)
    assert contest.differences == ()
    assert contest.exit_code == 0
    assert contest.headline == "no difference beyond rounding: reference.numpy, reference.torch"
    (pair,) = contest.pairs
    assert pair.evaluations > 100
    assert pair.failures == ()
    assert set(pair.worst) == {"y", "running_mean", "running_var", "dx", "dgamma", "dbeta"}
    assert all(0 <= ratio <= 1 for ratio in pair.worst.values())
    assert any(pair.worst.values())


@pytest.mark.parametrize(
    ("id_", "words", "declare"),
    [
        (
            "running_var.biased",
            ("tracks the biased variance", "tracks the unbiased variance"),
            {"running_variance": "biased"},
        ),
        (
            "running_mean.first_batch_replaces",
            ("replaces what a new layer starts from by the first batch",),
            {"first_batch": "replaces"},
        ),
        (
            "special_values.one_value_has_variance_zero",
            ("makes beta of one value a channel", "raises on one value"),
            {"single": "beta"},
        ),
    ],
)
def test_a_convention_that_is_followed_and_not_declared_is_dialect(
    id_: str, words: Sequence[str], declare: dict[str, str]
) -> None:
    contest = planted("numpy.two_pass", id_)
    assert contest.headline.startswith("dialect: ")
    assert all(each in contest.headline for each in words)
    assert contest.exit_code == 0
    assert Kind.BUG not in kinds(contest)
    assert contest.differences[0].declare == declare
    assert contest.differences[0].laws
    (pair,) = contest.pairs
    assert pair.failures == ()


def test_a_convention_that_is_declared_is_dialect_and_no_law_fails() -> None:
    contest = planted("numpy.two_pass", "numpy.biased")
    assert contest.headline.startswith("dialect: ")
    assert "tracks the biased variance" in contest.headline
    assert not any(entry.failing for entry in contest.entries)
    assert contest.exit_code == 0


def test_a_one_pass_variance_is_numerics() -> None:
    contest = planted("numpy.two_pass", "numerics.one_pass")
    assert kinds(contest) == {Kind.NUMERICS}
    assert "has a one-pass variance" in contest.headline
    assert "loses all digits from offset 2^12 sigma, float32" in contest.differences[0].evidence
    assert contest.exit_code == 0


@pytest.mark.parametrize(
    ("id_", "words", "include"),
    [
        ("eps.outside_the_root", "has eps outside the root in training", OUTPUT),
        ("mode.running_statistics_in_training", "by the running statistics before their update", OUTPUT),
        ("affine.gamma_absolute", "computes |gamma| xhat + beta", OUTPUT),
        ("running_var.bessel_inverted", "tracks as its variance: biased times (m - 1) / m", VARIANCE),
        ("mean.of_the_middle", "The mean is half of the smallest and the largest value.", OUTPUT),
    ],
)
def test_what_no_dialect_explains_is_a_bug_of_one_of_them(id_: str, words: str, include: str) -> None:
    contest = planted("numpy.two_pass", id_, include=include)
    bug = contest.differences[0]
    assert contest.headline.startswith("bug: ")
    assert words in contest.headline
    assert bug.target == contest.entries[1].name
    assert contest.exit_code == 1
    assert contest.pairs[0].failures
    assert contest.entries[0].failing == ()


def test_what_a_convention_leaves_unexplained_is_a_bug_beside_it() -> None:
    """The cumulative average takes the weights of new and old for one another as well, which no dialect says."""
    contest = planted("numpy.two_pass", "momentum.swapped", include=VARIANCE)
    bug, dialect = contest.differences
    assert (bug.kind, dialect.kind) == (Kind.BUG, Kind.DIALECT)
    assert "makes of momentum None: another" in bug.text
    assert "takes momentum as the weight of the old statistics" in dialect.text
    assert contest.exit_code == 1


def test_a_bug_beside_an_undeclared_convention_is_still_a_bug() -> None:
    """Declared to be the weight of the old statistics, what is squared is neither."""
    contest = planted("numpy.two_pass", "momentum.squared", include=VARIANCE)
    assert contest.headline.startswith("bug: ")
    assert "takes momentum as the weight of the new, squared" in contest.headline
    assert contest.exit_code == 1


def test_a_bug_of_all_is_told_after_what_is_different() -> None:
    contest = planted(
        "eps.outside_the_root", "eps.outside_the_root", include=r"^(forward|evaluation)\.output$"
    )
    assert [each.kind for each in contest.differences] == [Kind.BUG]
    assert "all of" in contest.headline
    assert contest.exit_code == 1


def test_what_no_chosen_law_shows_is_a_bug_where_two_differ_by_more_than_their_bounds() -> None:
    contest = planted("numpy.two_pass", "eps.outside_the_root", include=r"^statistics\.mean$")
    assert not any(entry.failing for entry in contest.entries)
    assert contest.headline.startswith("bug: ")
    assert "has eps outside the root in training" in contest.headline
    assert "differ by more than the sum of their bounds: y[" in contest.headline
    assert contest.differences[0].target == contest.entries[1].name
    assert contest.exit_code == 1


def test_what_a_layer_does_to_y_alone_is_no_reason_for_its_statistics(tmp_path: Path) -> None:
    result = compare(tmp_path, "reference.numpy", f"{LAYERS}:Loses", include=r"^statistics\.mean$")
    assert first(result).startswith(f"bug: {LAYERS}:Loses never moves its statistics")


def test_every_measurement_has_a_phrase() -> None:
    assert set(ORDER) == set(MEASURES)
    assert all(phrase(name, "another") for name in MEASURES)


def test_of_three_targets_the_one_that_is_off_is_named() -> None:
    contest = planted("numpy.two_pass", "eps.doubled", "numpy.welford", include=OUTPUT)
    (bug,) = (each for each in contest.differences if each.kind == Kind.BUG)
    assert bug.target == contest.entries[1].name
    assert len(contest.pairs) == 3
    assert [bool(pair.failures) for pair in contest.pairs] == [True, False, True]


def test_the_layer_of_a_notebook_that_trains_on_its_averages(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    layer = Path(__file__).parents[1] / "notebooks" / "test_seminar_layers.py"
    result = compare(tmp_path, "torch.nn:BatchNorm1d", f"{layer}:NormalisedByItsAverages", include=OUTPUT)
    assert result.exit_code == 1
    assert first(result).startswith(f"bug: {layer}:NormalisedByItsAverages")
    assert "normalises training batches by the running statistics after their update" in first(result)
    assert "torch.nn:BatchNorm1d normalises training batches by their own statistics" in first(result)


def test_files_that_follow_other_conventions_are_translated(tmp_path: Path) -> None:
    result = compare(tmp_path, f"{LAYERS}:Unbiased", f"{LAYERS}:Old")
    assert result.exit_code == 0, result.output
    assert first(result).startswith(
        f"dialect: {LAYERS}:Old takes momentum as the weight of the old statistics"
    )
    assert "undeclared: judge" in result.output
    assert "--dialect momentum=old" in result.output


def test_a_comparison_is_data_too(tmp_path: Path) -> None:
    words = (f"{LAYERS}:Unbiased", f"{LAYERS}:Plain", "--report", "json", "--report-dir", str(tmp_path))
    assert compare(tmp_path, *words).exit_code == 0
    report = json.loads((tmp_path / "bncheck-compare.json").read_text())
    assert (report["schema"], report["kind"], report["exit"]) == (1, "compare", 0)
    (dialect, *_) = report["differences"]
    assert (dialect["kind"], dialect["declare"]) == ("dialect", {"running_variance": "biased"})
    laws = {each["id"]: each for each in report["targets"][1]["laws"]}
    assert (laws["statistics.variance"]["status"], laws["statistics.variance"]["translated"]) == (
        "violated",
        "held",
    )


def test_the_first_line_stands_first_without_colour_on_a_narrow_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["compare", f"{LAYERS}:Unbiased", f"{LAYERS}:Plain", "--include", VARIANCE]
    result = CliRunner(env={"COLUMNS": "40", "NO_COLOR": "1"}).invoke(commands, words)
    assert result.exit_code == 0, result.output
    assert first(result).startswith("dialect: ")
    assert "tracks the biased variance" in first(result)


def test_exit_2_for_misuse(tmp_path: Path) -> None:
    alone = compare(tmp_path, "reference.numpy")
    assert alone.exit_code == 2
    assert "name two targets or more" in alone.output


def test_exit_4_where_a_target_is_not_there(tmp_path: Path) -> None:
    assert compare(tmp_path, "reference.numpy", f"{LAYERS}:Nobody").exit_code == 4


def test_exit_5_where_no_law_applies_to_all(tmp_path: Path) -> None:
    result = compare(tmp_path, "reference.numpy", "reference.numpy", include=r"^devices\.")
    assert result.exit_code == 5
    assert first(result).startswith("no law that is asked for applies to all of")
