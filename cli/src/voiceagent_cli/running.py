"""Runs a command's work, and ends it as it ends."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from voiceagent_cli.errors import CliError, Exit, usage
from voiceagent_cli.targets import FileTarget, Target

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """The work's result. Raises CliError where the user interrupts it."""
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        raise CliError("Interrupted.", Exit.INTERRUPTED) from None


def target_of(
    file: Path | None, agent: str | None, namespace: str | None, context: str | None, *, unlisted: bool = False
) -> Target:
    """The file where one is named, else the VoiceAgent on the cluster. Raises CliError."""
    if file is not None:
        if namespace or context:
            raise usage("A file is worked on without a cluster: leave out --namespace and --context, or --file.")
        return FileTarget(file, agent, unlisted=unlisted)
    # Only here, since what talks to clusters takes half a second to load.
    from voiceagent_cli.cluster_target import ClusterTarget

    return ClusterTarget(agent, namespace, context)
