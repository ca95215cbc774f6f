"""The Secrets of a `.env` onto a cluster. What is shown are names of keys, never what they hold."""

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from voiceagent_cli import screen
from voiceagent_cli.changing import Consent
from voiceagent_cli.differences import difference
from voiceagent_cli.errors import CliError
from voiceagent_cli.kube import APPLY, Kube, KubeError, core_path


@dataclass(frozen=True, slots=True)
class FilledSecret:
    """A Secret with its values."""

    name: str
    values: Mapping[str, bytes] = field(repr=False)


async def apply_secret(kube: Kube, namespace: str, secret: FilledSecret, consent: Consent, *, force: bool) -> None:
    """Make or change the Secret, once that was agreed to. Raises CliError."""
    title = f"Secret {namespace}/{secret.name}"
    data = {key: b64encode(value).decode() for key, value in secret.values.items()}
    before = await _data(kube, namespace, secret.name)
    lines = difference(_shown(before, before), _shown({**before, **data}, before), title)
    if not lines:
        screen.say(f"Nothing to change: {title} is like that already.")
        return
    await _apply(kube, namespace, secret.name, data, force, dryRun="All")
    screen.show_difference(lines)
    if consent.dry_run:
        screen.say("Nothing was changed: this was a dry run.")
        return
    if not consent.yes:
        screen.agreed(f"Apply {title}?")
    await _apply(kube, namespace, secret.name, data, force)
    screen.say(f"Applied {title}.")


def _shown(data: Mapping[str, str], before: Mapping[str, str]) -> str:
    return "".join(
        f"{key}: {'…' if before.get(key) in (None, value) else '… (another value)'}\n"
        for key, value in sorted(data.items())
    )


async def _data(kube: Kube, namespace: str, name: str) -> dict[str, str]:
    try:
        found: dict[str, Any] = await kube.get(core_path(namespace, "secrets", name))
    except KubeError as error:
        if error.status == 404 and error.reason == "NotFound":
            return {}
        raise
    return dict(found.get("data") or {})


async def _apply(kube: Kube, namespace: str, name: str, data: Mapping[str, str], force: bool, **query: str) -> None:
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "data": data}
    try:
        await kube.patch(
            core_path(namespace, "secrets", name),
            json.dumps(body),
            APPLY,
            **{**query, **({"force": "true"} if force else {})},
        )
    except KubeError as error:
        if error.status == 409 and "conflict" in str(error):
            # the API server's own words name the fields, and no values
            raise CliError(f"{error} Add --force-conflicts to take these keys over.", error.code) from None
        raise
