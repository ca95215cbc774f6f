"""The commands that only a cluster has an answer to: apply, diff, status, and scale."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from voiceagent_cli import options, screen
from voiceagent_cli.changing import Consent, change
from voiceagent_cli.errors import Exit, invalid, usage
from voiceagent_cli.progress import HEADERS, detail_answer, status_answer, status_row
from voiceagent_cli.running import run, target_of
from voiceagent_cli.tables import Format

Manifest = Annotated[Path, typer.Option("--file", "-f", metavar="FILE", help="The manifest.", dir_okay=False)]
Force = Annotated[
    bool, typer.Option("--force-conflicts", help="Take over fields that somebody else applied with another value.")
]
_WATCH_WIDTHS = (24, 8, 11, 18, 12, 12, 6, 0)


def apply(
    file: Manifest,
    agent: options.Agent = None,
    namespace: options.Namespace = None,
    context: options.Context = None,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    force_conflicts: Force = False,
    unlisted: options.Unlisted = False,
) -> None:
    """Bring the VoiceAgents of a manifest onto the cluster."""
    from voiceagent_cli import applying

    wanted = applying.Application(file, agent, namespace, context, unlisted, force_conflicts)
    run(applying.apply(wanted, Consent(dry_run, yes)))


def diff(
    file: Manifest,
    agent: options.Agent = None,
    namespace: options.Namespace = None,
    context: options.Context = None,
    force_conflicts: Force = False,
    unlisted: options.Unlisted = False,
) -> None:
    """Show what apply would change. Exit code 1 where there is something."""
    from voiceagent_cli import applying

    wanted = applying.Application(file, agent, namespace, context, unlisted, force_conflicts)
    if run(applying.show_differences(wanted)):
        raise typer.Exit(int(Exit.NO))


def status(
    agent: Annotated[str | None, typer.Argument(metavar="[AGENT]", help="One VoiceAgent, in every detail.")] = None,
    all_namespaces: Annotated[bool, typer.Option("--all-namespaces", "-A", help="Of the whole cluster.")] = False,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on with each change, until interrupted.")] = False,
    namespace: options.Namespace = None,
    context: options.Context = None,
    output: options.Output = Format.TABLE,
) -> None:
    """Show how agents are: their pods, calls, and what their conditions say."""
    if watch and output is not Format.TABLE:
        raise usage("--watch prints a line for each change: leave out --output.")
    if agent and all_namespaces:
        raise usage("One agent is of one namespace: leave out --all-namespaces, or AGENT.")
    run(_status(agent, all_namespaces, watch, namespace, context, output))


def scale(
    agent: options.AgentName = None,
    replicas: Annotated[int, typer.Option("--replicas", min=0, max=1000, help="How many worker pods.")] = ...,  # type: ignore[assignment]
    file: options.File = None,
    namespace: options.Namespace = None,
    context: options.Context = None,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
) -> None:
    """Say how many worker pods an agent has."""

    def edit(document: Mapping[str, Any]) -> Mapping[str, Any]:
        spec = document.get("spec") or {}
        if (spec.get("scaling") or {}).get("mode") == "Sessions":
            raise invalid(
                "This agent's pods follow its calls (spec.scaling.mode Sessions). Change spec.scaling.minReplicas and "
                "maxReplicas in its manifest, or set the mode to Manual."
            )
        return {**document, "spec": {**spec, "replicas": replicas}}

    run(change(target_of(file, agent, namespace, context), edit, Consent(dry_run, yes)))


async def _status(
    name: str | None, everywhere: bool, watch: bool, namespace: str | None, context: str | None, form: Format
) -> None:
    from voiceagent_cli.cluster_target import find_agent
    from voiceagent_cli.kube import access, agents_path
    from voiceagent_cli.watching import changes, now

    place = await access(context, namespace)
    where = None if everywhere else place.namespace
    async with place.open() as kube:
        if watch:
            screen.put(_line(("NAMESPACE", *HEADERS) if everywhere else HEADERS, everywhere))
            async for item in changes(kube, where, name):
                screen.put(_line(status_row(item, now(), namespaces=everywhere), everywhere))
        elif name:
            screen.answer(detail_answer(await find_agent(kube, place.namespace, name)), form)
        else:
            items = (await kube.get(agents_path(where)))["items"]
            if not items:
                screen.say(f"There is no VoiceAgent in {'the cluster' if everywhere else f'namespace {where}'}.")
                if form is Format.TABLE:
                    return
            screen.answer(status_answer(items, now(), namespaces=everywhere), form)


def _line(row: tuple[Any, ...], namespaces: bool) -> str:
    """A row whose columns are as wide as they will be in all the others."""
    widths = (20, *_WATCH_WIDTHS) if namespaces else _WATCH_WIDTHS
    return "  ".join(str(cell or "-").ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n"
