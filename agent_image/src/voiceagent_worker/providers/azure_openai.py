"""OpenAI's language models as Azure serves them: at an address of one's own, a model being the name of a deployment."""

from typing import Any, Final

import openai.resources.chat  # noqa: F401
from livekit.plugins import openai as plugin
from voiceagent_api.agent_config import ProviderConfig

from voiceagent_worker.providers.keys import ProviderCredentials
from voiceagent_worker.providers.options import checked_options

API_VERSION: Final = "2024-10-21"
"""Azure's newest version of the API that is not a preview, by its own list of versions."""


def build_llm(config: ProviderConfig, language: str, credentials: ProviderCredentials) -> plugin.LLM:
    """The language model."""
    options: dict[str, Any] = {"api_version": API_VERSION, **checked_options("llm", config)}
    endpoint = config.base_url or credentials.further["AZURE_OPENAI_ENDPOINT"]
    return plugin.LLM.with_azure(
        model=config.model,
        azure_deployment=config.model,
        azure_endpoint=endpoint.rstrip("/"),
        api_key=credentials.api_key,
        **options,
    )
