"""`logs`: what the worker pods of an agent write."""

import asyncio
from typing import Annotated, Any, Final

import typer
from voiceagent_api.names import LABEL_AGENT, WORKER_CONTAINER

from voiceagent_cli import options, screen
from voiceagent_cli.errors import CliError, Exit
from voiceagent_cli.running import run

PODS_MAX: Final = 50
"""Each has a connection of its own."""


def logs(
    agent: options.AgentName = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as more is written.")] = False,
    tail: Annotated[int, typer.Option("--tail", metavar="LINES", min=1, help="How many last lines of each pod.")] = 100,
    since: Annotated[int | None, typer.Option("--since", metavar="SECONDS", min=1, help="Not older than this.")] = None,
    previous: Annotated[bool, typer.Option("--previous", "-p", help="Of the container that ran before.")] = False,
    namespace: options.Namespace = None,
    context: options.Context = None,
) -> None:
    """Show what an agent's worker pods write; with several, each line says which pod."""
    query = {"container": WORKER_CONTAINER, "tailLines": str(tail)}
    query |= {"follow": "true"} if follow else {}
    query |= {"sinceSeconds": str(since)} if since else {}
    query |= {"previous": "true"} if previous else {}
    run(_logs(agent, query, namespace, context))


async def _logs(name: str | None, query: dict[str, str], namespace: str | None, context: str | None) -> None:
    from voiceagent_cli.cluster_target import find_agent
    from voiceagent_cli.kube import access, core_path

    place = await access(context, namespace)
    async with place.open() as kube:
        agent = await find_agent(kube, place.namespace, name)
        selector = f"{LABEL_AGENT}={agent['metadata']['name']}"
        pods = (await kube.get(core_path(place.namespace, "pods"), labelSelector=selector))["items"]
        if not pods:
            raise CliError(
                f"VoiceAgent {place.namespace}/{agent['metadata']['name']} has no pods. `voiceagent status` says why.",
                Exit.NOT_FOUND,
            )
        names = sorted(pod["metadata"]["name"] for pod in pods)
        if len(names) > PODS_MAX:
            screen.warn(f"Only {PODS_MAX} of {len(names)} pods are read at once.")
            names = names[:PODS_MAX]
        done = await asyncio.gather(*(_one(kube, place.namespace, pod, query, len(names) > 1) for pod in names))
        read = [lines for lines in done if lines is not None]
        if not read:
            raise CliError("No pod gave its log.", Exit.UNREACHABLE)
        if not sum(read):
            screen.say("Its pods have written nothing yet.")


async def _one(kube: Any, namespace: str, pod: str, query: dict[str, str], several: bool) -> int | None:
    """How many lines there were; None for a log that cannot be read, which does not end the others."""
    from voiceagent_cli.kube import KubeError, core_path

    count = 0
    prefix = f"[{pod}] " if several else ""
    try:
        async for line in kube.lines(core_path(namespace, "pods", pod) + "/log", query):
            count += 1
            screen.put(f"{prefix}{line.decode('utf-8', 'replace')}\n")
    except KubeError as error:
        screen.warn(f"{pod}: {error}")
        return None
    return count
