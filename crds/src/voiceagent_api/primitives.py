"""The small types that fields are made of: their patterns and bounds stand here once."""

from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from voiceagent_api.base import Model
from voiceagent_api.schema import PATTERN_SENTENCE

NAME_PATTERN = r"^[a-z]([-a-z0-9]*[a-z0-9])?$"
URL_PATTERN = r"^(https?|wss?)://[^\s/?#]+[^\s]*$"
WEB_URL_PATTERN = r"^https?://[^\s/?#]+[^\s]*$"
LIVEKIT_URL_PATTERN = r"^(wss?|https?)://[^\s/?#]+[^\s]*$"
PROVIDER_PATTERN = r"^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$"
OBJECT_NAME_PATTERN = r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"
SECRET_KEY_PATTERN = r"^[-._a-zA-Z0-9]+$"  # noqa: S105 (a pattern of names)
QUANTITY_PATTERN = r"^([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$"
ENV_NAME_PATTERN = r"^[A-Za-z_][A-Za-z0-9_.-]*$"


def worded(sentence: str) -> dict[str, Any]:
    """What the user reads where a field's pattern does not hold, in place of the pattern."""
    return {PATTERN_SENTENCE: sentence}


_ADDRESS = "must be an address such as {}, without spaces"

ObjectName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=253,
        pattern=OBJECT_NAME_PATTERN,
        json_schema_extra=worded(
            "must be the name of an object: lower-case letters, digits, hyphens and dots, with a letter or digit at "
            "either end"
        ),
    ),
]
ProviderName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=63,
        pattern=PROVIDER_PATTERN,
        json_schema_extra=worded("must be the name of a provider in lower-case letters, such as openai or deepgram"),
    ),
]
ModelName = Annotated[str, Field(min_length=1, max_length=253)]
Url = Annotated[
    str,
    Field(
        max_length=2048, pattern=URL_PATTERN, json_schema_extra=worded(_ADDRESS.format("https://api.example.com/v1"))
    ),
]
WebUrl = Annotated[
    str,
    Field(
        max_length=2048, pattern=WEB_URL_PATTERN, json_schema_extra=worded(_ADDRESS.format("https://example.com/path"))
    ),
]
LiveKitUrl = Annotated[
    str,
    Field(
        max_length=2048,
        pattern=LIVEKIT_URL_PATTERN,
        json_schema_extra=worded(_ADDRESS.format("wss://livekit.example.com")),
    ),
]
SecretKey = Annotated[
    str,
    Field(
        min_length=1,
        max_length=253,
        pattern=SECRET_KEY_PATTERN,
        json_schema_extra=worded("must be a key of a Secret or ConfigMap: letters, digits, hyphens, dots, underscores"),
    ),
]
ShortText = Annotated[str, Field(max_length=253)]
Quantity = Annotated[
    Annotated[int, Field(ge=0)] | Annotated[str, Field(max_length=64, pattern=QUANTITY_PATTERN)],
    WithJsonSchema(
        {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "maxLength": 64,
            "x-kubernetes-int-or-string": True,
            "x-kubernetes-validations": [
                {
                    "rule": f"type(self) == int ? self >= 0 : string(self).matches(r'{QUANTITY_PATTERN}')",
                    "message": "must be an amount that is not negative, such as 2, 250m or 768Mi",
                }
            ],
        }
    ),
]
"""An amount as Kubernetes writes it: 2, 250m, 768Mi."""

OpenObject = dict[str, Any]
"""An object of another API, kept as it is and judged where it is used."""


def rule(expression: str, sentence: str, field_path: str | None = None) -> dict[str, str]:
    """A CEL rule of a schema: `sentence` is what the user reads when `expression` does not hold."""
    path = {"fieldPath": field_path} if field_path else {}
    return {"rule": expression, "message": sentence, **path}


def rules(*items: dict[str, str]) -> dict[str, Any]:
    """CEL rules as an extension of a field's or a type's schema."""
    return {"x-kubernetes-validations": [dict(item) for item in items]}


class SecretReference(Model):
    """A Secret in the VoiceAgent's own namespace."""

    name: ObjectName = Field(description="Name of a Secret in the VoiceAgent's namespace.")


class SecretKeyReference(Model):
    """One key of a Secret in the VoiceAgent's own namespace."""

    name: ObjectName = Field(description="Name of a Secret in the VoiceAgent's namespace.")
    key: SecretKey | None = Field(
        default=None,
        description="Key of that Secret which holds the credential. Defaults to the provider's usual name, "
        "for example OPENAI_API_KEY.",
    )


class ConfigMapKeyReference(Model):
    """One key of a ConfigMap in the VoiceAgent's own namespace."""

    name: ObjectName = Field(description="Name of a ConfigMap in the VoiceAgent's namespace.")
    key: SecretKey = Field(description="Key of that ConfigMap.")
