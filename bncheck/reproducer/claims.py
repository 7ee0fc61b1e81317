"""Claims: what a script shows and checks, as lines that end with `wrong`, true while the bug is there."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from bncheck.adapter import State
from bncheck.errors import UsageError
from bncheck.reproducer.literals import rounded_up
from bncheck.reproducer.scene import Scene
from bncheck.reproducer.spelling import Lines, indented
from bncheck.surroundings import FILTERS, STANDARD_OUTPUT, THREADS

# How often an evaluation is repeated to see two outcomes differ.
TIMES = 20
_OBSERVED: Mapping[str, str] = {
    "Python's random state": "random.getstate()",
    "NumPy's random state": "str(np.random.get_state())",
    "torch's random state": "torch.get_rng_state().tolist()",
    "the working directory": "os.getcwd()",
    FILTERS: "[str(each) for each in warnings.filters]",
    THREADS: "[each.ident for each in threading.enumerate()]",
}


class Claim(Protocol):
    """What is wrong."""

    def lines(self, scene: Scene) -> Lines:
        """The evaluation, what it prints, and `wrong`."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number is further than `allowed` from `expected`.  `step`: after which step of a program.  `pair`: what is
    expected is what contiguous arrays give.  `before`: statistics that the layer is given just before that step.
    `again`: it is that of the second of two equal evaluations.
    """

    quantity: str
    index: tuple[int, ...]
    expected: float
    allowed: float
    step: int | None = None
    pair: bool = False
    before: State | None = field(default=None, compare=False)
    again: bool = False

    def lines(self, scene: Scene) -> Lines:
        """|actual - expected| <= allowed."""
        place = f"{self.quantity}[{', '.join(map(str, self.index))}]"
        at = f"{scene.held(self.quantity)}[{', '.join(map(str, self.index))}]"
        allowed = rounded_up(self.allowed)
        told = f'print(f"{place} is {{actual}}, expected {{expected}}, allowed is an error of {{allowed}}")'
        ending = [told, "wrong = not abs(actual - expected) <= allowed"]
        body, number = self._body(scene), scene.spelling.words.item.format(at)
        if self.pair:
            compared = "expected, actual, allowed = run(*map(contiguous, arrays)), run(*arrays)"
            return [*_function(scene, body, number), f"{compared}, {allowed}", *ending]
        if self.again:
            compared = "_, actual = [run(*map(contiguous, arrays)) for _ in range(2)]"
            given = f"expected, allowed = {self.expected!r}, {allowed}"
            return [*_function(scene, body, number), compared, given, *ending]
        return [*body, f"actual, expected, allowed = {number}, {self.expected!r}, {allowed}", *ending]

    def _body(self, scene: Scene) -> Lines:
        if self.step is None:
            return scene.evaluated()
        around = {} if self.before is None else {self.step: (scene.given(self.before), Lines())}
        return scene.performed(self.step, around)


def _function(scene: Scene, body: Lines, result: str) -> Lines:
    """An evaluation as a function of its arrays, and those arrays."""
    needed = list(scene.needed([*body, result]))
    names = ", ".join(needed)
    copied = scene.spelling.words.copied.format("array")
    return [
        f"def run({names}):",
        *indented(body),
        f"    return {result}",
        "def contiguous(array):",
        f"    return {copied}",
        f"arrays = {names}" if len(needed) > 1 else f"arrays = ({names},)",
    ]


@dataclass(frozen=True, slots=True)
class Same:
    """The same arrays give other bits again."""

    quantity: str

    def lines(self, scene: Scene) -> Lines:
        """Twenty times."""
        return [
            *_function(scene, scene.evaluated(), scene.bits(scene.held(self.quantity))),
            f"outcomes = {{run(*map(contiguous, arrays)) for _ in range({TIMES})}}",
            f'print(f"{{len(outcomes)}} outcomes of {TIMES} equal evaluations differ in {self.quantity}")',
            "wrong = len(outcomes) > 1",
        ]


@dataclass(frozen=True, slots=True)
class Special:
    """A number is finite that cannot be."""

    quantity: str
    index: tuple[int, ...]

    def lines(self, scene: Scene) -> Lines:
        """Neither NaN nor infinite."""
        at = f"[{', '.join(map(str, self.index))}]"
        return [
            *scene.evaluated(),
            f"actual = {scene.spelling.words.item.format(scene.held(self.quantity) + at)}",
            f'print(f"{self.quantity}{at} is {{actual}}, expected a NaN or an infinity")',
            "wrong = abs(actual) < inf",
        ]


@dataclass(frozen=True, slots=True)
class Form:
    """An array has a wrong shape or dtype."""

    quantity: str
    kind: str
    expected: str
    step: int | None = None

    def lines(self, scene: Scene) -> Lines:
        """Its shape or dtype against the right one."""
        body = scene.evaluated() if self.step is None else scene.performed(self.step)
        held = scene.held(self.quantity)
        if self.kind == "shape":
            actual, expected = f"tuple({held}.shape)", self.expected
        else:
            actual, expected = scene.spelling.words.dtype_name.format(held), repr(self.expected)
        wrong = "actual != expected"
        if "floating" in self.expected:
            wrong = '"float" not in actual'
        return [
            *body,
            f"actual, expected = {actual}, {expected}",
            f'print(f"{self.quantity} has {self.kind} {{actual}}, expected {{expected}}")',
            f"wrong = {wrong}",
        ]


@dataclass(frozen=True, slots=True)
class Written:
    """An array that is only to be read is written into."""

    name: str

    def lines(self, scene: Scene) -> Lines:
        """Its bits before and after."""
        bits = scene.bits(scene.held(self.name))
        return [
            *scene.made(),
            f"before = {bits}",
            *scene.called(),
            f"wrong = {bits} != before",
            f'print("{self.name} was written into:", wrong)',
        ]


GIVEN = {"y": "x", "dx": "dy", "running_mean": "running_mean", "running_var": "running_var"}


@dataclass(frozen=True, slots=True)
class Given:
    """What is to be given on unchanged has other bits."""

    quantity: str

    def lines(self, scene: Scene) -> Lines:
        """The bits of what was given, and of what is there."""
        return [
            f"before = {scene.bits(GIVEN[self.quantity])}",
            *scene.evaluated(),
            f"print({scene.held(self.quantity)})",
            f"wrong = {scene.bits(scene.held(self.quantity))} != before",
        ]


@dataclass(frozen=True, slots=True)
class Shared:
    """Two arrays share memory."""

    one: str
    other: str

    def lines(self, scene: Scene) -> Lines:
        """By NumPy's word."""
        numpy = "{}.detach().cpu().numpy()" if scene.spelling.words.framework == "torch" else "{}"
        pair = ", ".join(numpy.format(scene.held(name)) for name in (self.one, self.other))
        return [
            *scene.evaluated(),
            f"wrong = bool(np.shares_memory({pair}))",
            f'print("{self.one} shares memory with {self.other}:", wrong)',
        ]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Something outside the layer changes."""

    name: str

    def lines(self, scene: Scene) -> Lines:
        """Before and after; what is printed is caught."""
        told = f'print("{self.name} changed:", wrong)'
        if self.name == STANDARD_OUTPUT:
            body = ["with contextlib.redirect_stdout(io.StringIO()) as printed:", *indented(scene.called())]
            return [*scene.made(), *body, "wrong = bool(printed.getvalue())", told]
        observed = _OBSERVED[self.name]
        # What changes once only, when a library is first used, is no finding: the second evaluation is looked at.
        twice = scene.called() if self.name in (FILTERS, THREADS) else []
        return [
            *scene.made(),
            *twice,
            f"before = {observed}",
            *scene.called(),
            f"wrong = {observed} != before",
            told,
        ]


@dataclass(frozen=True, slots=True)
class Raises:
    """The evaluation raises what it must not raise."""

    name: str

    def lines(self, scene: Scene) -> Lines:
        """Any other exception is none of this finding."""
        known = isinstance(getattr(builtins, self.name, None), type)
        other = [] if known else [f'    if type(error).__name__ != "{self.name}":', "        raise"]
        return [
            "wrong = False",
            "try:",
            *indented(scene.evaluated()),
            f"except {self.name if known else 'Exception'} as error:",
            *other,
            '    print(f"it raises {type(error).__name__}: {error}")',
            "    wrong = True",
        ]


@dataclass(frozen=True, slots=True)
class Refused:
    """The evaluation takes what it has to refuse."""

    def lines(self, scene: Scene) -> Lines:
        """Whatever it raises is a refusal."""
        return [*scene.made(), *taken(scene.called())]


def taken(call: Lines) -> Lines:
    """A call that is to be refused, and `wrong` where it is not."""
    return [
        "try:",
        *indented(call),
        "except Exception as error:",
        '    print(f"it is refused: {type(error).__name__}: {error}")',
        "    wrong = False",
        "else:",
        '    print("it is taken, where it should be refused")',
        "    wrong = True",
    ]


@dataclass(frozen=True, slots=True)
class Dies:
    """The evaluation ends its process, or does not end."""

    words: str

    def lines(self, scene: Scene) -> Lines:
        """In a process of its own."""
        if "memory" in self.words:
            raise UsageError("no script is written that exhausts the memory of whoever runs it")
        return [
            'if "here" not in sys.argv:',
            "    try:",
            '        command = [sys.executable, __file__, "here"]',
            "        ended = subprocess.run(command, timeout=20, check=False).returncode",
            "    except subprocess.TimeoutExpired:",
            '        ended = "a time-out of 20 seconds"',
            '    print(f"the evaluation ended with {ended}, expected 0")',
            "    raise SystemExit(2 if ended == 2 else ended != 0)",
            *scene.evaluated(),
            "wrong = False",
        ]
