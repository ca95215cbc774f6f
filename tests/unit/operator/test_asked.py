"""What is told of providers and of LiveKit, by what pods say of them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from voiceagent_api.worker_status import ProviderCheck
from voiceagent_operator.asked import providers_ready, registration_problem
from voiceagent_operator.conditions import judge
from voiceagent_operator.credentials import provider_keys
from voiceagent_operator.findings import Findings
from voiceagent_operator.objects import Key
from voiceagent_operator.pods import PodView
from voiceagent_operator.readings import Reading
from voiceagent_operator.resolve import Plan
from voiceagent_operator.rollout import Rollout

Make = Callable[..., dict[str, Any]]
POD = PodView(Key("default", "p"), "u", "new", "", frozenset(), "Running", False, None)
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SERVING = Rollout(wanted=1, target=1, replicas=1, ready=1, updated=1, seen=True, stopped=False)


def check(ok: bool | None, message: str = "") -> ProviderCheck:
    at = datetime(2026, 1, 2, tzinfo=UTC)
    return ProviderCheck(kind="llm", provider="openai", ok=ok, message=message, checked_at=at)


def findings(manifest: Make, reading: Reading | None, **more: Any) -> Findings:
    found = Findings(agent=manifest(), wanted_replicas=1, revision="new", pods=[POD], **more)
    found.readings = {"u": reading} if reading else {}
    return found


def test_a_provider_that_refuses_makes_ready_false_with_the_pod_and_the_secret(
    manifest: Make, plan: Callable[..., Plan]
) -> None:
    refused = Reading("u", reachable=True, registered=True, checks=(check(True), check(False, "401: invalid key.")))
    verdicts = judge(findings(manifest, refused, provider_keys=provider_keys(plan())), SERVING, NOW)
    words = (
        "llm openai refuses pod default/p: 401: invalid key. Correct key OPENAI_API_KEY of Secret default/openai, or "
        "what spec.providers.llm asks of it."
    )
    for kind, holds in (("Ready", False), ("ProvidersReady", False), ("Stalled", True)):
        assert (verdicts[kind].holds, verdicts[kind].reason) == (holds, "ProviderRefuses")
        assert verdicts[kind].message.endswith(words)


@pytest.mark.parametrize(
    ("reading", "holds", "reason"),
    [
        (Reading("u", reachable=True, checks=(check(True),)), True, "ProvidersAnswer"),
        (Reading("u", reachable=True, checks=(check(True), check(None, "no answer"))), None, "ProviderUnreachable"),
        (Reading("u", reachable=True), True, "CredentialsFound"),
        (Reading("u"), None, "PodsUnreadable"),
        (None, None, "PodsUnreadable"),
    ],
)
def test_a_provider_that_was_not_reached_or_not_asked_is_not_blamed(
    manifest: Make, reading: Reading | None, holds: bool | None, reason: str
) -> None:
    found = findings(manifest, reading)
    verdict = providers_ready(found)
    assert (verdict.holds, verdict.reason) == (holds, reason)
    assert judge(found, SERVING, NOW)["Ready"].holds is True


def test_without_pods_nothing_is_known_of_the_providers(manifest: Make) -> None:
    verdict = providers_ready(Findings(agent=manifest(), wanted_replicas=0))
    assert (verdict.holds, verdict.reason) == (None, "NoPods")
    assert verdict.message.startswith("Every provider's Secret has its key. No worker pod runs")


def test_where_keys_are_not_looked_at_nothing_is_said_of_them(manifest: Make) -> None:
    verdict = providers_ready(findings(manifest, Reading("u", reachable=True), secret_keys_seen=False))
    assert (verdict.holds, verdict.reason) == (None, "NotChecked")
    assert verdict.message.startswith("Every provider's Secret is there; which keys it has is not looked at.")


def test_a_pod_that_livekit_does_not_take_is_named_with_the_cure(manifest: Make) -> None:
    reading = Reading("u", reachable=True, registration_error="401: unauthorized.")
    problem = registration_problem(findings(manifest, reading, livekit_secret=Key("default", "livekit")))
    assert problem is not None
    assert (problem.reason, problem.message) == (
        "NotRegistered",
        "Pod default/p cannot register with LiveKit: 401: unauthorized. Correct spec.livekit.url (or the install's "
        "LiveKit URL), or LIVEKIT_API_KEY and LIVEKIT_API_SECRET in Secret default/livekit. Its log: "
        "kubectl --namespace default logs p",
    )


def test_a_refused_provider_that_another_stands_in_for_is_told_and_keeps_the_agent_ready(manifest: Make) -> None:
    refused = check(False, "it refused the key").model_copy(update={"replaceable": True})
    verdicts = judge(findings(manifest, Reading("u", reachable=True, registered=True, checks=(refused,))), SERVING, NOW)
    assert (verdicts["ProvidersReady"].holds, verdicts["ProvidersReady"].reason) == (False, "ProviderRefuses")
    assert (verdicts["Ready"].holds, verdicts["Stalled"].holds) == (True, False)


def test_a_provider_that_the_image_lacks_is_told_with_what_to_do_and_no_word_of_keys(manifest: Make) -> None:
    lacking = check(False, "It needs a package.").model_copy(update={"remedy": "Use the full variant."})
    verdict = providers_ready(findings(manifest, Reading("u", reachable=True, registered=True, checks=(lacking,))))
    assert (verdict.holds, verdict.reason, verdict.message) == (
        False,
        "ProviderNotInImage",
        "llm openai cannot serve pod default/p: It needs a package. Use the full variant.",
    )
