"""Names of the catalogue for a shell to complete. Pure, and quick: no cluster is asked while somebody types."""

import typer
from voiceagent_api.catalogue import PLUGINS, find_provider

from voiceagent_cli.names import KINDS, providers_of


def providers(ctx: typer.Context, incomplete: str) -> list[str]:
    """Providers of the kind that the command changes."""
    return _beginning([entry.name for kind in KINDS if kind == _kind(ctx) for entry in providers_of(kind)], incomplete)


def models(ctx: typer.Context, incomplete: str) -> list[str]:
    """Models that this release knows of the provider before."""
    entries = [find_provider(kind, str(ctx.params.get("provider"))) for kind in KINDS if kind == _kind(ctx)]
    return _beginning([model for entry in entries if entry for model in entry.models], incomplete)


def plugins(incomplete: str) -> list[str]:
    """Plugins that the worker image has."""
    return _beginning([entry.name for entry in PLUGINS], incomplete)


def _kind(ctx: typer.Context) -> str:
    return (ctx.info_name or "").rpartition("-")[2]


def _beginning(names: list[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
