"""From what was found to the VoiceAgent's status. Pure: the clock is handed in.

Ready says whether the agent can take the calls that it is meant to take:

- running: True once as many pods as wanted are ready, of whatever revision;
- rolling out: True as long as that holds, while Reconciling is True until only new pods are left;
- a rollout that stopped: as before, with Stalled True and the failing pod's story in the message;
- suspended or scaled to zero: True, since nothing is wanted; the message says that it takes no calls;
- a missing Secret: False, whatever runs, because calls would fail.

Reconciling and Stalled follow kstatus: True only while work is under way, or while somebody must act.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from voiceagent_api.names import worker_labels
from voiceagent_api.status import (
    CONDITION_PROVIDERS_READY,
    CONDITION_READY,
    CONDITION_RECONCILING,
    CONDITION_STALLED,
    OPERATOR_STATUS_FIELDS,
    Condition,
    VoiceAgentStatus,
)

from voiceagent_operator import reasons
from voiceagent_operator.objects import Object, metadata, place
from voiceagent_operator.pods import PodView, explain_failure
from voiceagent_operator.reasons import Problem
from voiceagent_operator.rollout import Rollout, read_rollout

_LONGEST_MESSAGE = 4096
_OWNED_CONDITIONS = (CONDITION_READY, CONDITION_RECONCILING, CONDITION_STALLED, CONDITION_PROVIDERS_READY)


@dataclass(slots=True)
class Findings:
    """What one look at a VoiceAgent found; filled in as the look goes on."""

    agent: Object
    """As the API server has it."""
    wanted_replicas: int | None = None
    suspended: bool = False
    paused: bool = False
    agent_name: str | None = None
    config_revision: str | None = None
    revision: str | None = None
    waits_for_turn: bool = False
    """Whether the install's new image comes to others first."""
    hindrance: Problem | None = None
    """Why nothing may be written."""
    hindrance_passes: bool = False
    """Whether that will be so no more without anybody's help."""
    providers: Problem | None = None
    livekit: Problem | None = None
    deployment: Object | None = None
    pods: Sequence[PodView] = ()


@dataclass(frozen=True, slots=True)
class _Verdict:
    holds: bool | None
    reason: str
    message: str


def build_status(findings: Findings, now: datetime) -> Object:
    """The status to write, as JSON."""
    old = findings.agent.get("status") or {}
    rollout = read_rollout(findings.deployment, findings.wanted_replicas)
    conditions = _conditions(findings, rollout)
    status = VoiceAgentStatus(
        observed_generation=_generation(findings),
        config_revision=findings.config_revision or old.get("configRevision"),
        agent_name=findings.agent_name or old.get("agentName"),
        selector=",".join(f"{k}={v}" for k, v in worker_labels(place(findings.agent).name).items()),
        replicas=rollout.replicas,
        ready_replicas=rollout.ready,
        updated_replicas=rollout.updated,
        ready_summary=f"{min(rollout.ready, rollout.wanted)}/{rollout.wanted}",
        conditions=[
            _condition(kind, verdict, old.get("conditions") or (), _generation(findings), now)
            for kind, verdict in conditions.items()
        ],
    )
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)


def same_status(desired: Mapping[str, Any], observed: Mapping[str, Any]) -> bool:
    """Whether the operator's part of a status is already so; parts of others do not count."""
    return _owned(desired) == _owned(observed)


def _owned(status: Mapping[str, Any]) -> dict[str, Any]:
    conditions = {item.get("type"): item for item in status.get("conditions") or ()}
    fields = {name: status.get(name) for name in OPERATOR_STATUS_FIELDS if name != "conditions"}
    return {**fields, "conditions": {kind: conditions.get(kind) for kind in _OWNED_CONDITIONS}}


def _conditions(findings: Findings, rollout: Rollout) -> dict[str, _Verdict]:
    return {
        CONDITION_READY: _ready(findings, rollout),
        CONDITION_RECONCILING: _reconciling(findings, rollout),
        CONDITION_STALLED: _stalled(findings, rollout),
        CONDITION_PROVIDERS_READY: _providers_ready(findings),
    }


def _ready(findings: Findings, rollout: Rollout) -> _Verdict:
    problem = findings.hindrance or findings.livekit or findings.providers
    if problem:
        return _Verdict(False, problem.reason, problem.message)
    if findings.suspended:
        return _Verdict(True, reasons.SUSPENDED, "Suspended by spec.suspend: no worker pods run, no calls are taken.")
    if rollout.wanted == 0:
        return _Verdict(True, reasons.SCALED_TO_ZERO, "Scaled to zero: no worker pods run, no calls are taken.")
    failure = explain_failure(findings.pods, findings.revision)
    told = f" {failure.message}" if failure else ""
    counted = f"{min(rollout.ready, rollout.wanted)} of {rollout.wanted} worker pods are ready."
    if rollout.ready < rollout.wanted:
        return _Verdict(False, failure.reason if failure else reasons.PODS_NOT_READY, counted + told)
    if not rollout.complete:
        return _Verdict(True, reasons.ROLLING_OUT, f"{counted} {rollout.progress}{told}")
    return _Verdict(True, reasons.PODS_READY, counted)


def _reconciling(findings: Findings, rollout: Rollout) -> _Verdict:
    if findings.hindrance:
        told = "Nothing is written until the hindrance is gone; see Ready."
        return _Verdict(findings.hindrance_passes, findings.hindrance.reason, told)
    if findings.paused:
        return _Verdict(False, reasons.PAUSED, "An annotation asks the operator to leave this VoiceAgent alone.")
    waiting = findings.livekit or findings.providers
    if waiting:
        return _Verdict(True, waiting.reason, "Waiting for a Secret; see Ready.")
    if findings.waits_for_turn:
        told = "The install's new worker image comes to a few agents at a time; this one's turn will come."
        return _Verdict(True, reasons.WAITING_FOR_TURN, told)
    if rollout.under_way:
        return _Verdict(True, reasons.ROLLING_OUT, rollout.progress)
    if rollout.stopped:
        return _Verdict(False, reasons.ROLLOUT_STOPPED, "The rollout has stopped; see Stalled.")
    return _Verdict(False, reasons.UP_TO_DATE, "All that was asked for is in place.")


def _stalled(findings: Findings, rollout: Rollout) -> _Verdict:
    if findings.hindrance and not findings.hindrance_passes:
        return _Verdict(True, findings.hindrance.reason, findings.hindrance.message)
    if rollout.stopped and not (findings.livekit or findings.providers):
        failure = explain_failure(findings.pods, findings.revision)
        told = failure.message if failure else "New worker pods do not get ready in time; see their logs."
        return _Verdict(True, reasons.ROLLOUT_STOPPED, told)
    return _Verdict(False, reasons.NOT_STALLED, "Nothing needs to be done by hand.")


def _providers_ready(findings: Findings) -> _Verdict:
    hindrance = findings.hindrance
    if hindrance and hindrance.reason == reasons.UNKNOWN_PROVIDER:
        return _Verdict(False, hindrance.reason, hindrance.message)
    if findings.providers:
        return _Verdict(False, findings.providers.reason, findings.providers.message)
    if hindrance:
        return _Verdict(None, reasons.NOT_CHECKED, "Not checked while the VoiceAgent cannot be reconciled; see Ready.")
    return _Verdict(True, reasons.CREDENTIALS_FOUND, "Every provider's Secret has its key.")


def _condition(
    kind: str, verdict: _Verdict, old: Sequence[Mapping[str, Any]], generation: int, now: datetime
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


def _generation(findings: Findings) -> int:
    return int(metadata(findings.agent).get("generation", 0))
