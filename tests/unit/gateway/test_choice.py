"""Where an agent's calls happen."""

from collections.abc import Callable

import pytest
from voiceagent_api.install import LiveKitDefaults
from voiceagent_gateway.choice import choose_agent, livekit_place
from voiceagent_gateway.model import AgentRef, CallRequest
from voiceagent_gateway.problems import ProblemError

Make = Callable[..., AgentRef]
INSTALL = LiveKitDefaults(url="ws://livekit:7880", public_url="wss://voice.example", credentials_secret_name="lk")


@pytest.mark.parametrize(
    ("own", "install", "url", "public_url"),
    [
        ({}, INSTALL, "ws://livekit:7880", "wss://voice.example"),
        ({}, LiveKitDefaults(url="ws://livekit:7880"), "ws://livekit:7880", "ws://livekit:7880"),
        ({}, LiveKitDefaults(public_url="wss://v.example"), "wss://v.example", "wss://v.example"),
        ({"livekit_public_url": "wss://own.example"}, INSTALL, "ws://livekit:7880", "wss://own.example"),
        ({"livekit_url": "ws://livekit:7880"}, INSTALL, "ws://livekit:7880", "wss://voice.example"),
        ({"livekit_url": "wss://own.example"}, INSTALL, "wss://own.example", "wss://own.example"),
        (
            {"livekit_url": "ws://own:7880", "livekit_public_url": "wss://own.example"},
            INSTALL,
            "ws://own:7880",
            "wss://own.example",
        ),
    ],
)
def test_callers_are_told_the_public_address_of_the_server_that_the_agent_is_on(
    make_agent: Make, own: dict[str, str], install: LiveKitDefaults, url: str, public_url: str
) -> None:
    place = livekit_place(make_agent(**own), install)

    assert (place.url, place.public_url) == (url, public_url)


def test_an_agents_own_secret_comes_before_the_installs(make_agent: Make) -> None:
    assert livekit_place(make_agent(), INSTALL).secret_name == "lk"
    assert livekit_place(make_agent(livekit_secret_name="own"), INSTALL).secret_name == "own"


def test_a_dispatch_name_that_two_agents_have_is_not_enough(make_agent: Make) -> None:
    agents = [make_agent(name, agent_name="same") for name in ("a", "b")]

    with pytest.raises(ProblemError, match="default/a, default/b") as caught:
        choose_agent(agents, CallRequest(agent_name="same"))

    assert caught.value.status == 400
    assert choose_agent(agents, CallRequest(agent="default/b", agent_name="same")) is agents[1]


def test_a_long_list_of_agents_is_cut(make_agent: Make) -> None:
    agents = [make_agent(f"agent-{number:03}") for number in range(100)]

    with pytest.raises(ProblemError, match="100 to choose from") as caught:
        choose_agent(agents, CallRequest())

    assert len(caught.value.extras["agents"]) == 20
