"""What a failed request to a provider means, in a sentence.

The provider's own words are left out: some quote the key.
"""

from typing import Final

from livekit.agents import APIStatusError, APITimeoutError
from voiceagent_api.agent_config import AgentConfig
from voiceagent_api.catalogue import ProviderKind

from voiceagent_worker.config import providers_of

_KINDS: Final[dict[str, ProviderKind]] = {"stt_error": "stt", "llm_error": "llm", "tts_error": "tts"}


def kind_of(error_type: str) -> ProviderKind | None:
    """Which provider an AgentSession's error event speaks of; None for any other."""
    return _KINDS.get(error_type)


def failure_sentence(kind: ProviderKind, config: AgentConfig, error: BaseException) -> str:
    """Why a session ended by a provider's failure."""
    provider = providers_of(config)[kind]
    subject = f'The {kind} provider "{provider.provider}" (model {provider.model})'
    address = f" at {provider.base_url}" if provider.base_url else ""
    match error:
        case APIStatusError(status_code=401 | 403):
            return f"{subject}{address} refused the credential. Check the Secret's key."
        case APIStatusError(status_code=404):
            return f"{subject}{address} knows no such model or address. Check model and baseURL."
        case APIStatusError(status_code=429):
            return f"{subject}{address} refused for too many requests or a used-up quota."
        case APIStatusError(status_code=status) if status > 0:
            return f"{subject}{address} answered with HTTP status {status}, repeatedly."
        case APITimeoutError():
            return f"{subject}{address} did not answer in time, repeatedly."
        case _:
            return f"{subject} could not be reached{address}, repeatedly. Check the address and the network."
