"""Which pods go when fewer are wanted, and when: idle ones first, and none before its last call is over. Pure.

A pod that is to go is told to take no more calls, waited for until it has none, marked as the cheapest to delete, and
only then is the Deployment made smaller. Should more be wanted meanwhile, pods that were told take calls again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from voiceagent_operator.marks import CHEAPEST, DELETION_COST
from voiceagent_operator.pods import PodView
from voiceagent_operator.readings import Reading

_MARKED = (DELETION_COST, CHEAPEST)


@dataclass(frozen=True, slots=True)
class Step:
    """The next step on the way to fewer pods."""

    replicas: int
    """What the Deployment should be set to now."""
    drain: tuple[PodView, ...] = ()
    """To be told to take no more calls."""
    resume: tuple[PodView, ...] = ()
    """To be told to take calls again."""
    first_to_go: frozenset[str] = frozenset()
    """Uids of the pods that Kubernetes is to delete before all others."""
    held: str | None = None
    """Why nothing goes now, in words."""


def next_step(wanted: int, current: int, pods: Sequence[PodView], readings: Mapping[str, Reading]) -> Step:
    """How to come from `current` replicas to `wanted` ones.

    What counts are the pods that are there: some may be about to be deleted already, for a smaller `current`.
    """
    staying = [pod for pod in pods if pod.exists and not pod.leaving]
    told = tuple(pod for pod in staying if _reading(pod, readings).draining)
    if wanted == 0:
        return Step(0)  # without any left to choose from, each finishes its calls while it is being deleted
    if len(staying) <= wanted:
        return Step(wanted, resume=told)
    held = _why_not(staying, readings)
    if held:
        return Step(max(wanted, current), resume=told, held=held if wanted < current else None)
    victims = sorted(staying, key=lambda pod: _order(pod, readings))[: len(staying) - wanted]
    empty = [pod for pod in victims if _is_empty(pod, _reading(pod, readings))]
    gone = _first_for_kubernetes([pod for pod in empty if _MARKED in pod.marks], staying)
    uids = {pod.uid for pod in victims}
    return Step(
        max(wanted, min(current, len(staying) - len(gone))),
        drain=tuple(pod for pod in victims if _can_be_told(_reading(pod, readings))),
        resume=tuple(pod for pod in told if pod.uid not in uids),
        first_to_go=frozenset(pod.uid for pod in empty),
    )


def _first_for_kubernetes(gone: Sequence[PodView], staying: Sequence[PodView]) -> Sequence[PodView]:
    """Of the marked pods, those that Kubernetes is sure to delete before the others.

    It takes pods that are not ready before it looks at marks. Some that drain are so while they still have calls: a
    marked pod then waits until it is no more ready either, which draining makes it within seconds.
    """
    others = [pod for pod in staying if pod not in gone]
    return gone if all(pod.ready for pod in others) else [pod for pod in gone if not pod.ready]


def _why_not(staying: Sequence[PodView], readings: Mapping[str, Reading]) -> str | None:
    if len({pod.revision for pod in staying}) > 1:
        return "Pods are being replaced; fewer remain once that is done."
    mute = next((pod for pod in staying if pod.ready and not _reading(pod, readings).reachable), None)
    if mute is not None:
        return f"Pod {mute.place} cannot be asked for its calls; no pod goes until it can."
    lost = next((pod for pod in staying if _lost_livekit(_reading(pod, readings))), None)
    if lost is None:
        return None
    return (
        f"Pod {lost.place} has lost its LiveKit server. No pod goes until it is back, since Kubernetes would first "
        "take those that are not ready, whatever calls they have."
    )


def _reading(pod: PodView, readings: Mapping[str, Reading]) -> Reading:
    return readings.get(pod.uid) or Reading(pod.uid)


def _order(pod: PodView, readings: Mapping[str, Reading]) -> tuple[bool, int, bool, str]:
    """Those that never took calls, then those with the fewest, of these the ones that were told already."""
    reading = _reading(pod, readings)
    return (pod.ready or reading.was_registered, reading.active_sessions, not reading.draining, pod.place.name)


def _is_empty(pod: PodView, reading: Reading) -> bool:
    """Whether its deletion ends no call soon: it has none and takes none. One that has just started may take its first
    at any moment, unless it was told not to. One that is not ready and cannot be asked has died, hangs, or has not
    started yet."""
    if not reading.reachable:
        return not pod.ready
    return reading.active_sessions == 0 and reading.draining


def _can_be_told(reading: Reading) -> bool:
    return reading.reachable and not reading.draining


def _lost_livekit(reading: Reading) -> bool:
    return reading.reachable and reading.was_registered and not reading.registered
