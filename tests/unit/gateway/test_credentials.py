"""LiveKit keys from Secrets."""

import asyncio
import base64
from typing import Any

import pytest
from voiceagent_gateway.credentials import KEPT_SECONDS, SecretCredentials, credentials_from_secret
from voiceagent_gateway.keyed_locks import KeyedLocks
from voiceagent_gateway.kube import Kube, KubeError
from voiceagent_gateway.problems import ProblemError


def encoded(**values: str) -> dict[str, str]:
    return {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}


GOOD = encoded(LIVEKIT_API_KEY="devkey", LIVEKIT_API_SECRET="secret\n")


class Secrets(Kube):
    """An API server with one Secret, or with an error in its place."""

    def __init__(self) -> None:
        self.data: dict[str, Any] = GOOD
        self.error: KubeError | None = None
        self.paths: list[str] = []

    async def get(self, path: str, query: Any = None, timeout_seconds: float = 0) -> dict[str, Any]:
        self.paths.append(path)
        await asyncio.sleep(0.01)
        if self.error:
            raise self.error
        return {"data": self.data}


def test_whitespace_around_a_key_is_not_part_of_it() -> None:
    credentials = credentials_from_secret("default", "livekit", GOOD)

    assert (credentials.api_key, credentials.api_secret) == ("devkey", "secret")


def test_a_secret_is_in_no_repr() -> None:
    assert "secret" not in repr(credentials_from_secret("default", "livekit", GOOD)).replace("api_secret", "")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "has no key LIVEKIT_API_KEY"),
        (encoded(LIVEKIT_API_KEY="devkey"), "has no key LIVEKIT_API_SECRET"),
        (encoded(LIVEKIT_API_KEY="devkey", LIVEKIT_API_SECRET=" "), "has no key LIVEKIT_API_SECRET"),
        ({"LIVEKIT_API_KEY": "/w=="}, "LIVEKIT_API_KEY"),
    ],
)
def test_a_secret_that_lacks_a_key_is_a_problem_that_names_it(data: dict[str, str], said: str) -> None:
    with pytest.raises(ProblemError) as caught:
        credentials_from_secret("default", "livekit", data)

    assert caught.value.status == 503
    assert said in caught.value.detail
    assert '"livekit"' in caught.value.detail
    assert '"default"' in caught.value.detail


@pytest.mark.parametrize(
    ("status", "said"), [(404, "is missing in namespace"), (403, "may not read"), (0, "cannot be read now")]
)
async def test_a_secret_that_cannot_be_read_is_a_problem_that_says_what_to_do(status: int, said: str) -> None:
    kube = Secrets()
    kube.error = KubeError(status, "no")

    with pytest.raises(ProblemError, match=said) as caught:
        await SecretCredentials(kube).read("default", "livekit")

    assert caught.value.status == 503


async def test_many_requests_for_one_secret_cost_one_read_and_it_is_kept_for_half_a_minute() -> None:
    kube, now = Secrets(), [0.0]
    reader = SecretCredentials(kube, clock=lambda: now[0])

    await asyncio.gather(*(reader.read("default", "livekit") for _ in range(20)))
    assert kube.paths == ["/api/v1/namespaces/default/secrets/livekit"]

    now[0] = KEPT_SECONDS
    kube.data = encoded(LIVEKIT_API_KEY="newkey", LIVEKIT_API_SECRET="new")
    assert (await reader.read("default", "livekit")).api_key == "newkey"
    assert KEPT_SECONDS <= 30


async def test_a_failed_read_is_not_kept() -> None:
    kube = Secrets()
    reader = SecretCredentials(kube)
    kube.error = KubeError(404, "no")
    with pytest.raises(ProblemError):
        await reader.read("default", "livekit")
    kube.error = None

    assert (await reader.read("default", "livekit")).api_key == "devkey"


async def test_a_lock_is_held_by_one_at_a_time_and_forgotten_after() -> None:
    locks, inside, most = KeyedLocks(), 0, 0

    async def work() -> None:
        nonlocal inside, most
        async with locks.hold("k"):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(work() for _ in range(30)))

    assert most == 1
    assert len(locks) == 0
