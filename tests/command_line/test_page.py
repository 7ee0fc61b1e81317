"""The documentation tells every command, option, exit code and variable as the code has them."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import click
import pytest
from click.testing import CliRunner

import bncheck
from bncheck.campaign.campaign import Campaign
from bncheck.command_line import commands
from bncheck.command_line_page import page
from bncheck.commands.settings import SETTINGS, Configured, settings
from bncheck.compare.difference import Contest
from bncheck.errors import BncheckError, DefectError, LoadError, UsageError
from bncheck.identify import card_json
from bncheck.matrix.grid import Matrix
from bncheck.replaying import Replayed
from bncheck.report import Report
from bncheck.report_difference import Difference
from bncheck.selftest import SelfTest
from bncheck.terminal import clear_errors

PAGE = Path(__file__).resolve().parents[2] / "docs" / "command-line.md"
WRITTEN_AGAIN = """docs/command-line.md is not what the commands say.  In the root of the checkout this writes it again: \
python -c "from pathlib import Path; from bncheck.command_line import commands; from bncheck.command_line_page import page; \
Path('docs/command-line.md').write_text(page(commands), encoding='utf-8')"
"""

# Where the exit codes of a command are decided, but those of an error.
DECIDED: dict[str, object] = {
    "campaign": Campaign.exit_code,
    "compare": Contest.exit_code,
    "diff": Difference.exit_code,
    "identify": card_json.exit_code,
    "matrix": Matrix.exit_code,
    "replay": Replayed.exit_code,
    "selftest": SelfTest.exit_code,
}
ERRORS: list[tuple[type[BncheckError], int]] = [(UsageError, 2), (DefectError, 3), (LoadError, 4)]

# What is read for no user of a command: a path that is handed on, and pytest's own variable.
NOT_OF_COMMANDS = {"PYTHONPATH", "PYTEST_XDIST_WORKER_COUNT"}
READ = re.compile(r'environ(?:\.get\(|\.setdefault\(|\[)"(\w+)"|"(\w+)" (?:not )?in os\.environ')


def with_paths(command: click.Command, context: click.Context) -> Iterator[tuple[str, click.Command]]:
    """Every command and subcommand, by the words that it is called with."""
    yield context.command_path, command
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from with_paths(each, click.Context(each, info_name=name, parent=context))


TOP = click.Context(commands, info_name="bncheck", **commands.context_settings)
COMMANDS = dict(with_paths(commands, TOP))


def section(title: str, text: str | None = None) -> list[str]:
    """The lines below a heading, up to the next."""
    lines = (page(commands) if text is None else text).splitlines()
    start = lines.index(f"## {title}") + 1
    end = next((at for at in range(start, len(lines)) if lines[at].startswith("## ")), len(lines))
    return lines[start:end]


def cells(line: str) -> list[str]:
    """Those of a row of a table, as GitHub takes it apart: at the pipes that are not escaped."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def rows(lines: list[str]) -> dict[str, list[str]]:
    """Every row of every table, by its first cell."""
    tables = [cells(line) for line in lines if line.startswith("|")]
    return {first: rest for first, *rest in tables}


def integers_in(decided: object) -> set[int]:
    """The numbers in the source of a function or a property."""
    function = decided.fget if isinstance(decided, property) else decided
    assert inspect.isfunction(function)
    found = (
        each
        for each in ast.walk(ast.parse(dedent(inspect.getsource(function))))
        if isinstance(each, ast.Constant)
    )
    return {each.value for each in found if type(each.value) is int}


@pytest.mark.skipif(not PAGE.is_file(), reason="the documentation is not there")
def test_the_documentation_tells_the_commands_as_they_are() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(commands), WRITTEN_AGAIN


@pytest.mark.parametrize("path", COMMANDS)
def test_a_command_is_told_with_its_help_and_every_option_that_is_not_hidden(path: str) -> None:
    command, told = COMMANDS[path], section(path)
    options = [each for each in command.params if isinstance(each, click.Option) and not each.hidden]
    found = {
        tuple(re.findall(r"`(--?[\w-]+)", first)): rest
        for first, rest in rows(told).items()
        if first.startswith("`-")
    }
    assert {(*each.opts, *each.secondary_opts): each.help for each in options} == {
        names: rest[-1].replace("\\|", "|") for names, rest in found.items()
    }
    assert " ".join(inspect.cleandoc(command.help or "").split()) in " ".join(" ".join(told).split())
    assert any(line.startswith(f"    {path} [OPTIONS]") for line in told)


def test_the_options_of_the_group_and_of_help_are_told() -> None:
    given = commands.get_params(TOP)
    names = {name for option in given for name in option.opts}
    assert names == {"--version", "-h", "--help"}
    assert {name for name in names if f"`{name}`" in page(commands)} == names


@pytest.mark.parametrize("path", COMMANDS)
def test_variables_and_keys_are_told_of_settings_alone(path: str) -> None:
    command = COMMANDS[path]
    expected = settings(command) if isinstance(command, Configured) else {}
    found = {
        rest[2]: rest[1]
        for rest in rows(section(path)).values()
        if len(rest) == 4 and rest[2].startswith("`")
    }
    assert found == {f"`{key}`": f"`BNCHECK_{key.upper().replace('-', '_')}`" for key in expected}


