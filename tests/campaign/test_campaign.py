"""A campaign is its runs: on threads here or on the workers of a cluster, whatever becomes of some of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import bncheck
from bncheck.campaign import part as parts
from bncheck.campaign.campaign import Campaign, conducted, planned
from bncheck.campaign.part import Judged, Part, judge
from bncheck.case_file import read
from bncheck.command_line import commands
from bncheck.environment import environment
from bncheck.runs import Processes
from bncheck.verdict import Status

SAMPLES = Path(__file__).parent / "samples" / "layers.py"
SOUND, SHIFTED = f"{SAMPLES}:Sound", f"{SAMPLES}:Shifted"
FEW = ("--profile", "smoke", "--include", r"^(forward\.output|statistics\.mean)$")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(parts, "PROCESSES", Processes(float("inf")))
    monkeypatch.setattr("bncheck.campaign.campaign.PROCESSES", parts.PROCESSES)


def campaign(*words: str) -> Result:
    return CliRunner().invoke(commands, ["campaign", *words, *FEW])


def found(*words: str) -> dict[str, Any]:
    """The report of a campaign on seeds 3 and 4."""
    result = campaign(SHIFTED, SOUND, "--seeds", "3:5", "--report", "json", *words)
    assert result.exit_code == 1, result.output
    told: dict[str, Any] = json.loads(Path("bncheck-campaign.json").read_text(encoding="utf-8"))
    return told


@cache
def known() -> dict[str, Any]:
    """The same, found once."""
    return found()


def lasting(told: dict[str, Any]) -> dict[str, Any]:
    """What does not depend on the engine."""
    return {key: value for key, value in told.items() if key not in {"seconds", "machines"}}


def test_every_law_is_told_over_all_seeds_and_the_cases_come_back() -> None:
    told = found()
    shifted, sound = told["targets"]
    laws = {law["id"]: law for law in shifted["laws"]}
    wrong = laws["forward.output"]
    assert (wrong["status"], wrong["seeds"]) == ("violated", {"violated": [3, 4]})
    assert laws["statistics.mean"]["seeds"] == {"held": [3, 4]}
    assert {law["status"] for law in sound["laws"]} == {"held"}
    (finding,) = wrong["findings"]
    assert (finding["seed"], finding["quantity"]) == (3, "y")
    alone = bncheck.check(SHIFTED, profile="smoke", seed=3, include=r"^forward\.output$")
    again = bncheck.check(SHIFTED, profile="smoke", seed=4, include=r"^forward\.output$")
    examples = [report.targets[0].laws[0].examples for report in (alone, again)]
    assert wrong["examples"] == sum(examples)
    assert (told["parts"], told["seeds"]) == ({"planned": 4, "judged": 4}, [3, 4])
    replayed = CliRunner().invoke(commands, finding["replay"].split()[1:])
    assert (replayed.exit_code, "STILL FAILING" in replayed.output) == (1, True)


def test_shards_are_together_the_whole() -> None:
    whole, cut = lasting(known()), lasting(found("--shards", "2"))
    assert cut["parts"] == {"planned": 8, "judged": 8}
    for one, other in zip(whole["targets"], cut["targets"], strict=True):
        laws = {law["id"]: law for law in other["laws"]}
        for law in one["laws"]:
            for name in ("status", "examples", "comparisons", "worst", "seeds"):
                assert laws[law["id"]][name] == law[name]


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """Of a cluster of two processes on this machine."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        yield cluster.scheduler_address


def test_the_workers_of_a_cluster_find_what_is_found_here(scheduler: str) -> None:
    assert lasting(found("--scheduler", scheduler)) == lasting(known())


def test_a_scheduler_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("bncheck.campaign.engine.PATIENCE", 1)
    result = campaign(SOUND, "--scheduler", "tcp://127.0.0.1:9")
    assert result.exit_code == 2
    assert "no scheduler answers at 'tcp://127.0.0.1:9'" in result.output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--seeds", "5:5"), "'5:5' is no range of seeds"),
        (("--seeds", "five"), "'five' is no range of seeds"),
        (("--scheduler", "tcp://a:1", "--workers", "2"), "--workers is for this machine alone"),
        (("--dialect", "momentum"), "'momentum' is no declaration"),
        (("--rank", "4", "--include", "("), "("),
    ],
)
def test_wrong_usage_is_told_before_anything_runs(words: tuple[str, ...], told: str) -> None:
    result = CliRunner().invoke(commands, ["campaign", SOUND, *words])
    assert result.exit_code == 2
    assert told in result.output


def test_a_target_that_is_not_there_exits_with_4() -> None:
    result = campaign("no_such_module:Layer", "--seeds", "0:1")
    assert result.exit_code == 4
    assert "not loaded: " in result.output


def test_settings_of_the_machine_do_not_matter_but_declarations_of_the_project_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BNCHECK_EXCLUDE", "forward")
    own = f'[tool.bncheck]\nexclude = "forward"\n[tool.bncheck.dialect."{SOUND}"]\nmomentum = "old"\n'
    (tmp_path / "pyproject.toml").write_text(own, encoding="utf-8")
    result = campaign(SOUND, "--seeds", "0:1", "--report", "json")
    told = json.loads(Path("bncheck-campaign.json").read_text(encoding="utf-8"))
    verdicts = {law["id"]: law["status"] for law in told["targets"][0]["laws"]}
    assert (result.exit_code, verdicts) == (1, {"forward.output": "held", "statistics.mean": "violated"})


