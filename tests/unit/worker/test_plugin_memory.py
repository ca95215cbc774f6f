"""Callers are remembered across calls, for as long as they may be, and forgotten when asked to."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from voiceagent_worker.errors import ConfigurationError
from voiceagent_worker.plugins.context import Conversation, PluginContext
from voiceagent_worker.plugins.conversation_memory import MAX_DIGEST_CHARACTERS, ConversationMemory, digest, erase
from voiceagent_worker.plugins.erase_caller import main
from voiceagent_worker.plugins.memory_store import RedisStore, Remark, SqliteStore, decode, encode, key_of, open_store


class Reporter:
    def __init__(self) -> None:
        self.background: list[str] = []

    def count(self, plugin: str, name: str, amount: float) -> None: ...

    def observe(self, plugin: str, name: str, value: float) -> None: ...

    def set_attribute(self, plugin: str, key: str, value: str) -> None: ...

    def add_background(self, plugin: str, text: str) -> None:
        self.background.append(text)


class Call:
    """A call of one caller, as the worker drives a plugin through it."""

    def __init__(self, folder: Path, caller: str = "ann", now: float = 1_700_000_000, **settings: Any) -> None:
        self.reporter = Reporter()
        self.conversation = Conversation("call", agent="default/receptionist", caller=caller)
        self.plugin = ConversationMemory(store=SqliteStore(folder / "memory.db"), now=lambda: now, **settings)

    def context(self, direction: Any = None) -> PluginContext:
        return PluginContext.of(self.conversation, direction, self.reporter)

    async def __aenter__(self) -> "Call":
        await self.plugin.on_session_start(self.context())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.plugin.on_session_end(self.context())

    async def turn(self, asked: str, *answers: str) -> None:
        assert await self.plugin.process_message(asked, self.context("user")) == asked
        self.conversation.turn += 1
        for answer in answers:
            assert await self.plugin.process_message(answer, self.context("agent")) == answer


async def test_the_next_call_of_the_same_caller_knows_what_was_said(tmp_path: Path) -> None:
    async with Call(tmp_path) as first:
        await first.turn("My name is Ann.", "Hello Ann.", "What can I do?")
    assert first.reporter.background == []
    async with Call(tmp_path) as second:
        (told,) = second.reporter.background
        assert "2023-11-14 Caller: My name is Ann.\n2023-11-14 You: Hello Ann. What can I do?" in told
    async with Call(tmp_path, caller="bob") as other:
        assert other.reporter.background == []


async def test_each_turn_is_in_the_store_before_the_call_ends(tmp_path: Path) -> None:
    async with Call(tmp_path) as call:
        await call.turn("I want a table.", "For how many?")
        store, key = SqliteStore(tmp_path / "memory.db"), key_of("default/receptionist", "ann")
        async with asyncio.timeout(20):
            while len(kept := await store.load(key, 0)) < 2:
                await asyncio.sleep(0.02)
        assert [remark.text for remark in kept] == ["I want a table.", "For how many?"]


async def test_what_was_said_is_gone_after_the_retention(tmp_path: Path) -> None:
    async with Call(tmp_path, retentionHours=1) as call:
        await call.turn("hello", "hi")
    async with Call(tmp_path, now=1_700_000_000 + 3500) as soon:
        assert soon.reporter.background
    async with Call(tmp_path, now=1_700_000_000 + 3500 + 721 * 3600) as late:
        assert late.reporter.background == []


async def test_a_caller_can_be_erased_and_leaves_no_trace_in_the_file(tmp_path: Path) -> None:
    async with Call(tmp_path) as call:
        await call.turn("my secret is plum", "fine")
    file = tmp_path / "memory.db"
    assert b"plum" in file.read_bytes() and b"ann" not in file.read_bytes()
    environment = {"VOICEAGENT_MEMORY_FILE": str(file)}
    assert await erase("default/receptionist", "ann", environment)
    assert not await erase("default/receptionist", "ann", environment)
    assert b"plum" not in file.read_bytes()
    async with Call(tmp_path) as again:
        assert again.reporter.background == []


def test_a_caller_is_erased_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def call() -> None:
        async with Call(tmp_path) as one:
            await one.turn("hello", "hi")

    monkeypatch.delenv("REDIS_URL", raising=False)
    asyncio.run(call())
    path = str(tmp_path / "memory.db")
    for told in ("Forgotten.", "Nothing was known of that caller."):
        assert main(["default/receptionist", "ann", "--path", path]) == 0
        assert capsys.readouterr().out.strip() == told
    assert main(["default/receptionist", "ann", "--redis-url-file", str(tmp_path / "missing")]) == 2


async def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    async with Call(tmp_path) as call:
        await call.turn("hello", "hi")
    assert (tmp_path / "memory.db").stat().st_mode & 0o077 == 0


def test_a_caller_is_erased_where_the_agents_config_file_keeps_callers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, config = tmp_path / "memory.db", tmp_path / "agent.json"
    key = key_of("default/receptionist", "ann")
    asyncio.run(SqliteStore(path).save(key, [Remark("user", "hello", 1.0)], 3600, time.time()))
    config.write_text(json.dumps({"plugins": [{"name": "conversation_memory", "config": {"path": str(path)}}]}))
    monkeypatch.setenv("VOICEAGENT_CONFIG", str(config))
    assert main(["default/receptionist", "ann"]) == 0
    assert capsys.readouterr().out == "Forgotten.\n"
    config.write_text("rubbish")
    assert main(["default/receptionist", "ann"]) == 2
    assert "Name the store" in capsys.readouterr().err


async def test_only_the_newest_remarks_are_kept(tmp_path: Path) -> None:
    async with Call(tmp_path, maxRemarks=3) as call:
        for number in range(5):
            await call.turn(f"question {number}", f"answer {number}")
    kept = await SqliteStore(tmp_path / "memory.db").load(key_of("default/receptionist", "ann"), 0)
    assert [remark.text for remark in kept] == ["answer 3", "question 4", "answer 4"]


async def test_a_caller_without_identity_is_not_remembered(tmp_path: Path) -> None:
    async with Call(tmp_path, caller="") as call:
        await call.turn("hello", "hi")
    assert not (tmp_path / "memory.db").exists()


@given(st.lists(st.builds(Remark, st.sampled_from(["user", "agent"]), st.text(max_size=600), st.just(1.0))))
def test_the_digest_is_bounded_and_remarks_survive_their_text(remarks: list[Remark]) -> None:
    assert len(digest(remarks)) <= MAX_DIGEST_CHARACTERS
    assert decode(encode(remarks)) == remarks


@pytest.mark.parametrize("text", ["", "null", "[1]", '{"a":1}', "[[1,2]]", "rubbish", None])
def test_a_store_that_holds_rubbish_remembers_nothing(text: str | None) -> None:
    assert decode(text) == []


def test_where_callers_are_kept(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("redis://:secret@redis:6379/1\n")
    assert isinstance(open_store({}, None, None), SqliteStore)
    assert isinstance(open_store({"REDIS_URL": "redis://redis:6379"}, None, None), RedisStore)
    assert isinstance(open_store({}, str(tmp_path / "url"), None), RedisStore)
    for environment, file in (({"REDIS_URL": "nonsense://:secret@x"}, None), ({}, str(tmp_path / "missing"))):
        with pytest.raises(ConfigurationError) as raised:
            open_store(environment, file, None)
        assert "secret" not in str(raised.value)


@pytest.mark.parametrize("settings", [{"retentionHours": 0}, {"retentionHours": "a"}, {"maxRemarks": 0}])
def test_a_wrong_config_is_told(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        ConversationMemory(**settings)
