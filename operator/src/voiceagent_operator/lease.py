"""Who may lead, by a Lease: the rules, as of Kubernetes' own components. Pure: all it needs is handed in.

The times in a Lease are other machines' and are never compared with this one's clock: what counts is for how long
the record has been seen unchanged, by a clock that never goes back.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from voiceagent_operator.objects import Object

API_VERSION: Final = "coordination.k8s.io/v1"


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """How long a lease holds, and how often it is looked at.

    A killed leader is followed after `duration_seconds` and a look or two. A leader that cannot renew stops
    `duration_seconds - renew_deadline_seconds` before anybody may follow.
    """

    duration_seconds: float = 10.0
    renew_deadline_seconds: float = 7.0
    look_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class Sighting:
    """A Lease as it was seen, and since when it has been so."""

    record: Object
    """Its spec."""
    since: float


def sight(lease: Object, before: Sighting | None, now: float) -> Sighting:
    """What is to be remembered of a Lease that was just read."""
    record: Object = lease.get("spec") or {}
    return before if before is not None and before.record == record else Sighting(record, now)


def may_take(sighting: Sighting, identity: str, now: float) -> bool:
    """Whether the lease is one's own, nobody's, or its holder has been silent for as long as it said it may be."""
    holder = sighting.record.get("holderIdentity")
    silent_seconds = now - sighting.since
    return not holder or holder == identity or silent_seconds >= float(sighting.record.get("leaseDurationSeconds", 0))


def held(lease: Object | None, identity: str, times: LeaseTimes, now: datetime) -> Object:
    """The Lease with this holder, renewed now; with all else as it was, so that a write in between is a conflict."""
    before: dict[str, Any] = (lease or {}).get("spec") or {}
    stamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    mine = before.get("holderIdentity") == identity
    transitions = int(before.get("leaseTransitions") or 0)
    spec = {
        **before,
        "holderIdentity": identity,
        "leaseDurationSeconds": int(times.duration_seconds),
        "acquireTime": before.get("acquireTime", stamp) if mine else stamp,
        "renewTime": stamp,
        "leaseTransitions": transitions if mine or lease is None else transitions + 1,
    }
    return {**(lease or {}), "spec": spec}


def released(lease: Object, now: datetime) -> Object:
    """The Lease without a holder: whoever looks next may take it."""
    stamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return {**lease, "spec": {**lease["spec"], "holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": stamp}}
