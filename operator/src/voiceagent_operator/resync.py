"""Listing everything: at the start, so that nothing is decided on half the facts, and now and then after.

A watch that had to begin anew does not tell what was deleted in between; a listing does. What a listing holds
is compared by version with what is known already, so that it never undoes a newer event.
"""

import logging

from voiceagent_operator.client import Client
from voiceagent_operator.kinds import WATCHED, Kind
from voiceagent_operator.objects import Key, uid
from voiceagent_operator.tables import Tables

logger = logging.getLogger(__name__)


async def resync(client: Client, tables: Tables, namespaces: tuple[str, ...]) -> list[Key]:
    """Bring the tables up to date; returns the VoiceAgents to reconcile. Raises ApiError."""
    concerned: list[Key] = []
    for kind in WATCHED:
        concerned += await _resync_kind(client, tables, kind, namespaces)
    logger.info("listed", extra={"agents": len(tables.agents()), "changed": len(set(concerned))})
    return concerned


async def _resync_kind(client: Client, tables: Tables, kind: Kind, namespaces: tuple[str, ...]) -> list[Key]:
    concerned: list[Key] = []
    listed: set[str] = set()
    versions: list[int] = []
    for namespace in namespaces or (None,):
        async for page in client.pages(kind, namespace):
            versions.append(page.version)
            for body in page.items:
                listed.add(uid(body))
                concerned += tables.note(kind, None, body, confirmed=False)
    return concerned + tables.keep_only(kind, listed, min(versions))
