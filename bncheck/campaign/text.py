"""A campaign on the terminal."""

from __future__ import annotations

from rich.console import Console

from bncheck.campaign.campaign import Campaign, LawOverSeeds
from bncheck.verdict import Status

# Seeds that are named one by one.
NAMED = 8


def print_campaign(console: Console, found: Campaign, kept: int) -> None:
    """A line for each target, what fails of it, and what was not judged."""
    for target in found.targets:
        counts = [law.status for law in target.laws]
        told = ", ".join(
            f"{counts.count(status)} {status.replace('_', ' ')}" for status in Status if status in counts
        )
        checks = sum(law.count("examples") for law in target.laws)
        console.print(f"\n{target.target}: {told or 'nothing judged'}; {checks} checks", markup=False)
        for message in target.unloaded:
            console.print(f"  not loaded: {message}", markup=False)
        for law in target.laws:
            if law.status.fails:
                _print_law(console, law)
    for each in found.failed:
        console.print(f"not judged: {each.part.told()}: {each.error}", markup=False)
    machines = len({each.machine for each in found.judged})
    stopped = "" if found.stopped is None else f"; stopped: {found.stopped}"
    judged = len(found.judged) - len(found.failed)
    console.print(
        f"\n{judged} of {len(found.planned)} parts in {found.seconds:.1f} s on {machines} "
        f"{'machine' if machines == 1 else 'machines'}, {kept} {'case' if kept == 1 else 'cases'} saved{stopped} (exit {found.exit_code})",
        markup=False,
    )


def _print_law(console: Console, law: LawOverSeeds) -> None:
    seeds = law.seeds[str(law.status)]
    every = len({seed for of in law.seeds.values() for seed in of})
    shown = ", ".join(map(str, seeds[:NAMED])) + (", ..." if len(seeds) > NAMED else "")
    console.print(
        f"  {law.status.replace('_', ' ')} {law.id} on {len(seeds)} of {every} seeds: {shown}", markup=False
    )
    for each in law.findings:
        console.print(f"    seed {each['seed']}: {each['message']}", markup=False)
        for cause in each["causes"][:1]:
            console.print(f"      cause: {cause['id']}: {cause['text']}", markup=False)
        console.print(f"      {each['replay']}", markup=False)
