"""Declared conventions: a target is judged by them, and told so where it does not follow them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from identify.planted import PLANTED

from bncheck.checking import judged
from bncheck.command_line import commands
from bncheck.corpus import Corpus
from bncheck.dialect import Dialect
from bncheck.effort import SMOKE
from bncheck.errors import UsageError
from bncheck.loading import load
from bncheck.options import Options
from bncheck.planted.numpy_adapter import CAPABILITIES, NumpyLayerAdapter
from bncheck.properties.catalogue import CATALOGUE
from bncheck.report import FAILING

LAYERS = Path(__file__).parent / "samples" / "layers.py"
# The planted layer that follows a convention, the convention, and a law that a sound layer fails by under it.
FOLLOWED = [
    ("running_var.unbiased_for_images_alone", {"running_variance": "by_rank"}, "statistics.variance"),
    ("eps.rounded_to_single", {"eps_storage": "float32"}, None),
    ("dtype.output_of_the_parameters", {"output": "promoted"}, "forward.dtypes"),
    ("running_mean.first_batch_replaces", {"first_batch": "replaces"}, "statistics.convergence"),
    (
        "special_values.empty_batch_makes_nan",
        {"empty": "nan", "empty_counted": "yes"},
        "contract.empty_batch",
    ),
    ("state.updated_in_backward_alone", {"update": "backward"}, "program.rest"),
    ("dtype.float64_in_float32", {"float64": "demoted"}, None),
    ("eps.outside_the_root", {"eps_place": "outside"}, None),
]


RUN = ("run", "--profile", "smoke", "--dtype", "float32", "--include", r"^statistics\.variance$")
# Drawn once for all.
CORPUS = Corpus(0, replace(SMOKE, shrinks=0))


def failing(target: str | object, dialect: Mapping[str, str], include: str) -> set[str]:
    options = Options(profile="smoke", dialect=dialect, include=include)
    found = judged(target, options.selected(CATALOGUE), options, CORPUS)
    assert found.error is None
    return {each.law.id for each in found.laws if each.status in FAILING}


@pytest.mark.parametrize(("id_", "dialect", "_law"), FOLLOWED)
def test_a_layer_is_judged_by_what_it_declares(id_: str, dialect: dict[str, str], _law: str | None) -> None:
    assert failing(PLANTED[id_].make(), {}, r"^(forward\.(output|dtypes)|statistics|contract)")
    laws = r"^(forward\.(output|dtypes|shapes)|statistics|evaluation\.output|parameters\.|contract|precision)"
    assert failing(PLANTED[id_].make(), dialect, laws) == set()


@pytest.mark.parametrize(("_id", "dialect", "law"), [each for each in FOLLOWED if each[2] is not None])
def test_a_sound_layer_that_declares_it_wrongly_fails(_id: str, dialect: dict[str, str], law: str) -> None:
    assert law in failing(PLANTED["numpy.two_pass"].make(), dialect, rf"^{law}$")


def test_a_layer_without_a_count_can_have_its_first_batch_replace() -> None:
    """What it has seen cannot be told to it, so it is shown a batch first."""
    laws = r"^(statistics|parameters|program\.statistics|precision)"
    target = f"{LAYERS}:FirstReplaces"
    assert "statistics.mean" in failing(target, {}, r"^statistics\.mean$")
    assert failing(target, {"first_batch": "replaces"}, laws) == set()


def test_an_empty_batch_that_counts_against_the_declaration_is_found() -> None:
    counting = PLANTED["special_values.empty_batch_makes_nan"].make()
    dialect = {"empty": "nan", "empty_counted": "no"}
    assert failing(counting, dialect, r"^contract\.empty_batch$") == {"contract.empty_batch"}


def test_the_biased_variance_is_by_rank_where_it_is_said_to_be() -> None:
    dialect = Dialect(running_variance="by_rank")
    assert [dialect.biased(rank) for rank in (2, 3, 4, 5)] == [True, True, False, False]


def test_a_wrong_declaration_is_told_with_the_measured_value() -> None:
    words = [*RUN, f"{LAYERS}:Unbiased"]
    wrong = CliRunner().invoke(commands, [*words, "--dialect", "running_variance=biased"])
    assert wrong.exit_code == 1
    told = (
        "dialect: declared running_variance=biased, measured unbiased (ratio to the biased one 1.142857 = 8/7"
    )
    assert told in wrong.output


def test_what_nobody_declares_is_told_with_the_declaration_that_would_do() -> None:
    words = [*RUN, f"{LAYERS}:Plain"]
    result = CliRunner().invoke(commands, words)
    assert result.exit_code == 1
    assert "judged by running_variance=unbiased, measured biased" in result.output
    assert "to be judged by that: --dialect running_variance=biased" in result.output


def test_a_run_without_failures_tells_of_no_dialect() -> None:
    words = [*RUN, f"{LAYERS}:Said"]
    result = CliRunner().invoke(commands, words)
    assert result.exit_code == 0, result.output
    assert "dialect:" not in result.output


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a layer and nothing declared yet."""
    (tmp_path / "layers.py").write_text(LAYERS.read_text())
    below = tmp_path / "below"
    below.mkdir()
    monkeypatch.chdir(below)
    return tmp_path / "pyproject.toml"


def test_a_project_declares_conventions_in_its_pyproject(project: Path) -> None:
    assert load("../layers.py:Plain").dialect.running_variance == "unbiased"
    project.write_text('[tool.bncheck.dialect."layers.py:Plain"]\nrunning_variance = "biased"\n')
    assert load("../layers.py:Plain").dialect.running_variance == "biased"
    assert load("../layers.py:Unbiased").dialect.running_variance == "unbiased"


def test_the_command_line_comes_before_the_pyproject(project: Path) -> None:
    project.write_text('[tool.bncheck.dialect."layers.py:Plain"]\nrunning_variance = "biased"\n')
    found = load("../layers.py:Plain", dialect={"running_variance": "unbiased"})
    assert found.dialect.running_variance == "unbiased"


@pytest.mark.parametrize(
    "text",
    [
        '[tool.bncheck.dialect."layers.py:Plain"]\nmomentun = "old"\n',
        '[tool.bncheck.dialect."layers.py:Plain"]\nmomentum = "older"\n',
        '[tool.bncheck.dialect]\n"layers.py:Plain" = "old"\n',
        '[tool.bncheck.dialect."a:b:c"]\nmomentum = "old"\n',
        "tool = 1\n",
        "[tool]\nbncheck = 1\n",
        "[tool.bncheck\n",
    ],
)
def test_a_wrong_pyproject_is_misuse(project: Path, text: str) -> None:
    project.write_text(text)
    with pytest.raises(UsageError, match=r"pyproject\.toml"):
        load("../layers.py:Plain")


def test_a_layer_that_cannot_be_counted_is_shown_a_batch_only_where_it_must(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A counter is told the number instead."""
    counting = PLANTED["running_mean.first_batch_replaces"].make()
    assert isinstance(counting, NumpyLayerAdapter)
    silent = replace(CAPABILITIES, counter=False, actions=("momentum", "copy"), cumulative=False)
    laws, dialect = r"^(statistics|parameters)\.", {"first_batch": "replaces"}
    assert failing(counting, dialect, laws) == set()
    monkeypatch.setattr(counting, "capabilities", silent)
    assert failing(counting, dialect, laws) == set()
