"""Providers of language models."""

from voiceagent_api.providers.entries import (
    Check,
    Credential,
    Option,
    ProviderEntry,
    fields,
    integer,
    number,
    several,
    text,
    yes_or_no,
)

_WORKER = "voiceagent_worker.providers"
_TOOL_CHOICE = text("tool_choice", "Whether tools are called.", "auto", "required", "none")
_PARALLEL = yes_or_no("parallel_tool_calls", "Whether several tools may be called in one answer.")

_OPENAI: tuple[Option, ...] = (
    number("temperature", "How freely it words: 0 is the most predictable.", 0, 2),
    number("top_p", "The share of likely words to choose from.", 0, 1),
    integer("max_completion_tokens", "The longest answer, in tokens.", 1),
    _TOOL_CHOICE,
    _PARALLEL,
    text("reasoning_effort", "How long a reasoning model thinks.", "none", "minimal", "low", "medium", "high", "xhigh"),
    text("verbosity", "How much it says.", "low", "medium", "high"),
    text("user", "A name for the end user, for the provider's own watch on misuse."),
    text("safety_identifier", "The same, as newer models want it."),
    text("prompt_cache_key", "Groups requests that begin alike."),
)
_OPENAI_OWN: tuple[Option, ...] = (
    text("service_tier", "The class of service that is asked for."),
    text("prompt_cache_retention", "How long beginnings are kept.", "in_memory", "24h"),
    yes_or_no("store", "Whether OpenAI keeps the answers."),
    fields("metadata", "Labels of stored answers."),
    fields("extra_body", "Further fields of the request."),
    fields("extra_headers", "Further headers of the request; never credentials."),
    fields("extra_query", "Further query parameters of the request."),
)
_OPENAI_CHECK = Check("https://api.openai.com/v1", "/models", "Authorization", "Bearer", models=("data", "id"))

