"""Every planted bug, as a stranger's library offers it: a case, a verdict on it and on sound code, and a script."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from reproducer.bundle import environment_without_bncheck, run_in, write_library
from reproducer.showing import BY_AN_ADAPTER, Place, case_of, first_failure, on_the_sound_one, place_of

from bncheck.case_file import find
from bncheck.checking import run
from bncheck.command_line import commands
from bncheck.options import Options
from bncheck.planted.bug import Bug
from bncheck.planted.catalogue import BUGS
from bncheck.properties.catalogue import CATALOGUE
from bncheck.replaying import Replay, replayed
from bncheck.reproducer.reproducing import reproduced
from bncheck.verdict import Status

TESTS = Path(__file__).resolve().parents[1]
# Of every framework and kind of target, each with a law that kills it.
FEW = {
    "momentum.swapped": "statistics.mean",
    "layout.statistics_updated_in_a_copy": "layout.statistics",
    "second_order.constant_deviation_in_torch": "second_order.x",
    "running_var.biased_in_jax": "statistics.variance",
}
MORE = {
    "mean.without_the_tail_of_64": "forward.output",
    "gradient_dx.constant_statistics_in_torch": "gradient.dx",
    "mode.tracks_with_gradients_alone_in_torch": "forward.entry_points",
    "second_order.two_for_three": "second_order.x",
}
BY_ID = {bug.id: bug for bug in BUGS}
# What is kept between calls is kept by the process, in which no replay of a user's would begin.
REMEMBERING = (
    "determinism.scratch_of_the_call_before",
    "eps.of_the_first_call",
    "momentum.of_the_first_call",
    "state.statistics_of_the_first_call",
    "state.statistics_of_the_class",
)


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("library")
    write_library(folder)
    return folder


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return environment_without_bncheck(tmp_path_factory.mktemp("environment"))


@pytest.fixture(autouse=True)
def _beside_the_library(library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(library)
    monkeypatch.setenv("PYTHONPATH", f"{library}:{TESTS}")


def made(name: str) -> Bug:
    """A bug whose framework is there."""
    bug = BY_ID[name]
    try:
        bug.make()
    except ImportError as missing:
        pytest.skip(str(missing))
    return bug


def case_of_a_run(target: str, law: str, dtypes: tuple[str, ...], folder: Path) -> Path:
    """The file that a run of one law saves."""
    (found,) = run(
        [target],
        [each for each in CATALOGUE if each.id == law],
        Options("smoke", dtypes=dtypes, cases=folder),
    ).targets
    saved = found.laws[0].findings[0].saved
    assert saved is not None
    return Path(saved)


def exits(python: Path, library: Path, script: str, place: Place, folder: Path) -> None:
    """1 on the bug and 0 on what it was made from."""
    for text, expected in ((script, 1), (on_the_sound_one(script, place), 0)):
        path = folder / f"exits_with_{expected}.py"
        path.write_text(text, encoding="utf-8")
        done = run_in(python, path, library)
        assert (done.returncode, done.stderr) == (expected, "")
    assert len(script.splitlines()) <= 40


def test_the_environment_has_no_bncheck(library: Path, python: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import numpy, planted_library.numpy_layers\nimport bncheck")
    assert run_in(python, script, library).stderr.endswith("No module named 'bncheck'\n")


def test_the_bugs_that_take_an_adapter_are_planted_ones() -> None:
    assert set(BY_AN_ADAPTER) <= set(BY_ID)


@pytest.mark.parametrize("name", [*FEW, *(pytest.param(name, marks=pytest.mark.slow) for name in MORE)])
def test_a_planted_bug_is_shown_by_the_commands(
    name: str, library: Path, python: Path, tmp_path: Path
) -> None:
    bug = made(name)
    place = place_of(bug)
    file = str(case_of_a_run(place.target, (FEW | MORE)[name], bug.dtypes, tmp_path))
    again = CliRunner().invoke(commands, ["replay", file, "--script", "bug.py"])
    assert (again.exit_code, "STILL FAILING" in again.output) == (1, True)
    sound = CliRunner().invoke(commands, ["replay", file, "--target", place.sound])
    assert (sound.exit_code, "FIXED" in sound.output) == (0, True)
    exits(python, library, (tmp_path / "bug.py").read_text(encoding="utf-8"), place, tmp_path)


# Made small in the process that keeps the number of its first call, the case would hold in a new one: a run, which looks
# for causes too, sees that and makes it small in new ones.
ONLY_AFTER = {"state.statistics_of_the_first_call": "symmetry.scale"}


@pytest.mark.slow
@pytest.mark.parametrize("name", BY_ID)
def test_every_planted_bug_is_shown(name: str, library: Path, python: Path, tmp_path: Path) -> None:
    bug = made(name)
    place = place_of(bug)
    if name in ONLY_AFTER:
        file = case_of_a_run(place.target, ONLY_AFTER[name], bug.dtypes, tmp_path)
    else:
        file = case_of(bug, place.target, tmp_path)
    saved = find(str(file))
    asked = Replay(saved, isolate=name in REMEMBERING)
    with replayed(asked, CATALOGUE) as (found, implementation):
        assert found.exit_code == 1
        script = reproduced(found, asked, implementation).text()
    with replayed(Replay(saved, place.sound), CATALOGUE) as (found, _):
        assert found.status == Status.HELD
    exits(python, library, script, place, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", BY_AN_ADAPTER)
def test_what_takes_an_adapter_is_not_seen_without_one(name: str) -> None:
    bug = made(name)
    assert first_failure(bug, place_of(bug, by_itself=True).target, most=1) is None
