"""Watches that the API server refuses or ends by an error begin anew, ever more seldom, and say why."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from voiceagent_operator.beginnings import Beginnings
from voiceagent_operator.kinds import SECRET, VOICE_AGENT, WATCHED
from voiceagent_operator.watch_errors import LONGEST_SECONDS, WatchErrors, likely_cause
from voiceagent_operator.watch_stream import BEGIN_ANEW, WatchContent, WatchError, first_error, read_status

EVENT = b'{"type":"ADDED","object":{"metadata":{"name":"a","annotations":{"note":"ERROR"}}}}'
ERROR = b'{"type": "ERROR", "object": {"code": 500, "message": "etcd is gone"}}'


@given(st.lists(st.sampled_from([EVENT, b'{"type":"BOOKMARK","object":{}}', ERROR]), min_size=1, max_size=6), st.data())
def test_whole_events_come_through_up_to_the_first_error_however_they_are_cut(
    lines: list[bytes], data: st.DataObject
) -> None:
    told = b"".join(line + b"\n" for line in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(told)), max_size=5)))
    chunks = [told[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(told)], strict=True)]
    seen, failures, went_well = asyncio.run(passed_on(chunks))
    before = lines[: lines.index(ERROR)] if ERROR in lines else lines
    expected = b"".join(line + b"\n" for line in before)
    assert seen == expected + (BEGIN_ANEW if ERROR in lines else b"")
    assert failures == ([WatchError(500, "etcd is gone")] if ERROR in lines else [])
    assert went_well or ERROR in lines


def test_an_event_that_is_cut_off_counts_as_a_lost_connection() -> None:
    with pytest.raises(aiohttp.ClientPayloadError):
        asyncio.run(passed_on([EVENT + b"\n", EVENT[:20]]))


def test_kopf_understands_what_it_is_given_for_an_error() -> None:
    event = json.loads(BEGIN_ANEW)
    assert (event["type"], event["object"]["code"]) == ("ERROR", 410)
    assert first_error(BEGIN_ANEW[:-1]) == (b"", WatchError(410, "Expired"))


def test_what_says_nothing_of_itself_has_the_code_of_its_answer() -> None:
    assert read_status({}, 502) == WatchError(502, "no reason was given")
    assert read_status({"code": 403, "message": "forbidden"}, 500) == WatchError(403, "forbidden")


def test_a_watch_that_goes_on_failing_is_told_of_once_and_begins_anew_after_growing_pauses(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    counted: list[tuple[str, int]] = []
    errors = WatchErrors(Beginnings(("one",)), lambda kind, code: counted.append((kind, code)))
    path, pauses = SECRET.path("one"), []
    for _ in range(7):
        errors.failed(path, WatchError(500, "etcd is gone"))
        pauses.append(errors.pause_seconds(path))
    assert pauses == [0.5, 1, 2, 4, 8, LONGEST_SECONDS, LONGEST_SECONDS]
    assert errors.pause_seconds(path) == 0, "a beginning that did not fail has none"
    assert counted == [("Secret", 500)] * 7
    errors.went_well(path)
    errors.went_well(path)
    assert [(r.levelname, r.message.partition(":")[0]) for r in caplog.records] == [
        ("WARNING", "the API server refuses a watch; it begins anew, ever more seldom, until it is let"),
        ("INFO", "over"),
    ]
    assert vars(caplog.records[0])["error"] == "500 WatchError: etcd is gone"


def test_the_usual_end_of_a_watch_is_counted_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    counted: list[tuple[str, int]] = []
    errors = WatchErrors(Beginnings(()), lambda kind, code: counted.append((kind, code)))
    errors.failed(SECRET.path(), WatchError(410, "too old"))
    assert errors.pause_seconds(SECRET.path()) == 0
    assert counted == [("Secret", 410)]
    assert not caplog.records


def test_watches_that_have_never_begun_are_named_with_cause_and_cure() -> None:
    beginnings = Beginnings(("one",))
    errors = WatchErrors(beginnings, lambda _, __: None)
    for kind in WATCHED:
        if kind not in (SECRET, VOICE_AGENT):
            beginnings.note(kind.path("one"))
    errors.failed(SECRET.path("one"), WatchError(403, "secrets is forbidden"))
    assert errors.missing() == [
        "voiceagents of namespace one: no answer yet; the API server must serve voiceagents.dev/v1alpha1 and be "
        "reachable",
        "secrets of namespace one: secrets is forbidden; grant the operator what its chart or operator/rbac.yaml lists",
    ]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (WatchError(404, "page not found"), "page not found; the API server must serve policy/v1"),
        (WatchError(500, "etcd is gone"), "the API server answers 500: etcd is gone"),
    ],
)
def test_the_likely_cause_of_a_watch_that_does_not_begin_follows_from_the_answer(error: WatchError, told: str) -> None:
    assert likely_cause("policy/v1", error).startswith(told)


class Chunks:
    """What comes from a connection, in these pieces."""

    def __init__(self, chunks: list[bytes]) -> None:
        self._chunks = chunks

    async def iter_chunked(self, _: int) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk


async def passed_on(chunks: list[bytes]) -> tuple[bytes, list[WatchError], int]:
    """What comes out of a watch through which these came, what it told of failing, and how often of going well."""
    failures: list[WatchError] = []
    well: list[None] = []
    content = WatchContent(Chunks(chunks), failures.append, lambda: well.append(None))
    seen = b"".join([chunk async for chunk in content.iter_chunked(2**20)])
    return seen, failures, len(well)
