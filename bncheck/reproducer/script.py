"""A stand-alone script: the library at fault, the few numbers, and an exit status that tells the bug from anything else."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bncheck.errors import DefectError
from bncheck.reproducer.claims import Claim
from bncheck.reproducer.scene import Scene
from bncheck.reproducer.spelling import Lines, indented

WIDTH = 100
SECONDS = 120.0
# What a line of a script may name, and where it comes from.
_STANDARD = (
    "contextlib",
    "copy",
    "io",
    "math",
    "os",
    "random",
    "subprocess",
    "sys",
    "threading",
    "warnings",
)
# Python leaves with 1 after an exception that nobody catches, which is the status of the bug here.
_OTHERWISE = "sys.excepthook = lambda *error: (sys.__excepthook__(*error), sys.exit(2))  # 1 is the bug alone"


# Beyond which a script goes without its empty lines.
MOST_LINES = 40


@dataclass(frozen=True, slots=True)
class Source:
    """The parts of a script: where its target and its library come from, its arrays, and the lines that end in `wrong`."""

    imports: Lines
    arrays: Lines
    body: Lines

    def script(self, header: Iterable[str]) -> str:
        """As a script that exits with 1 while the bug is there, with 0 when it is gone, with 2 for anything else."""
        standard, others = self._imports(["sys"])
        parts = [*_comments(header), *standard, _OTHERWISE, *others, "", *self.arrays, "", *self.body]
        lines = [*parts, "raise SystemExit(wrong)"]
        if len(lines) > MOST_LINES:
            lines = [line for line in lines if line]
        return "\n".join([*lines, ""])

    def test(self, name: str, header: Iterable[str]) -> str:
        """As a test that fails while the bug is there."""
        body = [line for line in self.body if not line.startswith("print(")]
        told = [line.removeprefix("print")[1:-1] for line in self.body if line.startswith("print(")]
        words = told[-1] if told else "wrong"
        check = f"assert not wrong, {words}" if words.endswith('"') else f"assert not wrong, ({words})"
        standard, others = self._imports([])
        lines = [*_comments(header), *standard, *others, "", "", f"def {name}():"]
        return "\n".join([*lines, *indented([*self.arrays, *body, check]), ""])

    def _imports(self, always: Lines) -> tuple[Lines, Lines]:
        """Those of the standard library, and the others."""
        text = "\n".join([*self.arrays, *self.body])
        used = [name for name in _STANDARD if re.search(rf"(?<![\w.]){name}\.", text)]
        named = [name for name in ("inf", "nan") if re.search(rf"(?<![\w.\"]){name}(?!\w)", text)]
        own = [line for line in self.imports if line != "import sys"]
        sys_too = ["sys"] if len(own) < len(self.imports) else []
        standard = [f"import {name}" for name in sorted({*always, *used, *sys_too})]
        standard += [f"from math import {', '.join(named)}"] if named else []
        if re.search(r"(?<![\w.])np\.", text) is None:
            own = [line for line in own if line != "import numpy as np"]
        elif "import numpy as np" not in own:
            own.insert(0, "import numpy as np")
        own += ["import ml_dtypes"] if "ml_dtypes." in text else []
        return standard, own


def source_of(scene: Scene, claim: Claim) -> Source:
    """A claim in its scene; raises UsageError for what is not to be shown by a script."""
    body = claim.lines(scene)
    arrays = [f"{name} = {literal}" for name, literal in scene.needed(body).items()]
    arrays, body = folded(arrays), folded(body)
    words = scene.spelling.words
    # Not where the bits of float32 are read as NumPy's float64: the switch would change what the target computes.
    double = any(re.search(rf"(?<![\w.]){words.dtypes}\.float64", line) for line in [*arrays, *body])
    wide = list(words.wide) if double else []
    naming = scene.spelling.naming
    imports = list(dict.fromkeys([*words.imports, *wide, *naming.imports]))
    return Source(imports, arrays, body)


def folded(lines: Lines) -> Lines:
    """Long lines over several, at the spaces inside their brackets; a line with a string in it stays as it is."""
    found: Lines = []
    for line in lines:
        if len(line) <= WIDTH or '"' in line or "'" in line:
            found.append(line)
            continue
        text = line.lstrip()
        indent = line[: len(line) - len(text)]
        parts = textwrap.wrap(
            _held_together(text),
            WIDTH,
            initial_indent=indent,
            subsequent_indent=f"{indent}    ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        found += [part.replace("\0", " ") for part in parts]
    return found


def _held_together(text: str) -> str:
    """The text with zero characters for the spaces outside all brackets, where Python allows no new line."""
    depth, told = 0, ""
    for character in text:
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(character, 0)
        told += "\0" if character == " " and depth == 0 else character
    return told


def _comments(header: Iterable[str]) -> Lines:
    lines: Lines = []
    for text in header:
        lines += textwrap.wrap(text, WIDTH, initial_indent="# ", subsequent_indent="# ")
    return lines


@dataclass(frozen=True, slots=True)
class Run:
    """How a script ended: its exit status, None where it took too long, and what it wrote."""

    status: int | None
    printed: str
    error: str


def run(script: str) -> Run:
    """Run a script in a process of this Python, in the current directory; DefectError where it is no Python."""
    try:
        compile(script, "reproducer.py", "exec")
    except SyntaxError as error:  # with which Python would leave with 1, as if it had shown the bug
        raise DefectError(f"a reproducer is no Python: {error}") from None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reproducer.py"
        path.write_text(script, encoding="utf-8")
        try:
            done = subprocess.run(  # noqa: S603  # our own script, with our own Python
                [sys.executable, str(path)],
                capture_output=True,
                encoding="utf-8",
                errors="replace",  # a target writes what it likes
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Run(None, "", f"it did not end within {SECONDS:g} s")
    printed = done.stdout.replace("\0", " ")  # a comment with a zero byte in it is no Python
    return Run(done.returncode, printed.strip(), done.stderr.strip())
