"""What the conditions say of what was found. Pure.

Ready says whether the agent can take the calls that it is meant to take:

- running: True once as many pods as wanted are ready, of whatever revision;
- rolling out: True as long as that holds, while Reconciling is True until only new pods are left;
- a rollout that stopped: as before, with Stalled True and the failing pod's story in the message;
- suspended or scaled to zero: True, since nothing is wanted; the message says that it takes no calls;
- a missing Secret, or a provider that refuses: False, whatever runs, because calls would fail.

Reconciling and Stalled follow kstatus: True only while work is under way, or while somebody must act.
"""

from datetime import datetime

from voiceagent_api.status import (
    CONDITION_BUDGET_OK,
    CONDITION_CONFIG_SYNCED,
    CONDITION_PROVIDERS_READY,
    CONDITION_READY,
    CONDITION_RECONCILING,
    CONDITION_SCALING_ACTIVE,
    CONDITION_STALLED,
)

from voiceagent_operator import reasons
from voiceagent_operator.asked import (
    Verdict,
    config_synced,
    provider_refusal,
    providers_ready,
    registration_problem,
)
from voiceagent_operator.budget import budget_ok
from voiceagent_operator.findings import Findings
from voiceagent_operator.objects import Key
from voiceagent_operator.pods import explain_failure, explain_wait
from voiceagent_operator.reasons import Problem
from voiceagent_operator.rollout import Rollout, deployment_failure


def judge(findings: Findings, rollout: Rollout, now: datetime) -> dict[str, Verdict]:
    """The verdict on each condition, by its type."""
    return {
        CONDITION_READY: _ready(findings, rollout),
        CONDITION_RECONCILING: _reconciling(findings, rollout),
        CONDITION_STALLED: _stalled(findings, rollout),
        CONDITION_CONFIG_SYNCED: config_synced(findings),
        CONDITION_PROVIDERS_READY: providers_ready(findings),
        CONDITION_SCALING_ACTIVE: _scaling_active(findings),
        CONDITION_BUDGET_OK: budget_ok(findings, now),
    }


def _ready(findings: Findings, rollout: Rollout) -> Verdict:
    problem = findings.hindrance or findings.livekit or findings.providers
    if problem:
        return Verdict(False, problem.reason, problem.message)
    if findings.suspended:
        return Verdict(True, reasons.SUSPENDED, "Suspended by spec.suspend: no worker pods run, no calls are taken.")
    if rollout.wanted == 0 and findings.scaling_mode == "Sessions":
        return Verdict(True, reasons.ASLEEP, "Asleep: no calls, no worker pods. The first caller wakes it.")
    if rollout.wanted == 0:
        return Verdict(True, reasons.SCALED_TO_ZERO, "Scaled to zero: no worker pods run, no calls are taken.")
    failure, refusal = _failure(findings), provider_refusal(findings, irreplaceable=True)
    counted = f"{min(rollout.ready, rollout.wanted)} of {rollout.wanted} worker pods are ready."
    if refusal:
        return Verdict(False, refusal.reason, f"{counted} {refusal.message}")
    if rollout.ready < rollout.wanted:
        told = failure.message if failure else _waiting(findings, rollout)
        return Verdict(False, failure.reason if failure else reasons.PODS_NOT_READY, f"{counted} {told}")
    if not rollout.complete:
        told = f" {failure.message}" if failure else ""
        return Verdict(True, reasons.ROLLING_OUT, f"{counted} {rollout.progress}{told}")
    return Verdict(True, reasons.PODS_READY, counted)


