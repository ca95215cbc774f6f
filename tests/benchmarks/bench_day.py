"""A simulated day of 2,000 calls at once over 200 pods: what the operator makes of it.

The operator, the API server, its controllers and its scheduler are real. kwok plays the node and its pods, one process
plays the workers and the callers. Run by `make bench-day`. Prints a table, writes build/bench/day.json, what was seen
each second beside it, and the picture build/bench/day.svg; `--picture` draws that again from what was seen.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from busy_day.clock import DayClock, a_day_in
from busy_day.curve import CROWD_HOUR, SEED, a_day
from busy_day.nodes import open_ground
from busy_day.picture import draw
from busy_day.run import Sample, run_day
from busy_day.summary import figures
from figures import report
from voiceagent_sandbox.paths import REPO

SLOW = (CROWD_HOUR - 0.01, CROWD_HOUR + 0.05)
"""Between these hours the day goes by as slowly as days do: 3.6 minutes around the crowd."""
FOLDER = REPO / "build" / "bench"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=12.0, help="that the day takes, without its slow part (12)")
    parser.add_argument("--begin", type=float, default=0.0, help="the hour that it begins with (0)")
    parser.add_argument("--end", type=float, default=24.0, help="the hour that it ends with (24)")
    parser.add_argument("--seed", type=int, default=SEED, help=f"of the callers ({SEED})")
    parser.add_argument("--picture", action="store_true", help="only draw the picture of the last run again")
    wanted = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that no server of it stays
    if not wanted.picture:
        live(wanted)
    seen = json.loads((FOLDER / "day-samples.json").read_text(encoding="utf-8"))
    samples = [Sample(**sample) for sample in seen["samples"]]
    (FOLDER / "day.svg").write_text(draw(samples, SLOW, seen["told"]), encoding="utf-8")
    return 0


def live(wanted: argparse.Namespace) -> None:
    """Have the day take place, and keep what was seen."""
    began, load = datetime.now(UTC), os.getloadavg()
    stretches = a_day_in(wanted.minutes, *SLOW)
    clock = DayClock(stretches, wanted.begin, wanted.end)
    calls = [call for call in a_day(wanted.seed) if wanted.begin <= call.at < wanted.end]
    print(f"{began:%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, load {load[0]:.1f} {load[1]:.1f} {load[2]:.1f}")
    print(f"Simulated: {len(calls):,} calls; it takes {clock.seconds / 60:.0f} minutes.")
    with open_ground() as ground:
        day = asyncio.run(run_day(ground, clock, calls, lambda text: print(text, flush=True)))
    speed = stretches[0].speed
    told = (
        f"Real operator, API server and controllers; nodes, workers and callers are played. {speed:.0f} times as fast."
    )
    FOLDER.mkdir(parents=True, exist_ok=True)
    seen = {"told": told, "samples": [asdict(sample) for sample in day.samples]}
    (FOLDER / "day-samples.json").write_text(json.dumps(seen), encoding="utf-8")
    after = os.getloadavg()
    run = {"simulated": True, "date": f"{began:%Y-%m-%d}", "cores": os.cpu_count(), "speed": speed}
    report("day", figures(day, calls, SLOW), **run, **{"load before": load, "load after": after})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
