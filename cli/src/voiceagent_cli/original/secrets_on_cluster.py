"""The Secrets of a `.env` onto a cluster. What is shown are names of keys, never what they hold."""

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field

from voiceagent_cli import screen, server_side
from voiceagent_cli.changing import Consent
from voiceagent_cli.differences import difference
from voiceagent_cli.kube import Kube, core_path


@dataclass(frozen=True, slots=True)
class FilledSecret:
    """A Secret with its values."""

    name: str
    values: Mapping[str, bytes] = field(repr=False)


async def apply_secret(kube: Kube, namespace: str, secret: FilledSecret, consent: Consent, *, force: bool) -> None:
    """Make or change the Secret, once that was agreed to. Raises CliError."""
    title = f"Secret {namespace}/{secret.name}"
    data = {key: b64encode(value).decode() for key, value in secret.values.items()}
    live = await server_side.find(kube, core_path(namespace, "secrets", secret.name))
    before = dict((live or {}).get("data") or {})
    lines = difference(_shown(before, before), _shown({**before, **data}, before), title)
    if not lines:
        screen.say(f"Nothing to change: {title} is like that already.")
        return
    await _apply(kube, namespace, secret.name, data, force, dry_run=True)
    screen.show_difference(lines)
    if not consent.given(f"Apply {title}?"):
        return
    await _apply(kube, namespace, secret.name, data, force)
    screen.say(f"Applied {title}.")


def _shown(data: Mapping[str, str], before: Mapping[str, str]) -> str:
    return "".join(
        f"{key}: {'…' if before.get(key) in (None, value) else '… (another value)'}\n"
        for key, value in sorted(data.items())
    )


async def _apply(
    kube: Kube, namespace: str, name: str, data: Mapping[str, str], force: bool, *, dry_run: bool = False
) -> None:
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "data": data}
    path = core_path(namespace, "secrets", name)
    # the API server's own words on a conflict name the keys, and no values
    await server_side.apply(kube, path, json.dumps(body), force=force, dry_run=dry_run)