LLM: tuple[ProviderEntry, ...] = (
    ProviderEntry(
        name="openai",
        kind="llm",
        credentials=(Credential("OPENAI_API_KEY", "API key."),),
        default_model="gpt-4o-mini",
        models=("gpt-5.5", "gpt-5.4", "gpt-5.4-mini", "gpt-5-mini", "gpt-5-nano", "gpt-4.1", "gpt-4o", "gpt-4o-mini"),
        factory=f"{_WORKER}.openai:build_llm",
        options=(*_OPENAI, *_OPENAI_OWN),
        check=_OPENAI_CHECK,
        base_url="Root of the API, ends in /v1.",
    ),
    ProviderEntry(
        name="openai_compatible",
        kind="llm",
        credentials=(Credential("API_KEY", "API key, where the server asks for one.", optional=True),),
        default_model="default",
        factory=f"{_WORKER}.openai:build_llm",
        options=(*_OPENAI, *_OPENAI_OWN),
        check=_OPENAI_CHECK,
        base_url="Root of the server's API, mostly ending in /v1. Needed.",
        needs_base_url=True,
    ),
    ProviderEntry(
        name="anthropic",
        kind="llm",
        credentials=(Credential("ANTHROPIC_API_KEY", "API key."),),
        default_model="claude-sonnet-4-6",
        models=("claude-opus-4-6", "claude-sonnet-4-6", "claude-opus-4-1-20250805", "claude-3-5-haiku-20241022"),
        factory=f"{_WORKER}.anthropic:build_llm",
        options=(
            number("temperature", "How freely it words: 0 is the most predictable.", 0, 1),
            integer("top_k", "Choose from this many likely words.", 1),
            integer("max_tokens", "The longest answer, in tokens.", 1),
            _TOOL_CHOICE,
            _PARALLEL,
            text("caching", "Keep what requests begin with.", "ephemeral"),
            text("user", "A name for the end user."),
        ),
        check=Check(
            "https://api.anthropic.com",
            "/v1/models?limit=1000",
            "x-api-key",
            headers=(("anthropic-version", "2023-06-01"),),
            models=("data", "id"),
        ),
        base_url="Root of the API, without /v1.",
    ),
    ProviderEntry(
        name="cohere",
        kind="llm",
        credentials=(Credential("COHERE_API_KEY", "API key."),),
        default_model="command-a-03-2025",
        models=("command-a-03-2025", "command-r-plus-08-2024", "command-r-08-2024", "command-r7b-12-2024"),
        factory=f"{_WORKER}.cohere:build_llm",
        options=(
            number("temperature", "How freely it words: 0 is the most predictable.", 0),
            number("p", "The share of likely words to choose from.", 0.01, 0.99),
            integer("k", "Choose from this many likely words; 0 for all.", 0, 500),
            integer("max_tokens", "The longest answer, in tokens.", 1),
            integer("seed", "Asks for the same answer each time.", 0),
            number("frequency_penalty", "Keeps it from repeating words, more for often used ones.", 0, 1),
            number("presence_penalty", "Keeps it from repeating words.", 0, 1),
            several("stop_sequences", "Ends the answer where one of these would come; at most 5."),
            text("safety_mode", "How careful it is.", "CONTEXTUAL", "STRICT", "OFF"),
            yes_or_no("strict_tools", "Whether tool calls follow their schema exactly."),
            _TOOL_CHOICE,
        ),
        check=Check(
            "https://api.cohere.com",
            "/v1/models?page_size=1000&endpoint=chat",
            "Authorization",
            "Bearer",
            models=("models", "name"),
        ),
        base_url="Root of the API, without /v2.",
    ),
    ProviderEntry(
        name="google",
        kind="llm",
        credentials=(
            Credential("GOOGLE_API_KEY", "API key for Gemini.", unless=("vertexai",)),
            Credential(
                "GOOGLE_APPLICATION_CREDENTIALS",
                "A service account's JSON file, for Vertex AI (option vertexai).",
                optional=True,
                file=True,
            ),
        ),
        default_model="gemini-2.5-flash",
        models=("gemini-3.8-flash", "gemini-2.5-pro", "gemini-2.5-flash", "gemini-2.5-flash-lite"),
        factory=f"{_WORKER}.google:build_llm",
        options=(
            number("temperature", "How freely it words: 0 is the most predictable.", 0, 2),
            integer("max_output_tokens", "The longest answer, in tokens.", 1),
            number("top_p", "The share of likely words to choose from.", 0, 1),
            number("top_k", "Choose from this many likely words.", 1),
            number("presence_penalty", "Keeps it from repeating words."),
            number("frequency_penalty", "Keeps it from repeating words, more for often used ones."),
            integer("seed", "Asks for the same answer each time."),
            _TOOL_CHOICE,
            fields("thinking_config", "How it thinks: thinking_budget, thinking_level, include_thoughts."),
            several("safety_settings", "Content filters: each with category and threshold."),
            text("cached_content", "Name of a context cache that each request starts from."),
            yes_or_no("vertexai", "Ask Vertex AI, with a service account, in place of the Gemini API."),
            text("project", "Google Cloud project; for Vertex AI, by default that of the service account."),
            text("location", "Google Cloud region; for Vertex AI."),
        ),
        check=Check(
            "https://generativelanguage.googleapis.com",
            "/v1beta/models?pageSize=1000",
            "x-goog-api-key",
            models=("models", "name"),
        ),
        base_url="Root of the API, without the version.",
    ),
    ProviderEntry(
        name="azure",
        kind="llm",
        credentials=(
            Credential("AZURE_OPENAI_API_KEY", "API key of the Azure OpenAI resource."),
            Credential(
                "AZURE_OPENAI_ENDPOINT", "Its address, as in https://NAME.openai.azure.com.", unless=("baseURL",)
            ),
        ),
        default_model="gpt-4o-mini",
        factory=f"{_WORKER}.azure_openai:build_llm",
        options=(*_OPENAI, text("api_version", "Version of the API, by its date.")),
        base_url="The resource's address, as in https://NAME.openai.azure.com. The model is the deployment's name.",
    ),
)
