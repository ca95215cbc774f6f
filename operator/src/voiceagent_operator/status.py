"""From what was found to the VoiceAgent's status. Pure: the clock is handed in."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal

from voiceagent_api.names import worker_labels
from voiceagent_api.status import (
    CONDITION_BUDGET_OK,
    CONDITION_CONFIG_SYNCED,
    CONDITION_PROVIDERS_READY,
    CONDITION_READY,
    CONDITION_RECONCILING,
    CONDITION_SCALING_ACTIVE,
    CONDITION_STALLED,
    OPERATOR_STATUS_FIELDS,
    Condition,
    DrainingPods,
    Latency,
    VoiceAgentStatus,
)

from voiceagent_operator.asked import Verdict
from voiceagent_operator.conditions import judge
from voiceagent_operator.findings import Findings
from voiceagent_operator.objects import Object, place
from voiceagent_operator.readings import LATENCY_WINDOW_NAME, summarise_latency
from voiceagent_operator.rollout import read_rollout

CALL_FIELDS: Final = ("activeSessions", "sessionsSummary", "draining", "latency")
"""What changes with every call and turn: written at most every few seconds, or along with something else."""
_LONGEST_MESSAGE = 4096
_OWNED_CONDITIONS = (
    CONDITION_READY,
    CONDITION_RECONCILING,
    CONDITION_STALLED,
    CONDITION_CONFIG_SYNCED,
    CONDITION_PROVIDERS_READY,
    CONDITION_SCALING_ACTIVE,
    CONDITION_BUDGET_OK,
)


def build_status(findings: Findings, now: datetime) -> Object:
    """The status to write, as JSON."""
    old = findings.agent.get("status") or {}
    rollout = read_rollout(findings.deployment, findings.wanted_replicas)
    active = _active_sessions(findings)
    active = old.get("activeSessions") if active is None else active
    capacity = findings.sessions_per_replica * rollout.ready
    status = VoiceAgentStatus(
        observed_generation=findings.generation,
        config_revision=findings.config_revision or old.get("configRevision"),
        revision=findings.revision or old.get("revision"),
        agent_name=findings.agent_name or old.get("agentName"),
        selector=",".join(f"{k}={v}" for k, v in worker_labels(place(findings.agent).name).items()),
        replicas=rollout.replicas,
        ready_replicas=rollout.ready,
        updated_replicas=rollout.updated,
        active_sessions=active,
        session_capacity=capacity,
        ready_summary=f"{min(rollout.ready, rollout.wanted)}/{rollout.wanted}",
        sessions_summary=f"{active or 0}/{capacity}",
        draining=_draining(findings),
        latency=_latency(findings, now),
        conditions=[
            _condition(kind, verdict, old.get("conditions") or (), findings.generation, now)
            for kind, verdict in judge(findings, rollout, now).items()
        ],
    )
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)


def same_status(desired: Mapping[str, Any], observed: Mapping[str, Any]) -> bool:
    """Whether the operator's part of a status is already so; parts of others do not count."""
    return _owned(desired) == _owned(observed)


def differs_in_calls_only(desired: Mapping[str, Any], observed: Mapping[str, Any]) -> bool:
    """Whether nothing but the number of calls and their latency would be news."""

    def rest(status: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in _owned(status).items() if name not in CALL_FIELDS}

    return rest(desired) == rest(observed)


def _owned(status: Mapping[str, Any]) -> dict[str, Any]:
    conditions = {item.get("type"): item for item in status.get("conditions") or ()}
    fields = {name: status.get(name) for name in OPERATOR_STATUS_FIELDS if name != "conditions"}
    return {**fields, "conditions": {kind: conditions.get(kind) for kind in _OWNED_CONDITIONS}}


def _active_sessions(findings: Findings) -> int | None:
    """Calls on all pods, draining ones too; None where pods are there and none has been read yet."""
    pods = [pod for pod in findings.pods if pod.exists]
    known = [reading for pod in pods if (reading := findings.readings.get(pod.uid))]
    return sum(reading.active_sessions for reading in known) if known or not pods else None


def _draining(findings: Findings) -> list[DrainingPods] | None:
    """Pods that go, by revision; None where there are none."""
    going: dict[str, list[tuple[int, str | None]]] = {}
    for pod in findings.pods:
        reading = findings.readings.get(pod.uid)
        if pod.exists and (pod.leaving or (reading is not None and reading.draining)):
            going.setdefault(pod.revision, []).append((reading.active_sessions if reading else 0, pod.ends_at))
    return [
        DrainingPods(
            revision=revision,
            pods=len(pods),
            sessions=sum(sessions for sessions, _ in pods),
            deadline=max((deadline for _, deadline in pods if deadline), default=None),
        )
        for revision, pods in sorted(going.items())
    ] or None


def _latency(findings: Findings, now: datetime) -> Latency | None:
    summary = summarise_latency(findings.readings.values(), now)
    if summary is None:
        return None
    return Latency(
        window=LATENCY_WINDOW_NAME,
        e2e_p50_milliseconds=summary.p50_milliseconds,
        e2e_p95_milliseconds=summary.p95_milliseconds,
    )


def _condition(
    kind: str, verdict: Verdict, old: Sequence[Mapping[str, Any]], generation: int, now: datetime
) -> Condition:
    status = _word(verdict.holds)
    since = next((item["lastTransitionTime"] for item in old if (item["type"], item["status"]) == (kind, status)), None)
    return Condition(
        type=kind,
        status=status,
        observed_generation=generation,
        last_transition_time=since or now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        reason=verdict.reason,
        message=verdict.message[:_LONGEST_MESSAGE],
    )


def _word(holds: bool | None) -> Literal["True", "False", "Unknown"]:
    if holds is None:
        return "Unknown"
    return "True" if holds else "False"
