"""Anthropic's language models. `baseURL` is the root of the API, without /v1."""

# the SDK imports these at the first request, on the event loop; here they are part of the warm-up
import anthropic.resources.messages  # noqa: F401
from livekit.plugins import anthropic as plugin
from voiceagent_api.agent_config import ProviderConfig

from voiceagent_worker.providers.keys import ProviderCredentials
from voiceagent_worker.providers.options import checked_options, given, root


def build_llm(config: ProviderConfig, language: str, credentials: ProviderCredentials) -> plugin.LLM:
    """The language model; it learns the language from the instructions and the talk."""
    return plugin.LLM(
        model=config.model,
        api_key=credentials.api_key,
        **given(base_url=root(config)),
        **checked_options("llm", config),
    )
