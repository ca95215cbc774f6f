"""Which VoiceAgent has a dispatch name on a LiveKit server: the one that was made first.

Calls for one name go to any worker that registered it, so that two agents of one name would answer each other's.
"""

from collections import defaultdict
from typing import NamedTuple

from voiceagent_api.names import default_agent_name

from voiceagent_operator.objects import Key, Object, metadata, place


class Claim(NamedTuple):
    """A dispatch name on a LiveKit server."""

    livekit_url: str
    agent_name: str


class NameClaims:
    """Claims of all VoiceAgents, in the order in which they were made."""

    def __init__(self, default_livekit_url: str) -> None:
        self._default_livekit_url = default_livekit_url
        self._claim_of: dict[Key, Claim] = {}
        self._ages: dict[Claim, dict[Key, tuple[str, bool, int]]] = defaultdict(dict)
        self._claims = 0

    def claim(self, body: Object) -> list[Key]:
        """Take note of what a VoiceAgent claims; returns those whose standing may have changed by it."""
        key, claim = place(body), self._read(body)
        if self._claim_of.get(key) == claim:
            return []
        changed = self.release(key)
        self._claim_of[key] = claim
        # Creation is told to the second only: then who served already goes first, and else who was seen first.
        waits = not (body.get("status") or {}).get("agentName")
        self._claims += 1
        self._ages[claim][key] = (str(metadata(body).get("creationTimestamp", "")), waits, self._claims)
        return changed + [other for other in self._ages[claim] if other != key]

    def release(self, key: Key) -> list[Key]:
        """A VoiceAgent claims nothing any more; returns those whose standing may have changed by it."""
        claim = self._claim_of.pop(key, None)
        if claim is None:
            return []
        ages = self._ages[claim]
        del ages[key]
        if not ages:
            del self._ages[claim]
        return list(ages)

    def elder(self, key: Key) -> Key | None:
        """Who claimed the same before, if anybody did."""
        claim = self._claim_of.get(key)
        if claim is None:
            return None
        ages = self._ages[claim]
        first = min(ages, key=lambda other: ages[other])
        return None if first == key else first

    def _read(self, body: Object) -> Claim:
        spec = body.get("spec") or {}
        url = (spec.get("livekit") or {}).get("url") or self._default_livekit_url
        return Claim(url, spec.get("agentName") or default_agent_name(*place(body)))
