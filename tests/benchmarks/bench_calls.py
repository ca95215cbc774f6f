"""What running calls notice when an agent is changed, and how soon a killed worker's caller has another agent.

Run by `make bench-calls` on a sandbox that is up. Prints a table and writes build/bench/calls.json.
"""

import asyncio
import os
import statistics
import sys
from datetime import UTC, datetime

from call_fleet import calls_on
from changes_under_calls import AGENT, CALLS, bring_up, change_everything
from figures import Figure, report
from killing import kill_worker_of
from on_sandbox import Kubectl, sandbox_kubectl
from voiceagent_caller import Call

KILLS = 3


async def changes(kubectl: Kubectl) -> list[Figure]:
    """Six calls over three pods, and everything that is done to those."""
    bring_up(kubectl)
    async with calls_on(f"default/{AGENT}", CALLS) as fleet:
        before, outcomes = await change_everything(kubectl, fleet)
    figures = [
        Figure("calls dropped", sum(len(outcome.report.dropped) for outcome in outcomes), "", 0),
        Figure("turns unanswered", sum(len(outcome.report.unanswered) for outcome in outcomes), "", 0),
        Figure("turns in all", before.turns + sum(outcome.report.turns for outcome in outcomes), ""),
        Figure("95 of 100 answers came within, before any change", before.p95_seconds, "s"),
    ]
    for outcome in outcomes:
        ratio = outcome.report.p95_seconds / before.p95_seconds
        figures.append(Figure(f"  the same during: {outcome.change}, to before", ratio, "", 1.5))
    return figures


async def another_agent_seconds(kubectl: Kubectl) -> float:
    """From a worker's SIGKILL until another agent is in its caller's room."""
    bring_up(kubectl)
    async with calls_on(f"default/{AGENT}", 0) as fleet, Call(fleet.options) as call:
        await call.listen()
        return await kill_worker_of(kubectl, AGENT, call)


async def measure() -> list[Figure]:
    kubectl = sandbox_kubectl()
    figures = await changes(kubectl)
    seconds = [await another_agent_seconds(kubectl) for _ in range(KILLS)]
    kubectl("delete", "voiceagent", AGENT)
    return [
        *figures,
        Figure("a worker's SIGKILL to another agent in the room, median", statistics.median(seconds), "s", 5),
        Figure("  slowest", max(seconds), "s", 5),
    ]


def main() -> int:
    began, load = datetime.now(UTC), os.getloadavg()
    print(f"{began:%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, load {load[0]:.1f} {load[1]:.1f} {load[2]:.1f}")
    figures = asyncio.run(measure())
    told = {"date": f"{began:%Y-%m-%d}", "cores": os.cpu_count(), "load before": load, "load after": os.getloadavg()}
    report("calls", figures, **told)
    return 0


if __name__ == "__main__":
    sys.exit(main())
