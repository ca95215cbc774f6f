"""Looks at agents until something is so."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from voiceagent_cli import screen
from voiceagent_cli.cluster_target import find_agent
from voiceagent_cli.errors import CliError, Exit
from voiceagent_cli.kube import Kube, KubeError, agents_path
from voiceagent_cli.progress import progress_of

LOOK_SECONDS: Final = 1.0
WATCH_SECONDS: Final = 240
"""How long the API server is asked to keep one watch; then the next begins."""


async def changes(kube: Kube, namespace: str | None, name: str | None) -> AsyncIterator[Mapping[str, Any]]:
    """Agents as they are, and then each as it changes, without an end. Raises CliError."""
    path = agents_path(namespace)
    selected = {"fieldSelector": f"metadata.name={name}"} if name else {}
    while True:
        listing = await kube.get(path, **selected)
        for item in listing["items"]:
            yield item
        query = {
            **selected,
            "watch": "1",
            "timeoutSeconds": str(WATCH_SECONDS),
            "resourceVersion": listing["metadata"]["resourceVersion"],
        }
        try:
            async for line in kube.lines(path, query):
                event = json.loads(line)
                if event["type"] == "ERROR":
                    break
                if event["type"] in ("ADDED", "MODIFIED"):
                    yield event["object"]
        except KubeError as error:
            if error.status not in (0, 410):
                raise
        await asyncio.sleep(LOOK_SECONDS)


async def rolled_out(kube: Kube, namespace: str, name: str | None, seconds: float) -> str:
    """The message of the agent once its newest spec runs. Raises CliError where it fails, or takes too long."""
    told = ""
    try:
        async with asyncio.timeout(seconds):
            while True:
                agent = await find_agent(kube, namespace, name)
                progress = progress_of(agent)
                if progress.failed:
                    raise CliError(f"The rollout is stopped: {progress.message}", Exit.NO)
                if progress.done:
                    return progress.message
                if progress.message != told:
                    told = progress.message
                    screen.say(told)
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError:
        raise CliError(f"It was not done within {seconds:g} s: {told}", Exit.UNREACHABLE) from None


def now() -> datetime:
    """The time, for ages."""
    return datetime.now(UTC)
