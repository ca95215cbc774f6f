"""What a failed request to a provider means, in a sentence.

The provider's own words are left out: some quote the key.
"""

from typing import Final

from livekit.agents import APIStatusError, APITimeoutError
from voiceagent_api.agent_config import ProviderConfig
from voiceagent_api.catalogue import ProviderKind

_KINDS: Final[dict[str, ProviderKind]] = {
    "stt_error": "stt",
    "llm_error": "llm",
    "tts_error": "tts",
    "realtime_model_error": "realtime",
}


def kind_of(error_type: str) -> ProviderKind | None:
    """Which provider an AgentSession's error event speaks of; None for any other."""
    return _KINDS.get(error_type)


def failure_sentence(kind: ProviderKind, provider: ProviderConfig, error: BaseException) -> str:
    """Why a provider is not available."""
    subject = f'The {kind} provider "{provider.provider}" (model {provider.model})'
    address = f" at {provider.base_url}" if provider.base_url else ""
    match _cause(error):
        case APIStatusError(status_code=401 | 403):
            return f"{subject}{address} refused the credential. Check the Secret's key."
        case APIStatusError(status_code=404):
            return f"{subject}{address} knows no such model or address. Check model and baseURL."
        case APIStatusError(status_code=429):
            wait = retry_after_seconds(error)
            again = f" It asks to wait {wait:g} s." if wait else ""
            return f"{subject}{address} refused for too many requests or a used-up quota.{again}"
        case APIStatusError(status_code=status) if 400 <= status < 600:
            return f"{subject}{address} answered with HTTP status {status}, repeatedly."
        case APITimeoutError():
            return f"{subject}{address} did not answer in time, repeatedly."
        case _:
            return f"{subject} could not be reached{address}, repeatedly. Check the address and the network."


def retry_after_seconds(error: BaseException) -> float | None:
    """How long a provider asks to wait, as its SDK's error kept it behind the plugin's."""
    for one in _chain(error):
        headers = getattr(getattr(one, "response", None), "headers", None) or getattr(one, "headers", None) or {}
        try:
            return max(0.0, float(headers["Retry-After"]))
        except (KeyError, TypeError, ValueError):
            continue
    return None


def _cause(error: BaseException) -> BaseException:
    """The first error that says something: plugins and retries wrap it into ones that say nothing."""
    for one in _chain(error):
        status = getattr(one, "status_code", None) or getattr(one, "status", None)
        if isinstance(status, int) and 400 <= status < 600:
            return APIStatusError("", status_code=status)
        if isinstance(one, APITimeoutError | TimeoutError):
            return APITimeoutError()
    return error


def _chain(error: BaseException) -> list[BaseException]:
    """An error and what it came from, also where it was raised `from None`."""
    chain: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and one not in chain:
        chain.append(one)
        one = one.__cause__ or one.__context__
    return chain
