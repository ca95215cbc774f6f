"""What each state of a VoiceAgent is told as."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from voiceagent_api.status import VoiceAgentStatus
from voiceagent_operator.findings import Findings
from voiceagent_operator.idle_first import Step
from voiceagent_operator.objects import Key
from voiceagent_operator.pods import PodView
from voiceagent_operator.reasons import Problem
from voiceagent_operator.scaling import Decision, Load, Needs
from voiceagent_operator.setback import Setback
from voiceagent_operator.status import build_status, same_status

Make = Callable[..., dict[str, Any]]
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FAILURE = Problem("ImagePullBackOff", "Pod default/p cannot get its image.")
FAILING = PodView(Key("default", "p"), "u", "new", "", frozenset(), "Pending", False, FAILURE)
STOPPED = [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]


def deployment(
    replicas: int = 0, ready: int = 0, updated: int = 0, *, seen: bool = True, **more: Any
) -> dict[str, Any]:
    counts = {"replicas": replicas, "readyReplicas": ready, "updatedReplicas": updated}
    return {
        "metadata": {"name": "receptionist", "generation": 5},
        "spec": {"replicas": 2},
        "status": {"observedGeneration": 5 if seen else 4, **counts, **more},
    }


def told(findings: Findings) -> dict[str, tuple[str, str]]:
    """Status and reason of each condition."""
    conditions = build_status(findings, NOW)["conditions"]
    return {condition["type"]: (condition["status"], condition["reason"]) for condition in conditions}


@pytest.mark.parametrize(
    ("found", "ready", "reconciling", "stalled"),
    [
        (deployment(2, 2, 2), ("True", "PodsReady"), ("False", "UpToDate"), ("False", "NotStalled")),
        (deployment(2, 1, 2), ("False", "PodsNotReady"), ("True", "RollingOut"), ("False", "NotStalled")),
        (deployment(4, 2, 2), ("True", "RollingOut"), ("True", "RollingOut"), ("False", "NotStalled")),
        (deployment(2, 2, 2, seen=False), ("True", "RollingOut"), ("True", "RollingOut"), ("False", "NotStalled")),
        (deployment(3, 3, 3), ("True", "RollingOut"), ("True", "RollingOut"), ("False", "NotStalled")),
        (deployment(4, 2, 2, conditions=STOPPED), ("True", "RollingOut"), ("False", "RolloutStopped"),
         ("True", "RolloutStopped")),
        (None, ("False", "PodsNotReady"), ("True", "RollingOut"), ("False", "NotStalled")),
    ],
)  # fmt: skip
def test_ready_speaks_of_calls_and_reconciling_of_work(
    manifest: Make,
    found: dict[str, Any] | None,
    ready: tuple[str, str],
    reconciling: tuple[str, str],
    stalled: tuple[str, str],
) -> None:
    conditions = told(Findings(agent=manifest(), wanted_replicas=2, deployment=found))
    assert {kind: conditions[kind] for kind in ("Ready", "Reconciling", "Stalled", "ProvidersReady")} == {
        "Ready": ready,
        "Reconciling": reconciling,
        "Stalled": stalled,
        "ProvidersReady": ("Unknown", "NoPods"),
    }


@pytest.mark.parametrize(("suspended", "reason"), [(True, "Suspended"), (False, "ScaledToZero")])
def test_an_agent_without_pods_by_wish_is_ready_and_says_why(manifest: Make, suspended: bool, reason: str) -> None:
    none = deployment() | {"spec": {"replicas": 0}}
    findings = Findings(agent=manifest(), wanted_replicas=0, suspended=suspended, deployment=none)
    assert told(findings)["Ready"] == ("True", reason)
    assert told(findings)["Reconciling"] == ("False", "UpToDate")
    assert build_status(findings, NOW)["readySummary"] == "0/0"


def test_a_failing_pod_gives_ready_its_reason_and_message(manifest: Make) -> None:
    found = Findings(
        agent=manifest(), wanted_replicas=2, revision="new", deployment=deployment(2, 0, 2), pods=[FAILING]
    )
    ready = build_status(found, NOW)["conditions"][0]
    assert (ready["reason"], ready["message"]) == (
        "ImagePullBackOff",
        "0 of 2 worker pods are ready. Pod default/p cannot get its image.",
    )


def test_a_pod_that_has_not_failed_is_named_with_what_it_waits_for_once_it_is_counted(manifest: Make) -> None:
    pod = PodView(
        Key("default", "p"), "u", "new", "", frozenset(), "Pending", False, None, not_ready="waits for a node"
    )

    def message(found: dict[str, Any]) -> str:
        findings = Findings(agent=manifest(), wanted_replicas=2, revision="new", deployment=found, pods=[pod])
        return str(build_status(findings, NOW)["conditions"][0]["message"])

    assert message(deployment(2, 0, 2)) == (
        "0 of 2 worker pods are ready. Pod default/p waits for a node. More of it: "
        "kubectl --namespace default describe pod p"
    )
    assert message(deployment()) == ("0 of 2 worker pods are ready. 0 of 2 worker pods of the newest revision exist.")


@pytest.mark.parametrize(
    ("told_by_server", "reason", "cure"),
    [
        (
            'pods "p-x" is forbidden: exceeded quota: small, requested: cpu=2',
            "QuotaExceeded",
            "Raise the ResourceQuota",
        ),
        ('pods "p-x" is forbidden: violates PodSecurity "restricted"', "PodsRefused", "Correct what it names"),
    ],
)
def test_pods_that_may_not_be_made_are_told_with_the_servers_words_and_the_cure(
    manifest: Make, told_by_server: str, reason: str, cure: str
) -> None:
    failure = {"type": "ReplicaFailure", "status": "True", "message": told_by_server}
    findings = Findings(agent=manifest(), wanted_replicas=2, deployment=deployment(conditions=[failure]))
    ready = build_status(findings, NOW)["conditions"][0]
    assert (ready["status"], ready["reason"]) == ("False", reason)
    assert told_by_server in ready["message"]
    assert cure in ready["message"]


def test_an_agent_that_waits_for_its_turn_is_told_when_nobody_gets_on(manifest: Make) -> None:
    def message(blocker: Key | None) -> str:
        findings = Findings(
            agent=manifest(), wanted_replicas=2, deployment=deployment(2, 2, 2), waits_for_turn=True,
            turn_blocker=blocker,
        )  # fmt: skip
        conditions = {c["type"]: c for c in build_status(findings, NOW)["conditions"]}
        assert conditions["Reconciling"]["reason"] == "WaitingForTurn"
        return str(conditions["Reconciling"]["message"])

    assert message(None).endswith("this one's turn will come.")
    assert "goes no further" in message(Key("default", "first"))
    assert "default/first" in message(Key("default", "first"))


def test_a_failing_rollout_is_told_while_old_pods_still_serve(manifest: Make) -> None:
    stopped = deployment(3, 2, 1, conditions=STOPPED)
    found = Findings(agent=manifest(), wanted_replicas=2, revision="new", deployment=stopped, pods=[FAILING])
    conditions = {c["type"]: c for c in build_status(found, NOW)["conditions"]}
    assert conditions["Ready"]["status"] == "True"
    assert conditions["Ready"]["message"].endswith(FAILURE.message)
    assert conditions["Stalled"]["message"] == FAILURE.message


@pytest.mark.parametrize(("field", "kind"), [("providers", "ProvidersReady"), ("livekit", "Ready")])
def test_a_missing_secret_makes_a_serving_agent_not_ready_and_is_waited_for(
    manifest: Make, field: str, kind: str
) -> None:
    missing = Problem("SecretMissing", "Secret default/x is missing.")
    findings = Findings(agent=manifest(), wanted_replicas=2, deployment=deployment(2, 2, 2), **{field: missing})
    conditions = told(findings)
    assert conditions[kind] == conditions["Ready"] == ("False", "SecretMissing")
    assert conditions["Reconciling"] == ("True", "SecretMissing")
    assert conditions["Stalled"] == ("False", "NotStalled")


@pytest.mark.parametrize(
    ("reason", "providers"),
    [("UnknownProvider", ("False", "UnknownProvider")), ("NameConflict", ("Unknown", "NotChecked"))],
)
def test_a_hindrance_stalls_and_keeps_what_was_told_of_what_runs(
    manifest: Make, reason: str, providers: tuple[str, str]
) -> None:
    agent = manifest() | {"status": {"configRevision": "abc", "agentName": "default-receptionist"}}
    findings = Findings(agent=agent, hindrance=Problem(reason, "Change it."), deployment=deployment(2, 2, 2))
    assert told(findings) == {
        "Ready": ("False", reason),
        "Reconciling": ("False", reason),
        "Stalled": ("True", reason),
        "ConfigSynced": ("Unknown", "NotChecked"),
        "ProvidersReady": providers,
        "ScalingActive": ("Unknown", "NotChecked"),
        "BudgetOK": ("Unknown", "NotChecked"),
    }
    status = build_status(findings, NOW)
    assert (status["configRevision"], status["agentName"]) == ("abc", "default-receptionist")
    assert (status["replicas"], status["readySummary"]) == (2, "2/2")


def test_a_hindrance_that_passes_is_work_under_way(manifest: Make) -> None:
    passing = Problem("PredecessorBeingDeleted", "Waiting.")
    conditions = told(Findings(agent=manifest(), hindrance=passing, hindrance_passes=True))
    assert conditions["Reconciling"] == ("True", "PredecessorBeingDeleted")
    assert conditions["Stalled"] == ("False", "NotStalled")


def test_a_paused_agent_says_so(manifest: Make) -> None:
    findings = Findings(agent=manifest(), wanted_replicas=2, paused=True, deployment=deployment(2, 2, 2))
    assert told(findings)["Reconciling"] == ("False", "Paused")


def test_the_time_of_a_transition_is_kept_until_the_status_changes(manifest: Make) -> None:
    agent = manifest()
    first = build_status(Findings(agent=agent, wanted_replicas=2, deployment=deployment(2, 1, 2)), NOW)
    agent["status"] = first
    later = NOW.replace(hour=9)
    second = build_status(Findings(agent=agent, wanted_replicas=2, deployment=deployment(2, 0, 2)), later)
    third = build_status(Findings(agent=agent, wanted_replicas=2, deployment=deployment(2, 2, 2)), later)
    assert second["conditions"][0]["lastTransitionTime"] == "2026-01-02T03:04:05Z"
    assert third["conditions"][0]["lastTransitionTime"] == "2026-01-02T09:04:05Z"
    assert third["conditions"][4]["lastTransitionTime"] == "2026-01-02T03:04:05Z"


def test_the_same_findings_make_the_same_status_whatever_the_time(manifest: Make) -> None:
    agent = manifest()
    first = build_status(Findings(agent=agent, wanted_replicas=2, deployment=deployment(2, 2, 2)), NOW)
    agent["status"] = first
    again = build_status(
        Findings(agent=agent, wanted_replicas=2, deployment=deployment(2, 2, 2)), NOW.replace(year=2027)
    )
    assert again == first
    assert VoiceAgentStatus.model_validate(first)


def test_parts_of_the_status_that_others_write_make_no_difference(manifest: Make) -> None:
    status = build_status(Findings(agent=manifest(), wanted_replicas=1), NOW)
    others = {"type": "Other", "status": "True"}
    assert same_status(status, {**status, "usage": {"cost": 1}, "conditions": [others, *status["conditions"]]})
    assert not same_status(status, {**status, "replicas": 9})
    assert not same_status(status, {})


def test_conditions_carry_the_generation_that_they_speak_of_and_a_bounded_message(manifest: Make) -> None:
    findings = Findings(agent=manifest(), hindrance=Problem("ApplyFailed", "x" * 10_000))
    status = build_status(findings, NOW)
    assert status["observedGeneration"] == 3
    assert {condition["observedGeneration"] for condition in status["conditions"]} == {3}
    assert max(len(condition["message"]) for condition in status["conditions"]) == 4096


def test_the_selector_selects_the_worker_pods(manifest: Make) -> None:
    assert build_status(Findings(agent=manifest()), NOW)["selector"] == (
        "app.kubernetes.io/name=voiceagent,app.kubernetes.io/instance=receptionist,"
        "app.kubernetes.io/component=worker,voiceagents.dev/agent=receptionist"
    )


def test_pods_that_finish_their_calls_before_they_go_are_told_of_and_do_not_count(manifest: Make) -> None:
    findings = Findings(agent=manifest(), wanted_replicas=1, deployment=deployment(2, 1, 2), step=Step(2))
    assert told(findings)["Ready"] == ("True", "PodsReady")
    assert told(findings)["Reconciling"] == ("True", "ScalingDown")
    assert build_status(findings, NOW)["readySummary"] == "1/1"


def test_an_agent_that_sleeps_is_ready_to_be_woken(manifest: Make) -> None:
    none = deployment() | {"spec": {"replicas": 0}}
    findings = Findings(agent=manifest(), wanted_replicas=0, scaling_mode="Sessions", deployment=none)
    assert told(findings)["Ready"] == ("True", "Asleep")


def test_a_rollout_that_was_put_back_says_why_and_pods_go_on(manifest: Make) -> None:
    setback = Setback("new", "Pod default/x cannot get its image.")
    findings = Findings(
        agent=manifest(), wanted_replicas=2, revision="old", config_revision="c", setback=setback,
        deployment=deployment(2, 2, 2),
    )  # fmt: skip
    conditions = told(findings)
    assert conditions["Ready"] == ("True", "PodsReady")
    assert conditions["Stalled"] == ("True", "RolloutPutBack")
    assert conditions["ConfigSynced"] == ("False", "RolloutPutBack")
    stalled = next(c for c in build_status(findings, NOW)["conditions"] if c["type"] == "Stalled")
    assert "cannot get its image" in stalled["message"]


@pytest.mark.parametrize(
    ("load", "at_maximum", "expected"),
    [
        (Load(3), False, ("True", "FollowingSessions")),
        (Load(3), True, ("True", "AtMaximum")),
        (Load(3, unread=("default/a",)), False, ("False", "SessionsUnreadable")),
        (Load(3, unregistered=("default/a",)), False, ("False", "LiveKitLost")),
        (None, False, ("Unknown", "NotChecked")),
    ],
)
def test_scaling_says_what_the_number_of_pods_follows(
    manifest: Make, load: Load | None, at_maximum: bool, expected: tuple[str, str]
) -> None:
    findings = Findings(
        agent=manifest(), wanted_replicas=2, scaling_mode="Sessions", load=load, at_maximum=at_maximum,
        decision=Decision(2, Needs(2)), deployment=deployment(2, 2, 2),
    )  # fmt: skip
    assert told(findings)["ScalingActive"] == expected
