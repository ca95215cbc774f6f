"""API keys: how they are made, read from their Secret, and checked."""

import asyncio
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from voiceagent_gateway import key_ring
from voiceagent_gateway.api_keys import EntryError, entry_text, hash_of, new_key, parse_entry, verify
from voiceagent_gateway.identity import Identity, Scope
from voiceagent_gateway.key_ring import KNOWN_SECONDS, VERIFICATIONS, WAITING_MAX, KeyRing, entries_of
from voiceagent_gateway.main import main
from voiceagent_gateway.problems import ProblemError

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
KEY = "va_website_" + "aB3" * 10
HASH = hash_of(KEY)


class World:
    def __init__(self) -> None:
        self.now, self.clock, self.asked = NOW, 0.0, 0
        self.ring = KeyRing(lambda: self.now, lambda: self.clock)

    async def allow(self) -> None:
        self.asked += 1

    async def identify(self, key: str) -> Identity | None:
        return await self.ring.identify(key, self.allow)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = World()
    made.ring.replace({"website": parse_entry("website", entry_text(HASH, ["a/*"], ["x-*"], True, None).encode())})
    yield made
    made.ring.close()


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hashes that were checked."""
    seen: list[str] = []

    def seeing(encoded: str, key: str) -> bool:
        seen.append(encoded)
        return verify(encoded, key)

    monkeypatch.setattr(key_ring, "verify", seeing)
    return seen


async def test_a_key_is_known_with_what_it_may_do(world: World) -> None:
    assert await world.identify(KEY) == Identity("key:website", (Scope(("a/*",), ("x-*",)),), metrics=True)


async def test_each_key_that_is_not_known_yet_costs_one_verification_whatever_is_wrong_with_it(
    world: World, verified: list[str]
) -> None:
    assert await world.identify(new_key("website")) is None
    assert await world.identify(new_key("nobody")) is None
    assert len(verified) == 2
    assert verified[0] == HASH
    assert verified[1] not in ("", HASH)
    assert world.asked == 2


@pytest.mark.parametrize(
    "text", ["", "va_", "va_website_", "va_website_short", f"{KEY} ", f"{KEY}ä", f"x{KEY}", "va_A_" + "x" * 32]
)
async def test_what_is_no_key_costs_nothing(world: World, verified: list[str], text: str) -> None:
    assert await world.identify(text) is None
    assert verified == []


async def test_a_key_is_verified_once_for_many_requests_and_anew_when_its_time_or_its_secret_is_over(
    world: World, verified: list[str]
) -> None:
    assert all(await asyncio.gather(*(world.identify(KEY) for _ in range(10))))
    assert await world.identify(KEY)
    assert len(verified) == 1

    world.clock = KNOWN_SECONDS
    assert await world.identify(KEY)
    assert len(verified) == 2

    world.ring.replace({})
    assert await world.identify(KEY) is None


async def test_a_rotated_key_is_the_only_one_at_once(world: World) -> None:
    assert await world.identify(KEY)
    other = new_key("website")
    entry = parse_entry("website", entry_text(hash_of(other), ["a/*"], ["*"], False, None).encode())

    world.ring.replace({"website": entry})

    assert await world.identify(KEY) is None
    assert await world.identify(other) == entry.identity


async def test_an_expired_key_is_worth_nothing_even_when_it_was_just_known(world: World) -> None:
    until = datetime(2026, 5, 4, 13, tzinfo=UTC)
    world.ring.replace({"website": parse_entry("website", entry_text(HASH, ["*"], ["*"], False, until).encode())})
    assert await world.identify(KEY)

    world.now = until

    assert await world.identify(KEY) is None


async def test_verifications_are_few_at_once_and_those_who_wait_for_one_are_bounded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, lock = threading.Event(), threading.Lock()
    running = most = 0

    def slow(encoded: str, key: str) -> bool:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        go.wait(60)
        with lock:
            running -= 1
        return False

    monkeypatch.setattr(key_ring, "verify", slow)
    asked = [asyncio.create_task(world.identify(new_key("website"))) for _ in range(WAITING_MAX)]
    await asyncio.sleep(0)
    while most < VERIFICATIONS:
        await asyncio.sleep(0.01)

    with pytest.raises(ProblemError) as refused:
        await world.identify(new_key("website"))
    assert (refused.value.status, refused.value.name) == (503, "too-many-keys")
    go.set()
    assert set(await asyncio.gather(*asked)) == {None}
    assert most == VERIFICATIONS


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("{", "neither YAML nor JSON"),
        ("[]", "hash"),
        ("hash: x\nagents: ['*']", "not one of argon2"),
        (f"hash: {HASH}", "agents"),
        (f"hash: {HASH}\nagents: [no pattern]", r"agents\.0"),
        (f"hash: {HASH}\nagents: ['*']\nrooms: ['a b']", r"rooms\.0"),
        (f"hash: {HASH}\nagents: ['*']\nexpires: never", "expires"),
        (f"hash: {HASH}\nagents: ['*']\nroles: [admin]", "roles"),
        (f"hash: {HASH.replace('m=19456', 'm=4194304')}\nagents: ['*']", "64 MiB"),
        (f"hash: {HASH.replace('argon2id', 'argon2d')}\nagents: ['*']", "argon2id"),
        (f"hash: {HASH}\nagents: ['*']\n#" + "x" * 20_000, "bytes"),
    ],
)
def test_an_entry_that_cannot_be_used_says_why_without_its_value(value: str, said: str) -> None:
    with pytest.raises(EntryError, match=said) as fault:
        parse_entry("website", value.encode())
    assert HASH[-20:] not in str(fault.value)


def test_one_bad_entry_leaves_the_others() -> None:
    good = b64encode(entry_text(HASH, ["*"], ["*"], False, None).encode()).decode()

    entries, faults = entries_of({"good": good, "Bad_Name": good, "bad": "%%%"})

    assert list(entries) == ["good"]
    assert set(faults) == {"Bad_Name", "bad"}


def test_make_key_prints_a_key_and_the_entry_that_knows_it(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["website", "--agents", "default/*", "sales/desk", "--rooms", "web-*", "--expires", "90d"]
    assert main(["make-key", *arguments]) == 0

    said = capsys.readouterr()
    (key,) = [line.strip() for line in said.err.splitlines() if line.strip().startswith("va_website_")]
    manifest: dict[str, Any] = yaml.safe_load(said.out)
    assert manifest["kind"] == "Secret"
    entry = parse_entry("website", b64decode(manifest["data"]["website"]))
    assert verify(entry.hash, key)
    assert entry.identity.scopes == (Scope(("default/*", "sales/desk"), ("web-*",)),)
    assert entry.identity.expires_at is not None
    assert key not in said.out


@pytest.mark.parametrize(
    "arguments",
    [
        ["A_b", "--agents", "*"],
        ["a"],
        ["a", "--agents", "no pattern"],
        ["a", "--agents", "*", "--expires", "2020-01-01"],
    ],
)
def test_make_key_refuses_what_could_not_be_used_in_a_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["make-key", *arguments])

    assert ended.value.code == 2
    assert capsys.readouterr().out == ""
