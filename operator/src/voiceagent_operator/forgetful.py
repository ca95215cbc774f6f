"""kopf without its memory of every object, which is for handlers of other kinds than the operator's: about 8 kB for
each VoiceAgent."""

from typing import Any

# It is a parameter of `kopf.spawn_tasks`, though kopf does not export its type.
from kopf._core.reactor.inventory import ResourceMemories, ResourceMemory


class NoMemories(ResourceMemories):
    """Knows nothing of an object from one event to the next."""

    async def recall(self, *arguments: Any, **options: Any) -> ResourceMemory:
        """A new memory, which nobody keeps."""
        return await super().recall(*arguments, **{**options, "ephemeral": True})
