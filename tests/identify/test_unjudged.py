"""Conventions that no law can judge: a declaration rules out what rests on it, and is measured whatever the laws say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from identify.planted import PLANTED

from bncheck.checking import run
from bncheck.command_line import commands
from bncheck.dialect import Dialect
from bncheck.errors import LoadError, UsageError
from bncheck.identify.identifying import contradictions, identified, misdeclared
from bncheck.loading import load
from bncheck.options import Options
from bncheck.properties.catalogue import CATALOGUE
from bncheck.report import FAILING, TargetReport
from bncheck.verdict import Status

LAYERS = Path(__file__).parent / "samples" / "layers.py"
# What each layer of the samples does; none of it shows in the running statistics.
FOLLOWED = {
    "Outside": ("eps_place", "outside"),
    "OnAverages": ("training_output", "running"),
    "Single": ("float64", "demoted"),
    "Unbiased": ("untrained", "statistics_0_1"),
}
# The same declared wrongly, of the layer that does none of it, and what is told.
WRONG = {
    "eps_place=outside": "declared eps_place=outside, measured inside (deviation 0.5 is normalised to 0.5345225",
    "training_output=running": "declared training_output=running, measured batch (x 3 of a batch of mean 1",
    "float64=demoted": "declared float64=demoted, measured honoured (y is float64, off by at most",
    "untrained=batch": "declared untrained=batch, measured statistics_0_1 (x 3 of a batch of mean 1 gives 2.99",
    "eps_default=1e-5": "declared eps_default=1e-05, measured 0.001 (from the signature)",
    "momentum_default=0.9": "declared momentum_default=0.9, measured 0.1 (from the signature)",
    "update=backward": "declared update=backward, measured forward (a forward pass alone moves them by 0.25",
}
OF_STATISTICS = r"^statistics\.(mean|variance)$"


def judged(target: object, dialect: dict[str, str], include: str | None, *dtypes: str) -> TargetReport:
    options = Options(profile="smoke", dialect=dialect, include=include, dtypes=dtypes, isolate=False)
    return run([target], CATALOGUE, options).targets[0]


def called(*words: str) -> Result:
    return CliRunner().invoke(
        commands, ["run", "--profile", "smoke", "--include", OF_STATISTICS, "--dtype", "float32", *words]
    )


@pytest.mark.parametrize("layer", FOLLOWED)
def test_what_is_declared_and_so_is_held(layer: str) -> None:
    convention, value = FOLLOWED[layer]
    report = judged(f"{LAYERS}:{layer}", {convention: value}, OF_STATISTICS)
    assert {each.status for each in report.laws} == {Status.HELD}
    assert (report.misdeclared, report.contradictions) == ((), ())


@pytest.mark.parametrize("declared", WRONG)
def test_what_is_declared_and_not_so_fails_the_run_where_no_law_does(declared: str) -> None:
    result = called(f"{LAYERS}:Unbiased", "--dialect", declared)
    assert f"dialect: {WRONG[declared]}" in result.output
    assert result.exit_code == 1
    assert "2 held" in result.output


@pytest.mark.parametrize("declared", ["eps_default=1e-3", "momentum_default=0.1", "untrained=any"])
def test_defaults_that_are_declared_as_they_are_say_nothing(declared: str) -> None:
    result = called(f"{LAYERS}:Unbiased", "--dialect", declared)
    assert result.exit_code == 0, result.output
    assert "dialect:" not in result.output


@pytest.mark.parametrize(
    ("id_", "dialect", "why", "ruled_out", "left"),
    [
        (
            "eps.outside_the_root",
            {"eps_place": "outside"},
            "the dialect puts eps outside the root, for which no bound of y is derived",
            (
                "forward.output",
                "evaluation.output",
                "gradient.dx",
                "evaluation_gradient.dgamma",
                "weights.scale",
            ),
            ("evaluation.zero_eps", "gradient.dbeta", "statistics.variance", "purity.repetition"),
        ),
        (
            "OnAverages",
            {"training_output": "running"},
            "the dialect normalises training batches by the running statistics before their update",
            ("forward.output", "gradient.dx", "evaluation.consistency", "range.normalised"),
            (
                "evaluation.output",
                "evaluation_gradient.dbeta",
                "statistics.mean",
                "forward.dtypes",
                "program.output",
            ),
        ),
    ],
)
def test_what_rests_on_it_does_not_apply_and_all_else_is_judged(
    id_: str, dialect: dict[str, str], why: str, ruled_out: tuple[str, ...], left: tuple[str, ...]
) -> None:
    target: object = PLANTED[id_].make() if id_ in PLANTED else f"{LAYERS}:{id_}"
    laws = "|".join(rf"^{id_}$" for id_ in (*ruled_out, *left))
    found = {each.law.id: each for each in judged(target, dialect, laws, "float32").laws}
    told = {id_: str(found[id_].reason) for id_ in ruled_out}
    # A layer without gradients has no gradient laws, whatever it declares.
    bounded = {id_: reason for id_, reason in told.items() if "backward" not in reason}
    assert bounded
    assert all(reason.startswith(why) for reason in bounded.values()), told
    assert all(found[id_].status == Status.NOT_APPLICABLE for id_ in ruled_out)
    applying = {each.status for id_ in left if "gradient" not in id_ for each in (found[id_],)}
    assert applying == {Status.HELD}


def test_a_function_of_which_y_alone_is_known_has_nothing_left_to_be_judged_by_bounds() -> None:
    report = judged(
        outside_alone, {"eps_place": "outside"}, r"^(symmetry|sizes|forward|parameters)\.", "float32"
    )
    statuses = {each.law.id: each.status for each in report.laws}
    assert statuses["symmetry.shift"] == statuses["sizes.reduction"] == Status.NOT_APPLICABLE
    assert set(statuses.values()) <= {Status.NOT_APPLICABLE, Status.HELD}
    assert report.misdeclared == ()


def test_float64_that_is_demoted_is_judged_as_float32_and_not_let_off() -> None:
    laws = r"^(forward\.output|statistics\.variance|evaluation\.output|gradient\.(dx|differences))$"
    right = judged(PLANTED["dtype.float64_in_float32"].make(), {"float64": "demoted"}, laws, "float64")
    found = {each.law.id: each for each in right.laws}
    assert found["gradient.differences"].reason == "the dialect says that float64 is computed in float32"
    del found["gradient.differences"]
    assert {each.status for each in found.values()} == {Status.HELD}
    wrong = judged(PLANTED["running_var.biased"].make(), {"float64": "demoted"}, laws, "float64")
    assert [each.law.id for each in wrong.laws if each.status in FAILING] == ["statistics.variance"]


def test_a_half_precision_layer_that_says_so_of_float64_is_still_wrong_in_float32() -> None:
    report = judged(
        PLANTED["eps.rounded_to_half"].make(), {"float64": "demoted"}, r"^forward\.output$", "float32"
    )
    assert report.laws[0].status in FAILING


@pytest.mark.parametrize(("layer", "declared"), FOLLOWED.items())
def test_the_object_and_the_pyproject_declare_it_as_the_command_line_does(
    layer: str, declared: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    convention, value = declared
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(
        f"{LAYERS.read_text()}\n\nclass Mine({layer}):\n"
        f"    __bncheck__ = {{'dialect': {{{convention!r}: {value!r}, 'eps_default': 1e-3}}}}\n"
    )
    dialect = load("mine.py:Mine").dialect
    assert (getattr(dialect, convention), dialect.eps_default) == (value, 1e-3)
    (tmp_path / "pyproject.toml").write_text(
        f'[tool.bncheck.dialect."mine.py:{layer}"]\n{convention} = "{value}"\neps_default = 1e-3\n'
    )
    dialect = load(f"mine.py:{layer}").dialect
    assert (getattr(dialect, convention), dialect.eps_default) == (value, 1e-3)


@pytest.mark.parametrize("value", ["small", "-1", "nan", "inf", ""])
def test_a_default_is_a_number(value: str) -> None:
    with pytest.raises(UsageError, match=r"is not valid for the convention 'eps_default'; valid is a number"):
        Dialect().declared("eps_default", value)
    assert called(f"{LAYERS}:Unbiased", "--dialect", f"eps_default={value}").exit_code == 2


def test_a_wrong_default_of_an_object_is_told_when_it_is_loaded() -> None:
    with pytest.raises(LoadError, match="eps_default"):
        load(Misdeclaring)


def test_the_report_holds_the_dialect_and_what_it_says_wrongly(tmp_path: Path) -> None:
    words = ("--dialect", "eps_default=1e-5", "--report", "json", "--report-dir", str(tmp_path))
    assert called(f"{LAYERS}:Unbiased", *words).exit_code == 1
    report = json.loads(next(tmp_path.glob("*.json")).read_text())
    (target,) = report["targets"]
    assert target["dialect"]["eps_default"] == 1e-5
    assert target["dialect"]["momentum_default"] is None
    assert target["misdeclared"] == [WRONG["eps_default=1e-5"]]
    assert report["exit"] == 1


@pytest.mark.parametrize("declared", WRONG)
def test_the_card_tells_each_in_red_where_it_is_wrong(declared: str) -> None:
    result = CliRunner().invoke(commands, ["identify", f"{LAYERS}:Unbiased", "--dialect", declared])
    assert f"; declared {WRONG[declared].partition('=')[2].partition(',')[0]}" in result.output
    right = CliRunner().invoke(commands, ["identify", f"{LAYERS}:Unbiased"])
    assert "declared" not in right.output


def test_only_what_is_declared_is_asked_for() -> None:
    silent = load(PLANTED["eps.outside_the_root"].make())
    assert misdeclared(silent) == ()
    assert {each.convention for each in contradictions(silent)} == {"eps_place"}
    speaking = load(PLANTED["numpy.two_pass"].make(), dialect={"eps_place": "outside"})
    assert {each.convention for each in misdeclared(speaking)} == {"eps_place"}
    # Where no bound says of what class the variance is, the card does not either.
    card = identified(speaking, sweeps=False)
    assert card.value("variance") is None
    assert "puts eps outside the root" in str(card.of("variance"))


def outside_alone(x, eps):  # type: ignore[no-untyped-def]  # as users write
    axes = (0, *range(2, x.ndim))
    wide = x.astype("float64")
    y = (wide - wide.mean(axes, keepdims=True)) / (wide.std(axes, keepdims=True) + eps)
    return y.astype(x.dtype)


class Misdeclaring:
    """A layer whose declaration is no number."""

    __bncheck__ = {"dialect": {"eps_default": "tiny"}}  # noqa: RUF012  # as users write

    def __init__(self, num_features: int) -> None:
        self.num_features = num_features

    def forward(self, x: object) -> object:
        return x
