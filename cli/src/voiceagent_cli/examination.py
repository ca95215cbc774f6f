"""Looks at a cluster for the doctor. What may not be read is told, and the rest is looked at all the same."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import yaml
from pydantic import ValidationError
from voiceagent_api.install import InstallConfig
from voiceagent_api.names import GROUP, PLURAL

from voiceagent_cli.diagnosis import Found, livekit_addresses
from voiceagent_cli.gateway import PART_OF
from voiceagent_cli.kube import Kube, KubeError, access, agents_path, apps_path, core_path

LIVEKIT_SECONDS: Final = 5.0
INSTALL_FILE: Final = "install.yaml"


async def examine(namespace: str | None, context: str | None) -> Found:
    """What there is on the cluster. Raises CliError where it cannot be reached at all."""
    place = await access(context, namespace)
    async with place.open() as kube:
        version = str((await kube.get("/version"))["gitVersion"])
        unread: dict[str, str] = {}
        crd = await _optional(
            kube, f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{PLURAL}.{GROUP}", "crd", unread
        )
        deployments = await _listed(kube, apps_path(None, "deployments"), "deployments", unread, PART_OF)
        ingresses = await _listed(kube, "/apis/networking.k8s.io/v1/ingresses", "ingresses", unread, PART_OF)
        classes = await _listed(kube, "/apis/networking.k8s.io/v1/ingressclasses", "ingress_classes", unread)
        maps = await _listed(kube, core_path(None, "configmaps"), "install", unread, PART_OF)
        agents = await _listed(kube, agents_path(place.namespace), "agents", unread)
        secrets = await _listed(kube, core_path(place.namespace, "secrets"), "secrets", unread)
    install = _install(maps or [])
    addresses = livekit_addresses(install, agents or [])
    faults = await asyncio.gather(*(_livekit_fault(address) for address in addresses))
    return Found(
        version=version,
        crd=crd,
        deployments=deployments,
        install=install,
        ingresses=ingresses,
        ingress_classes=None if classes is None else frozenset(one["metadata"]["name"] for one in classes),
        agents=agents or [],
        secrets=None
        if secrets is None
        else {one["metadata"]["name"]: frozenset(one.get("data") or {}) for one in secrets},
        livekit=dict(zip(addresses, faults, strict=True)),
        unread=unread,
        namespace=place.namespace,
    )


async def _optional(kube: Kube, path: str, field: str, unread: dict[str, str]) -> Any:
    try:
        return await kube.get(path)
    except KubeError as error:
        if error.status != 404:
            unread[field] = str(error)
        return None


async def _listed(
    kube: Kube, path: str, field: str, unread: dict[str, str], selector: str = ""
) -> list[Mapping[str, Any]] | None:
    try:
        listing = await kube.get(path, **({"labelSelector": selector} if selector else {}))
    except KubeError as error:
        if error.status != 404:
            unread[field] = str(error)
        return None
    return list(listing["items"])


def _install(maps: list[Mapping[str, Any]]) -> InstallConfig | None:
    for item in maps:
        text = (item.get("data") or {}).get(INSTALL_FILE)
        if text is not None:
            try:
                return InstallConfig.model_validate(yaml.safe_load(text))
            except (ValidationError, yaml.YAMLError):
                return None
    return None


async def _livekit_fault(address: str) -> str:
    """Why no LiveKit server answers at an address; empty where one does."""
    parts = urlsplit(address)
    scheme = {"wss": "https", "ws": "http"}.get(parts.scheme, parts.scheme)
    timeout = aiohttp.ClientTimeout(total=LIVEKIT_SECONDS)
    try:
        # The server's own health check: no key is needed for it.
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=True) as http,
            http.get(urlunsplit((scheme, parts.netloc, parts.path, "", ""))) as response,
        ):
            return "" if response.status < 500 else f"answers {response.status}"
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        return str(error).rstrip(".") or "no answer in time"
