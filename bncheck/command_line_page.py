"""The page of the command line in the documentation, written from the commands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from inspect import cleandoc
from textwrap import wrap

import click

from bncheck.commands.settings import Configured, settings

NAME = "bncheck"
WIDTH = 140

HEAD = """\
# The command line

Every command with its arguments and options, written from the commands themselves.  `-h` or `--help` behind any of them says the
same in the terminal.  Where the options of a command have an environment variable and a key, they can be [set](#settings).
"""

SETTINGS = """\
## Settings

The command line comes before the environment, and that before the table `[tool.bncheck]` of the nearest `pyproject.toml`, in the working
directory or above it.  `bncheck run` prints a line `setting: ...` for each option that one of the two gave.

- An environment variable that is empty is not set.  One of a repeatable option holds words with blanks between them,
  `BNCHECK_DTYPE="float32 float64"`, and one of a switch `true` or `false`.
- In the file a repeatable option is an array, `dtype = ["float32", "float64"]`, and a switch `true` or `false`.  A key that is no setting,
  or a value that the option does not take, ends a command that takes settings with 2.
- Conventions stand in the file by target, `[tool.bncheck.dialect."mylayer.py:MyBatchNorm"]`, and hold for every command that loads that
  target: [identify.md](identify.md).  The variable `BNCHECK_DIALECT` holds `KEY=VALUE` words for all targets.
- `bncheck matrix` takes no settings for itself, but it judges each target by a `bncheck run`, which takes those that the options of the
  matrix do not decide.  Profile, seed, workers, reports and whether cases are replayed are always decided.  The runs of `bncheck campaign`
  take none.

[pyproject.schema.json](pyproject.schema.json) is the schema of the table.
"""

EXIT_CODES = """\
## Exit codes

Those of `bncheck run`:

| code | meaning |
|---|---|
| 0 | No law fails beyond what the baseline knows; in profile smoke some may be undecided.  With `--exit-zero` also where it would be 1. |
| 1 | A law is violated or unstable, or the target crashed or timed out; in profiles ci and thorough also where a law is undecided.  Or \
an entry of the baseline is stale, a saved case still fails, a declared convention is not so, or the run was interrupted. |
| 2 | Wrong usage: of an option, a setting, the name of a target, a baseline, or a place for reports. |
| 3 | bncheck finds a defect in itself: its oracle disagrees with itself, for instance. |
| 4 | A target could not be loaded, or its device is not there. |
| 5 | Nothing ran: no law that is asked for applies. |

Over several targets the first of 1, 4, 5 and 0 that one of them has decides.  2, 3 and 4 mean the same wherever another command ends with
one of them; what went wrong is told on standard error.  Ctrl-C ends a command with 1.  The others end with

| command | 0 | 1 | 5 |
|---|---|---|---|
| `bncheck baseline update` | the file is written | | |
| `bncheck campaign` | no law fails on any seed | a law fails, a part gave no report, or the campaign was stopped | no law was judged |
| `bncheck compare` | no bug is found | one of the targets has a bug | no law applies to all targets |
| `bncheck diff` | nothing of that | a law fails that did not, is worse, or is judged no more | the reports have no law in common, and the old one none that could be lost |
| `bncheck doctor` | what is here is printed | | |
| `bncheck explain` | the law is printed | | |
| `bncheck identify` | the conventions are printed | a target answered none of the probes | |
| `bncheck list` | the laws are printed | | |
| `bncheck matrix` | whatever was found; with `--strict` as a run | interrupted; with `--strict` also as a run, or where a target gave no \
report | with `--strict`, as a run |
| `bncheck replay` | FIXED | STILL FAILING | the law does not apply, or the case decides nothing |
| `bncheck selftest` | every bug is killed, every law kills one, no sound variant is rejected, and the references agree | otherwise | |
"""

ENVIRONMENT = """\
## Environment variables

| variable | what it does |
|---|---|
| `BNCHECK_*` | Give the options that have a variable in the tables above.  `BNCHECK_WORKERS` is for `bncheck run` alone: the other \
commands that share work out take `--workers` alone. |
| `NO_COLOR` | Not empty: no colours. |
| `FORCE_COLOR` | Not empty: write as to a terminal, in colour, where the output is none. |
| `COLUMNS` | How wide the output is.  Without it, it is 160 characters where it is no terminal. |
| `GITHUB_ACTIONS` | `true`: `bncheck run` prints an annotation for each law that does not hold, and for what else fails the run. |
| `GITHUB_STEP_SUMMARY` | `bncheck run` appends its report in Markdown to the file of this name. |
| `GITHUB_WORKSPACE` | Annotations and SARIF name files from this folder, where it holds the working directory; else from that. |
| `KERAS_BACKEND` | The backend of a Keras layer whose target names none by `?backend=`. |
| `JAX_COMPILATION_CACHE_DIR` | Where JAX keeps what it compiles.  Without it that is `bncheck/jax` in `XDG_CACHE_HOME`, or else in \
`~/.cache`; `JAX_ENABLE_COMPILATION_CACHE=false` keeps nothing. |
| `DEV`, `CC` | tinygrad's device, `CPU` without it or `PYTHON`, and the compiler that its device CPU takes, `clang` without it. |
| `TF_CPP_MIN_LOG_LEVEL` | What TensorFlow writes.  Without it bncheck sets it to 3, fatal errors alone, when it loads TensorFlow or Keras. |
"""

COMPLETION = """\
## Shell completion

Commands, options, the values of an option that are a choice, laws (`explain`), saved cases (`replay`) and files are completed.  In the start-up file of the shell:

| shell | line |
|---|---|
| bash | `eval "$(_BNCHECK_COMPLETE=bash_source bncheck)"` |
| zsh | `eval "$(_BNCHECK_COMPLETE=zsh_source bncheck)"` |
| fish | `_BNCHECK_COMPLETE=fish_source bncheck \\| source` |
"""


def page(commands: click.Group) -> str:
    """Markdown: a section a command, with its usage, help, arguments and options; then settings, exit codes, environment."""
    # With the settings of the group: click keeps the help option as the first context has it, and -h would be gone.
    context = click.Context(commands, info_name=NAME, **commands.context_settings)
    told = "\n".join(_command(commands, context))
    return f"{HEAD}\n{told}\n{SETTINGS}\n{EXIT_CODES}\n{ENVIRONMENT}\n{COMPLETION}"


def _command(command: click.Command, context: click.Context) -> Iterator[str]:
    """The section of a command, then those of its subcommands."""
    yield from (f"## {context.command_path}", "")
    yield from (f"    {' '.join((context.command_path, *command.collect_usage_pieces(context)))}", "")
    for paragraph in filter(None, cleandoc(command.help or "").split("\n\n")):
        yield from (*wrap(paragraph, WIDTH, break_long_words=False, break_on_hyphens=False), "")
    yield from _arguments([each for each in command.params if isinstance(each, click.Argument)])
    yield from _options(command)
    if isinstance(command, click.Group):
        for name, each in sorted(command.commands.items()):
            if not each.hidden:
                yield from _command(each, click.Context(each, info_name=name, parent=context))


def _arguments(arguments: Sequence[click.Argument]) -> Iterator[str]:
    """A line an argument: whether it must be there, and how often it may be."""
    for each in arguments:
        needed = "required" if each.required else "optional"
        more = (
            ", any number"
            if each.nargs == -1 and not each.required
            else ", several"
            if each.nargs == -1
            else ""
        )
        yield f"- `{each.metavar or str(each.name).upper()}`: {needed}{more}"
    if arguments:
        yield ""


def _options(command: click.Command) -> Iterator[str]:
    """The table of a command's options, with variables and keys where the command takes settings."""
    options = [each for each in command.params if isinstance(each, click.Option) and not each.hidden]
    keys = settings(command) if isinstance(command, Configured) else {}
    names = {id(option): key for key, option in keys.items()}
    if not options:
        return
    titles = ("option", "default", *(("variable", "key") if keys else ()), "what it does")
    yield from (_row(titles), "|---" * len(titles) + "|")
    for each in options:
        key = names.get(id(each))
        settable = (_code(str(each.envvar)) if key else "", _code(key or "")) if keys else ()
        yield _row((_spelt(each), _code(_default(each)), *settable, each.help or ""))
    yield ""


def _row(cells: Sequence[str]) -> str:
    """One of a table; a pipe in a cell ends none."""
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"


def _code(text: str) -> str:
    """As code; nothing of nothing."""
    return f"`{text}`" if text else ""


def _spelt(option: click.Option) -> str:
    """`--seed INTEGER`, at least 0: its names, what it takes, and between which ends."""
    value = "" if option.is_flag else f" {option.metavar or _kind(option)}"
    names = ", ".join(
        _code(name) for name in (*option.opts[:-1], f"{option.opts[-1]}{value}", *option.secondary_opts)
    )
    return f"{names}{_ends(option)}"


def _kind(option: click.Option) -> str:
    """What an option takes: the choices, or the name of its type."""
    kind = option.type
    return (
        "|".join(map(str, kind.choices)) if isinstance(kind, click.Choice) else kind.name.split()[0].upper()
    )


def _ends(option: click.Option) -> str:
    """`, at least 0`: the ends of a range, nothing where an option takes none."""
    kind = option.type
    if not isinstance(kind, click.IntRange | click.FloatRange):
        return ""
    least = "" if kind.min is None else f", {'above' if kind.min_open else 'at least'} {kind.min}"
    return least if kind.max is None else f"{least}, {'below' if kind.max_open else 'at most'} {kind.max}"


def _default(option: click.Option) -> str:
    """As it is given on the command line; nothing where an option that is not given does nothing."""
    # Not `option.default`: there newer releases of click keep a mark of their own for none.
    value = option.to_info_dict()["default"]
    if isinstance(value, bool):
        return option.opts[0] if value else "".join(option.secondary_opts[:1])
    return "" if value is None or value == () else str(value)
