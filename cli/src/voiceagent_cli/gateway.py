"""The gateway's API: at its own address, or through the API server where no key is needed."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import aiohttp

from voiceagent_cli.errors import CliError, Exit, NotYetError, usage
from voiceagent_cli.kube import Kube, KubeError, access, core_path

REQUEST_SECONDS: Final = 30.0
PART_OF: Final = "app.kubernetes.io/part-of=voiceagent-operator"
APP: Final = "app.kubernetes.io/name"
GATEWAY_APP: Final = "voiceagent-gateway"
_CODES: Final = {401: Exit.REFUSED, 403: Exit.REFUSED, 404: Exit.NOT_FOUND, 409: Exit.REFUSED, 429: Exit.REFUSED}
_NOT_YET: Final = ("agent-waking", "agent-growing", "agent-not-ready")
"""Problems by the gateway's names that pass by themselves, or are being seen to."""
FORWARD: Final = "kubectl port-forward -n {} svc/{} 8000:{}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where to look for the gateway."""

    url: str | None
    key: str | None
    context: str | None


async def ask(place: Place, path: str, query: Mapping[str, str] | None = None) -> Any:
    """What the gateway answers. Raises CliError."""
    if place.url:
        return await _ask_directly(place.url, place.key, path, query or {})
    async with _cluster(place.context) as kube:
        service = await find_gateway(kube)
        meta, port = service["metadata"], service["spec"]["ports"][0]["port"]
        forward = FORWARD.format(meta["namespace"], meta["name"], port)
        if place.key:
            raise usage(
                "The API server lets no API key through to the gateway. Give the gateway's address by --gateway; "
                f"without an ingress: {forward}, and --gateway http://localhost:8000"
            )
        proxied = core_path(meta["namespace"], "services", f"{meta['name']}:{port}").replace("%3A", ":")
        try:
            return await kube.get(f"{proxied}/proxy{path}", **(query or {}))
        except KubeError as error:
            if b'"detail"' in error.body:
                raise _refusal(error.status, error.body) from None
            if error.status in (404, 503):
                raise CliError(
                    f"No gateway pod answers: {error} `voiceagent doctor` looks why.", Exit.UNREACHABLE
                ) from None
            raise


async def find_gateway(kube: Kube) -> Mapping[str, Any]:
    """The gateway's Service. Raises CliError."""
    for service in (await kube.get(core_path(None, "services"), labelSelector=PART_OF))["items"]:
        if (service["spec"].get("selector") or {}).get(APP) == GATEWAY_APP:
            found: Mapping[str, Any] = service
            return found
    raise CliError(
        "The cluster has no gateway. Give its address by --gateway or VOICEAGENT_GATEWAY, or install the chart "
        "voiceagent-operator.",
        Exit.NOT_FOUND,
    )


@asynccontextmanager
async def _cluster(context: str | None) -> AsyncIterator[Kube]:
    reach = await access(context, None)
    async with reach.open() as kube:
        yield kube


async def _ask_directly(url: str, key: str | None, path: str, query: Mapping[str, str]) -> Any:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise usage(f"--gateway {url} is no address such as https://voice.example.com.")
    if parts.username or parts.password:
        raise usage("--gateway must have no user and password: a key is given by --key or VOICEAGENT_API_KEY.")
    headers = {"Accept": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
    address = url.rstrip("/") + path + (f"?{urlencode(query)}" if query else "")
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=True) as http,
            http.get(address, headers=headers, allow_redirects=False) as response,
        ):
            body = await response.read()
            if response.status != 200:
                raise _refusal(response.status, body)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        told = str(error).rstrip(".") or type(error).__name__
        raise CliError(f"The gateway at {url} does not answer: {told}.", Exit.UNREACHABLE) from None
    try:
        return json.loads(body)
    except ValueError:
        raise CliError(f"What answers at {url} is no gateway of voiceagent-operator.", Exit.UNREACHABLE) from None


def _refusal(status: int, body: bytes) -> CliError:
    try:
        answer = json.loads(body)
        told, problem = str(answer["detail"]), str(answer.get("type", ""))
    except (ValueError, LookupError, TypeError, AttributeError):
        told, problem = f"it answered {status}", ""
    hint = " Give an API key by VOICEAGENT_API_KEY or --key." if status == 401 else ""
    code = Exit.UNREACHABLE if status >= 500 else _CODES.get(status, Exit.INVALID)
    kind = NotYetError if problem.endswith(_NOT_YET) else CliError
    return kind(f"The gateway refused: {told.rstrip('.')}.{hint}", code)
