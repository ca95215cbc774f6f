"""`keys`: who may ask the gateway for tokens. The Secret has hashes only; a key is shown once, as it is made."""

import json
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from voiceagent_cli import options, screen
from voiceagent_cli.errors import CliError, Exit, invalid, usage
from voiceagent_cli.running import run
from voiceagent_cli.tables import Answer, Format

keys = typer.Typer(no_args_is_help=True, help="Make, list and revoke API keys of the gateway.")
Namespace = Annotated[str, typer.Option("--namespace", "-n", metavar="NAME", help="The gateway's namespace.")]
SecretName = Annotated[str, typer.Option("--secret", metavar="NAME", help="The Secret with the keys' hashes.")]
SYSTEM = "voiceagents-system"
SECRET = "voiceagents-api-keys"  # noqa: S105 (a Secret's name)


@keys.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The key's name, as logs will show it.")],
    agents: Annotated[
        list[str], typer.Option("--agents", metavar="PATTERN", help="NAMESPACE/NAME with *, or * for all. Repeatable.")
    ],
    rooms: Annotated[
        list[str] | None, typer.Option("--rooms", metavar="PATTERN", help="Rooms, with *. Repeatable; default all.")
    ] = None,
    metrics: Annotated[bool, typer.Option("--metrics", help="Let it read all metrics.")] = False,
    transcripts: Annotated[
        bool, typer.Option("--transcripts", help="Let it read and erase transcripts of those agents and rooms.")
    ] = False,
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="WHEN", help="A date such as 2027-01-31, or days such as 90d.")
    ] = None,
    dry_run: options.DryRun = False,
    namespace: Namespace = SYSTEM,
    secret: SecretName = SECRET,
    context: options.Context = None,
) -> None:
    """Make an API key. It is printed once, and kept nowhere."""
    from voiceagent_api.api_keys import KEY_NAME, EntryError, entry_text, expiry, hash_of, new_key

    if not KEY_NAME.fullmatch(name):
        raise invalid(f'"{name}" cannot be a key\'s name: use at most 63 small letters, digits and inner hyphens.')
    try:
        until = expiry(expires, datetime.now(UTC))
    except (ValueError, OverflowError):
        raise usage(f"--expires {expires} is neither a date such as 2027-01-31 nor days such as 90d to come.") from None
    key = new_key(name)
    try:
        entry = entry_text(hash_of(key), agents, rooms or ["*"], metrics, until, transcripts)
    except EntryError as error:
        raise usage(f"The key would not be taken: {error}. Agents are patterns such as default/* or *.") from None
    run(_create(name, entry, dry_run, namespace, secret, context))
    if not dry_run:
        screen.say("The key, which is shown only now:")
        screen.put(key + "\n")


@keys.command("list")
def list_keys(
    namespace: Namespace = SYSTEM,
    secret: SecretName = SECRET,
    context: options.Context = None,
    output: options.Output = Format.TABLE,
) -> None:
    """List the API keys, and what each may do."""
    from voiceagent_cli.kube import access

    async def read() -> Mapping[str, str]:
        place = await access(context, namespace)
        async with place.open() as kube:
            return await _data(kube, namespace, secret)

    screen.answer(keys_answer(run(read())), output)


@keys.command()
def revoke(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The key's name.")],
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    namespace: Namespace = SYSTEM,
    secret: SecretName = SECRET,
    context: options.Context = None,
) -> None:
    """Revoke an API key: from now on nobody gets in by it."""
    run(_revoke(name, dry_run, yes, namespace, secret, context))


def keys_answer(data: Mapping[str, str]) -> Answer:
    """The keys of a Secret's data, without their hashes."""
    from voiceagent_api.api_keys import EntryError, parse_stored_key

    values: list[dict[str, Any]] = []
    for name in sorted(data):
        try:
            entry = parse_stored_key(name, b64decode(data[name], validate=True))
        except (EntryError, Base64Error) as error:
            values.append({"name": name, "fault": str(error)})
        else:
            values.append({"name": name, **entry.model_dump(mode="json", exclude={"hash"})})
    rows = [
        (
            one["name"],
            ", ".join(one.get("agents", ())) or None,
            ", ".join(one.get("rooms", ())) or None,
            {True: "yes", False: "no", None: None}[one.get("metrics")],
            one.get("expires") or ("never" if "fault" not in one else None),
            one.get("fault"),
        )
        for one in values
    ]
    return Answer(
        values, ("NAME", "AGENTS", "ROOMS", "METRICS", "EXPIRES", "FAULT"), rows, [one["name"] for one in values]
    )


async def _create(name: str, entry: str, dry_run: bool, namespace: str, secret: str, context: str | None) -> None:
    from voiceagent_cli.kube import APPLY, access, core_path

    place = await access(context, namespace)
    async with place.open() as kube:
        if name in await _data(kube, namespace, secret):
            raise CliError(f'There is a key "{name}" already. Choose another name, or revoke it first.', Exit.REFUSED)
        shown = "".join(f"+ {line}\n" for line in entry.splitlines() if not line.startswith("hash:"))
        screen.say(f"To Secret {namespace}/{secret}, as {name}:\n+ hash: …\n{shown}".rstrip())
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": secret, "namespace": namespace},
            "data": {name: b64encode(entry.encode()).decode()},
        }
        query = {"fieldManager": f"key-{name}", **({"dryRun": "All"} if dry_run else {})}
        await kube.patch(core_path(namespace, "secrets", secret), json.dumps(body), APPLY, **query)
    if dry_run:
        screen.say("Nothing was changed: this was a dry run.")


async def _revoke(name: str, dry_run: bool, yes: bool, namespace: str, secret: str, context: str | None) -> None:
    from voiceagent_cli.kube import JSON_PATCH, access, core_path

    place = await access(context, namespace)
    async with place.open() as kube:
        data = await _data(kube, namespace, secret)
        if name not in data:
            there = ", ".join(sorted(data)) or "none"
            raise CliError(f'There is no key "{name}". There are: {there}.', Exit.NOT_FOUND)
        screen.say(f"From Secret {namespace}/{secret}:\n- {name}")
        if not yes and not dry_run:
            screen.agreed(f"Revoke the key {name}?")
        query = {"dryRun": "All"} if dry_run else {}
        steps = [{"op": "remove", "path": f"/data/{name}"}]
        await kube.patch(core_path(namespace, "secrets", secret), steps, JSON_PATCH, **query)
    screen.say("Nothing was changed: this was a dry run." if dry_run else f"Revoked the key {name}.")


async def _data(kube: Any, namespace: str, secret: str) -> Mapping[str, str]:
    """The Secret's data; nothing where there is no such Secret yet."""
    from voiceagent_cli.kube import KubeError, core_path

    try:
        found = await kube.get(core_path(namespace, "secrets", secret))
    except KubeError as error:
        if error.status == 404:
            return {}
        raise
    return found.get("data") or {}
