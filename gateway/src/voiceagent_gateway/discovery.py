"""Which VoiceAgents and worker pods there are, known by watching the API server."""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError
from voiceagent_api.names import (
    GROUP,
    LABEL_AGENT,
    LABEL_REVISION,
    PLURAL,
    VERSION,
    WORKER_PORT,
    WORKER_PORT_NAME,
    WORKER_SELECTOR,
    default_agent_name,
)
from voiceagent_api.running import Budget, LiveKit, Metrics, Scaling, Transcripts
from voiceagent_api.status import CONDITION_READY, VoiceAgentStatus

from voiceagent_gateway.kube import Kube
from voiceagent_gateway.model import AgentRef, PodRef
from voiceagent_gateway.reflector import Reflector
from voiceagent_gateway.wake import Wake

DEFAULT_LANGUAGE: Final = "en"
DEFAULT_REPLICAS: Final = 1
log = logging.getLogger(__name__)


class Discovery:
    """The VoiceAgents and worker pods of some namespaces, or of all where none is given."""

    def __init__(self, kube: Kube, namespaces: Sequence[str]) -> None:
        scopes = [f"/namespaces/{namespace}" for namespace in namespaces] or [""]
        self._agents: list[Reflector[AgentRef | _Unreadable]] = [
            Reflector(kube, f"/apis/{GROUP}/{VERSION}{scope}/{PLURAL}", _agent_or_name, changed=self._changed)
            for scope in scopes
        ]
        self._pods = [
            Reflector(kube, f"/api/v1{scope}/pods", self._pod, selector=WORKER_SELECTOR, changed=self._changed)
            for scope in scopes
        ]
        self._known: _Known | None = None
        self.ending = Wake()
        """Called when one more worker pod is being ended."""
        self._are_ending: set[str] = set()

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as group:
            for agents in self._agents:
                group.create_task(agents.run(), name=f"watch {agents.path}")
            for pods in self._pods:
                group.create_task(pods.run(), name=f"watch {pods.path}")

    def agents(self) -> Sequence[AgentRef]:
        """The VoiceAgents there are, in the order of their names."""
        return self._all().agents

    def unreadable(self) -> frozenset[tuple[str, str]]:
        """Namespace and name of VoiceAgents that are there and that this gateway does not understand."""
        return self._all().unreadable

    def agent(self, reference: str) -> AgentRef | None:
        """The VoiceAgent of this NAMESPACE/NAME, if there is one."""
        return self._all().agents_by_reference.get(reference)

    def pods(self) -> Sequence[PodRef]:
        """The worker pods there are, in the order of their names."""
        return self._all().pods

    def pods_of(self, namespace: str, agent: str) -> Sequence[PodRef]:
        """Those of one VoiceAgent."""
        return self._all().pods_by_agent.get((namespace, agent), ())

    def waiting_for(self) -> list[str]:
        """The API paths that have not been listed yet; none once the gateway can serve."""
        agents = [reflector.path for reflector in self._agents if not reflector.synced]
        return agents + [reflector.path for reflector in self._pods if not reflector.synced]

    def _pod(self, item: Mapping[str, Any]) -> PodRef | None:
        pod = pod_from_object(item)
        if pod is not None and pod.terminating and pod.uid not in self._are_ending:
            self._are_ending.add(pod.uid)
            self.ending()
        return pod

    def _changed(self) -> None:
        self._known = None

    def _all(self) -> "_Known":
        """Put in order once for all who ask until the next change."""
        if self._known is None:
            agents = (agent for reflector in self._agents for agent in reflector.items)
            pods = (pod for reflector in self._pods for pod in reflector.items)
            self._known = _known(agents, pods)
            self._are_ending &= {pod.uid for pod in self._known.pods}
        return self._known


@dataclass(frozen=True, slots=True)
class _Known:
    """What there is, in order."""

    agents: tuple[AgentRef, ...]
    pods: tuple[PodRef, ...]
    pods_by_agent: Mapping[tuple[str, str], Sequence[PodRef]]
    agents_by_reference: Mapping[str, AgentRef]
    unreadable: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _Unreadable:
    """A VoiceAgent of which nothing but its name is understood."""

    namespace: str
    name: str


