"""What both servers that the caller asks have in common: how a refusal reads, and how to reach them."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

import httpx

_LONGEST_DETAIL = 300


def make_client(url: str, timeout_seconds: float) -> httpx.AsyncClient:
    """A client for one server. A proxy from the environment is never asked for what is on this machine."""
    return httpx.AsyncClient(base_url=url.rstrip("/"), timeout=timeout_seconds, trust_env=not _is_this_machine(url))


def refusal(response: httpx.Response) -> str:
    """The reason that an answer gives, in one line: of problem+json, of OpenAI's errors, or its text."""
    try:
        body = response.json()
    except ValueError:
        body = response.text
    if isinstance(body, dict):
        error = body.get("error")
        body = body.get("detail") or (error.get("message") if isinstance(error, dict) else error) or body.get("title")
    text = " ".join(str(body or "").split()) or response.reason_phrase or "no reason was given"
    return text if len(text) <= _LONGEST_DETAIL else text[: _LONGEST_DETAIL - 1] + "…"


def _is_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
