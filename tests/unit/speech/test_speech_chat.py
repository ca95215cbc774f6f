"""Chat completions: what the model is asked, what the client is told, and the scripted mode."""

import json
from typing import Any

import pytest
from pydantic import ValidationError
from voiceagent_speech.chat_chunks import Folded, obliged_call, presented, scripted, sse
from voiceagent_speech.chat_request import call_schema, model_body, parse_chat_request
from voiceagent_speech.errors import ApiError
from voiceagent_speech.script import Script

USER = {"role": "user", "content": "When are you open?"}
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "book", "parameters": {"type": "object", "properties": {"day": {"type": "string"}}}},
}


def asked(**fields: Any) -> dict[str, Any]:
    request = parse_chat_request({"model": "gpt-4o-mini", "messages": [USER], **fields})
    return model_body(request, default_max_tokens=60)


def folded(chunks: list[dict[str, Any]]) -> Folded:
    result = Folded("gpt-4o-mini")
    for chunk in chunks:
        result.add(chunk)
    return result


def test_a_request_without_a_limit_gets_the_sandboxs_own() -> None:
    assert asked()["max_tokens"] == 60
    assert asked(max_tokens=5)["max_tokens"] == 5
    assert asked(max_completion_tokens=7, max_tokens=5)["max_tokens"] == 7


def test_what_only_the_vendors_models_know_is_not_passed_on() -> None:
    body = asked(reasoning_effort="low", service_tier="auto", temperature=0.9, store=True)
    assert body["temperature"] == 0.9
    assert not {"reasoning_effort", "service_tier", "store"} & set(body)


def test_a_developers_message_is_the_systems_for_the_model() -> None:
    body = asked(messages=[{"role": "developer", "content": "Be brief."}, USER])
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}