def _reconciling(findings: Findings, rollout: Rollout) -> Verdict:
    if findings.hindrance:
        told = "Nothing is written until the hindrance is gone; see Ready."
        return Verdict(findings.hindrance_passes, findings.hindrance.reason, told)
    if findings.paused:
        return Verdict(False, reasons.PAUSED, "An annotation asks the operator to leave this VoiceAgent alone.")
    waiting = findings.livekit or findings.providers
    if waiting:
        return Verdict(True, waiting.reason, "Waiting for a Secret; see Ready.")
    if findings.waits_for_turn:
        return Verdict(True, reasons.WAITING_FOR_TURN, _turn(findings.turn_blocker))
    if rollout.under_way:
        return Verdict(True, reasons.ROLLING_OUT, rollout.progress)
    if rollout.going and findings.step is not None:
        told = f"{rollout.going} worker pods go once their calls are over."
        return Verdict(True, reasons.SCALING_DOWN, findings.step.held or told)
    if rollout.stopped:
        return Verdict(False, reasons.ROLLOUT_STOPPED, "The rollout has stopped; see Stalled.")
    return Verdict(False, reasons.UP_TO_DATE, "All that was asked for is in place.")


def _stalled(findings: Findings, rollout: Rollout) -> Verdict:
    if findings.hindrance and not findings.hindrance_passes:
        return Verdict(True, findings.hindrance.reason, findings.hindrance.message)
    if findings.setback:
        return Verdict(
            True,
            reasons.ROLLOUT_PUT_BACK,
            f"Revision {findings.setback.revision} did not get ready in time and was put back to {findings.revision}: "
            f"{findings.setback.message} Correct the spec; to try the same once more, change an annotation of "
            "spec.podTemplate.",
        )
    if rollout.stopped and not (findings.livekit or findings.providers):
        failure = _failure(findings)
        told = failure.message if failure else "New worker pods do not get ready in time; see their logs."
        return Verdict(True, reasons.ROLLOUT_STOPPED, told)
    refusal = provider_refusal(findings, irreplaceable=True)
    if refusal:
        return Verdict(True, refusal.reason, refusal.message)
    return Verdict(False, reasons.NOT_STALLED, "Nothing needs to be done by hand.")


def _turn(blocker: Key | None) -> str:
    if blocker is None:
        return "The install's new worker image comes to a few agents at a time; this one's turn will come."
    return (
        "The install's new worker image goes no further: none of the agents that have it gets ready with it, such as "
        f"{blocker}. This one keeps the image before. Correct the worker image of the operator's install, or what "
        "Stalled says of those agents."
    )


def _waiting(findings: Findings, rollout: Rollout) -> str:
    """What pods that do not fail are waited for with; none is named before its Deployment counts it."""
    return (rollout.updated and explain_wait(findings.pods, findings.revision)) or rollout.progress


def _failure(findings: Findings) -> Problem | None:
    """Why pods are not ready: by what a pod tells, else by what keeps pods from being made."""
    return (
        explain_failure(findings.pods, findings.revision)
        or deployment_failure(findings.deployment)
        or registration_problem(findings)
    )


def _scaling_active(findings: Findings) -> Verdict:
    if findings.hindrance or findings.scaling_mode is None:
        return Verdict(None, reasons.NOT_CHECKED, "Not known while the VoiceAgent cannot be reconciled; see Ready.")
    if findings.suspended:
        return Verdict(False, reasons.SUSPENDED, "Suspended by spec.suspend: no worker pods are wanted.")
    if findings.scaling_mode == "Manual":
        told = "spec.replicas is the number of worker pods: yours to write, or kubectl scale's, an HPA's or KEDA's."
        return Verdict(True, reasons.MANUAL, told)
    return _following_sessions(findings)


def _following_sessions(findings: Findings) -> Verdict:
    load, decision = findings.load, findings.decision
    if load is None or decision is None:
        return Verdict(None, reasons.NOT_CHECKED, "The calls have not been counted yet.")
    if load.unread:
        told = f"Pod {load.unread[0]} cannot be asked for its calls. Until it can, no pod goes."
        return Verdict(False, reasons.SESSIONS_UNREADABLE, told)
    if load.unregistered:
        told = f"Pod {load.unregistered[0]} has lost its LiveKit server. Until it is back, no pod goes."
        return Verdict(False, reasons.LIVEKIT_LOST, told)
    if findings.at_maximum:
        told = f"All {decision.replicas} worker pods that spec.scaling.maxReplicas allows are needed."
        return Verdict(True, reasons.AT_MAXIMUM, told)
    return Verdict(True, reasons.FOLLOWING_SESSIONS, f"The number of calls asks for {decision.replicas} worker pods.")
