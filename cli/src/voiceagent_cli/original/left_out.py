"""What is said of variables that stand nowhere in the manifest. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from voiceagent_api.catalogue import CATALOGUE
from voiceagent_api.environment import CHOICES, PLAIN, TRUE
from voiceagent_api.names import ENV_CALL_METRICS

from voiceagent_cli.names import near_name
from voiceagent_cli.original.secrets import LIVEKIT_KEYS, OTHER_NAMES, PROVIDER_KEYS, SecretPart

OPENAI_BASE_URL: Final = "OPENAI_BASE_URL"
ELSEWHERE: Final[Mapping[str, str]] = {
    "HTTP_PROXY": "the chart's value proxy.http",
    "HTTPS_PROXY": "the chart's value proxy.https",
    "NO_PROXY": "the chart's value proxy.noProxy",
    "REDIS_URL": "the chart's value redis.url",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "spec.podTemplate.env",
}
"""Variables that have a place, but not in a manifest made here."""
_FALSE: Final = frozenset({"0", "false", "no", "off"})


def left_out(given: Mapping[str, str], variables: Mapping[str, str], secrets: Sequence[SecretPart]) -> Iterator[str]:
    """A sentence for each of the `variables` that the manifest does not carry; `given` are those that are set."""
    in_secrets = {entry.variable for part in secrets for entry in part.entries}
    known = {*CHOICES, *PLAIN, "AGENT_INSTRUCTIONS", "ENABLED_PLUGINS", "LOG_LEVEL", "DEBUG", OPENAI_BASE_URL}
    for name, text in given.items():
        if name in in_secrets or (name in known and name not in ("DEBUG", "LOG_LEVEL", ENV_CALL_METRICS)):
            continue
        if name == "DEBUG":
            yield from _of_debug(text)
        elif name == "LOG_LEVEL":
            if given.get("DEBUG", "").lower() in TRUE:
                yield "LOG_LEVEL was left out: DEBUG is on and wins."
        elif name == ENV_CALL_METRICS:
            if "ENABLE_METRICS" in given:
                yield f"{ENV_CALL_METRICS} was left out: ENABLE_METRICS wins."
        elif OTHER_NAMES.get(name, name) in PROVIDER_KEYS | set(LIVEKIT_KEYS):
            yield _unused_key(name, in_secrets)
        elif name.upper() in ELSEWHERE:
            yield f"{name} has no place in a manifest; it was left out. Its place is {ELSEWHERE[name.upper()]}."
        else:
            near = near_name(name.upper(), sorted({*known, *PROVIDER_KEYS, *LIVEKIT_KEYS} - {ENV_CALL_METRICS}))
            hint = f' Did you mean "{near}"?' if near else ""
            yield f"{name} is no variable that an agent knows.{hint} It was left out."
    if empty := [name for name, text in variables.items() if name not in given]:
        yield f"Empty, which counts as not set: {', '.join(empty)}."
    for part in secrets:
        for entry in part.entries:
            text = given[entry.variable].lower()
            if text.startswith(("your-", "your_", "<")) or "..." in text:
                yield f"{entry.variable} looks like a placeholder. Put the key itself into the Secret {part.name}."


def _of_debug(text: str) -> Iterator[str]:
    if text.lower() in _FALSE:
        yield "DEBUG is off, as it is by default; nothing stands for it in the manifest."
    elif text.lower() not in TRUE:
        yield f'DEBUG is "{text}", which is neither true nor false; it was left out, so that LOG_LEVEL counts.'


def _unused_key(name: str, in_secrets: set[str]) -> str:
    key = OTHER_NAMES.get(name, name)
    if key in in_secrets:
        return f"{name} was left out: {key} is set, too, and counts."
    providers = sorted({entry.name for entry in CATALOGUE for one in entry.credentials if one.key == key})
    return f"{name} was left out: no provider of this agent asks for it (it is a key of {', '.join(providers)})."
