"""What about an agent needs a look, and how much. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from voiceagent_api.status import (
    CONDITION_BUDGET_OK,
    CONDITION_CONFIG_SYNCED,
    CONDITION_PROVIDERS_READY,
    CONDITION_READY,
    CONDITION_RECONCILING,
    CONDITION_SCALING_ACTIVE,
    CONDITION_STALLED,
)
from voiceagent_api.worker_status import FAILURES

from voiceagent_gateway.model import AgentRef, as_utc
from voiceagent_gateway.overview.document import Attention, DrainingDocument, Health, LatencyDocument, PodDocument
from voiceagent_gateway.overview.document import Severity as SeverityName

SLOW_MILLISECONDS: Final = 3000.0
"""A p95 of answers beyond which callers begin to ask whether anybody is there."""
TURNS_LEAST: Final = 20
"""With fewer, the slowest of 20 is a single answer."""
FAILED_LEAST: Final = 2
FAILED_SHARE: Final = 0.05
DEADLINE_NEAR: Final = timedelta(minutes=5)
ORDER: Final[Mapping[SeverityName, int]] = {"critical": 0, "warning": 1, "info": 2}


def concerns(
    agent: AgentRef,
    pods: Sequence[PodDocument],
    draining: Sequence[DrainingDocument],
    latency: LatencyDocument,
    ended: Mapping[str, int],
    deleted: bool,
    now: datetime,
) -> list[Attention]:
    """What somebody should look at, the worst first."""

    def found(severity: SeverityName, code: str, message: str, **values: Any) -> Attention:
        return Attention(
            severity=severity,
            namespace=agent.namespace,
            agent=agent.name,
            code=code,
            message=message,
            values=values,
        )

    said = () if deleted else _of_conditions(agent, found)
    return in_order([*said, *_of_pods(agent, pods, draining, deleted, now, found), *_of_calls(latency, ended, found)])


def in_order(found: Iterable[Attention]) -> list[Attention]:
    """The worst first; of the same severity by agent."""
    return sorted(found, key=lambda one: (ORDER[one.severity], one.namespace, one.agent, one.code))


def health_of(agent: AgentRef, found: Sequence[Attention], pods: Sequence[PodDocument], deleted: bool) -> Health:
    """The agent's state in one word."""
    if deleted:
        return "deleted"
    severities = {one.severity for one in found}
    if "critical" in severities:
        return "failing"
    if "warning" in severities:
        return "degraded"
    if agent.suspended:
        return "suspended"
    return "healthy" if agent.ready_replicas or pods else "idle"


def _of_conditions(agent: AgentRef, found: Any) -> Iterator[Attention]:
    conditions = {condition.type: condition for condition in agent.conditions}

    def is_(kind: str, status: str) -> bool:
        return kind in conditions and conditions[kind].status == status

    def say(severity: SeverityName, code: str, beginning: str, kind: str) -> Attention:
        message, reason = conditions[kind].message, conditions[kind].reason
        return found(severity, code, f"{beginning}: {message or reason}", detail=message, reason=reason)  # type: ignore[no-any-return]

    if not agent.conditions:
        yield found("warning", "not-reconciled", "The operator has not looked at it yet.")
    stalled = is_(CONDITION_STALLED, "True")
    if stalled:
        yield say("critical", "stalled", "It is stopped until somebody changes something", CONDITION_STALLED)
    if is_(CONDITION_READY, "False") and not stalled:
        if agent.ready_replicas:
            yield say("warning", "partly-ready", "Not all of it is ready", CONDITION_READY)
        else:
            yield say("critical", "not-ready", "It takes no calls", CONDITION_READY)
    if is_(CONDITION_PROVIDERS_READY, "False"):
        # Ready says whether calls fail by it: a fallback may serve.
        severity: SeverityName = "critical" if is_(CONDITION_READY, "False") else "warning"
        yield say(severity, "provider-refuses", "A provider refuses", CONDITION_PROVIDERS_READY)
    if is_(CONDITION_CONFIG_SYNCED, "False"):
        yield say("warning", "config-not-synced", "Not every pod has the newest configuration", CONDITION_CONFIG_SYNCED)
    if is_(CONDITION_SCALING_ACTIVE, "False") and not agent.suspended:
        yield say("warning", "not-scaling", "Its pods do not follow its calls", CONDITION_SCALING_ACTIVE)
    if is_(CONDITION_BUDGET_OK, "False"):
        if agent.budget is not None and agent.budget.on_exceeded == "Refuse":
            yield say("critical", "budget-refuses", "New calls are refused until 00:00 UTC", CONDITION_BUDGET_OK)
        else:
            yield say("warning", "budget-exceeded", "The budget of today is used up", CONDITION_BUDGET_OK)
    if is_(CONDITION_RECONCILING, "True"):
        yield say("info", "reconciling", "A change is being made", CONDITION_RECONCILING)
    if agent.suspended:
        yield found("info", "suspended", "It is suspended: it takes no calls until spec.suspend is false.")


