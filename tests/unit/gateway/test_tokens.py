"""What a token says is what LiveKit's own library would have it say."""

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from hypothesis import given
from hypothesis import strategies as st
from livekit import api
from voiceagent_gateway.model import LiveKitCredentials
from voiceagent_gateway.tokens import Grant, issue, sign

KEY, SECRET = "devkey", "a-secret-of-at-least-32-characters"
NAMES = st.text("abc-123", min_size=1, max_size=20)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def by_livekit_api(grant: Grant, ttl: timedelta) -> dict[str, Any]:
    grants = api.VideoGrants(
        room_join=True, room=grant.room, can_publish=True, can_subscribe=True, can_publish_data=True
    )
    dispatch = api.RoomAgentDispatch(agent_name=grant.agent_name, metadata=grant.agent_metadata)
    token = (
        api.AccessToken(KEY, SECRET)
        .with_identity(grant.identity)
        .with_ttl(ttl)
        .with_grants(grants)
        .with_name(grant.name)
        .with_metadata(grant.metadata)
        .with_room_config(api.RoomConfiguration(agents=[dispatch]))
    )
    if grant.attributes:
        token = token.with_attributes(grant.attributes)
    return claims_of(token.to_jwt())


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, SECRET, algorithms=["HS256"])
    return claims


@given(
    st.builds(
        Grant, room=NAMES, identity=NAMES, agent_name=NAMES, agent_metadata=TEXTS, name=TEXTS, metadata=TEXTS,
        attributes=st.dictionaries(TEXTS, TEXTS, max_size=3),
    )
)  # fmt: skip
def test_a_token_says_what_livekits_library_would_say(grant: Grant) -> None:
    issued = issue(grant, LiveKitCredentials(KEY, SECRET), 60)

    own, other = claims_of(issued.token), by_livekit_api(grant, timedelta(seconds=60))
    for claims in (own, other):
        assert claims["exp"] - claims["nbf"] == 60
        assert abs(claims.pop("nbf") - datetime.now(UTC).timestamp()) < 30
        claims.pop("exp")
    assert own == other


def test_the_moment_from_which_a_token_is_worth_nothing_is_the_tokens_own() -> None:
    issued = issue(Grant("room", "anna", "agent"), LiveKitCredentials(KEY, SECRET), 60)

    assert issued.expires_at.timestamp() == claims_of(issued.token)["exp"]


@given(st.dictionaries(TEXTS, TEXTS, max_size=3).map(lambda more: {"x": more}), st.text(min_size=32, max_size=40))
def test_a_signature_is_that_of_other_libraries(said: dict[str, Any], secret: str) -> None:
    signed = sign(said, secret.encode("utf-8", "replace").decode())

    assert jwt.decode(signed, secret.encode("utf-8", "replace"), algorithms=["HS256"]) == said
    assert jwt.get_unverified_header(signed) == {"alg": "HS256", "typ": "JWT"}
