"""Scripts for what is not as simple: wrong statistics before the step that fails, prints, an adapter's own spelling."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from reproducer.targets import HOSTILE, case, elsewhere, floats, on, reproducer, saved

from bncheck.case_file import save
from bncheck.command_line import commands
from bncheck.errors import UsageError
from bncheck.step import Step

HERE = Path(__file__).resolve().parent / "samples"
LAYERS, ADAPTERS = HERE / "odd_layers.py", HERE / "own_adapter.py"
PROGRAM = case(dy=None, program=(Step("train"), Step("eval"), Step("train"), Step("eval")))


def test_a_step_after_wrong_statistics_is_shown_by_itself(tmp_path: Path) -> None:
    made = reproducer(f"{LAYERS}:TwoBugs", "program.output", PROGRAM).text()
    assert "training=True" not in made
    assert elsewhere(made, tmp_path).returncode == 1
    assert elsewhere(on("odd_layers.Sound", made, "odd_layers.TwoBugs"), tmp_path).returncode == 0
    # The statistics that the step starts from are those that the layer has come to, one more than the right ones.
    assert elsewhere(on("odd_layers.MeanMovesOn", made, "odd_layers.TwoBugs"), tmp_path).returncode == 0


def test_a_step_that_its_past_makes_wrong_is_given_the_statistics_that_its_number_follows_from(
    tmp_path: Path,
) -> None:
    made = reproducer(f"{LAYERS}:TwoBugsFromTheSecondOn", "program.output", PROGRAM).text()
    assert "layer.running_mean = running_mean_before.copy()" in made
    assert elsewhere(made, tmp_path).returncode == 1
    for sound in ("odd_layers.Sound", "odd_layers.MeanMovesOn"):
        assert elsewhere(on(sound, made, "odd_layers.TwoBugsFromTheSecondOn"), tmp_path).returncode == 0


def test_the_wrong_statistics_themselves_are_shown_too(tmp_path: Path) -> None:
    made = reproducer(f"{LAYERS}:TwoBugs", "program.statistics", PROGRAM).text()
    assert elsewhere(made, tmp_path).returncode == 1
    assert elsewhere(on("odd_layers.Sound", made, "odd_layers.TwoBugs"), tmp_path).returncode == 0


def test_what_a_target_prints_is_none_of_the_script(tmp_path: Path) -> None:
    file = str(save(saved(f"{LAYERS}:Talks", "forward.output", case(dy=None)), tmp_path))
    for isolated in ("--isolate", "--no-isolate"):
        result = CliRunner().invoke(commands, ["replay", file, isolated, "--script"])
        assert result.exit_code == 1
        assert result.stdout.startswith("# ")
        assert "#   y[" in result.stdout
        assert elsewhere(result.stdout, tmp_path).returncode == 1


def test_a_script_is_in_the_words_of_the_adapter(tmp_path: Path) -> None:
    made = reproducer(f"{ADAPTERS}:WithWords", "forward.output", case(dy=None)).text()
    done = elsewhere(made, tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert "layer = odd_layers.Forgetful(2, 0.5, 0.25)" in made
    assert elsewhere(made.replace("odd_layers.Forgetful", "odd_layers.Sound"), tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("WithoutWords", "its adapter own has no method spelling()"),
        ("WithOtherWords", "the spelling of the adapter own is a str that lacks methods of"),
    ],
)
def test_an_adapter_without_words_is_told_so(name: str, told: str) -> None:
    with pytest.raises(UsageError, match=told.replace("(", r"\(").replace(")", r"\)")):
        reproducer(f"{ADAPTERS}:{name}", "forward.output", case(dy=None))


def test_where_one_text_cannot_be_made_none_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    one = case(x=floats([0.0], [1.0], [4.0]), dy=None, gamma=floats(1.0), beta=floats(0.0))
    one = one.changed(running_mean=floats(0.0), running_var=floats(1.0))
    file = str(save(saved(f"{HOSTILE}:Exits", "forward.output", one), tmp_path / "cases"))
    result = CliRunner().invoke(commands, ["replay", file, "--script", "bug.py", "--pytest", "test_bug.py"])
    assert result.exit_code == 2
    assert "take the script" in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cases"]


def test_a_zero_that_changes_its_sign_is_shown_by_its_bits(tmp_path: Path) -> None:
    given = case(mode="eval", dy=None, running_mean=floats(0.0, 1.0))
    made = reproducer(f"{LAYERS}:NegatesZero", "evaluation.statistics", given).text()
    assert "tobytes" in made
    assert elsewhere(made, tmp_path).returncode == 1
    assert elsewhere(on("odd_layers.Sound", made, "odd_layers.NegatesZero"), tmp_path).returncode == 0
