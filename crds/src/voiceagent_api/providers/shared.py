"""What a vendor's providers of several kinds have in common: keys, checks, words."""

from voiceagent_api.providers.entries import Check, Credential

WORKER = "voiceagent_worker.providers"
"""The package of the worker image that makes the catalogue's providers."""
ANTHROPIC_PACKAGE = "livekit-plugins-anthropic"
AZURE_PACKAGE = "livekit-plugins-azure"
"""Of Azure's speech alone: its language models are asked by OpenAI's library."""
GOOGLE_PACKAGE = "livekit-plugins-google"
LANGUAGE = "What is spoken; by default the agent's language."
OPENAI_KEY = (Credential("OPENAI_API_KEY", "API key."),)
DEEPGRAM_KEY = (Credential("DEEPGRAM_API_KEY", "API key."),)
AZURE_SPEECH = (
    Credential("AZURE_SPEECH_KEY", "Key of the Azure Speech resource."),
    Credential("AZURE_SPEECH_REGION", "Its region, as in westeurope.", unless=("speech_region", "baseURL")),
)
GOOGLE_CLOUD = (Credential("GOOGLE_APPLICATION_CREDENTIALS", "A service account's JSON file.", file=True),)
DEEPGRAM_CHECK = Check("https://api.deepgram.com/v1", "/projects", "Authorization", "Token")
OPENAI_CHECK = Check("https://api.openai.com/v1", "/models", "Authorization", "Bearer", models=("data", "id"))
