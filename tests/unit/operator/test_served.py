"""What this version does not do is told, with each field."""

from collections.abc import Callable
from typing import Any

import pytest
from voiceagent_operator.agent import parse_agent
from voiceagent_operator.errors import Hindrance
from voiceagent_operator.served import require_served


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        (
            {"plugins": [{"name": "example"}], "providers": {"realtime": {"provider": "openai"}}},
            "spec.plugins: a realtime model",
        ),
        (
            {"providers": {"realtime": {"provider": "openai"}}, "turnDetection": {"mode": "stt"}},
            "spec.turnDetection.mode stt",
        ),
    ],
)
def test_a_field_without_effect_is_told(
    manifest: Callable[..., dict[str, Any]], spec: dict[str, Any], field: str
) -> None:
    with pytest.raises(Hindrance) as raised:
        require_served(parse_agent(manifest(**spec)).spec)
    assert raised.value.problem.reason == "NotServed"
    assert raised.value.problem.message.startswith(field)


def test_the_example_is_served_whole_and_logs_as_text_too(manifest: Callable[..., dict[str, Any]]) -> None:
    require_served(parse_agent(manifest()).spec)
    require_served(parse_agent(manifest(logging={"format": "text"})).spec)
    require_served(parse_agent(manifest(transcripts={"enabled": True})).spec)
