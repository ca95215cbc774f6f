"""The gateway does what its OpenAPI document says: every operation, asked by schemathesis with good and bad values."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import hypothesis
import pytest
import schemathesis
from voiceagent_api.gateway_settings import AuthSettings, GatewaySettings, RateLimits
from voiceagent_api.install import InstallConfig, LiveKitDefaults
from voiceagent_gateway.api_keys import entry_text, hash_of, new_key, parse_entry
from voiceagent_gateway.app import create_app
from voiceagent_gateway.callers import KnownCallers
from voiceagent_gateway.gate import Gate, limits_of
from voiceagent_gateway.key_ring import KeyRing
from voiceagent_gateway.rate_limits import MemoryBuckets
from voiceagent_gateway.settings import Settings

KEY = new_key("tester")
UNLIMITED = RateLimits(address_per_minute=0, caller_per_minute=0, unknown_keys_per_minute=0)
NOT_JUDGED = [schemathesis.checks.negative_data_rejection]
"""What is wrong with a bad question may be a parameter too many, which servers pass over, or no key, which is added."""
UNSAID = [*NOT_JUDGED, schemathesis.checks.positive_data_acceptance]
"""JSON Schema cannot say bytes, Unicode's normal form, scripts, or what moment comes before which: a question may be
good by it and still refused."""
UNSAID_OF = ("POST /token", "GET /metrics/history", "GET /usage")
EXAMPLES = 40
"""Of each operation: some seconds in all."""


@pytest.fixture
def ring() -> Iterator[KeyRing]:
    made = KeyRing(lambda: datetime.now(UTC))
    entry = entry_text(hash_of(KEY), ["*"], ["*"], True, None)
    made.replace({"tester": parse_entry("tester", entry.encode())})
    yield made
    made.close()


@pytest.fixture
def api(world: Any, ring: KeyRing) -> Any:
    world.gate = Gate(KnownCallers(ring, None), limits_of(UNLIMITED, MemoryBuckets()))
    gateway = GatewaySettings(auth=AuthSettings(mode="apiKeys"), allow_test_metrics=True)
    livekit = LiveKitDefaults(url="ws://livekit:7880")
    settings = Settings(install=InstallConfig(livekit=livekit, gateway=gateway), own_namespace="default")
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
                _ask(strategy, UNSAID if operation.label in UNSAID_OF else NOT_JUDGED)
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
        *UNSAID_OF,
    } <= set(asked)


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
        case.call_and_validate(headers={"Authorization": f"Bearer {KEY}"}, excluded_checks=excluded)

    ask()