def test_tools_are_passed_through_and_left_out_where_none_may_be_called() -> None:
    assert asked(tools=[TOOL])["tools"] == [TOOL]
    assert "tools" not in asked(tools=[TOOL], tool_choice="none")


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "book"}}])
def test_a_call_that_is_obliged_holds_the_model_to_its_schema(choice: Any) -> None:
    body = asked(tools=[TOOL], tool_choice=choice)
    schema = body["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["name"] == {"const": "book"}
    assert schema["properties"]["arguments"] == TOOL["function"]["parameters"]
    assert body["max_tokens"] > 60


def test_of_several_obliged_tools_any_may_be_called() -> None:
    other = {"type": "function", "function": {"name": "cancel"}}
    schema = call_schema([TOOL, other])
    assert [one["properties"]["name"]["const"] for one in schema["anyOf"]] == ["book", "cancel"]


def test_choosing_a_tool_that_is_not_offered_is_refused() -> None:
    with pytest.raises(ApiError, match="'cancel'"):
        asked(tools=[TOOL], tool_choice={"type": "function", "function": {"name": "cancel"}})


@pytest.mark.parametrize(
    ("body", "where"),
    [({"messages": [USER]}, "model"), ({"model": "m", "messages": []}, "messages"), ([], "body")],
)
def test_a_request_that_lacks_something_is_refused_by_its_name(body: Any, where: str) -> None:
    with pytest.raises(ApiError) as refused:
        parse_chat_request(body)
    assert (refused.value.status, refused.value.param) == (400, where)


def test_chunks_carry_the_asked_models_name_and_no_timings() -> None:
    chunk = {
        "id": "x",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "/a/file",
        "choices": [],
        "timings": {},
    }
    assert presented(chunk, "gpt-4o-mini") == {
        "id": "x",
        "object": "chat.completion.chunk",
        "created": 1,
        "choices": [],
        "model": "gpt-4o-mini",
    }
    assert sse({"a": 1}) == b'data: {"a":1}\n\n'


def test_a_tool_call_that_comes_in_parts_is_folded_into_one() -> None:
    def part(**call: Any) -> dict[str, Any]:
        return {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, **call}]}, "finish_reason": None}]}

    result = folded(
        [
            part(id="call_1", type="function", function={"name": "book", "arguments": ""}),
            part(function={"arguments": '{"day":'}),
            part(function={"arguments": ' "Monday"}'}),
            {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
            {"choices": [], "usage": {"total_tokens": 9}},
        ]
    )
    completion = result.completion()
    choice = completion["choices"][0]
    assert choice["message"]["content"] is None
    assert choice["message"]["tool_calls"][0] == {
        "id": "call_1",
        "type": "function",
        "function": {"name": "book", "arguments": '{"day": "Monday"}'},
    }
    assert choice["finish_reason"] == "tool_calls"
    assert completion["usage"] == {"total_tokens": 9}


def test_an_obliged_call_is_told_as_a_tool_call() -> None:
    chunks = obliged_call('{"name": "book", "arguments": {"day": "Monday"}}', "m", {"prompt_tokens": 3}, "stop")
    result = folded(chunks)
    assert result.finish_reason == "tool_calls"
    assert result.tool_calls[0]["function"] == {"name": "book", "arguments": '{"day": "Monday"}'}
    assert result.usage == {"prompt_tokens": 3, "completion_tokens": 0, "total_tokens": 3}


def test_an_obliged_call_that_was_cut_short_is_told_as_the_text_that_it_is() -> None:
    result = folded(obliged_call('{"name": "bo', "m", None, "length"))
    assert (result.text, result.finish_reason, result.tool_calls) == ('{"name": "bo', "length", [])


# --- Scripted mode ----------------------------------------------------------------------------------------------

SCRIPT = Script.model_validate(
    {
        "replies": [
            {"match": "\\bbook\\b", "tool_call": {"name": "book", "arguments": {"day": "Monday"}}},
            {"match": "booked", "say": "It is done."},
            {"match": None, "say": "Pardon?"},
        ]
    }
)


def test_the_first_reply_that_fits_the_newest_message_is_given() -> None:
    history = [{"role": "user", "content": "book me in"}, {"role": "assistant", "content": "Yes?"}]
    reply = SCRIPT.reply_to([*history, {"role": "user", "content": "Hm"}])
    assert reply is not None
    assert reply.say == "Pardon?"


def test_a_call_is_not_made_again_on_its_own_result() -> None:
    user = {"role": "user", "content": [{"type": "text", "text": "Please BOOK it"}]}
    first = SCRIPT.reply_to([user])
    assert first is not None
    assert first.tool_call is not None
    second = SCRIPT.reply_to([user, {"role": "tool", "content": "book: booked"}])
    assert second is not None
    assert second.say == "It is done."


def test_a_message_that_nothing_fits_is_left_to_the_model() -> None:
    script = Script.model_validate({"replies": [{"match": "hello", "say": "Hi."}]})
    assert script.reply_to([USER]) is None


def test_a_scripted_reply_is_streamed_in_words_with_usage() -> None:
    reply = SCRIPT.replies[1]
    chunks = list(scripted(reply, "gpt-4o-mini", [USER]))
    assert len(chunks) == 6
    result = folded(chunks)
    assert result.text == "It is done."
    assert result.usage == {"prompt_tokens": 4, "completion_tokens": 3, "total_tokens": 7}
    assert {chunk["model"] for chunk in chunks} == {"gpt-4o-mini"}


def test_a_scripted_call_has_json_arguments_and_an_id() -> None:
    call = folded(list(scripted(SCRIPT.replies[0], "m", [USER]))).tool_calls[0]
    assert call["id"].startswith("call_")
    assert json.loads(call["function"]["arguments"]) == {"day": "Monday"}


@pytest.mark.parametrize(
    "reply", [{"match": "("}, {"match": "a"}, {"say": "a", "tool_call": {"name": "b"}}, {"sya": "a"}]
)
def test_a_script_that_cannot_be_played_is_refused(reply: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Script.model_validate({"replies": [{"say": "x", **reply} if reply.get("match") == "(" else reply]})