def _known(found: Iterable[AgentRef | _Unreadable], pods: Iterable[PodRef]) -> _Known:
    ordered = sorted(pods, key=lambda pod: (pod.namespace, pod.name))
    by_agent: dict[tuple[str, str], list[PodRef]] = {}
    for pod in ordered:
        by_agent.setdefault((pod.namespace, pod.agent), []).append(pod)
    everyone = list(found)
    agents = [one for one in everyone if isinstance(one, AgentRef)]
    unreadable = frozenset((one.namespace, one.name) for one in everyone if isinstance(one, _Unreadable))
    named = {agent.reference: agent for agent in sorted(agents, key=lambda agent: (agent.namespace, agent.name))}
    return _Known(tuple(named.values()), tuple(ordered), by_agent, named, unreadable)


def _agent_or_name(item: Mapping[str, Any]) -> AgentRef | _Unreadable | None:
    metadata = item["metadata"]
    agent = agent_from_object(item)
    if agent is None and not metadata.get("deletionTimestamp"):
        return _Unreadable(str(metadata["namespace"]), str(metadata["name"]))
    return agent


def agent_from_object(item: Mapping[str, Any]) -> AgentRef | None:
    """The VoiceAgent as far as callers are concerned; None for one being deleted or unreadable."""
    metadata = item["metadata"]
    namespace, name = str(metadata["namespace"]), str(metadata["name"])
    if metadata.get("deletionTimestamp"):
        return None
    spec = item.get("spec") or {}
    try:
        status = VoiceAgentStatus.model_validate(item.get("status") or {})
        livekit = LiveKit.model_validate(spec.get("livekit") or {})
        scaling = Scaling.model_validate(spec.get("scaling") or {})
        budget = Budget.model_validate(spec["budget"]) if spec.get("budget") else None
        metrics = Metrics.model_validate(spec.get("metrics") or {})
        transcripts = Transcripts.model_validate(spec.get("transcripts") or {})
    except ValidationError as error:
        log.warning(
            "a VoiceAgent cannot be read and is left out",
            extra={"namespace": namespace, "agent": name, "errors": error.error_count()},
        )
        return None
    ready = next((c for c in status.conditions if c.type == CONDITION_READY), None)
    secret = livekit.credentials_secret_ref
    by_sessions = scaling.mode == "Sessions"
    replicas = spec.get("replicas")
    return AgentRef(
        namespace=namespace,
        name=name,
        agent_name=status.agent_name or spec.get("agentName") or default_agent_name(namespace, name),
        suspended=bool(spec.get("suspend", False)),
        ready_replicas=status.ready_replicas or 0,
        ready_summary=status.ready_summary or "",
        message=ready.message if ready else "",
        language=str(spec.get("language") or DEFAULT_LANGUAGE),
        livekit_url=livekit.url,
        livekit_public_url=livekit.public_url,
        livekit_secret_name=secret.name if secret else None,
        by_sessions=by_sessions,
        most_pods=scaling.max_replicas if by_sessions else int(DEFAULT_REPLICAS if replicas is None else replicas),
        sessions_per_pod=scaling.sessions_per_replica,
        budget=budget,
        usage=status.usage,
        retention_hours=metrics.retention_hours,
        transcript_hours=transcripts.retention_hours if transcripts.enabled else None,
        conditions=tuple(status.conditions),
        revision=status.revision or "",
    )


def pod_from_object(item: Mapping[str, Any]) -> PodRef | None:
    """The worker pod, known by its own labels rather than by what it says of itself."""
    metadata, status = item["metadata"], item.get("status") or {}
    labels = metadata.get("labels") or {}
    conditions = {c.get("type"): c.get("status") for c in status.get("conditions") or []}
    return PodRef(
        uid=str(metadata.get("uid", "")),
        namespace=str(metadata["namespace"]),
        name=str(metadata["name"]),
        agent=str(labels.get(LABEL_AGENT, "")),
        revision=str(labels.get(LABEL_REVISION, "")),
        address=str(status.get("podIP") or ""),
        port=_port(item),
        phase=str(status.get("phase") or "Pending"),
        ready=conditions.get("Ready") == "True",
        terminating=bool(metadata.get("deletionTimestamp")),
        deadline=metadata.get("deletionTimestamp"),
    )


def _port(item: Mapping[str, Any]) -> int:
    for container in (item.get("spec") or {}).get("containers") or []:
        for port in container.get("ports") or []:
            if port.get("name") == WORKER_PORT_NAME:
                return int(port["containerPort"])
    return WORKER_PORT
