"""Anthropic's language models. `baseURL` is the root of the API, without /v1."""

from typing import Final

# the SDK imports these at the first request, on the event loop; here they are part of the warm-up
import anthropic
import anthropic.resources.messages
import httpx2
from livekit.plugins import anthropic as plugin
from voiceagent_api.agent_config import ProviderConfig

from voiceagent_worker.providers.keys import ProviderCredentials
from voiceagent_worker.providers.options import checked_options, root
from voiceagent_worker.providers.tls import http_client

TIMEOUT: Final = httpx2.Timeout(5.0, read=30.0)
"""The plugin's own: it may think for a while between two words."""


def build_llm(config: ProviderConfig, language: str, credentials: ProviderCredentials) -> plugin.LLM:
    """The language model; it learns the language from the instructions and the talk."""
    client = anthropic.AsyncClient(
        api_key=credentials.api_key, base_url=root(config), max_retries=0, http_client=http_client(TIMEOUT)
    )
    return plugin.LLM(model=config.model, api_key=credentials.api_key, client=client, **checked_options("llm", config))
