"""Keeping objects by list and watch, through everything that an API server does."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from typing import Any

from voiceagent_gateway.kube import KubeError
from voiceagent_gateway.reflector import Reflector

Step = dict[str, Any] | Exception


def thing(name: str, version: int = 1, **fields: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": "default", "name": name, "resourceVersion": str(version)}, **fields}


def page(*items: dict[str, Any], version: int = 1, more: str = "") -> dict[str, Any]:
    return {"metadata": {"resourceVersion": str(version), "continue": more}, "items": list(items)}


def event(kind: str, item: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "object": item}


class Server:
    """Answers in turn what it was told to, then nothing more."""

    def __init__(self, lists: list[Step], watches: list[list[Step]]) -> None:
        self.lists, self.watches = lists, watches
        self.list_queries: list[dict[str, str]] = []
        self.watched_from: list[str] = []

    async def get(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        self.list_queries.append(dict(query))
        if not self.lists:
            await asyncio.sleep(3600)
        step = self.lists.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    async def watch(self, path: str, query: Mapping[str, str]) -> AsyncIterator[dict[str, Any]]:
        self.watched_from.append(query["resourceVersion"])
        if not self.watches:
            await asyncio.sleep(3600)
        for step in self.watches.pop(0):
            if isinstance(step, Exception):
                raise step
            yield step


def name_of(item: Mapping[str, Any]) -> str | None:
    return None if item.get("hidden") else f"{item['metadata']['name']}@{item['metadata']['resourceVersion']}"


def watched_twice(server: Server) -> Callable[[Reflector[str]], bool]:
    return lambda _: len(server.watched_from) == 2


async def kept_by(server: Server, until: Callable[[Reflector[str]], bool]) -> Reflector[str]:
    reflector = Reflector(server, "/api/v1/things", name_of, selector="a=b", backoff_seconds=0.001)
    task = asyncio.create_task(reflector.run())
    async with asyncio.timeout(5):
        while not until(reflector):
            await asyncio.sleep(0.001)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return reflector


async def test_everything_is_listed_page_by_page_before_it_counts_as_synced() -> None:
    server = Server([page(thing("a"), more="next"), page(thing("b"), version=7)], [])

    reflector = await kept_by(server, lambda r: len(server.watched_from) == 1)

    assert reflector.items == ["a@1", "b@1"]
    assert reflector.synced
    assert server.list_queries[1]["continue"] == "next"
    assert all(query["labelSelector"] == "a=b" for query in server.list_queries)
    assert server.watched_from == ["7"]


async def test_events_change_what_is_kept() -> None:
    events: list[Step] = [
        event("ADDED", thing("b", 2)),
        event("MODIFIED", thing("a", 3)),
        event("DELETED", thing("b", 4)),
        event("ADDED", thing("c", 5, hidden=True)),
    ]

    reflector = await kept_by(Server([page(thing("a"))], [events]), lambda r: r.items == ["a@3"])

    assert reflector.items == ["a@3"]


async def test_an_object_that_is_to_be_left_out_from_now_on_goes() -> None:
    events: list[Step] = [event("MODIFIED", thing("a", 3, hidden=True))]

    await kept_by(Server([page(thing("a"))], [events]), lambda r: r.synced and not r.items)


async def test_a_watch_that_ends_goes_on_where_it_ended_and_lists_nothing_anew() -> None:
    bookmark = event("BOOKMARK", {"metadata": {"resourceVersion": "9"}})
    server = Server([page(thing("a"))], [[event("ADDED", thing("b", 2))], [bookmark], []])

    await kept_by(server, lambda r: len(server.watched_from) == 4)

    assert server.watched_from == ["1", "2", "9", "9"]
    assert len(server.list_queries) == 1


async def test_a_watch_that_breaks_off_keeps_what_is_known_and_goes_on_after_its_last_event() -> None:
    server = Server([page(thing("a"))], [[event("ADDED", thing("b", 2)), KubeError(0, "broke off")]])

    reflector = await kept_by(server, lambda r: len(server.watched_from) == 2)

    assert reflector.items == ["a@1", "b@2"]
    assert server.watched_from == ["1", "2"]
    assert len(server.list_queries) == 1


async def test_a_place_that_the_api_server_has_forgotten_leads_to_a_new_listing() -> None:
    gone = event("ERROR", {"code": 410, "message": "too old"})
    for first in ([gone], [KubeError(410, "too old")]):
        server = Server([page(thing("a")), page(thing("b"), version=50)], [list(first)])

        reflector = await kept_by(server, watched_twice(server))

        assert reflector.items == ["b@1"]
        assert server.watched_from == ["1", "50"]


async def test_a_refused_listing_is_tried_again_until_it_is_answered() -> None:
    server = Server([KubeError(404, "no such resource"), KubeError(0, "down"), page(thing("a"))], [])

    reflector = await kept_by(server, lambda r: r.synced)

    assert reflector.items == ["a@1"]


async def test_a_listing_that_expires_half_way_begins_again() -> None:
    server = Server([page(thing("a"), more="next"), KubeError(410, "too old"), page(thing("b"))], [])

    reflector = await kept_by(server, lambda r: r.synced)

    assert reflector.items == ["b@1"]


async def test_an_error_in_a_watch_other_than_expiry_is_no_reason_to_list_anew() -> None:
    server = Server([page(thing("a"))], [[event("ERROR", {"code": 500, "message": "oops"})]])

    await kept_by(server, lambda r: len(server.watched_from) == 2)

    assert len(server.list_queries) == 1
