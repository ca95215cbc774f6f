"""A simulated day of 2,000 calls at once over 200 pods: what the operator makes of it.

Run by `make bench-day`. Prints a table, writes build/bench/day.json and the picture build/bench/day.svg.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from busy_day.clock import DayClock, a_day_in
from busy_day.curve import CROWD_HOUR, SEED, a_day
from busy_day.nodes import open_ground
from busy_day.run import run_day

SLOW_FROM, SLOW_UNTIL = CROWD_HOUR - 0.02, CROWD_HOUR + 0.08


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=15.0, help="that the day takes, without its slow part (15)")
    parser.add_argument("--begin", type=float, default=0.0, help="the hour that it begins with (0)")
    parser.add_argument("--end", type=float, default=24.0, help="the hour that it ends with (24)")
    parser.add_argument("--seed", type=int, default=SEED, help="of the callers")
    wanted = parser.parse_args(arguments)
    began, load = datetime.now(UTC), os.getloadavg()
    clock = DayClock(a_day_in(wanted.minutes, SLOW_FROM, SLOW_UNTIL), wanted.begin, wanted.end)
    print(f"{began:%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, load {load[0]:.1f}; a day in {clock.seconds / 60:.0f} minutes")
    calls = [call for call in a_day(wanted.seed) if call.at >= wanted.begin]
    with open_ground() as ground:
        day = asyncio.run(run_day(ground, clock, calls, lambda text: print(text, flush=True)))
    print(day.answered, day.refused, day.cut, len(day.replicas), day.operator_cpu_seconds, day.operator_megabytes)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