def _of_pods(
    agent: AgentRef,
    pods: Sequence[PodDocument],
    draining: Sequence[DrainingDocument],
    deleted: bool,
    now: datetime,
    found: Any,
) -> Iterator[Attention]:
    open_ = [pod for pod in pods if pod.state == "ready"]
    capacity, sessions = sum(pod.capacity for pod in open_), sum(pod.sessions for pod in open_)
    if open_ and sessions >= capacity:
        if len(open_) >= agent.most_pods:
            message = f"It is full: {sessions} of {capacity} calls run, and it may have no more pods."
            yield found("warning", "full", message, sessions=sessions, capacity=capacity)
        else:
            message = f"All {capacity} places are taken; another pod is due."
            yield found("info", "growing", message, sessions=sessions, capacity=capacity)
    # One that starts has no address yet, or does not listen.
    if silent := [pod.name for pod in pods if pod.stale and pod.state != "starting"]:
        message = (
            f"{_pods(len(silent))} did not answer when last asked: {silent[0]}{' and others' * (len(silent) > 1)}."
        )
        yield found("warning", "pods-silent", message, count=len(silent), pod=silent[0])
    if refused := [pod for pod in pods if pod.error and not pod.stale]:
        message = f"Pod {refused[0].name} keeps its last good configuration: {refused[0].error}"
        yield found("warning", "config-refused", message, pod=refused[0].name, detail=refused[0].error)
    for one in draining:
        near = one.deadline is not None and as_utc(datetime.fromisoformat(one.deadline)) - now <= DEADLINE_NEAR
        if one.sessions and near:
            message = f"{_calls(one.sessions)} on draining pods of revision {one.revision} end at {one.deadline}."
            yield found("warning", "drain-ends", message, sessions=one.sessions, deadline=one.deadline)
    if deleted:
        left = sum(one.sessions for one in draining)
        yield found("info", "deleted", f"It is deleted; its last pods finish {_calls(left)}.", sessions=left)


def _of_calls(latency: LatencyDocument, ended: Mapping[str, int], found: Any) -> Iterator[Attention]:
    p95 = latency.e2e_p95
    if p95 is not None and latency.turns >= TURNS_LEAST and p95 > SLOW_MILLISECONDS:
        message = f"Callers wait: 5 of 100 answers of the last hour took more than {p95 / 1000:.1f} s."
        yield found("warning", "slow", message, milliseconds=round(p95))
    failed, all_ = sum(ended.get(outcome, 0) for outcome in FAILURES), sum(ended.values())
    if failed >= FAILED_LEAST and failed >= FAILED_SHARE * all_:
        message = f"{failed} of {_calls(all_)} of the last hour ended by a failure."
        yield found("warning", "calls-failed", message, failed=failed, ended=all_)


def _pods(number: int) -> str:
    return "1 pod" if number == 1 else f"{number} pods"


def _calls(number: int) -> str:
    return "1 call" if number == 1 else f"{number} calls"
