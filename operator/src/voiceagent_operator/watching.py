"""kopf as the informer: its settings, and running it within the operator's own event loop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any, Final

import kopf

from voiceagent_operator.client import PAGE_SIZE, REQUEST_SECONDS
from voiceagent_operator.forgetful import NoMemories
from voiceagent_operator.kinds import WATCHED

RETRY_SECONDS: Final = (0.5, 1, 2, 3, 3, 3, 3, 3)
"""Between attempts to watch: short, so that an API server that comes back is noticed at once."""
SILENT_SECONDS: Final = 70.0
"""For how long a watch may tell nothing: API servers send a bookmark each minute. Then it goes on by another
connection from where it was."""
END_SECONDS: Final = 8.0
IDLE_SECONDS: Final = 0.05
"""How long kopf keeps a task for an object that was heard of: one for each of a large cluster's, after a listing."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Watches on all kinds, told to the registry's handlers."""

    registry: kopf.OperatorRegistry
    namespaces: tuple[str, ...]
    take_signals: Callable[[], None]
    """Called once kopf has taken the process's signals, so that their owner takes them back."""
    before_end: Callable[[], Awaitable[None]]
    """Awaited before kopf ends: it waits for every task that began after it, whoever's it is."""

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        """Watch while the block runs; the task ends with an error if a watch cannot go on."""
        others = asyncio.all_tasks()
        stop = asyncio.Event()
        tasks = await kopf.spawn_tasks(
            registry=self.registry,
            settings=watch_settings(),
            memories=NoMemories(),
            standalone=True,
            clusterwide=not self.namespaces,
            namespaces=self.namespaces,
            stop_flag=stop,
        )
        self.take_signals()
        running = asyncio.create_task(kopf.run_tasks(tasks, ignored=others), name="kopf")
        ended = asyncio.create_task(_first_to_end(tasks), name="watching")
        try:
            yield ended
        finally:
            await self.before_end()
            stop.set()
            ended.cancel()
            # kopf may wait for ever for its other watches where one has failed.
            await asyncio.wait([running, ended], timeout=END_SECONDS)
            running.cancel()


async def _first_to_end(tasks: Collection[asyncio.Task[None]]) -> None:
    """Wait until one of kopf's tasks has ended, none of which should; raises its error."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()


def watch_settings() -> kopf.OperatorSettings:
    """Watches that notice a dead connection, no peering, no posting of events, no look at other CRDs."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.peering.standalone = True
    settings.scanning.disabled = True
    settings.queueing.exit_timeout = 1.0
    settings.queueing.idle_timeout = IDLE_SECONDS
    settings.persistence.diffbase_storage = _NoDifferences()
    settings.persistence.progress_storage = _NoProgress()
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 310
    settings.watching.connect_timeout = 30
    settings.watching.inactivity_timeout = SILENT_SECONDS
    settings.watching.chunk_size = PAGE_SIZE
    settings.networking.request_timeout = REQUEST_SECONDS
    settings.networking.enforce_retry_after = True
    settings.networking.error_backoffs = RETRY_SECONDS
    for kind in WATCHED:
        resource = (kind.group, kind.version, kind.plural)
        if kind.label_selector:
            settings.watching.label_selectors[resource] = kind.label_selector
        if kind.field_selector:
            settings.watching.field_selectors[resource] = kind.field_selector
    return settings


class _NoDifferences(kopf.DiffBaseStorage):
    """Spares kopf from copying every object in order to compare it: event handlers are told of all events anyway."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        return {}

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        return None


class _NoProgress(kopf.ProgressStorage):
    """Event handlers make no progress that would have to be kept on the object."""

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        return None

    def purge(self, **_: Any) -> None:
        return None

    def touch(self, **_: Any) -> None:
        return None

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        return essence
