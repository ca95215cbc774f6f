"""The only writer. Everything is written by server-side apply, and only where it is not so already."""

import logging
import secrets
from typing import Final

from voiceagent_api.names import ANNOTATION_CONFIG_REVISION, API_VERSION, KIND
from voiceagent_api.status import CONDITION_READY

from voiceagent_operator import reasons
from voiceagent_operator.agent import VoiceAgent
from voiceagent_operator.build.control_secret import build_control_secret
from voiceagent_operator.build.revision import History
from voiceagent_operator.client import Client
from voiceagent_operator.compare import is_within, stamped
from voiceagent_operator.errors import ApiError, Hindrance
from voiceagent_operator.kinds import CONFIG_MAP, CONTROLLER_REVISION, POD, SECRET, VOICE_AGENT, Kind
from voiceagent_operator.objects import Key, Object, place, uid
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

    async def apply_child(self, child: Child) -> Object:
        """Bring a child to what is desired; returns it as it then is.

        An existing child is named by its uid, and a new one is made without force: nothing of another owner that
        came in between is overwritten. Raises Hindrance where the API server
        refuses it, else ApiError.
        """
        desired, observed = stamped(child.desired), child.observed
        if observed is not None and is_within(desired, observed):
            return observed
        where = place(desired)
        if observed is not None:
            desired = {**desired, "metadata": {**desired["metadata"], "uid": uid(observed)}}
        try:
            applied = await self._client.apply(
                child.kind.path(where.namespace, where.name), desired, force=observed is not None
            )
        except ApiError as error:
            if not error.refused:
                raise
            raise _refused(f"{child.kind.name} {where}", error) from error
        self._tables.remember(child.kind, applied)
        logger.info("applied", extra={"child": f"{child.kind.name} {where}", "new": observed is None})
        return applied

    async def create_control_secret(self, agent: VoiceAgent) -> None:
        """Make the agent's control Secret, with a token that nobody has seen."""
        secret = build_control_secret(agent, secrets.token_urlsafe(CONTROL_TOKEN_BYTES))
        where = place(secret)
        try:
            made = await self._client.create(SECRET.path(where.namespace), secret)
        except ApiError as error:
            if error.status == 409:
                return  # made by somebody else just now: the watch tells whose it is
            if error.refused:
                raise _refused(f"Secret {where}", error) from error
            raise
        self._tables.remember(SECRET, made)
        logger.info("applied", extra={"child": f"Secret {where}", "new": True})

    async def write_history(self, history: History) -> None:
        """Keep the newest spec, and no more of the old ones than are to be kept."""
        if history.write is not None:
            where = place(history.write)
            kept = await self._client.apply(CONTROLLER_REVISION.path(*where), history.write, force=True)
            self._tables.remember(CONTROLLER_REVISION, kept)
        for revision in history.delete:
            await self._delete(CONTROLLER_REVISION, revision.place, revision.uid)

    async def tell_config_revision(self, pod: PodView, config_revision: str) -> None:
        """Mark a pod with the config file it should have: the kubelet then refreshes its files at once."""
        mark = {"metadata": {"uid": pod.uid, "annotations": {ANNOTATION_CONFIG_REVISION: config_revision}}}
        try:
            patched = await self._client.merge(POD.path(*pod.place), mark)
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
