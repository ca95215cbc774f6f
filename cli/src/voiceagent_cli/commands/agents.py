"""The commands of the single-machine system: what an agent is made of, and changes of that."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer
from voiceagent_api.catalogue import ProviderEntry

from voiceagent_cli import completions, options, rows, screen
from voiceagent_cli.changing import Consent, change
from voiceagent_cli.edits import (
    PluginAddition,
    ProviderChange,
    SpokenKind,
    has_own_image,
    with_plugin,
    with_provider,
    without_plugin,
)
from voiceagent_cli.errors import usage
from voiceagent_cli.names import check_plugin, model_note, provider_named, providers_of, secret_hint
from voiceagent_cli.running import run, target_of
from voiceagent_cli.tables import Format
from voiceagent_cli.targets import Target

Provider = Annotated[
    str,
    typer.Argument(metavar="PROVIDER", help="Who does it; see list-providers.", autocompletion=completions.providers),
]
Model = Annotated[
    str | None,
    typer.Argument(metavar="[MODEL]", help="By default the provider's usual one.", autocompletion=completions.models),
]
BaseUrl = Annotated[str | None, typer.Option("--base-url", metavar="URL", help="A server of the provider's protocol.")]
Secret = Annotated[str | None, typer.Option("--secret", metavar="NAME", help="The Secret with the provider's key.")]
Voice = Annotated[str | None, typer.Option("--voice", metavar="VOICE", help="The voice, as the provider names it.")]
PluginName = Annotated[
    str, typer.Option("--name", metavar="NAME", help="The plugin.", autocompletion=completions.plugins)
]


class Kind(StrEnum):
    """What a provider does."""

    STT = "stt"
    LLM = "llm"
    TTS = "tts"
    REALTIME = "realtime"


def show(
    agent: options.AgentName = None,
    file: options.File = None,
    namespace: options.Namespace = None,
    context: options.Context = None,
    output: options.Output = Format.TABLE,
) -> None:
    """Show what an agent is made of."""
    screen.answer(rows.agent_answer(run(target_of(file, agent, namespace, context).read())), output)


def list_providers(
    kind: Annotated[Kind | None, typer.Argument(help="Only providers that do this.")] = None,
    output: options.Output = Format.TABLE,
) -> None:
    """List the providers that the worker image has."""
    screen.answer(rows.providers_answer(providers_of(kind.value if kind else None)), output)


def change_llm(
    provider: Provider,
    model: Model = None,
    base_url: BaseUrl = None,
    secret: Secret = None,
    agent: options.Agent = None,
    file: options.File = None,
    namespace: options.Namespace = None,
    context: options.Context = None,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    unlisted: options.Unlisted = False,
) -> None:
    """Change who thinks: the language model."""
    target = target_of(file, agent, namespace, context, unlisted=unlisted)
    _change("llm", target, provider, model, None, base_url, secret, Consent(dry_run, yes), unlisted)


def change_stt(
    provider: Provider,
    model: Model = None,
    base_url: BaseUrl = None,
    secret: Secret = None,
    agent: options.Agent = None,
    file: options.File = None,
    namespace: options.Namespace = None,
    context: options.Context = None,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    unlisted: options.Unlisted = False,
) -> None:
    """Change who listens: speech to text."""
    target = target_of(file, agent, namespace, context, unlisted=unlisted)
    _change("stt", target, provider, model, None, base_url, secret, Consent(dry_run, yes), unlisted)


def change_tts(
    provider: Provider,
    model: Model = None,
    voice: Voice = None,
    base_url: BaseUrl = None,
    secret: Secret = None,
    agent: options.Agent = None,
    file: options.File = None,
    namespace: options.Namespace = None,
    context: options.Context = None,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    unlisted: options.Unlisted = False,
) -> None:
    """Change who speaks: text to speech, and its voice."""
    target = target_of(file, agent, namespace, context, unlisted=unlisted)
    _change("tts", target, provider, model, voice, base_url, secret, Consent(dry_run, yes), unlisted)


plugins = typer.Typer(no_args_is_help=True, help="See, add and remove steps that what is said passes through.")


@plugins.command("list")
def list_plugins(
    agent: options.Agent = None,
    file: options.File = None,
    namespace: options.Namespace = None,
    context: options.Context = None,
    output: options.Output = Format.TABLE,
) -> None:
    """List an agent's plugins in their order, and those that it could have."""
    document = run(target_of(file, agent, namespace, context).read())
    screen.answer(rows.plugins_answer((document.get("spec") or {}).get("plugins") or []), output)


@plugins.command("add")
def add_plugin(
    name: PluginName,
    webhook: Annotated[
        str | None, typer.Option("--webhook", metavar="URL", help="Where it runs, if not in the image.")
    ] = None,
    secret: Annotated[
        str | None, typer.Option("--secret", metavar="NAME", help="The Secret that signs what is sent to the webhook.")
    ] = None,
    first: Annotated[bool, typer.Option("--first", help="Before all others; else behind them.")] = False,
    agent: options.Agent = None,
    file: options.File = None,
    namespace: options.Namespace = None,
    context: options.Context = None,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    unlisted: options.Unlisted = False,
) -> None:
    """Add a plugin to an agent."""
    if secret and not webhook:
        raise usage("--secret signs what is sent to a webhook: give --webhook too, or leave it out.")

    def edit(document: Mapping[str, Any]) -> Mapping[str, Any]:
        if not webhook:
            check_plugin(name, unlisted=unlisted or has_own_image(document))
        return with_plugin(document, PluginAddition(name, webhook, secret, first))

    run(change(target_of(file, agent, namespace, context, unlisted=unlisted), edit, Consent(dry_run, yes)))


@plugins.command("remove")
def remove_plugin(
    name: PluginName,
    agent: options.Agent = None,
    file: options.File = None,
    namespace: options.Namespace = None,
    context: options.Context = None,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    unlisted: options.Unlisted = False,
) -> None:
    """Remove a plugin from an agent."""
    target = target_of(file, agent, namespace, context, unlisted=unlisted)
    run(change(target, lambda document: without_plugin(document, name), Consent(dry_run, yes)))


def _change(
    kind: SpokenKind,
    target: Target,
    provider: str,
    model: str | None,
    voice: str | None,
    base_url: str | None,
    secret: str | None,
    consent: Consent,
    unlisted: bool,
) -> None:
    def edit(document: Mapping[str, Any]) -> Mapping[str, Any]:
        entry = provider_named(kind, provider, unlisted=unlisted or has_own_image(document))
        wanted = ProviderChange(kind, provider, model or entry.default_model, voice, base_url, secret)
        after = with_provider(document, wanted)
        _notes(entry, wanted, document, target.namespace)
        return after

    run(change(target, edit, consent))


def _notes(entry: ProviderEntry, wanted: ProviderChange, document: Mapping[str, Any], namespace: str | None) -> None:
    if note := model_note(entry, wanted.model):
        screen.warn(note)
    before = ((document.get("spec") or {}).get("providers") or {}).get(wanted.kind) or {}
    if before.get("provider") != wanted.provider and (hint := secret_hint(entry, wanted.secret, namespace)):
        screen.warn(hint)
