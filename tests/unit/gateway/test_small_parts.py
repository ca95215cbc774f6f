"""Negotiation, policies, test data, rooms and logs: the small pure parts."""

import io
import json
import logging
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit import api
from voiceagent_gateway.client_files import connect_sources
from voiceagent_gateway.livekit_rooms import agent_present, dispatch_under_way
from voiceagent_gateway.logs import JsonFormatter, configure
from voiceagent_gateway.merge import merge
from voiceagent_gateway.negotiation import Form, preferred_form
from voiceagent_gateway.test_metrics import make_sessions

NOW = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", Form.JSON),
        ("*/*", Form.JSON),
        ("text/html,application/xhtml+xml,*/*;q=0.8", Form.JSON),
        ("application/json, text/plain, */*", Form.JSON),
        ("text/plain", Form.PROMETHEUS),
        ("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", Form.PROMETHEUS),
        ("application/json;q=0.1, text/plain;q=0.2", Form.PROMETHEUS),
        ("application/openmetrics-text;version=1.0.0,text/plain;q=0.5", Form.OPENMETRICS),
        ("text/plain;q=0", Form.JSON),
        ("text/plain;q=x", Form.JSON),
    ],
)
def test_the_form_is_the_one_that_accept_prefers_and_json_in_doubt(accept: str, form: Form) -> None:
    assert preferred_form(accept) is form


@given(st.text())
def test_any_accept_header_is_answered_with_some_form(accept: str) -> None:
    assert preferred_form(accept) in Form


@given(st.text(max_size=30), st.sampled_from(["ws", "wss", "http", "https", "javascript", "data"]))
def test_no_url_of_an_agent_can_change_the_pages_policy(rest: str, scheme: str) -> None:
    for source in connect_sources([f"{scheme}://{rest}"]):
        assert not set(source) & set(" ;,'\"*\r\n\t")


def test_livekit_cloud_callers_may_be_sent_to_another_region() -> None:
    assert "wss://*.livekit.cloud" in connect_sources(["wss://mine.livekit.cloud"])


def test_made_up_sessions_all_lie_within_the_hour_that_is_shown() -> None:
    made = make_sessions(NOW, Random(7))

    assert len(merge([], made, NOW).recent) == len(made) == 10
    assert make_sessions(NOW, Random(7)) == made


def participant(kind: int, state: int = 2) -> api.ParticipantInfo:
    return api.ParticipantInfo(identity="x", kind=kind, state=state)  # type: ignore[arg-type]


def test_an_agent_in_the_room_is_known_by_its_kind() -> None:
    standard, agent = api.ParticipantInfo.Kind.STANDARD, api.ParticipantInfo.Kind.AGENT

    assert not agent_present([])
    assert not agent_present([participant(standard)])
    assert agent_present([participant(standard), participant(agent)])
    assert not agent_present([participant(agent, api.ParticipantInfo.State.DISCONNECTED)])


@pytest.mark.parametrize(
    ("agent_name", "age_seconds", "under_way"), [("a", 2, True), ("a", 60, False), ("b", 2, False)]
)
def test_a_call_just_made_may_still_bring_the_agent(agent_name: str, age_seconds: int, under_way: bool) -> None:
    created = int((1000 - age_seconds) * 1e9)
    dispatch = api.AgentDispatch(agent_name=agent_name, state=api.AgentDispatchState(created_at=created))

    assert dispatch_under_way([dispatch], "a", 1000.0) is under_way


def test_a_log_line_is_one_json_object_with_its_fields() -> None:
    record = logging.LogRecord("x.y", logging.WARNING, "f", 1, "said %s", ("so",), None)
    record.__dict__.update({"room": "lobby\n", "odd": NOW - timedelta(hours=1)})

    line = JsonFormatter().format(record)

    said: dict[str, Any] = json.loads(line)
    assert "\n" not in line
    assert (said["level"], said["logger"], said["message"], said["room"]) == ("WARNING", "x.y", "said so", "lobby\n")
    assert said["time"].endswith("Z")


def test_an_exception_is_part_of_its_line() -> None:
    stream, root = io.StringIO(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        configure("INFO", stream)
        try:
            raise ValueError("boom")
        except ValueError:
            logging.getLogger("x").exception("it failed")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)

    said = json.loads(stream.getvalue())
    assert "ValueError: boom" in said["exception"]
