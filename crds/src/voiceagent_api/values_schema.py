"""Keeps the parts of the chart's values.schema.json that the types say: `python -m voiceagent_api.values_schema`.

The chart hands some of its values to operator and gateway as the install's configuration. What those may be is said
by the types of that configuration, here taken over; all else in the file is the chart's own.
"""

import json
import sys
from collections.abc import Sequence
from typing import Any

from voiceagent_api.generated import REPOSITORY, run
from voiceagent_api.install import InstallConfig
from voiceagent_api.schema import Schema, structural_schema

COMMITTED_FILE = REPOSITORY / "charts" / "voiceagent-operator" / "values.schema.json"
PARTS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("livekit",): ("livekit",),
    ("providers",): ("providers",),
    ("prices",): ("prices",),
    ("worker", "maxConcurrentRollouts"): ("rollout", "maxConcurrentAgents"),
    ("worker", "progressDeadlineSeconds"): ("rollout", "progressDeadlineSeconds"),
    ("worker", "networkPolicy", "enabled"): ("networkPolicy", "enabled"),
    ("worker", "networkPolicy", "alsoFrom"): ("networkPolicy", "allowedFrom"),
    ("gateway", "auth"): ("gateway", "auth"),
    ("gateway", "allowedOrigins"): ("gateway", "allowedOrigins"),
    ("gateway", "trustedProxies"): ("gateway", "trustedProxies"),
    ("gateway", "rateLimits"): ("gateway", "rateLimits"),
    ("gateway", "tokenTTLSeconds"): ("gateway", "tokenTtlSeconds"),
    ("gateway", "allowTestMetrics"): ("gateway", "allowTestMetrics"),
    ("gateway", "retentionHours"): ("gateway", "retentionHours"),
    ("gateway", "prometheusURL"): ("gateway", "prometheusURL"),
    ("gateway", "waitSeconds"): ("gateway", "waitSeconds"),
    ("gateway", "maxWaiting"): ("gateway", "maxWaiting"),
    ("redis", "url"): ("redis", "url"),
    ("redis", "memorySecretName"): ("redis", "memorySecretName"),
    ("proxy",): ("proxy",),
    ("caBundle",): ("caBundle",),
}
"""Which value of the chart is which field of the install's configuration."""


def values_schema(text: str) -> str:
    """The chart's schema with those parts as the types have them."""
    document: Schema = json.loads(text)
    install = structural_schema(InstallConfig)
    for value, field in PARTS.items():
        place = document
        for name in value[:-1]:
            place = place["properties"][name]
        source = install
        for name in field:
            source = source["properties"][name]
        place["properties"][value[-1]] = _closed(source)
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _closed(node: Any) -> Any:
    """A schema as Helm takes it: without defaults, which values.yaml has, and with misspelt fields refused."""
    if isinstance(node, list):
        return [_closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _closed(value) for key, value in node.items() if key != "default" and not key.startswith("x-")}
    return {**kept, "additionalProperties": False} if "properties" in kept else kept


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the chart's schema as it should be, or check it."""

    def make() -> str:
        return values_schema(COMMITTED_FILE.read_text(encoding="utf-8"))

    return run("voiceagent_api.values_schema", "The chart's schema", COMMITTED_FILE, make, arguments)


if __name__ == "__main__":
    sys.exit(main())
