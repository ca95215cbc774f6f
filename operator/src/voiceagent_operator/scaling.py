"""How many worker pods an agent needs for its calls. Pure: the time is handed in, what was said before is handed on.

More pods come at once. Fewer come only when fewer were enough for a whole window, and never while it is not known
how many calls there are. What cannot be read adds nothing: each pod counts by what it last said, so that pods which
are started for calls that nobody sees cannot call for still more.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What a VoiceAgent's spec says of its scaling."""

    min_replicas: int
    max_replicas: int
    sessions_per_replica: int
    warm_sessions: int
    window_seconds: float
    """For how long fewer pods must be enough before pods go."""


@dataclass(frozen=True, slots=True)
class Load:
    """The calls on the pods that stay, as far as they are known."""

    active: int
    waiting: int = 0
    """Callers who wait for a place, by the gateway's word."""
    unread: tuple[str, ...] = ()
    """Pods that took calls and cannot be asked now; of these the last known number is in `active`."""
    unregistered: tuple[str, ...] = ()
    """Pods that have lost their LiveKit server."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What was needed lately: each number with the time until which it was so, the greatest first.

    A number that a later one exceeds says nothing any more, so that there are never more of them than replicas.
    """

    now: int
    earlier: tuple[tuple[float, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """How many pods there should be, and when that may change by itself."""

    replicas: int
    needs: Needs
    held: bool = False
    """Whether there would be fewer, were everything known."""
    look_again_seconds: float | None = None


def needed_replicas(load: Load, limits: Limits) -> int:
    """The pods that the calls of this moment need, within the limits."""
    places = load.active + load.waiting + limits.warm_sessions
    return min(max(math.ceil(places / limits.sessions_per_replica), limits.min_replicas), limits.max_replicas)


def decide(load: Load, limits: Limits, current: int, before: Needs | None, now: float) -> Decision:
    """The number of pods, given how many are asked for now (`current`) and what the last decision handed on.

    Where there was no decision before, what runs is taken for what was needed until now: an operator that has just
    started must not take it away.
    """
    needed = needed_replicas(load, limits)
    needs = _remember(before or Needs(current), needed, now, limits.window_seconds)
    within = min(max(current, limits.min_replicas), limits.max_replicas)
    most = max([needed, *(number for _, number in needs.earlier)])
    if needed >= within:
        return Decision(needed, needs)
    if load.unread or load.unregistered:
        return Decision(within, needs, held=True)
    later = [until + limits.window_seconds - now for until, _ in needs.earlier]
    return Decision(min(within, most), needs, look_again_seconds=max(0.1, min(later)) if later else None)


def _remember(before: Needs, needed: int, now: float, window_seconds: float) -> Needs:
    """What was needed within the window; the number before held until now."""
    known = [*before.earlier, (now, before.now)]
    recent = [(until, number) for until, number in known if until > now - window_seconds and number > needed]
    kept: list[tuple[float, int]] = []
    for until, number in recent:
        while kept and kept[-1][1] <= number:
            kept.pop()
        kept.append((until, number))
    return Needs(needed, tuple(kept))
