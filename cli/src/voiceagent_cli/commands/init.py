"""`init`: a first manifest, by questions or by flags."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import typer
from voiceagent_api.catalogue import ProviderKind

from voiceagent_cli import options, screen
from voiceagent_cli.checks import check
from voiceagent_cli.documents import find_agent
from voiceagent_cli.errors import CliError, Exit, usage
from voiceagent_cli.names import check_agent_name, model_note, provider_named, providers_of
from voiceagent_cli.new_manifest import Answers, Choice, manifest_text
from voiceagent_cli.targets import write_text

DEFAULT_STT: Final = "deepgram/nova-3"
DEFAULT_LLM: Final = "openai/gpt-4o-mini"
DEFAULT_TTS: Final = "openai/tts-1"
_FORM: Final = "PROVIDER[/MODEL]"


def init(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The agent's name.")] = None,
    instructions: Annotated[str | None, typer.Option(help="Who the agent is, what it does, how it talks.")] = None,
    greeting: Annotated[str | None, typer.Option(help="What it says first; empty for nothing.")] = None,
    language: Annotated[str | None, typer.Option(help="The language, such as en or fr-CA.")] = None,
    stt: Annotated[str | None, typer.Option(metavar=_FORM, help="Who listens.")] = None,
    llm: Annotated[str | None, typer.Option(metavar=_FORM, help="Who thinks.")] = None,
    tts: Annotated[str | None, typer.Option(metavar=_FORM, help="Who speaks.")] = None,
    voice: Annotated[str | None, typer.Option(help="With which voice.")] = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", metavar="FILE", help="Where to write it; else it is printed.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    unlisted: options.Unlisted = False,
) -> None:
    """Make a first manifest: by questions on a terminal, by these options elsewhere."""
    if file is not None and file.exists() and not force:
        raise CliError(f"{file} is there already. Name another file, or add --force.", Exit.REFUSED)
    if not screen.is_terminal() and (name is None or instructions is None):
        raise usage("There is no terminal to ask on: give NAME and --instructions.")
    text = manifest_text(
        Answers(
            name=_text(name, "Name of the agent", "receptionist", check_agent_name),
            instructions=_text(instructions, "Who is it, and what does it do", "You answer the phone. Be brief."),
            greeting=_text(greeting, "What does it say first", "Hello, how can I help you?"),
            language=_text(language, "Language", "en"),
            stt=_choice("stt", "Who listens", stt, DEFAULT_STT, None, unlisted),
            llm=_choice("llm", "Who thinks", llm, DEFAULT_LLM, None, unlisted),
            tts=_choice("tts", "Who speaks", tts, DEFAULT_TTS, voice, unlisted),
        )
    )
    check(find_agent(text, None, "the manifest").document, "The manifest", unlisted=unlisted)
    if file is None:
        screen.put(text)
        return
    write_text(file, text)
    screen.say(f"Wrote {file}. Next: voiceagent apply -f {file}")


def _text(given: str | None, question: str, default: str, judge: Callable[[str], None] = lambda _: None) -> str:
    """The option, or an answer that is right; the default where nobody can be asked."""
    if given is not None or not screen.is_terminal():
        value = default if given is None else given
        judge(value)
        return value
    while True:
        answer = screen.ask(question, default)
        try:
            judge(answer)
        except CliError as error:
            screen.say(str(error))
        else:
            return answer


def _choice(
    kind: ProviderKind, question: str, given: str | None, default: str, voice: str | None, unlisted: bool
) -> Choice:
    def judge(text: str) -> None:
        provider_named(kind, text.partition("/")[0], unlisted=unlisted)

    known = ", ".join(entry.name for entry in providers_of(kind))
    text = _text(given, f"{question}, as {_FORM} ({known})", default, judge)
    provider, _, model = text.partition("/")
    entry = provider_named(kind, provider, unlisted=unlisted)
    if model and (note := model_note(entry, model)):
        screen.warn(note)
    return Choice(entry, model or entry.default_model, voice)
