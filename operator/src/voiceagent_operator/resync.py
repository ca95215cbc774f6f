"""Listing what there is: at the start, after a watch had to begin anew, and now and then.

A watch that had to begin anew does not tell what was deleted in between; a listing does. What a listing holds
is compared by version with what is known already, so that it never undoes a newer event.
"""

import logging
from collections.abc import Iterable

from voiceagent_operator.client import Client
from voiceagent_operator.kinds import WATCHED, Kind
from voiceagent_operator.objects import Key, uid
from voiceagent_operator.tables import Tables
from voiceagent_operator.together import all_of

logger = logging.getLogger(__name__)


async def resync(
    client: Client,
    tables: Tables,
    namespaces: tuple[str, ...],
    *,
    kinds: Iterable[Kind] = WATCHED,
    watched_since: bool,
) -> list[Key]:
    """Bring the tables up to date; returns the VoiceAgents to reconcile. Raises ApiError.

    `watched_since` says that the watches have begun just before, so that they owe nothing of what is listed; else
    they are to tell of it, too.
    """
    found = await all_of(_resync_kind(client, tables, kind, namespaces, watched_since=watched_since) for kind in kinds)
    concerned = [key for keys in found for key in keys]
    logger.info("listed", extra={"agents": len(tables.agents()), "changed": len(set(concerned))})
    return concerned


async def _resync_kind(
    client: Client, tables: Tables, kind: Kind, namespaces: tuple[str, ...], *, watched_since: bool
) -> list[Key]:
    concerned: list[Key] = []
    listed: set[str] = set()
    versions: list[int] = []
    for namespace in namespaces or (None,):
        async for page in client.pages(kind, namespace):
            versions.append(page.version)
            for body in page.items:
                listed.add(uid(body))
                concerned += tables.note(kind, None, body, confirmed=watched_since)
    if watched_since:
        tables.expect_nothing(kind)
    return concerned + tables.keep_only(kind, listed, min(versions))
