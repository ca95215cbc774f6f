"""Manifests onto a cluster by server-side apply, tried by a dry run first."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voiceagent_cli import screen, server_side
from voiceagent_cli.changing import Consent
from voiceagent_cli.checks import check
from voiceagent_cli.differences import difference, shown
from voiceagent_cli.documents import Manifest, find_agent, find_agents
from voiceagent_cli.errors import usage
from voiceagent_cli.gitops import gitops_note
from voiceagent_cli.kube import Access, Kube, access, agents_path
from voiceagent_cli.targets import read_text


@dataclass(frozen=True, slots=True)
class Application:
    """Which manifests are to be applied, and how."""

    file: Path
    agent: str | None
    namespace: str | None
    context: str | None
    unlisted: bool
    force: bool


async def show_differences(wanted: Application) -> bool:
    """Whether the cluster would be changed; the difference is shown."""
    manifests, place = _read(wanted), await access(wanted.context, wanted.namespace)
    async with place.open() as kube:
        return any([await _show(kube, place, manifest, wanted) for manifest in manifests])


async def apply(wanted: Application, consent: Consent) -> None:
    """Apply each VoiceAgent of the file, once its difference was agreed to. Raises CliError."""
    manifests, place = _read(wanted), await access(wanted.context, wanted.namespace)
    async with place.open() as kube:
        for manifest in manifests:
            await apply_manifest(kube, place, manifest, wanted, consent)


async def apply_manifest(kube: Kube, place: Access, manifest: Manifest, wanted: Application, consent: Consent) -> None:
    """Apply one VoiceAgent, once its difference was agreed to. Raises CliError."""
    title = f"VoiceAgent {_namespace(manifest, place, wanted)}/{manifest.document['metadata']['name']}"
    if not await _show(kube, place, manifest, wanted):
        screen.say(f"Nothing to change: {title} is like that already.")
        return
    if not consent.given(f"Apply {title}?"):
        return
    await _apply(kube, place, manifest, wanted)
    screen.say(f"Applied {title}.")


def _read(wanted: Application) -> list[Manifest]:
    text = read_text(wanted.file)
    where = str(wanted.file)
    found = [find_agent(text, wanted.agent, where)] if wanted.agent else find_agents(text, where)
    for manifest in found:
        check(manifest.document, where, unlisted=wanted.unlisted)
    return found


async def _show(kube: Kube, place: Access, manifest: Manifest, wanted: Application) -> bool:
    namespace, name = _namespace(manifest, place, wanted), manifest.document["metadata"]["name"]
    live = await server_side.find(kube, agents_path(namespace, name))
    if live and (note := gitops_note(live)):
        screen.warn(note)
    after = await _apply(kube, place, manifest, wanted, dry_run=True)
    lines = difference(shown(live) if live else "", shown(after), f"VoiceAgent {namespace}/{name}")
    screen.show_difference(lines)
    return bool(lines)


async def _apply(
    kube: Kube, place: Access, manifest: Manifest, wanted: Application, *, dry_run: bool = False
) -> dict[str, Any]:
    path = agents_path(_namespace(manifest, place, wanted), manifest.document["metadata"]["name"])
    return await server_side.apply(kube, path, manifest.own, force=wanted.force, dry_run=dry_run)


def _namespace(manifest: Manifest, place: Access, wanted: Application) -> str:
    own = manifest.document["metadata"].get("namespace")
    if own and wanted.namespace and own != wanted.namespace:
        raise usage(f"{manifest.where} says namespace {own}, and --namespace says {wanted.namespace}. Leave one out.")
    return str(own or place.namespace)
