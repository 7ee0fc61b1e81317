"""A crew: this process and others, which start afresh and load each target for themselves, share one run."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self

from bncheck.crew_member import Laws, serve
from bncheck.crew_messages import Reply, Request, left, tally_of
from bncheck.division import Part
from bncheck.effort import effort_of
from bncheck.errors import BncheckError, LoadError
from bncheck.law import Law
from bncheck.options import Options
from bncheck.target import parse_target
from bncheck.verify import Stopped
from bncheck.work import Work

# So many examples of a law are judged before another process, which starts in seconds, has anything to do.
WORTHWHILE = 4000
MOST = 4
# Seconds that a process which is interrupted has to tell what it found.
PATIENCE = 5.0


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
        self.expected: str | None = None

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
        if not isinstance(target, str) or self.processes == 1 or not self._is_on_cpu(target):
            return
        if not self.members:
            self.members = [_Member(self.options, self.laws) for _ in range(self.processes - 1)]
        elif target == self.expected:
            return
        self.expected = target
        for member in self.members:
            member.ask(Request(target))

    def _is_on_cpu(self, target: str) -> bool:
        return (parse_target(target).device or self.options.device or "cpu") == "cpu"

    def do(self, target: object, work: Work) -> None:
        """As `work.do` does alone, with the same result.

        What is an object of this process, or lies on another device than the CPU, is judged here alone.
        Raises KeyboardInterrupt and Stopped after what was counted until then is in the tallies, and LoadError where a
        process ends.
        """
        members = self.members if isinstance(target, str) and work.implementation.device == "cpu" else []
        share = Part(0, len(members) + 1, whole_regions=work.implementation.worker is not None)
        for index, member in enumerate(members, start=1):
            part, known = replace(share, index=index), replace(work.known, examples={})
            member.ask(Request(str(target), part, known, left(work.limits)))
        interrupted, stopped = False, None
        try:
            try:
                replace(work, plan=work.plan.of(share)).do()
            except Stopped as reason:
                stopped = str(reason)
            if work.progress is not None and members:
                work.progress("waiting for the other processes", 0, 1)
            for member in members:
                member.wait()
        except KeyboardInterrupt:
            interrupted = True
            for member in members:
                member.interrupt()
        replies = self._replies(members, patience=PATIENCE if interrupted else None)
        _merge(replies, work)
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


def _merge(replies: Sequence[Reply], work: Work) -> None:
    drawn = {(law.id, drawing.dtype): (law, drawing) for drawing, laws in work.drawings for law in laws}
    for reply in replies:
        for each in reply.counted:
            law, drawing = drawn[each.law, each.dtype]
            work.tallies[law][each.dtype] = tally_of(each, drawing)
        for number, count in reply.examples.items():
            work.known.examples[number] = work.known.examples.get(number, 0) + count


class _Member:
    """Another process, and this end of the pipe to it."""

    def __init__(self, options: Options, laws: Laws) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, options, laws), daemon=True)
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
