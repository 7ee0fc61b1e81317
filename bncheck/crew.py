"""A crew: this process and others, which start afresh and load each target for themselves, share one run."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from bncheck.baseline.known import Known
from bncheck.case import Case
from bncheck.comparison import Comparison
from bncheck.corpus import Corpus, Drawing
from bncheck.division import Part
from bncheck.effort import effort_of
from bncheck.errors import BncheckError, DefectError, LoadError
from bncheck.evaluation import told
from bncheck.implementation import Implementation
from bncheck.law import Law
from bncheck.options import Options
from bncheck.taking import loaded, plan_of
from bncheck.target import parse_target
from bncheck.verdict import Failure, Status, Tally
from bncheck.verify import (
    UNLIMITED,
    Limits,
    Plan,
    Progress,
    Stopped,
    Tallies,
    drawn,
    started,
    verify,
)
from bncheck.worker import end_with_parent

# Loaded anew in each process: laws hold functions, which do not travel.
Laws = Callable[[], Sequence[Law]]
# So many examples of a law are judged before another process, which starts in seconds, has anything to do.
WORTHWHILE = 4000
MOST = 4
# Seconds that a process which is interrupted has to tell what it found.
PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Request:
    """What a member is asked for: a target, and where `part` is given, to judge that of the run of it.

    `limits`: with the seconds that are left for a time, since each process has a clock of its own.
    """

    target: str
    part: Part | None = None
    known: Known = field(default_factory=Known)
    limits: Limits = UNLIMITED


@dataclass(frozen=True, slots=True)
class Found:
    """A failure without its drawing, which holds functions: the other side knows it by law and dtype."""

    case: Case
    comparisons: tuple[Comparison, ...]
    crash: str | None


@dataclass(frozen=True, slots=True)
class Counted:
    """The tally of one law in one dtype, its failures apart."""

    law: str
    dtype: str
    tally: Tally
    failures: dict[Status, Found]


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a part.  `examples`: known failures, by the number of the entry; `interrupted`, `stopped`: why it is
    not whole.
    """

    counted: tuple[Counted, ...] = ()
    examples: dict[int, int] = field(default_factory=dict)
    interrupted: bool = False
    stopped: str | None = None


def processes_for(options: Options, laws: Sequence[Law], asked: int | None, processors: int) -> int:
    """As many processes as are asked for; else one a processor, up to four, where there is enough to do for them.

    A run that stops at so many failures stops at the same ones each time in one process alone.
    """
    if asked is not None or options.failures is not None:
        return asked or 1
    effort = effort_of(options.profile)
    return min(processors, MOST) if len(laws) * effort.examples >= WORTHWHILE else 1


class Crew:
    """`processes - 1` other processes beside this one.  Used as a context, at whose end they are ended."""

    def __init__(self, processes: int, options: Options, laws: Laws) -> None:
        self.processes, self.options, self.laws = processes, replace(options, baseline=None), laws
        self.members: list[_Member] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for member in self.members:
            member.end()

    def expect(self, target: object) -> None:
        """Let the others start, and load a target while this process does, unless it is judged here alone."""
        if isinstance(target, str) and self.processes > 1 and self._is_on_cpu(target):
            if not self.members:
                self.members = [_Member(self.options, self.laws) for _ in range(self.processes - 1)]
            for member in self.members:
                member.ask(Request(target))

    def _is_on_cpu(self, target: str) -> bool:
        return (parse_target(target).device or self.options.device or "cpu") == "cpu"

    def verify(
        self,
        target: object,
        implementation: Implementation,
        plan: Plan,
        corpus: Corpus,
        tallies: Tallies,
        *,
        known: Known,
        limits: Limits = UNLIMITED,
        progress: Progress | None = None,
    ) -> None:
        """As `verify.verify` does alone, with the same result.

        What is an object of this process, or lies on another device than the CPU, is judged here alone.
        Raises KeyboardInterrupt and Stopped after what was counted until then is in `tallies`, and LoadError where a
        process ends.
        """
        members = self.members if isinstance(target, str) and implementation.device == "cpu" else []
        share = Part(0, len(members) + 1, whole_regions=implementation.worker is not None)
        for index, member in enumerate(members, start=1):
            part = replace(share, index=index)
            member.ask(Request(str(target), part, replace(known, examples={}), _left(limits)))
        interrupted, stopped = False, None
        try:
            own = replace(plan, parts=(*plan.parts, share))
            try:
                verify(
                    implementation,
                    own,
                    corpus,
                    tallies,
                    witness=known.witness,
                    limits=limits,
                    progress=progress,
                )
            except Stopped as reason:
                stopped = str(reason)
            if progress is not None and members:
                progress("waiting for the other processes", 0, 1)
            for member in members:
                member.wait()
        except KeyboardInterrupt:
            interrupted = True
            for member in members:
                member.interrupt()
        replies = self._replies(members, patience=PATIENCE if interrupted else None)
        drawings = {
            (law.id, drawing.dtype): (law, drawing)
            for drawing, laws in plan.drawings(corpus, ladder=implementation.capabilities.compiles)
            for law in laws
        }
        for reply in replies:
            _merge(reply, tallies, drawings, known)
        if interrupted or any(reply.interrupted for reply in replies):
            raise KeyboardInterrupt
        stopped = next((reply.stopped for reply in replies if reply.stopped is not None), stopped)
        if stopped is not None:
            raise Stopped(stopped)

    def _replies(self, members: Sequence[_Member], *, patience: float | None) -> list[Reply]:
        """Of all members, or the error that the first of them met; after one they are replaced."""
        answers = [member.reply(patience) for member in members]
        failed = [answer for answer in answers if isinstance(answer, BncheckError)]
        if failed:
            for member in self.members:
                member.end()
            self.members = []
            raise failed[0]
        return [answer for answer in answers if isinstance(answer, Reply)]


