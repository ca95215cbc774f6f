"""The only writer. Everything is written by server-side apply, and only where it is not so already."""

import logging

from voiceagent_api.names import ANNOTATION_CONFIG_REVISION, API_VERSION, KIND
from voiceagent_api.status import CONDITION_READY

from voiceagent_operator import reasons
from voiceagent_operator.client import Client
from voiceagent_operator.compare import is_within, stamped
from voiceagent_operator.errors import ApiError, Hindrance
from voiceagent_operator.kinds import CONFIG_MAP, POD, VOICE_AGENT
from voiceagent_operator.objects import Object, place, uid
from voiceagent_operator.observe import Child
from voiceagent_operator.pods import PodView
from voiceagent_operator.tables import Tables

logger = logging.getLogger(__name__)


REFUSED_RETRY_SECONDS = 30.0
"""What refuses a child, a quota or a policy, is not watched."""


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
            raise Hindrance(
                reasons.APPLY_FAILED,
                f"{child.kind.name} {where} was refused by the API server: {error.message}",
                retry_after_seconds=REFUSED_RETRY_SECONDS,
            ) from error
        self._tables.remember(child.kind, applied)
        logger.info("applied", extra={"child": f"{child.kind.name} {where}", "new": observed is None})
        return applied

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
        where = place(config_map)
        try:
            await self._client.delete(CONFIG_MAP.path(*where), uid=uid(config_map))
        except ApiError as error:
            if not error.gone and error.status != 409:
                raise
        logger.info("deleted", extra={"child": f"{CONFIG_MAP.name} {where}"})

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
