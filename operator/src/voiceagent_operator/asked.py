"""The conditions that rest on what worker pods say of themselves. Pure."""

from dataclasses import dataclass

from voiceagent_api.names import LIVEKIT_API_KEY, LIVEKIT_API_SECRET
from voiceagent_api.worker_status import ProviderCheck

from voiceagent_operator import reasons
from voiceagent_operator.findings import Findings
from voiceagent_operator.pods import PodView, shorten
from voiceagent_operator.reasons import Problem


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a condition says; None for Unknown."""

    holds: bool | None
    reason: str
    message: str


def config_synced(findings: Findings) -> Verdict:
    """Whether every running pod of the newest revision has taken in the config file that it should have."""
    wanted = findings.config_revision
    if findings.hindrance or wanted is None:
        return Verdict(None, reasons.NOT_CHECKED, "Not checked while nothing is written for the VoiceAgent; see Ready.")
    if findings.setback:
        told = f"Pods run revision {findings.revision}, to which they were put back; see Stalled."
        return Verdict(False, reasons.ROLLOUT_PUT_BACK, told)
    asked = findings.asked(newest=True)
    if not asked:
        return Verdict(None, reasons.NO_PODS, "No worker pod of the newest revision runs, so that none can be asked.")
    behind = [(pod, reading) for pod, reading in asked if reading is None or reading.config_revision != wanted]
    if not behind:
        return Verdict(True, reasons.SYNCED, f"All {len(asked)} running worker pods have config {wanted}.")
    for pod, reading in behind:
        if reading is not None and reading.config_error:
            return Verdict(
                False,
                reasons.CONFIG_REFUSED,
                f"Pod {pod.place} refuses the config: {reading.config_error}",
            )
    counted = f"{len(asked) - len(behind)} of {len(asked)} running worker pods have config {wanted}"
    mute = [pod for pod, reading in behind if reading is None or not reading.reachable]
    if len(mute) == len(behind):
        return Verdict(
            None, reasons.PODS_UNREADABLE, f"{counted}; the others cannot be asked, such as {mute[0].place}."
        )
    return Verdict(False, reasons.PODS_BEHIND, f"{counted}; the others are about to take it in.")


def providers_ready(findings: Findings) -> Verdict:
    """Whether the providers would serve: by the Secrets that are there, and by what pods were told by them."""
    hindrance = findings.hindrance
    if hindrance and hindrance.reason == reasons.UNKNOWN_PROVIDER:
        return Verdict(False, hindrance.reason, hindrance.message)
    if findings.providers:
        return Verdict(False, findings.providers.reason, findings.providers.message)
    if hindrance:
        return Verdict(None, reasons.NOT_CHECKED, "Not checked while the VoiceAgent cannot be reconciled; see Ready.")
    refusal = provider_refusal(findings)
    if refusal:
        return Verdict(False, refusal.reason, refusal.message)
    checks = _checks(findings)
    for _, check in checks:
        if check.ok is None:
            told = f"{check.kind} {check.provider} cannot be reached to ask: {check.message}"
            return Verdict(None, reasons.PROVIDER_UNREACHABLE, told)
    if checks:
        return Verdict(True, reasons.PROVIDERS_ANSWER, "Every provider takes its credentials.")
    return _never_asked(findings)


def provider_refusal(findings: Findings, irreplaceable: bool = False) -> Problem | None:
    """A provider that says no to a pod, by the first that says so; only one whose calls fail, if irreplaceable."""
    for pod, check in _checks(findings):
        if check.ok is False and not (irreplaceable and check.replaceable):
            if check.remedy:
                told = f"{check.kind} {check.provider} cannot serve pod {pod.place}: {check.message} {check.remedy}"
                return Problem(reasons.PROVIDER_MISSING, told)
            where = findings.provider_keys.get((check.kind, check.provider), "the key in its Secret")
            return Problem(
                reasons.PROVIDER_REFUSES,
                f"{check.kind} {check.provider} refuses pod {pod.place}: {shorten(check.message)}. Correct {where}, or "
                f"what spec.providers.{check.kind} asks of it.",
            )
    return None


def _checks(findings: Findings) -> list[tuple[PodView, ProviderCheck]]:
    return [(pod, check) for pod, reading in findings.asked(newest=True) if reading for check in reading.checks]


def _never_asked(findings: Findings) -> Verdict:
    """What is known where no pod has told what the providers say."""
    asked = findings.asked(newest=True)
    known = (
        "Every provider's Secret has its key"
        if findings.secret_keys_seen
        else "Every provider's Secret is there; which keys it has is not looked at"
    )
    if not asked:
        return Verdict(None, reasons.NO_PODS, f"{known}. No worker pod runs, so that no provider has been asked.")
    if not any(reading and reading.reachable for _, reading in asked):
        told = f"{known}. No running worker pod can be asked what the providers say, such as {asked[0][0].place}."
        return Verdict(None, reasons.PODS_UNREADABLE, told)
    told = f"{known}. Worker pods do not tell whether the providers take it."
    if not findings.secret_keys_seen:
        return Verdict(None, reasons.NOT_CHECKED, told)
    return Verdict(True, reasons.CREDENTIALS_FOUND, told)


def registration_problem(findings: Findings) -> Problem | None:
    """A pod that runs and that LiveKit does not take, by the first that says so."""
    for pod, reading in findings.asked(newest=True):
        if reading and reading.reachable and not reading.registered and reading.registration_error:
            secret = f" in Secret {findings.livekit_secret}" if findings.livekit_secret else ""
            return Problem(
                reasons.NOT_REGISTERED,
                f"Pod {pod.place} cannot register with LiveKit: {shorten(reading.registration_error)}. Correct "
                f"spec.livekit.url (or the install's LiveKit URL), or {LIVEKIT_API_KEY} and {LIVEKIT_API_SECRET}"
                f"{secret}. Its log: kubectl --namespace {pod.place.namespace} logs {pod.place.name}",
            )
    return None
