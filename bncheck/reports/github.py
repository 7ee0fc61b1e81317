"""Annotations of a run on GitHub: workflow commands, one for each law that does not hold."""

from bncheck.reports.characters import allowed
from bncheck.reports.finding_text import (
    DOUBTS,
    NOT_HELD,
    Plain,
    beside_the_laws,
    cause_lines,
    first_message,
    replay_line,
)
from bncheck.reports.places import file_of


def annotations(report: Plain) -> list[str]:
    """Lines that the runner reads from what a step prints: errors, and warnings for what is unstable or undecided."""
    return [line for target in report["targets"] for line in _of_target(target)]


def command(level: str, message: str, **properties: str | None) -> str:
    """`::level name=value,...::message`, escaped as the runner's toolkit does; properties that are None are left out."""
    told = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value is not None)
    return f"::{level} {told}::{_data(message)}"


def _of_target(target: Plain) -> list[str]:
    name, error = target["target"], target["error"]
    file = file_of(name)
    if error is not None:
        return [command("error", error["message"], file=file, title=f"{name} not loaded")]
    laws = [law for law in target["laws"] if law["status"] in NOT_HELD]
    failing = {law["id"] for law in laws}
    # GitHub shows few annotations of a step: of a law that fails anyway none for its saved cases.
    others = [each for each in target.get("replayed", ()) if each["law"] not in failing]
    beside = [
        command("error", told, file=file, title=f"{name} fails the run")
        for told in beside_the_laws({**target, "replayed": others})
    ]
    return [*(_of_law(law, name, file) for law in laws), *beside]


def _of_law(law: Plain, target: str, file: str | None) -> str:
    status = law["status"].replace("_", " ")
    lines = [first_message(law)]
    for finding in law["findings"][:1]:
        lines += [*cause_lines(finding), replay_line(finding)]
    level = "warning" if law["status"] in DOUBTS else "error"
    return command(level, "\n".join(lines), file=file, title=f"{law['id']} {status}: {target}")


def _data(text: str) -> str:
    return allowed(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