def test_the_runs_of_a_campaign_write_nothing_on_the_page_of_a_ci_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    alone = CliRunner().invoke(commands, ["run", SHIFTED, *FEW])
    assert (alone.exit_code, summary.exists()) == (1, True)
    summary.unlink()
    assert campaign(SHIFTED, "--seeds", "0:1").exit_code == 1
    assert not summary.exists()


class Losing(Executor):
    """An engine of which one process dies, and which waits for ever for another part."""

    def submit(self, function: Any, /, *args: Any, **_kwargs: Any) -> Future[Any]:
        """Seed 0 is judged, seed 1 lost, seed 2 never answered."""
        future: Future[Any] = Future()
        if args[0].seed == 0:
            future.set_result(function(*args))
        elif args[0].seed == 1:
            future.set_exception(RuntimeError("worker died"))
        return future


def small(seeds: range) -> tuple[Part, ...]:
    return planned([SOUND], seeds, 1, lambda target: Part(target, 0, None, FEW))


def test_what_the_engine_loses_and_what_does_not_come_in_time_are_told() -> None:
    told = conducted(small(range(3)), Losing(), environment=environment(), seconds=0.5)
    assert [each.error for each in told.failed] == ["the engine lost it: RuntimeError: worker died"]
    assert (told.stopped, len(told.judged), told.exit_code) == ("its time was over", 2, 1)
    (target,) = told.targets
    assert {law.status for law in target.laws} == {Status.HELD}


def test_an_interruption_keeps_what_has_come() -> None:
    def interrupted(_line: str) -> None:
        raise KeyboardInterrupt

    with ThreadPoolExecutor(1) as pool:
        told = conducted(small(range(4)), pool, environment=environment(), told=interrupted)
    assert (told.stopped, len(told.judged)) == ("interrupted", 1)


def test_a_part_that_takes_too_long_is_ended() -> None:
    waiting = judge(Part(f"{SAMPLES}:Waits", 0, None, FEW, seconds=1.0))
    assert waiting.error == "no verdict within 1 s"


def test_another_version_of_bncheck_is_no_verdict() -> None:
    told = judge(Part(SOUND, 0, None, FEW, version="99"))
    assert told.content is None
    assert str(told.error).endswith(f"has bncheck {bncheck.__version__}, not 99 as here")


def law(status: str, **told: Any) -> dict[str, Any]:
    """One law of a report."""
    counts: dict[str, Any] = {
        "examples": 10,
        "deciding": 5,
        "comparisons": 10,
        "worst": 0.5,
        "reason": None,
        "findings": [],
    }
    return {"id": "forward.output", "family": "forward", "status": status, **counts, **told}


def over(*statuses: str) -> Status:
    """One law on so many seeds."""
    every = [Part("target", seed) for seed in range(len(statuses))]
    judged = [
        Judged(one, {"error": None, "laws": [law(status)]})
        for one, status in zip(every, statuses, strict=True)
    ]
    (target,) = Campaign(tuple(every), tuple(judged), 1.0).targets
    return target.laws[0].status


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (("held", "violated"), Status.VIOLATED),
        (("held", "undecided"), Status.HELD),
        (("undecided", "undecided"), Status.UNDECIDED),
        (("not_applicable", "held"), Status.HELD),
        (("not_applicable", "not_applicable"), Status.NOT_APPLICABLE),
        (("unstable", "crashed", "held"), Status.CRASHED),
    ],
)
def test_the_most_serious_verdict_counts_and_one_that_decides_is_enough(
    statuses: tuple[str, ...], expected: Status
) -> None:
    assert over(*statuses) == expected


def test_findings_are_told_once_a_kind_from_the_first_seed() -> None:
    every = [Part("target", seed) for seed in (0, 1, 2)]
    causes = [{"id": "running_var.biased"}]
    kinds = [("y", []), ("y", []), ("y", causes)]
    judged = [
        Judged(
            one,
            {
                "error": None,
                "laws": [law("violated", findings=[{"quantity": quantity, "causes": list(cause)}])],
            },
        )
        for one, (quantity, cause) in zip(every, kinds, strict=True)
    ]
    (target,) = Campaign(tuple(every), tuple(reversed(judged)), 1.0).targets
    assert [each["seed"] for each in target.laws[0].findings] == [0, 2]


def test_a_part_names_its_shard() -> None:
    one = Part("torch.nn:BatchNorm2d", 3)
    assert one.told() == "torch.nn:BatchNorm2d, seed 3"
    assert replace(one, shard="1/2").told() == "torch.nn:BatchNorm2d, seed 3, shard 1/2"


def test_a_case_is_kept_under_the_name_by_which_a_run_looks_for_it(tmp_path: Path) -> None:
    Path("layers.py").write_text(SAMPLES.read_text())
    result = campaign("layers.py:Shifted", "--seeds", "0:1", "--report", "json")
    assert result.exit_code == 1, result.output
    assert "layers.py:Shifted" in result.output
    assert str(tmp_path) not in result.output
    saved = [read(path) for path in Path(".bncheck/cases").glob("*.json")]
    assert {each.target for each in saved} == {"layers.py:Shifted"}
    assert {f"{each.id}.json" for each in saved} == {path.name for path in Path(".bncheck/cases").iterdir()}
    assert str(tmp_path) not in Path("bncheck-campaign.json").read_text()
    assert all(each.id in Path("bncheck-campaign.json").read_text() for each in saved)
