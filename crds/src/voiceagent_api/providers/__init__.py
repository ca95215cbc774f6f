"""The providers that the worker image has, one entry each. Pure data: nothing of a provider is imported here."""

from voiceagent_api.providers.entries import ProviderEntry
from voiceagent_api.providers.llm import LLM
from voiceagent_api.providers.realtime import REALTIME
from voiceagent_api.providers.stt import STT
from voiceagent_api.providers.tts import TTS

CATALOGUE: tuple[ProviderEntry, ...] = (*STT, *LLM, *TTS, *REALTIME)
