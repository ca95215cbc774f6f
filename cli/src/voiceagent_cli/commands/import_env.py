"""`import-env`: the single-machine system's `.env` as a manifest, and what to do with its keys."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voiceagent_cli import options, screen
from voiceagent_cli.annotated import annotated_yaml
from voiceagent_cli.changing import Consent
from voiceagent_cli.checks import check
from voiceagent_cli.differences import difference
from voiceagent_cli.documents import Manifest, find_agent
from voiceagent_cli.errors import CliError, Exit, invalid
from voiceagent_cli.names import check_agent_name
from voiceagent_cli.original.env_file import parse_env
from voiceagent_cli.original.importing import Imported, import_variables, leaked
from voiceagent_cli.original.json_config import parse_json_config
from voiceagent_cli.original.secrets import SecretPart, commands
from voiceagent_cli.running import run
from voiceagent_cli.targets import read_text, write_text

if TYPE_CHECKING:
    from voiceagent_cli.applying import Application
    from voiceagent_cli.original.secrets_on_cluster import FilledSecret


def import_env(
    file: Annotated[
        Path, typer.Argument(metavar="[FILE]", help="The .env of the single-machine system.", dir_okay=False)
    ] = Path(".env"),
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to write the manifest; else it is printed."),
    ] = None,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="The agent's name.")] = "agent",
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", metavar="FILE", help="Its JSON with providers and plugins; the .env wins.", dir_okay=False
        ),
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Bring the Secrets and the agent onto the cluster, each when agreed to.")
    ] = False,
    namespace: options.Namespace = None,
    context: options.Context = None,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    force_conflicts: Annotated[
        bool, typer.Option("--force-conflicts", help="Take over what somebody else applied with another value.")
    ] = False,
    unlisted: options.Unlisted = False,
) -> None:
    """Make a manifest of the single-machine system's .env. Keys are never shown."""
    check_agent_name(name)
    env = parse_env(_read(file))
    values, labels, notes = dict(env.values), dict[str, str](), list(env.notes)
    if config is not None:
        json_config = parse_json_config(_read(config), config.name)
        notes += json_config.notes
        over = [name for name in json_config.values if values.get(name, "").strip()]
        notes += [f"{json_config.labels[one]} was left out: {one} in {file.name} wins." for one in over]
        values = {
            **json_config.values,
            **{one: text for one, text in values.items() if text.strip() or one not in over},
        }
        labels = {one: label for one, label in json_config.labels.items() if one not in over}
    imported = import_variables(values, name, unlisted=unlisted, labels=labels)
    text = _manifest_text(imported, file)
    for note in (*notes, *imported.notes):
        if not leaked(note, values):
            screen.warn(note)
    if found := leaked(text, values):
        raise invalid(
            f"The value of {found} stands in another variable, too, and would come into the manifest. Take it out "
            "there: keys belong into Secrets only."
        )
    manifest = find_agent(text, None, "The manifest")
    check(manifest.document, "The manifest", unlisted=unlisted)
    consent = Consent(dry_run, yes)
    if output is not None:
        _write(output, text, consent)
    elif not apply:
        screen.put(text)
    if apply:
        _apply(manifest, imported, values, file, (namespace, context, force_conflicts, unlisted), consent)
    else:
        _next(imported, values, env.raw, file, output, namespace)


def _read(file: Path) -> str:
    if not file.exists():
        raise CliError(f"There is no file {file}. Name the .env of the single-machine system.", Exit.NOT_FOUND)
    return read_text(file)


def _manifest_text(imported: Imported, file: Path) -> str:
    return (
        f"# Made of {file.name} by `voiceagent import-env`. A comment says where each value came from.\n"
        + annotated_yaml(imported.document, imported.comments)
    )


def _write(output: Path, text: str, consent: Consent) -> None:
    before = read_text(output) if output.exists() else ""
    lines = difference(before, text, str(output))
    if not lines:
        screen.say(f"Nothing to change: {output} is like that already.")
        return
    if before or consent.dry_run:
        screen.show_difference(lines)
    if not replace(consent, yes=consent.yes or not before).given(f"Change {output}?"):
        return
    write_text(output, text)
    screen.say(f"Wrote {output}.")


def _next(
    imported: Imported,
    values: Mapping[str, str],
    raw: frozenset[str],
    file: Path,
    output: Path | None,
    namespace: str | None,
) -> None:
    place = f" -n {namespace}" if namespace else ""
    lines = list(commands(imported.secrets, str(file), raw, values, namespace))
    lines += [
        f"kubectl create secret generic {provider}{place} --from-literal={key}=…"
        for provider, key in imported.missing_keys
    ]
    if any("=…" in line for line in lines):
        screen.say("Put the value in place of each …, without the quotes that it has in the file.")
    written = f" -f {output}" if output else " -f agent.yaml"
    screen.say("\n".join(["Next:", *(f"  {line}" for line in lines), f"  voiceagent apply{written}{place}"]))


def _apply(
    manifest: Manifest,
    imported: Imported,
    values: Mapping[str, str],
    file: Path,
    where: tuple[str | None, str | None, bool, bool],
    consent: Consent,
) -> None:
    from voiceagent_cli.applying import Application

    namespace, context, force, unlisted = where
    secrets = [_filled(part, values, file) for part in imported.secrets]
    run(_bring(manifest, secrets, Application(file, None, namespace, context, unlisted, force), consent))
    for provider, key in imported.missing_keys:
        screen.warn(f"{key} is not among the variables. The Secret {provider} needs it before the agent is Ready.")


async def _bring(manifest: Manifest, secrets: "list[FilledSecret]", wanted: "Application", consent: Consent) -> None:
    from voiceagent_cli.applying import apply_manifest
    from voiceagent_cli.kube import access
    from voiceagent_cli.original.secrets_on_cluster import apply_secret

    place = await access(wanted.context, wanted.namespace)
    async with place.open() as kube:
        for secret in secrets:
            await apply_secret(kube, place.namespace, secret, consent, force=wanted.force)
        await apply_manifest(kube, place, manifest, wanted, consent)


def _filled(part: SecretPart, values: Mapping[str, str], file: Path) -> "FilledSecret":
    from voiceagent_cli.original.secrets_on_cluster import FilledSecret

    return FilledSecret(
        part.name,
        {
            entry.key: _read(file.parent / values[entry.variable].strip()).encode()
            if entry.is_file
            else values[entry.variable].strip().encode()
            for entry in part.entries
        },
    )
