"""How fast the worker is, a part at a time.

Run by `make bench-worker`; `BENCH="--only plugins"` runs one part. Prints a table and writes build/bench/worker.json.
"""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

from figures import Figure, report
from worker_speed import beside_plain, plugins

PARTS: dict[str, Callable[[], Awaitable[list[Figure]]]] = {
    "plugins": plugins.figures,
    "beside-plain": beside_plain.figures,
}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=sorted(PARTS), help="run one part")
    only = parser.parse_args(arguments).only
    figures = [figure for name, part in PARTS.items() if only in (None, name) for figure in asyncio.run(_run(part))]
    report("worker", figures, date=datetime.now(UTC).isoformat(timespec="seconds"))
    return 0 if all(figure.holds for figure in figures) else 1


async def _run(part: Callable[[], Awaitable[list[Figure]]]) -> list[Figure]:
    return await part()


if __name__ == "__main__":
    sys.exit(main())
