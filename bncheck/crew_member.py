"""The life of a member of a crew: another process, which loads each target for itself and judges parts of runs."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType

from bncheck.corpus import Corpus
from bncheck.crew_messages import Reply, Request, counted, from_now
from bncheck.effort import effort_of
from bncheck.errors import BncheckError, DefectError
from bncheck.evaluation import told
from bncheck.implementation import Implementation
from bncheck.law import Law
from bncheck.options import Options
from bncheck.taking import loaded, plan_of
from bncheck.verify import Stopped, drawn, started
from bncheck.work import Work
from bncheck.worker import end_with_parent

# Loaded anew in each process: laws hold functions, which do not travel.
Laws = Callable[[], Sequence[Law]]


def serve(connection: Connection, options: Options, laws: Laws) -> None:
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
        assert request.part is not None
        plan = plan_of(self.laws, implementation, self.options).of(request.part)
        work = Work(
            implementation, plan, self.corpus, started(plan), request.known, limits=from_now(request.limits)
        )
        work = replace(work, tallies=drawn(work.tallies, work.drawings))
        interrupted, stopped = False, None
        try:
            with _interruptible():
                work.do()
        except KeyboardInterrupt:
            interrupted = True
        except Stopped as reason:
            stopped = str(reason)
        found = tuple(
            counted(law, dtype, tally)
            for law, by_dtype in work.tallies.items()
            for dtype, tally in by_dtype.items()
        )
        return Reply(found, request.known.examples, interrupted, stopped)


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
