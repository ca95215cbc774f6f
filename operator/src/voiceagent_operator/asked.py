"""The conditions that rest on what worker pods say of themselves. Pure."""

from dataclasses import dataclass

from voiceagent_operator import reasons
from voiceagent_operator.findings import Findings
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
                False, reasons.CONFIG_REFUSED, f"Pod {pod.place} keeps the config before: {reading.config_error}"
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
    checks = [(pod, check) for pod, reading in findings.asked(newest=True) if reading for check in reading.checks]
    for pod, check in checks:
        if check.ok is False:
            told = f"{check.kind} {check.provider} refuses pod {pod.place}: {check.message}"
            return Verdict(False, reasons.PROVIDER_REFUSES, told)
    for _, check in checks:
        if check.ok is None:
            told = f"{check.kind} {check.provider} cannot be reached to ask: {check.message}"
            return Verdict(None, reasons.PROVIDER_UNREACHABLE, told)
    if checks:
        return Verdict(True, reasons.PROVIDERS_ANSWER, "Every provider takes its credentials.")
    return Verdict(True, reasons.CREDENTIALS_FOUND, "Every provider's Secret has its key.")


def registration_problem(findings: Findings) -> Problem | None:
    """A pod that runs and that LiveKit does not take, by the first that says so."""
    for pod, reading in findings.asked(newest=True):
        if reading and reading.reachable and not reading.registered and reading.registration_error:
            return Problem(reasons.NOT_REGISTERED, f"Pod {pod.place}: {reading.registration_error}")
    return None
