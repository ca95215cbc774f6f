"""How fast the gateway is, a part at a time, beside what it is compared with.

Run by `make bench-gateway`; `BENCH="--only tokens"` runs one part. Prints a table and writes build/bench/gateway.json.
"""

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from figures import Figure, report
from gateway_speed import history, merging, tokens
from gateway_speed.load import LoadFailed
from gateway_speed.stage import Stage, StageFailed, open_stage

PARTS: dict[str, Callable[[Stage], list[Figure]]] = {
    "tokens": tokens.figures,
    "merging": merging.figures,
    "history": history.figures,
}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=sorted(PARTS), help="run one part")
    only = parser.parse_args(arguments).only
    began, load = datetime.now(UTC), os.getloadavg()
    print(f"{began:%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, load {load[0]:.1f} {load[1]:.1f} {load[2]:.1f}")
    try:
        with open_stage() as stage:
            figures = [figure for name, part in PARTS.items() if only in (None, name) for figure in part(stage)]
    except (StageFailed, LoadFailed) as failure:
        print(failure, file=sys.stderr)
        return 1
    told = {"date": f"{began:%Y-%m-%d}", "cores": os.cpu_count(), "load before": load, "load after": os.getloadavg()}
    report("gateway", figures, **told)
    return 0 if all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
