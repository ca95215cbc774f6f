"""The floor: a bare client that makes just the operator's writes, with nothing to watch, find out or remember.

    python -m operator_speed.floor ACCESS INSTALL

What to write is worked out before the first write, and so outside of the measured time; making JSON of it, TLS and
waiting for the answers are inside. An agent's children are written in turn, then its status; many agents at once.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
from operator_speed.access import Access, listed
from operator_speed.fleet import AGENTS, NAMESPACE, side_by_side
from operator_speed.recorder import Recorder, Write

AT_ONCE = 20


async def main(access: Access, install: Path) -> None:
    async with access.session(AT_ONCE) as session:
        secrets, _ = await listed(session, f"/api/v1/namespaces/{NAMESPACE}/secrets")
        agents, _ = await listed(session, AGENTS)
        recorder = Recorder(install, secrets)
        work = [await recorder.writes(agent) for agent in agents]
        await side_by_side(AT_ONCE, (_applier(session, writes) for writes in work))


def _applier(session: aiohttp.ClientSession, writes: list[Write]) -> Callable[[], Awaitable[None]]:
    async def apply() -> None:
        for write in writes:
            form = {"Content-Type": write.content_type}
            url = f"{write.path}?{write.query}"
            async with session.request(write.method, url, data=json.dumps(write.body), headers=form) as answer:
                text = await answer.read()
                if answer.status >= 400:
                    raise RuntimeError(f"{write.method} {url}: {text.decode()}")

    return apply


if __name__ == "__main__":
    asyncio.run(main(Access.read(sys.argv[1]), Path(sys.argv[2])))
