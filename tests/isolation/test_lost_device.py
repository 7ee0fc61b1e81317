"""A device that answers nothing more is one verdict, and not that of every case after it."""

from __future__ import annotations

from pathlib import Path

import bncheck

LOST = f"{Path(__file__).parent / 'samples' / 'lost.py'}:adapter"


def test_a_lost_device_is_told_with_the_case_that_lost_it_and_the_process_started_again() -> None:
    report = bncheck.check(
        LOST, device="cuda", profile="smoke", include="forward[.]output|^evaluation[.]output"
    )
    (target,) = report.targets
    assert {law.law.id: str(law.status) for law in target.laws} == {
        "forward.output": "crashed",
        "evaluation.output": "held",
    }
    (finding,) = target.laws[0].findings
    assert finding.message.startswith("RuntimeError: illegal memory access")
    assert finding.message.endswith("after it cuda answers nothing more in this process")
    assert finding.case.x.shape == (3, 1)
