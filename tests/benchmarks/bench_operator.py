"""How fast the operator is, beside a bare client, a naive kopf operator and one of controller-runtime.

Run by `make bench-operator`; `--agents 500` makes it short. Prints a table and writes build/bench/operator.json.
"""

import argparse
import contextlib
import os
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from figures import Figure, report
from operator_speed import contestants, steady
from operator_speed.failover import failover_seconds
from operator_speed.mending import mending_seconds
from operator_speed.race import Contestant, Course, Outcome, RaceFailed
from operator_speed.stage import memory_megabytes, open_stage
from processes import free_port

NAIVE_MOST_AGENTS = 500
ONE_WORKER_MOST_AGENTS = 500
SHORT_RUN_AGENTS = 1000
"""Up to so many agents, the floor and the operator run several times, and the median counts."""
PATIENCE_SECONDS = 900.0
RESYNC_SECONDS = 25
PUT_BACK_SECONDS = 2


@dataclass(frozen=True)
class Plan:
    """What is to be measured."""

    sizes: tuple[int, ...]
    rounds: int
    only: frozenset[str]
    go_program: Path | None

    def includes(self, name: str) -> bool:
        return not self.only or name in self.only


@dataclass
class Results:
    """What was measured so far."""

    seconds: dict[tuple[str, int], list[Outcome]] = field(default_factory=dict)
    rest: list[Figure] = field(default_factory=list)

    def take(self, name: str, outcome: Outcome) -> None:
        self.seconds.setdefault((name, outcome.agents), []).append(outcome)

    def middle(self, name: str, agents: int) -> float | None:
        outcomes = self.seconds.get((name, agents))
        return statistics.median(outcome.seconds for outcome in outcomes) if outcomes else None


def measure(course: Course, plan: Plan) -> Results:
    """Run every contestant on every number of agents."""
    stage, results = course.stage, Results()
    with course.run(contestants.floor(stage), 50, PATIENCE_SECONDS):
        course.progress.note("  that was to warm the servers up")
    for agents in plan.sizes:
        last = agents == max(plan.sizes)
        for number in range(plan.rounds if agents <= SHORT_RUN_AGENTS else 1):
            if plan.includes("floor"):
                once(course, results, contestants.floor(stage), agents)
            if plan.includes("operator"):
                measure_operator(course, results, agents, steadily=last and number == 0)
        if plan.includes("naive") and agents <= NAIVE_MOST_AGENTS:
            once(course, results, contestants.naive_kopf(stage), agents)
        for workers in (1, 10):
            few = workers > 1 or agents <= ONE_WORKER_MOST_AGENTS
            if plan.go_program and plan.includes("go") and few:
                once(course, results, contestants.controller_runtime(stage, plan.go_program, workers), agents)
    return results


def once(course: Course, results: Results, contestant: Contestant, agents: int) -> None:
    with course.run(contestant, agents, PATIENCE_SECONDS) as (outcome, pid):
        results.take(contestant.name, outcome)
        if contestant.name.startswith("controller-runtime"):
            memory = memory_megabytes(pid)[0]
            results.rest.append(Figure(f"{contestant.name}: resident memory, {agents} agents", memory, "MB"))


