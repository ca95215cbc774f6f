"""A first manifest from a few answers. Pure."""

from dataclasses import dataclass

from voiceagent_api.catalogue import ProviderEntry
from voiceagent_api.names import API_VERSION, KIND

from voiceagent_cli.differences import as_yaml, inline


@dataclass(frozen=True, slots=True)
class Choice:
    """A provider, and what is asked of it."""

    entry: ProviderEntry
    model: str
    voice: str | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """What a first manifest is made of."""

    name: str
    instructions: str
    greeting: str
    language: str
    stt: Choice
    llm: Choice
    tts: Choice


def manifest_text(answers: Answers) -> str:
    """The manifest, with a comment on each thing that people change first."""
    head = as_yaml({"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": answers.name}})
    keys = sorted(
        f"{choice.entry.name} ({choice.entry.credential_key})"
        for choice in {choice.entry.name: choice for choice in (answers.stt, answers.llm, answers.tts)}.values()
        if not choice.entry.key_optional
    )
    greeting = {"greeting": answers.greeting} if answers.greeting else {}
    return (
        f"# Keys come from Secrets of the agent's namespace: livekit{''.join(f', {key}' for key in keys)}.\n"
        f"{head}spec:\n"
        "  # Who the agent is, what it does and how it talks.\n"
        f"{_indented(as_yaml({'instructions': answers.instructions}))}"
        f"{_indented(as_yaml(greeting)) if greeting else ''}"
        f"{_indented(as_yaml({'language': answers.language}))}"
        "  # Who listens, thinks and speaks; `voiceagent list-providers` lists them.\n"
        "  providers:\n"
        f"    stt: {_choice(answers.stt)}\n"
        f"    llm: {_choice(answers.llm)}\n"
        f"    tts: {_choice(answers.tts)}\n"
    )


def _choice(choice: Choice) -> str:
    voice = choice.voice or choice.entry.default_voice
    parts = [f"provider: {choice.entry.name}", f"model: {inline(choice.model)}"]
    return "{" + ", ".join([*parts, *([f"voice: {inline(voice)}"] if voice else [])]) + "}"


def _indented(text: str) -> str:
    return "".join(f"  {line}" for line in text.splitlines(keepends=True))
