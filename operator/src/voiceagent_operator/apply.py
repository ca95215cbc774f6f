"""The only writer. What is not there is created, which takes nothing of anybody's; the rest is brought to what it
should be by server-side apply, and only where it is not so already."""

import logging
import secrets
from collections.abc import Mapping
from typing import Final

from voiceagent_api.names import ANNOTATION_CONFIG_REVISION, API_VERSION, KIND
from voiceagent_api.status import CONDITION_READY

from voiceagent_operator import reasons
from voiceagent_operator.agent import VoiceAgent
from voiceagent_operator.build.control_secret import build_control_secret
from voiceagent_operator.build.revision import History
from voiceagent_operator.client import Client
from voiceagent_operator.compare import is_within, require_ownership, stamped
from voiceagent_operator.errors import ApiError, Hindrance
from voiceagent_operator.kinds import CONFIG_MAP, CONTROLLER_REVISION, POD, SECRET, VOICE_AGENT, Kind
from voiceagent_operator.managers import as_applied, created_by_us
from voiceagent_operator.objects import Key, Object, owner_of, place, uid
from voiceagent_operator.observe import Child
from voiceagent_operator.pods import PodView
from voiceagent_operator.tables import Tables

logger = logging.getLogger(__name__)


REFUSED_RETRY_SECONDS: Final = 30.0
"""What refuses a child, a quota or a policy, is not watched."""
CONTROL_TOKEN_BYTES: Final = 32


class Applier:
    """Writes to the cluster for the reconciler, and tells the tables what it wrote."""

    def __init__(self, client: Client, tables: Tables) -> None:
        self._client = client
        self._tables = tables

    async def apply_child(self, agent: VoiceAgent, child: Child) -> Object:
        """Bring a child to what is desired; returns it as it then is.

        An existing child is named by its uid: nothing of another owner that came in between is overwritten. Raises
        Hindrance where the API server refuses it or the name is another's, else ApiError.
        """
        desired, observed, kind = stamped(child.desired), child.observed, child.kind
        where = place(desired)
        try:
            if observed is None:
                observed = await self._create(agent, kind, desired)
            if is_within(desired, observed):
                return observed
            await self._own_as_applier(kind, observed)
            desired = {**desired, "metadata": {**desired["metadata"], "uid": uid(observed)}}
            applied = await self._client.apply(kind.path(*where), desired, force=True)
        except ApiError as error:
            if not error.refused:
                raise
            raise _refused(f"{kind.name} {where}", error) from error
        self._tables.remember(kind, applied)
        logger.info("applied", extra={"child": f"{kind.name} {where}", "new": False})
        return applied

    async def _create(self, agent: VoiceAgent, kind: Kind, desired: Object) -> Object:
        """Make a child; where its name is taken, returns what has it, if that is the agent's."""
        where = place(desired)
        try:
            made = await self._client.create(kind.path(where.namespace), desired)
        except ApiError as error:
            found = await self._client.find(kind, *where) if error.status == 409 else None
            if found is None:
                raise
            require_ownership(agent, kind.name, where, owner_of(found))
            made = found
        else:
            logger.info("applied", extra={"child": f"{kind.name} {where}", "new": True})
        self._tables.remember(kind, made)
        return made

    async def _own_as_applier(self, kind: Kind, observed: Object) -> None:
        """Have what was written by creating count as applied: else what is no longer wanted would stay for ever."""
        if not created_by_us(observed):
            return
        where = place(observed)
        found = await self._client.find(kind, *where)
        if found is None or uid(found) != uid(observed):
            raise ApiError(409, "Conflict", f"{kind.name} {where} has just been replaced")
        await self._client.merge(kind.path(*where), as_applied(found))

    async def create_control_secret(self, agent: VoiceAgent) -> None:
        """Make the agent's control Secret, with a token that nobody has seen.

        Raises Hindrance where the API server refuses it or the name is another's, else ApiError.
        """
        secret = build_control_secret(agent, secrets.token_urlsafe(CONTROL_TOKEN_BYTES))
        where = place(secret)
        try:
            made = await self._client.create(SECRET.path(where.namespace), secret)
        except ApiError as error:
            if error.refused:
                raise _refused(f"Secret {where}", error) from error
            found = await self._client.find(SECRET, *where) if error.status == 409 else None
            if found is None:
                raise
            require_ownership(agent, SECRET.name, where, owner_of(found))
            self._tables.remember(SECRET, found)
            return
        self._tables.remember(SECRET, made)
        logger.info("applied", extra={"child": f"Secret {where}", "new": True})

    async def write_history(self, history: History) -> None:
        """Keep the newest spec, and no more of the old ones than are to be kept.

        Raises ApiError; a conflict where the name is taken.
        """
        if history.write is not None:
            where = place(history.write)
            if uid(history.write):
                kept = await self._client.apply(CONTROLLER_REVISION.path(*where), history.write, force=True)
            else:
                kept = await self._client.create(CONTROLLER_REVISION.path(where.namespace), history.write)
            self._tables.remember(CONTROLLER_REVISION, kept)
        for revision in history.delete:
            await self._delete(CONTROLLER_REVISION, revision.place, revision.uid)

    async def tell_config_revision(self, pod: PodView, config_revision: str) -> None:
        """Mark a pod with the config file it should have: the kubelet then refreshes its files at once."""
        await self.mark_pod(pod, {ANNOTATION_CONFIG_REVISION: config_revision})

    async def mark_pod(self, pod: PodView, marks: Mapping[str, str | None]) -> None:
        """Set annotations of a pod, or take those away that are None. A pod that is gone needs none."""
        patch = {"metadata": {"uid": pod.uid, "annotations": marks}}
        try:
            patched = await self._client.merge(POD.path(*pod.place), patch)
        except ApiError as error:
            if error.gone or error.status == 409:
                return
            raise
        self._tables.remember(POD, patched)

    async def delete_config_map(self, config_map: Object) -> None:
        """Take away a config file that no pod uses any more."""
        await self._delete(CONFIG_MAP, place(config_map), uid(config_map))

    async def apply_status(self, agent: Object, status: Object) -> None:
        """Write the VoiceAgent's status."""
        where = place(agent)
        body = {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": {"name": where.name, "namespace": where.namespace, "uid": uid(agent)},
            "status": status,
        }
        try:
            applied = await self._client.apply(VOICE_AGENT.path(*where, "status"), body, force=True)
        except ApiError as error:
            if error.gone:
                return
            raise
        self._tables.remember(VOICE_AGENT, applied)
        ready = next((c["reason"] for c in status["conditions"] if c["type"] == CONDITION_READY), None)
        logger.info("status", extra={"agent": str(where), "ready": ready, "pods": status["readySummary"]})

    async def _delete(self, kind: Kind, where: Key, object_uid: str) -> None:
        try:
            await self._client.delete(kind.path(*where), uid=object_uid)
        except ApiError as error:
            if not error.gone and error.status != 409:
                raise
        logger.info("deleted", extra={"child": f"{kind.name} {where}"})


def _refused(child: str, error: ApiError) -> Hindrance:
    return Hindrance(
        reasons.APPLY_FAILED,
        f"{child} was refused by the API server: {error.message}. Correct what it names in the spec, or ask whoever "
        "set that rule or quota.",
        retry_after_seconds=REFUSED_RETRY_SECONDS,
    )
