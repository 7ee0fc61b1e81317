"""The classes of what can go wrong, which never mix: misuse, a target that does not load, a crash, our own defect."""

from __future__ import annotations

# What the messages of ImplementationDied say: how that of a process that died by itself begins, and how that ends of one
# that was ended, for its time or its memory, or whose device was lost.
DIED, ENDED, LOST = "its process ended", "the process was ended", "answers nothing more in this process"


def tells_of_a_process(message: str) -> bool:
    """Whether a crash in these words has cost a process."""
    return message.startswith(DIED) or message.endswith((ENDED, LOST))


class BncheckError(Exception):
    """Whatever bncheck raises on purpose; the message is one clear sentence."""


class UsageError(BncheckError):
    """What was asked for is not valid: exit 2."""


class LoadError(BncheckError):
    """A target could not be loaded, or its device is not there: exit 4."""


class DefectError(BncheckError):
    """bncheck itself is wrong, for instance its oracle disagrees with itself: exit 3."""


class ImplementationCrashed(BncheckError):
    """The implementation under test raised: a verdict about it, carried to where verdicts are made.

    `restarts`: what it costs to go on, in starts of a process.
    """

    restarts = 0


class ImplementationDied(ImplementationCrashed):
    """The implementation under test took its process with it."""

    restarts = 1


class DeviceLost(ImplementationDied):
    """The implementation under test left its device in a state that answers nothing more in this process."""

    restarts = 2


class ImplementationTooLarge(ImplementationDied):
    """The implementation under test took more memory than it may."""

    restarts = 4


class ImplementationTimedOut(ImplementationDied):
    """The implementation under test did not answer in time."""

    restarts = 5


class NotOffered(BncheckError):
    """An implementation is asked for something that it does not offer."""
