"""What a caller may ask for: the rules of every field, and the body of LiveKit's standard token endpoint.

The body is protobuf JSON: keys in snake_case or camelCase, and a field at its default value is one not given.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from voiceagent_gateway.display_names import fault_of
from voiceagent_gateway.model import CallRequest
from voiceagent_gateway.problems import field_errors, invalid_request

NAME_MAX_LENGTH: Final = 128
TEXT_MAX_BYTES: Final = 2048
"""Of each free text that ends up in a token: the token travels in a URL."""
ATTRIBUTES_MAX: Final = 32

_NAME: Final = re.compile(rf"[A-Za-z0-9._:-]{{1,{NAME_MAX_LENGTH}}}")
_AGENT: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?/[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_CAMEL_HUMP: Final = re.compile(r"(?<=[a-z0-9])([A-Z])")


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise PydanticCustomError(
            "name", "must have 1 to 128 characters, each a letter or digit of ASCII or one of . _ - :"
        )
    return value


def _agent(value: str) -> str:
    if not _AGENT.fullmatch(value):
        raise PydanticCustomError("agent", "must be NAMESPACE/NAME of a VoiceAgent, for example default/receptionist")
    return value


def _display_name(value: str) -> str:
    if len(value) > NAME_MAX_LENGTH:
        raise PydanticCustomError("display_name", "must have at most 128 characters")
    if (fault := fault_of(value)) is not None:
        raise PydanticCustomError("display_name", "{fault}", {"fault": fault})
    return value


def _text(value: str) -> str:
    if len(value.encode("utf-8", "surrogatepass")) > TEXT_MAX_BYTES:
        raise PydanticCustomError("text", "must have at most 2048 bytes")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise PydanticCustomError("text", "must be valid Unicode")
    return value


def _attributes(value: dict[str, str]) -> dict[str, str]:
    if len(value) > ATTRIBUTES_MAX:
        raise PydanticCustomError("attributes", "must have at most 32 entries")
    if any(key.startswith("lk.") for key in value):
        raise PydanticCustomError("attributes", 'must have no key that begins with "lk.", which is LiveKit\'s own')
    _text("".join(key + text for key, text in value.items()))
    return value


Name = Annotated[str, AfterValidator(_name), Field(json_schema_extra={"pattern": f"^{_NAME.pattern}$"})]
AgentReference = Annotated[
    str,
    AfterValidator(_agent),
    Field(examples=["default/receptionist"], json_schema_extra={"pattern": f"^{_AGENT.pattern}$"}),
]
Text = Annotated[str, AfterValidator(_text)]


def _given(value: object) -> object:
    return None if value == "" else value


# In protobuf JSON an empty string is a string not given.
_EMPTY_IS_NONE = BeforeValidator(_given, json_schema_input_type=str | None)
OptionalName = Annotated[
    Annotated[str, AfterValidator(_name)] | None,
    _EMPTY_IS_NONE,
    Field(json_schema_extra={"pattern": f"^[A-Za-z0-9._:-]{{0,{NAME_MAX_LENGTH}}}$"}),
]
# JSON Schema counts characters and not bytes, and knows no scripts: what it can say of a rule, it says.
OptionalDisplayName = Annotated[
    Annotated[str, AfterValidator(_display_name)] | None,
    _EMPTY_IS_NONE,
    Field(json_schema_extra={"maxLength": NAME_MAX_LENGTH}),
]
OptionalText = Annotated[Text | None, _EMPTY_IS_NONE, Field(json_schema_extra={"maxLength": TEXT_MAX_BYTES})]
Attributes = Annotated[
    dict[str, str],
    AfterValidator(_attributes),
    Field(json_schema_extra={"maxProperties": ATTRIBUTES_MAX, "propertyNames": {"pattern": r"^(?!lk\.)"}}),
]


class _Body(BaseModel):
    """Keeps unknown keys, so that one that would have had an effect elsewhere is refused by name."""

    model_config = ConfigDict(
        extra="allow", frozen=True, strict=True, json_schema_extra={"additionalProperties": False}
    )

    @model_validator(mode="after")
    def _refuse_extras(self) -> Self:
        for part, value in (self.model_extra or {}).items():
            if value not in (None, "", 0, False, [], {}):
                raise PydanticCustomError(
                    "extra", "is not accepted here; leave it out", {"part": part[:NAME_MAX_LENGTH]}
                )
        return self


class AgentDispatchBody(_Body):
    """Which agent is to join."""

    agent_name: OptionalText = Field(default=None, description="LiveKit dispatch name of the VoiceAgent.")
    metadata: OptionalText = Field(default=None, description="Given to the agent's job. At most 2048 bytes.")


class RoomConfigBody(_Body):
    """Only the first agent is honoured; everything else that a room could be given is refused."""

    agents: list[AgentDispatchBody] | None = Field(default=None, json_schema_extra={"maxItems": 1})

    @model_validator(mode="after")
    def _one_agent(self) -> Self:
        if self.agents and len(self.agents) > 1:
            raise PydanticCustomError("agents", "may name one agent only", {"part": "agents"})
        return self


class TokenBody(_Body):
    """The request of LiveKit's standard token endpoint. Every field may be left out."""

    room_name: OptionalName = None
    participant_identity: OptionalName = None
    participant_name: OptionalDisplayName = None
    participant_metadata: OptionalText = None
    participant_attributes: Attributes | None = None
    room_config: RoomConfigBody | None = None


def parse_token_body(data: object, agent: str | None) -> CallRequest:
    """The checked request of a JSON body and the query's `agent`. Raises a 400 problem naming the fault."""
    try:
        body = TokenBody.model_validate(_normalised(data))
    except ValidationError as error:
        raise invalid_request(field_errors(error.errors())) from None
    agents = body.room_config.agents if body.room_config else None
    dispatch = agents[0] if agents else AgentDispatchBody()
    return CallRequest(
        room=body.room_name,
        identity=body.participant_identity,
        name=body.participant_name,
        metadata=body.participant_metadata,
        attributes=body.participant_attributes or {},
        agent=agent,
        agent_name=dispatch.agent_name,
        agent_metadata=dispatch.metadata,
    )


def _normalised(data: object) -> object:
    """Snake-case keys without nulls: in the body, its room_config and that one's agents, no deeper."""
    body = _snake(data)
    if isinstance(body, dict) and "room_config" in body:
        room_config = _snake(body["room_config"])
        if isinstance(room_config, dict) and isinstance(room_config.get("agents"), list):
            room_config["agents"] = [_snake(agent) for agent in room_config["agents"]]
        body["room_config"] = room_config
    return body


def _snake(data: object) -> Any:
    if not isinstance(data, Mapping):
        return data
    keys = ((_CAMEL_HUMP.sub(r"_\1", str(key)).lower(), value) for key, value in data.items())
    return {key: value for key, value in keys if value is not None}
