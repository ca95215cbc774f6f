"""`rollout`: how the newest spec comes to run, which specs there were, and back to one of them."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from voiceagent_cli import options, screen
from voiceagent_cli.changing import Consent, change
from voiceagent_cli.differences import as_yaml
from voiceagent_cli.errors import CliError, Exit
from voiceagent_cli.progress import moment, providers_summary
from voiceagent_cli.revisions import Revision, choose, current_of, revisions_of, with_revision
from voiceagent_cli.running import run
from voiceagent_cli.tables import Answer, Format, age

rollout = typer.Typer(no_args_is_help=True, help="Follow a rollout, see earlier specs, and go back to one.")


@rollout.command()
def status(
    agent: options.AgentName = None,
    timeout: Annotated[float, typer.Option("--timeout", metavar="SECONDS", min=0, help="How long to wait.")] = 600,
    namespace: options.Namespace = None,
    context: options.Context = None,
) -> None:
    """Wait until an agent's newest spec runs. Exit code 1 where the rollout is stopped."""
    from voiceagent_cli.kube import access
    from voiceagent_cli.watching import rolled_out

    async def wait() -> str:
        place = await access(context, namespace)
        async with place.open() as kube:
            return await rolled_out(kube, place.namespace, agent, timeout)

    screen.put(run(wait()) + "\n")


@rollout.command()
def history(
    agent: options.AgentName = None,
    revision: Annotated[int | None, typer.Option("--revision", metavar="N", help="Show the spec of this one.")] = None,
    namespace: options.Namespace = None,
    context: options.Context = None,
    output: options.Output = Format.TABLE,
) -> None:
    """List the specs that were live, the newest last."""
    item, revisions = run(_read(agent, namespace, context))
    if revision is not None:
        found = next((one for one in revisions if one.number == revision), None)
        if found is None:
            there = ", ".join(str(one.number) for one in revisions) or "none"
            raise CliError(f"There is no revision {revision}. There are: {there}.", Exit.NOT_FOUND)
        answer = Answer(dict(found.spec), (), [], [found.name])
        screen.put(as_yaml(answer.value) if output is Format.TABLE else answer.text(output))
        return
    screen.answer(_answer(item, revisions), output)


@rollout.command()
def undo(
    agent: options.AgentName = None,
    to_revision: Annotated[
        int | None, typer.Option("--to-revision", metavar="N", help="By default the newest that differs from now.")
    ] = None,
    namespace: options.Namespace = None,
    context: options.Context = None,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
) -> None:
    """Put an earlier spec back. How many pods there are stays as it is."""
    from voiceagent_cli.cluster_target import ClusterTarget

    target = ClusterTarget(agent, namespace, context)

    async def go_back() -> None:
        # The revisions are read for the object that is changed, and nothing is written where it changes meanwhile.
        item = await target.read()
        place = await target.open()
        async with place.open() as kube:
            revisions = await _revisions(kube, item)
        chosen = choose(item, revisions, to_revision)
        screen.say(f"Back to revision {chosen.number}, {chosen.made}.")
        await change(target, lambda document: with_revision(document, chosen), Consent(dry_run, yes))

    run(go_back())


async def _read(
    name: str | None, namespace: str | None, context: str | None
) -> tuple[Mapping[str, Any], list[Revision]]:
    from voiceagent_cli.cluster_target import find_agent
    from voiceagent_cli.kube import access

    place = await access(context, namespace)
    async with place.open() as kube:
        item = await find_agent(kube, place.namespace, name)
        return item, await _revisions(kube, item)


async def _revisions(kube: Any, agent: Mapping[str, Any]) -> list[Revision]:
    from voiceagent_api.names import LABEL_AGENT

    from voiceagent_cli.kube import apps_path

    meta = agent["metadata"]
    listing = await kube.get(
        apps_path(meta["namespace"], "controllerrevisions"), labelSelector=f"{LABEL_AGENT}={meta['name']}"
    )
    return revisions_of(agent, listing["items"])


def _answer(agent: Mapping[str, Any], revisions: list[Revision]) -> Answer:
    from voiceagent_cli.watching import now

    current, moment_now = current_of(agent, revisions), now()
    rows = [
        (
            one.number,
            "now" if one is current else None,
            age((moment_now - moment(one.made)).total_seconds()),
            providers_summary(one.spec),
        )
        for one in revisions
    ]
    value = [
        {"revision": one.number, "name": one.name, "created": one.made, "current": one is current, "spec": one.spec}
        for one in revisions
    ]
    return Answer(value, ("REVISION", "LIVE", "AGE", "PROVIDERS"), rows, [one.name for one in revisions])
