"""How keys to LiveKit are read, kept and forgotten."""

import base64

import aiohttp
import pytest
from voiceagent_operator.callees import Access
from voiceagent_operator.credentials import SecretView, view_secret
from voiceagent_operator.errors import ApiError
from voiceagent_operator.livekit_access import LiveKitAccess
from voiceagent_operator.livekit_rooms import LiveKitError, LiveKitRooms
from voiceagent_operator.objects import Key, Object

ONE, OTHER = Key("one", "livekit"), Key("other", "livekit")
URL = "ws://livekit.test"
VALUE = "the-value-of-the-secret"


class Secrets:
    """Secrets in a dictionary, and how often one was read."""

    def __init__(self) -> None:
        self.bodies: dict[Key, Object] = {}
        self.reads = 0
        self.versions = 0

    def put(self, where: Key, **values: str) -> None:
        self.versions += 1
        meta = {"namespace": where.namespace, "name": where.name, "uid": "u", "resourceVersion": str(self.versions)}
        data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
        self.bodies[where] = {"metadata": meta, "data": data}

    def find(self, where: Key) -> SecretView | None:
        return view_secret(self.bodies[where]) if where in self.bodies else None

    async def read(self, where: Key) -> Object | None:
        self.reads += 1
        return self.bodies.get(where)


async def opened(secrets: Secrets, access: LiveKitAccess, where: Key = ONE, url: str = URL) -> LiveKitRooms:
    return await access.rooms(Access(url, where))


async def test_a_secret_is_read_once_for_each_of_its_versions_and_again_once_it_was_out_of_use() -> None:
    async with aiohttp.ClientSession() as http:
        secrets = Secrets()
        access = LiveKitAccess(http, secrets.find, secrets.read)
        secrets.put(ONE, LIVEKIT_API_KEY="key", LIVEKIT_API_SECRET=VALUE)
        first = await opened(secrets, access)
        assert await opened(secrets, access) is first
        assert secrets.reads == 1
        secrets.put(ONE, LIVEKIT_API_KEY="key", LIVEKIT_API_SECRET="rotated")
        assert await opened(secrets, access) is not first
        assert secrets.reads == 2
        access.keep_only([])
        await opened(secrets, access)
        assert secrets.reads == 3


async def test_secrets_that_say_the_same_open_the_same_rooms_and_others_do_not() -> None:
    async with aiohttp.ClientSession() as http:
        secrets = Secrets()
        access = LiveKitAccess(http, secrets.find, secrets.read)
        for where in (ONE, OTHER):
            secrets.put(where, LIVEKIT_API_KEY="key", LIVEKIT_API_SECRET=VALUE)
        first = await opened(secrets, access)
        assert await opened(secrets, access, OTHER) is first
        assert await opened(secrets, access, OTHER, "ws://another.test") is not first
        secrets.put(OTHER, LIVEKIT_API_KEY="key", LIVEKIT_API_SECRET="wrong")
        assert await opened(secrets, access, OTHER) is not first


@pytest.mark.parametrize(
    ("values", "url", "sentence"),
    [
        (None, URL, "Secret one/livekit is missing."),
        ({"LIVEKIT_API_KEY": VALUE}, URL, "Secret one/livekit has no key LIVEKIT_API_SECRET."),
        ({"LIVEKIT_API_KEY": "key", "LIVEKIT_API_SECRET": VALUE}, "ws://[no-address", "The LiveKit address of agents"),
    ],
)
async def test_what_is_missing_is_named_and_never_a_value(
    values: dict[str, str] | None, url: str, sentence: str
) -> None:
    async with aiohttp.ClientSession() as http:
        secrets = Secrets()
        if values is not None:
            secrets.put(ONE, **values)
        with pytest.raises(LiveKitError) as told:
            await opened(secrets, LiveKitAccess(http, secrets.find, secrets.read), url=url)
        assert str(told.value).startswith(sentence)
        assert VALUE not in str(told.value)


async def test_a_secret_that_may_not_be_read_is_an_error_of_livekits_kind() -> None:
    async def refused(where: Key) -> Object | None:
        raise ApiError(403, "Forbidden", "no")

    async with aiohttp.ClientSession() as http:
        secrets = Secrets()
        secrets.put(ONE, LIVEKIT_API_KEY="key", LIVEKIT_API_SECRET=VALUE)
        with pytest.raises(LiveKitError, match="Secret one/livekit cannot be read: 403 Forbidden: no"):
            await opened(secrets, LiveKitAccess(http, secrets.find, refused))
