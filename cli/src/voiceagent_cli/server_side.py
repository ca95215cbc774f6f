"""Objects on a cluster, read or none, and server-side apply as the command line's field manager."""

import json
from typing import Any

from voiceagent_cli.errors import CliError
from voiceagent_cli.kube import APPLY, MANAGER, Kube, KubeError


async def find(kube: Kube, path: str) -> dict[str, Any] | None:
    """An object, or None where there is none of that name. Raises KubeError."""
    try:
        found: dict[str, Any] = await kube.get(path)
    except KubeError as error:
        if error.status == 404 and error.reason == "NotFound":
            return None
        raise
    return found


async def apply(kube: Kube, path: str, body: str, *, force: bool, dry_run: bool = False) -> dict[str, Any]:
    """Apply it; the object as it is then. Raises CliError, where others hold a field with what can be done.

    `force` takes over what others set. What the command line set by itself, as `change-llm` does, is taken over in any
    case: the user has seen the difference.
    """
    query = {"dryRun": "All"} if dry_run else {}
    if force:
        query["force"] = "true"
    try:
        return await kube.patch(path, body, APPLY, **query)
    except KubeError as error:
        if _is_with_itself(error):
            return await kube.patch(path, body, APPLY, **query, force="true")
        if error.status == 409 and "conflict" in str(error):
            raise CliError(f"{error} Add --force-conflicts to take these fields over.", error.code) from None
        raise


def _is_with_itself(error: KubeError) -> bool:
    """Whether all fields in conflict were set by the command line."""
    if error.status != 409:
        return False
    causes = (json.loads(error.body or b"{}").get("details") or {}).get("causes") or []
    own = f'conflict with "{MANAGER}"'
    return bool(causes) and all(str(cause.get("message", "")).startswith(own) for cause in causes)
