"""What to ask providers whose address or key is made of their settings: Azure's and Google Cloud's. Pure.

All cost nothing. Azure Speech changes the key for a token of ten minutes, which is thrown away; Azure OpenAI lists
its models. Google Text-to-Speech lists voices; Speech-to-Text is asked to recognise nothing, which it refuses only
after it looked at the account, and by the permission that calls need; Vertex AI counts the tokens of one letter.
"""

import json
import re
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import jwt
from voiceagent_api.agent_config import ProviderConfig
from voiceagent_api.catalogue import ProviderKind
from voiceagent_api.providers.entries import Check

from voiceagent_worker.providers.keys import ProviderCredentials

Account = Mapping[str, Any]
"""A Google service account, as its file says."""
TOKEN_SECONDS: Final = 300
SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
SECOND_VERSION: Final = frozenset({"telephony", "chirp_2", "chirp_3"})
"""Models of Speech-to-Text that livekit's plugin asks by the second version of the API."""
AZURE_OPENAI_VERSION: Final = "2024-10-21"
_GOOGLE_REFUSED: Final = "it refused the service account, or the API is not enabled in its project"
_OF_A_REGION: Final = re.compile(r"([a-z0-9-]+)\.(?:stt|tts)\.speech\.microsoft\.com")


def placed_check(
    kind: ProviderKind, config: ProviderConfig, credentials: ProviderCredentials, account: Account | None
) -> Check | None:
    """What to ask; None where there is nothing to ask without a cost, or the catalogue knows it."""
    match kind, config.provider:
        case (("stt" | "tts"), "azure"):
            return _azure_speech(config, credentials)
        case "llm", "azure":
            return _azure_openai(config, credentials)
        case "stt", "google" if account is not None:
            return _google_stt(config, account)
        case "tts", "google" if account is not None:
            return _google_tts(config)
        case "llm", "google" if account is not None:
            return _vertex_ai(config, account)
        case _:
            return None


def asks_by_account(kind: ProviderKind, config: ProviderConfig) -> bool:
    """Whether it is asked by a service account of Google's."""
    return config.provider == "google" and (kind in ("stt", "tts") or bool(config.options.get("vertexai")))


def account_token(account: Account, now: float | None = None) -> str:
    """A token that the account signs for itself, as Google's own clients make it (AIP-4111). Raises ValueError."""
    at = int(time.time() if now is None else now)
    claims = {
        "iss": account["client_email"],
        "sub": account["client_email"],
        "scope": SCOPE,
        "iat": at,
        "exp": at + TOKEN_SECONDS,
    }
    headers = {"kid": str(account.get("private_key_id", ""))}
    try:
        return jwt.encode(claims, str(account["private_key"]), algorithm="RS256", headers=headers)
    except (jwt.PyJWTError, TypeError) as error:
        raise ValueError("The private key of the service account cannot be used.") from error


def _azure_speech(config: ProviderConfig, credentials: ProviderCredentials) -> Check | None:
    region = config.options.get("speech_region") or credentials.further.get("AZURE_SPEECH_REGION")
    root = f"https://{region}.api.cognitive.microsoft.com" if region else None
    if config.base_url:
        # a resource's own address has the tokens too, that of a region has them elsewhere
        parts = urlsplit(config.base_url)
        of_a_region = _OF_A_REGION.fullmatch(parts.hostname or "")
        scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
        root = f"https://{of_a_region[1]}.api.cognitive.microsoft.com" if of_a_region else f"{scheme}://{parts.netloc}"
    return Check(root, "/sts/v1.0/issueToken", "Ocp-Apim-Subscription-Key", body="") if root else None


def _azure_openai(config: ProviderConfig, credentials: ProviderCredentials) -> Check | None:
    root = config.base_url or credentials.further.get("AZURE_OPENAI_ENDPOINT")
    # what it lists are the models that could be deployed, and no deployments
    return Check(root.rstrip("/"), f"/openai/models?api-version={AZURE_OPENAI_VERSION}", "api-key") if root else None


def _google_stt(config: ProviderConfig, account: Account) -> Check:
    location = str(config.options.get("location") or "global")
    project = config.options.get("project") or account["project_id"]
    path = "/v1/speech:recognize"
    if config.model in SECOND_VERSION:
        path = f"/v2/projects/{project}/locations/{location}/recognizers/_:recognize"
    return _google(config, "speech", location, path, body="{}", accepts=(200, 400))


def _google_tts(config: ProviderConfig) -> Check:
    location = str(config.options.get("location") or "global")
    # of a language that has few
    return _google(config, "texttospeech", location, "/v1/voices?languageCode=is-IS")


def _vertex_ai(config: ProviderConfig, account: Account) -> Check:
    location = str(config.options.get("location") or "us-central1")
    project = config.options.get("project") or account["project_id"]
    path = f"/v1/projects/{project}/locations/{location}/publishers/google/models/{config.model}:countTokens"
    body = json.dumps({"contents": [{"role": "user", "parts": [{"text": "a"}]}]})
    return _google(config, "aiplatform", location, path, body=body, unknown_model=404)


def _google(config: ProviderConfig, service: str, location: str, path: str, **more: Any) -> Check:
    place = "" if location == "global" else f"{location}-"
    root = config.base_url or f"https://{place}{service}.googleapis.com"
    return Check(root.rstrip("/"), path, "Authorization", "Bearer", refusal=_GOOGLE_REFUSED, **more)