def _left(limits: Limits) -> Limits:
    """With a time as the seconds that are left until then."""
    return limits if limits.until is None else replace(limits, until=limits.until - time.monotonic())


def _merge(
    reply: Reply, tallies: Tallies, drawings: dict[tuple[str, str], tuple[Law, Drawing]], known: Known
) -> None:
    for each in reply.counted:
        law, drawing = drawings[each.law, each.dtype]
        failures = {
            status: Failure(status, replace(found.case), drawing, found.comparisons, found.crash)
            for status, found in each.failures.items()
        }
        tallies[law][each.dtype] = replace(each.tally, failures=failures)
    for number, count in reply.examples.items():
        known.examples[number] = known.examples.get(number, 0) + count


class _Member:
    """Another process, and this end of the pipe to it."""

    def __init__(self, options: Options, laws: Laws) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, options, laws), daemon=True)
        self.process.start()
        theirs.close()

    def ask(self, request: Request) -> None:
        with contextlib.suppress(BrokenPipeError):
            self.connection.send(request)

    def wait(self) -> None:
        """Until a reply is there, or none will come."""
        self.connection.poll(None)

    def reply(self, patience: float | None) -> Reply | BncheckError:
        """To what it was asked for last; after so many seconds that nothing whole will come."""
        try:
            if not self.connection.poll(patience):
                return Reply(interrupted=True)
            answer: Reply | BncheckError = self.connection.recv()
        except (EOFError, OSError):
            self.process.join(1.0)
            return LoadError(
                f"a process that judged it ended (exit code {self.process.exitcode}); --isolate tells on which input"
            )
        return answer

    def interrupt(self) -> None:
        if self.process.pid is not None and self.process.is_alive():
            os.kill(self.process.pid, signal.SIGINT)

    def end(self) -> None:
        """What it has started ends with it."""
        self.connection.close()
        self.process.terminate()
        self.process.join()


def _serve(connection: Connection, options: Options, laws: Laws) -> None:
    """The life of a member.  What its targets print is printed by the first process already."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        sys.stdout.flush()
        os.dup2(nowhere.fileno(), 1)
    judge = _Judge(options, laws())
    with contextlib.suppress(EOFError, OSError):
        while True:
            request: Request = connection.recv()
            if request.part is None:
                with contextlib.suppress(BncheckError):
                    judge.take(request.target)
                continue
            try:
                answer: Reply | BncheckError = judge.judged(request)
            except BncheckError as error:
                answer = error
            except Exception as error:  # noqa: BLE001  # a law may be wrong in any way
                answer = DefectError(f"{told(error)}, raised while {request.target} was judged")
            connection.send(answer)


class _Judge:
    """What a member keeps: the corpus, and the target that it judged last."""

    def __init__(self, options: Options, laws: Sequence[Law]) -> None:
        self.options, self.laws = options, options.selected(laws)
        self.corpus = Corpus(options.seed, effort_of(options.profile))
        self.taken: tuple[str, Implementation] | None = None

    def take(self, target: str) -> Implementation:
        if self.taken is None or self.taken[0] != target:
            if self.taken is not None:
                self.taken[1].close()
                self.taken = None
            self.taken = target, loaded(target, self.options)
        return self.taken[1]

    def judged(self, request: Request) -> Reply:
        """An interruption ends it early, with what was counted until then."""
        implementation = self.take(request.target)
        plan = plan_of(self.laws, implementation, self.options)
        assert request.part is not None
        plan = replace(plan, parts=(*plan.parts, request.part))
        drawings = plan.drawings(self.corpus, ladder=implementation.capabilities.compiles)
        tallies, interrupted, stopped = drawn(started(plan), drawings), False, None
        limits = request.limits
        if limits.until is not None:
            limits = replace(limits, until=time.monotonic() + limits.until)
        try:
            with _interruptible():
                verify(
                    implementation, plan, self.corpus, tallies, witness=request.known.witness, limits=limits
                )
        except KeyboardInterrupt:
            interrupted = True
        except Stopped as reason:
            stopped = str(reason)
        counted = tuple(
            _counted(law, dtype, tally)
            for law, by_dtype in tallies.items()
            for dtype, tally in by_dtype.items()
        )
        return Reply(counted, request.known.examples, interrupted, stopped)


def _counted(law: Law, dtype: str, tally: Tally) -> Counted:
    failures = {
        status: Found(failure.case, failure.comparisons, failure.crash)
        for status, failure in tally.failures.items()
    }
    return Counted(law.id, dtype, replace(tally, failures={}), failures)


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGINT is a KeyboardInterrupt inside, once; afterwards it is ignored again, as it comes twice from a terminal."""

    def interrupted(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
