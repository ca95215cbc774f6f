"""The gateway does what its OpenAPI document says: every operation, asked by schemathesis with good and bad values."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis.core.parameters import ParameterLocation
from voiceagent_api.gateway_settings import AuthSettings, GatewaySettings, RateLimits
from voiceagent_api.install import InstallConfig, LiveKitDefaults
from voiceagent_api.transcripts import TranscriptLine
from voiceagent_gateway.api_keys import entry_text, hash_of, new_key, parse_entry
from voiceagent_gateway.app import create_app
from voiceagent_gateway.callers import KnownCallers
from voiceagent_gateway.gate import Gate, limits_of
from voiceagent_gateway.key_ring import KeyRing
from voiceagent_gateway.rate_limits import MemoryBuckets
from voiceagent_gateway.settings import Settings
from voiceagent_gateway.transcripts.kept import Said, TranscribedCall, TranscriptError

KEY = new_key("tester")
UNLIMITED = RateLimits(address_per_minute=0, caller_per_minute=0, unknown_keys_per_minute=0)
UNSAID_OF = ("GET /metrics/history", "GET /usage")
"""JSON Schema cannot say what moment comes before which: a question may be good by it and still refused."""
NO_FAULT = {
    ParameterLocation.BODY: {"additionalProperties"},
    ParameterLocation.QUERY: {"additionalProperties", "type"},
}
EXAMPLES = 40
"""Of each operation: some seconds in all."""


class SomeTranscripts:
    """Those of every second call."""

    async def find(self, session: str) -> list[TranscribedCall]:
        call = TranscribedCall("u1", session, "default", "receptionist", "receptionist-a", "lobby")
        return [call] if len(session) % 2 else []

    held = find

    async def lines(self, call: TranscribedCall, after: int = 0) -> Said:
        now = datetime.now(UTC)
        lines = [
            TranscriptLine(position=n, session=call.session, number=n, at=now, who="agent", text="Yes?") for n in (1, 3)
        ]
        return Said([line for line in lines if line.number > after], missing=1)

    async def erase(self, call: TranscribedCall, by: str) -> None:
        if len(call.session) == 7:
            raise TranscriptError("the pod is away")


@pytest.fixture
def ring() -> Iterator[KeyRing]:
    made = KeyRing(lambda: datetime.now(UTC))
    entry = entry_text(hash_of(KEY), ["*"], ["*"], True, None, transcripts=True)
    made.replace({"tester": parse_entry("tester", entry.encode())})
    yield made
    made.close()


@pytest.fixture
def api(world: Any, ring: KeyRing) -> Any:
    world.gate = Gate(KnownCallers(ring, None), limits_of(UNLIMITED, MemoryBuckets()))
    gateway = GatewaySettings(auth=AuthSettings(mode="apiKeys"), allow_test_metrics=True)
    livekit = LiveKitDefaults(url="ws://livekit:7880")
    settings = Settings(install=InstallConfig(livekit=livekit, gateway=gateway), own_namespace="default")
    world.agents[:] = [replace(agent, transcript_hours=24) for agent in world.agents]
    world.transcripts = SomeTranscripts()
    # A stream of events ends with its first one, then.
    world.stopping.set()
    return schemathesis.openapi.from_asgi("/openapi.json", create_app(settings, world.app()))


def test_every_operation_does_what_the_document_says(api: Any) -> None:
    asked = []
    for found in api.get_all_operations():
        operation = found.ok()
        asked.append(operation.label)
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
            try:
                strategy = operation.as_strategy(generation_mode=mode)
                positive = mode is schemathesis.GenerationMode.POSITIVE
                unsaid = [schemathesis.checks.positive_data_acceptance] if operation.label in UNSAID_OF else []
                _ask(strategy.map(_plain) if positive else strategy, unsaid)
            except hypothesis.errors.Unsatisfiable:
                # Nothing about an operation without parameters can be wrong.
                assert mode is schemathesis.GenerationMode.NEGATIVE

    assert {
        "GET /token",
        "POST /token",
        "GET /agents",
        "GET /metrics",
        "GET /fleet",
        "GET /fleet/events",
        "GET /sessions/{id}/transcript",
        "DELETE /sessions/{id}/transcript",
        *UNSAID_OF,
    } <= set(asked)


def _plain(case: Any) -> Any:
    """The case with texts of ASCII's letters: JSON Schema cannot say bytes, Unicode's normal form or scripts."""
    case.body = _in_ascii(case.body)
    return case


def _in_ascii(part: Any) -> Any:
    if isinstance(part, str):
        return "".join(character if "!" <= character <= "~" else "x" for character in part)
    if isinstance(part, dict):
        return {_in_ascii(key): _in_ascii(value) for key, value in part.items()}
    return [_in_ascii(item) for item in part] if isinstance(part, list) else part


def _ask(strategy: Any, excluded: list[Any]) -> None:
    @hypothesis.given(strategy)
    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    def ask(case: Any) -> None:
        unjudged = [] if _is_at_fault(case) else [schemathesis.checks.negative_data_rejection]
        case.call_and_validate(headers={"Authorization": f"Bearer {KEY}"}, excluded_checks=[*excluded, *unjudged])

    ask()


def _is_at_fault(case: Any) -> bool:
    """Whether something is wrong with a question that is meant to be bad, but what is no fault: a key that is missing,
    which is added; a part too many, which is passed over where it says nothing; and another type in the query, where
    all is text."""
    mutations = getattr(case.meta.phase.data, "mutations", ())
    return any(
        mutation.parameter_location in NO_FAULT and set(mutation.keywords) - NO_FAULT[mutation.parameter_location]
        for mutation in mutations
    )