def measure_operator(course: Course, results: Results, agents: int, *, steadily: bool) -> None:
    """The operator's race; where asked, all that is judged once it has converged."""
    port = free_port()
    contestant = contestants.operator(course.stage, port)
    with course.run(contestant, agents, PATIENCE_SECONDS) as (outcome, pid):
        results.take(contestant.name, outcome)
        now, highest = memory_megabytes(pid)
        if steadily:
            edits = steady.edit_seconds(course.stage)
            mended = mending_seconds(course.stage)
            results.rest += [
                Figure(f"resident memory with {agents} agents", now, "MB", 200),
                Figure("  at its highest", highest, "MB"),
                Figure("changed instructions to rewritten ConfigMap, median", steady.middle(edits), "s"),
                Figure("  slowest", max(edits), "s"),
                *put_back("deleted child put back", mended.deleted),
                *put_back("edited child put back", mended.edited),
            ]
    if steadily:
        resyncing = contestants.operator(course.stage, port, "--resync-seconds", str(RESYNC_SECONDS))
        found = steady.restart(course, resyncing, port, agents)
        for what, writes in (("restart", found.writes), ("resync", found.resync_writes)):
            if writes:
                course.progress.note(f"  written at the {what}: {dict(writes)}")
        results.rest += [
            Figure(f"restart on {agents} agents, until caught up", found.seconds, "s", 15),
            Figure("  writes, by the API server's own count", found.writes.total(), "", 0),
            Figure("  resident memory", found.megabytes[0], "MB", 200),
            Figure("  at its highest", found.megabytes[1], "MB"),
            Figure("writes of a resync that finds nothing", found.resync_writes.total(), "", 0),
        ]
        killed, stopped = failover_seconds(course)
        results.rest += [
            Figure("failover after a kill", killed, "s", 15),
            Figure("failover after a graceful stop", stopped, "s", 2),
        ]


def put_back(name: str, seconds: list[float]) -> list[Figure]:
    """What a child that was deleted or edited took to be as it should."""
    return [
        Figure(f"{name}, median", steady.middle(seconds), "s", PUT_BACK_SECONDS),
        Figure("  slowest", max(seconds), "s", PUT_BACK_SECONDS),
    ]


def figures(results: Results, plan: Plan) -> list[Figure]:
    """Times, then ratios, then the rest."""
    made: list[Figure] = []
    for (name, agents), outcomes in results.seconds.items():
        late = " (stopped before its end)" if any(outcome.late for outcome in outcomes) else ""
        made.append(Figure(f"{name}: {agents} agents{late}", results.middle(name, agents) or 0, "s"))

    def ratio(name: str, value: float | None, to: float | None, goal: float) -> None:
        if value and to:
            made.append(Figure(name, value / to, "", goal))

    for agents in plan.sizes:
        own = results.middle("operator", agents)
        ratio(f"operator to floor, {agents} agents", own, results.middle("floor", agents), 1.5)
        other = results.middle("controller-runtime 10", agents)
        ratio(f"operator to controller-runtime with 10 workers, {agents} agents", own, other, 1.0)
    least, most = min(plan.sizes), max(plan.sizes)
    if least < most:
        of_many, of_few = ((results.middle("operator", agents) or 0) / agents for agents in (most, least))
        ratio(f"operator, time per agent, {most} agents to {least}", of_many, of_few, 1.2)
    return [*made, *results.rest]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, action="append", help="how many; may be repeated (500 and 5000)")
    parser.add_argument("--rounds", type=int, default=3, help="of floor and operator, up to 1000 agents (3)")
    parser.add_argument("--only", choices=("floor", "operator", "naive", "go"), action="append", default=[])
    wanted = parser.parse_args(arguments)
    go = contestants.find_go()
    only = frozenset(wanted.only)
    if go is None and (not only or "go" in only):
        print("Go is missing: controller-runtime is left out. Install Go 1.26 or newer to have it measured.")
        go_program = None
    else:
        go_program = contestants.build_controller_runtime(go) if go and (not only or "go" in only) else None
    plan = Plan(tuple(sorted(wanted.agents or (500, 5000))), wanted.rounds, only, go_program)
    began, load = datetime.now(UTC), os.getloadavg()
    print(f"{began:%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, load {load[0]:.1f} {load[1]:.1f} {load[2]:.1f}")
    try:
        with open_stage() as stage:
            results = measure(Course(stage), plan)
    except RaceFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    told = {"date": f"{began:%Y-%m-%d}", "cores": os.cpu_count(), "load before": load, "load after": os.getloadavg()}
    report("operator", figures(results, plan), **told)
    return 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main(sys.argv[1:]))