def test_run_takes_every_setting_from_the_variable_that_is_told() -> None:
    assert len([line for line in section("bncheck run") if "`BNCHECK_" in line]) == len(SETTINGS)


@pytest.mark.parametrize(
    ("path", "option", "default"),
    [
        ("bncheck run", "`--profile smoke\\|ci\\|thorough`", "`ci`"),
        ("bncheck compare", "`--profile smoke\\|ci\\|thorough`", "`smoke`"),
        ("bncheck run", "`--seed INTEGER`, at least 0", "`0`"),
        ("bncheck run", "`--rank INTEGER`, at least 2, at most 5", ""),
        ("bncheck run", "`--max-time FLOAT`, above 0", ""),
        ("bncheck run", "`--replay`, `--no-replay`", "`--replay`"),
        ("bncheck run", "`--isolate`, `--no-isolate`", ""),
        ("bncheck run", "`--exit-zero`", ""),
        ("bncheck run", "`--report-dir PATH`", "`.`"),
        ("bncheck matrix", "`--scripts`, `--no-scripts`", "`--no-scripts`"),
        ("bncheck matrix", "`--time-limit SECONDS`, at least 1", "`600`"),
        ("bncheck replay", "`--script [PATH]`", ""),
    ],
)
def test_an_option_is_told_with_what_it_takes_and_its_default(path: str, option: str, default: str) -> None:
    assert rows(section(path))[option][0] == default


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("bncheck run", "- `TARGET...`: required, several"),
        ("bncheck matrix", "- `[TARGET...]`: optional, any number"),
        ("bncheck diff", "- `OLD`: required"),
    ],
)
def test_an_argument_is_told_with_whether_it_must_be_there(path: str, line: str) -> None:
    assert line in section(path)


def test_each_exit_code_of_a_run_is_named() -> None:
    decided = integers_in(Report.exit_code) | integers_in(Report._exit_code_of)
    assert {0, 1} < decided
    meanings = rows(section("Exit codes"))
    assert {int(code) for code in meanings if code.isdigit()} == decided | {code for _, code in ERRORS}
    assert all(meanings[str(code)][0] for code in decided)


@pytest.mark.parametrize(("kind", "code"), ERRORS)
def test_the_exit_code_of_an_error_is_the_one_that_is_named(kind: type[BncheckError], code: int) -> None:
    with pytest.raises(SystemExit) as ended, clear_errors():
        raise kind("told")
    assert ended.value.code == code


@pytest.mark.parametrize("name", DECIDED)
def test_each_exit_code_of_another_command_is_named(name: str) -> None:
    zero, one, five = rows(section("Exit codes"))[f"`bncheck {name}`"]
    named = {code for code, meaning in ((0, zero), (1, one), (5, five)) if meaning}
    errors = {code for _, code in ERRORS}
    assert named == integers_in(DECIDED[name]) - errors


def test_the_exit_codes_of_every_command_are_told() -> None:
    told = {first.strip("`") for first in rows(section("Exit codes")) if first.startswith("`")}
    ending = {path for path, command in COMMANDS.items() if not isinstance(command, click.Group)}
    assert told | {"bncheck run"} == ending


def test_every_variable_that_the_code_reads_is_told() -> None:
    sources = [path.read_text(encoding="utf-8") for path in Path(bncheck.__file__).parent.rglob("*.py")]
    read = {
        name for text in sources for pair in READ.findall(text) for name in pair if name
    } - NOT_OF_COMMANDS
    assert {"COLUMNS", "GITHUB_ACTIONS"} < read
    told = "\n".join(section("Environment variables"))
    assert {name for name in read if f"`{name}`" not in told} == set()


@click.group()
def piped() -> None:
    """A group."""


@piped.command()
@click.option("--either", metavar="a|b", default="a|b", help="Either a | b,\nor neither.")
@click.option("--secret", hidden=True, help="Not told.")
def choose(either: str, secret: str) -> None:
    """Choose a | b."""


@piped.command(hidden=True)
def hidden() -> None:
    """Not told."""


def test_a_pipe_breaks_no_table() -> None:
    told = section("bncheck choose", page(piped))
    assert [cells(line) for line in told if line.startswith("|")] == [
        ["option", "default", "what it does"],
        ["---", "---", "---"],
        ["`--either a\\|b`", "`a\\|b`", "Either a \\| b, or neither."],
    ]


def test_every_row_has_the_cells_of_its_header() -> None:
    header: int | None = None
    for line in page(commands).splitlines():
        count = len(cells(line)) if line.startswith("|") else None
        assert None in {header, count} or count == header, line
        header = count


def test_what_is_hidden_is_not_told() -> None:
    told = page(piped)
    assert ("choose" in told, "hidden" in told, "--secret" in told, "Not told." in told) == (
        True,
        False,
        False,
        False,
    )


def test_help_has_its_names_after_the_page_is_written() -> None:
    @click.group(context_settings={"help_option_names": ["-h", "--help"]})
    def fresh() -> None:
        """A group that no context has seen."""

    page(fresh)
    assert CliRunner().invoke(fresh, ["-h"]).exit_code == 0
