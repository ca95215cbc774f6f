"""Which watches have begun, and which anew."""

import asyncio

import pytest
from voiceagent_operator.beginnings import Beginnings
from voiceagent_operator.kinds import DEPLOYMENT, SECRET, WATCHED


async def test_all_have_begun_once_each_kind_has_in_each_namespace() -> None:
    beginnings = Beginnings(("one", "two"))
    paths = [kind.path(namespace) for kind in WATCHED for namespace in ("one", "two")]
    waiting = asyncio.create_task(beginnings.all())
    for path in paths[:-1]:
        beginnings.note(path)
        await asyncio.sleep(0)
    assert not waiting.done()
    beginnings.note(paths[-1])
    async with asyncio.timeout(5):
        await waiting


async def test_those_that_begin_anew_are_told_together_and_once() -> None:
    beginnings = Beginnings(())
    for kind in WATCHED:
        beginnings.note(kind.path())
    await beginnings.all()
    beginnings.note(SECRET.path())
    beginnings.note(DEPLOYMENT.path())
    async with asyncio.timeout(5):
        assert await beginnings.anew(0) == {SECRET, DEPLOYMENT}
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await beginnings.anew(0)
    beginnings.note_again([SECRET])
    async with asyncio.timeout(5):
        assert await beginnings.anew(0) == {SECRET}


def test_only_collections_that_are_watched_are_known() -> None:
    beginnings = Beginnings(("one",))
    assert beginnings.is_watched(SECRET.path("one"))
    assert not beginnings.is_watched(SECRET.path("two"))
    assert not beginnings.is_watched("/version")
