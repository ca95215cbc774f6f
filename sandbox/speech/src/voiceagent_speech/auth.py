"""Who may ask: anyone whose key is there and does not begin with `invalid`.

That is enough to show a client what wrong credentials look like, and there is nothing here to protect.
"""

from __future__ import annotations

from collections.abc import Mapping

from .errors import ApiError, Vendor

_SCHEMES = ("bearer ", "token ")


def key_from(headers: Mapping[str, str]) -> str:
    """The key of `Authorization: Bearer KEY` or `Token KEY`, empty where there is none."""
    value = headers.get("Authorization", "").strip()
    for scheme in _SCHEMES:
        if value.lower().startswith(scheme):
            return value[len(scheme) :].strip()
    return ""


def check(key: str, vendor: Vendor) -> None:
    """Raise the vendor's 401 for a key that is missing or says that it is invalid."""
    if key and not key.lower().startswith("invalid"):
        return
    if vendor is Vendor.DEEPGRAM:
        raise ApiError(401, "Invalid credentials.")
    if not key:
        raise ApiError(401, "You didn't provide an API key. Send it in an Authorization header as a Bearer token.")
    raise ApiError(401, "Incorrect API key provided.", code="invalid_api_key")
