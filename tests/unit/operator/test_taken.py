"""Names that others have are asked for many agents at once, and never by what is too old."""

import asyncio
from typing import Any

from voiceagent_operator.client import Page
from voiceagent_operator.kinds import SERVICE, Kind
from voiceagent_operator.objects import Key, Object
from voiceagent_operator.taken import KEPT_SECONDS, Holder, TakenNames


class Namespace:
    """Others' objects in the namespace `default`, of which at most a few are listed."""

    def __init__(self, most: int = 3) -> None:
        self.names: set[str] = set()
        self.version = 10
        self.listed = 0
        self.found: list[str] = []
        self.now = 0.0
        self._most = most
        self.taken = TakenNames(self._list, self._find, self.clock)

    def clock(self) -> float:
        """Never twice the same."""
        self.now += 1e-6
        return self.now

    async def ask(self, name: str, version: int) -> Holder | None:
        return await self.taken.holder(SERVICE, Key("default", name), version)

    async def _list(self, kind: Kind, namespace: str) -> Page:
        self.listed += 1
        page = Page([body(name) for name in sorted(self.names)], self.version, len(self.names) <= self._most)
        await asyncio.sleep(0.01)
        return page

    async def _find(self, kind: Kind, namespace: str, name: str) -> Object | None:
        self.found.append(name)
        return body(name) if name in self.names else None


def body(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "default"}}


async def test_one_listing_answers_for_all_agents_that_were_there_before_it() -> None:
    namespace = Namespace()
    namespace.names = {"desk"}
    answers = await asyncio.gather(*(namespace.ask(f"agent-{version}", version) for version in range(1, 11)))
    assert answers == [None] * 10
    assert namespace.listed == 1
    assert await namespace.ask("desk", 5) == Holder(None)


async def test_an_agent_that_is_newer_than_the_listing_gets_another_and_shares_it() -> None:
    namespace = Namespace()
    assert await namespace.ask("desk", 10) is None
    namespace.names, namespace.version = {"desk"}, 20
    answers = await asyncio.gather(*(namespace.ask("desk", version) for version in (15, 16, 20)))
    assert answers == [Holder(None)] * 3
    assert namespace.listed == 2


async def test_a_taken_name_is_looked_for_again_since_it_may_be_free_by_now() -> None:
    namespace = Namespace()
    namespace.names = {"desk"}
    assert await namespace.ask("desk", 5) == Holder(None)
    namespace.now += 5
    namespace.names = set()
    assert await namespace.ask("desk", 5) is None


async def test_a_listing_does_not_serve_for_ever() -> None:
    namespace = Namespace()
    assert await namespace.ask("desk", 5) is None
    namespace.now += KEPT_SECONDS + 1
    namespace.names = {"desk"}
    assert await namespace.ask("desk", 5) == Holder(None)


async def test_where_there_are_too_many_to_list_each_name_is_asked_for() -> None:
    namespace = Namespace(most=1)
    namespace.names = {"desk", "door"}
    assert await namespace.ask("desk", 5) == Holder(None)
    assert await namespace.ask("agent", 50) is None
    assert (namespace.listed, namespace.found) == (1, ["desk", "agent"])


async def test_an_error_is_told_to_all_who_asked_and_the_next_ask_again() -> None:
    async def refuse(kind: Kind, namespace: str) -> Page:
        raise OSError("refused")

    namespace = Namespace()
    taken = TakenNames(refuse, namespace._find, namespace.clock)
    asked = [taken.holder(SERVICE, Key("default", "desk"), 1) for _ in range(2)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(answer) for answer in answers] == [OSError] * 2
