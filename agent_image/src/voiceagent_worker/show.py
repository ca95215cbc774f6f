"""`voiceagent-worker show`: each value of the configuration and where it came from. Keys are never shown."""

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from voiceagent_api import names
from voiceagent_api.agent_config import ProviderConfig

from voiceagent_worker.config import LoadedConfig, load_config, providers_of
from voiceagent_worker.errors import ConfigurationError
from voiceagent_worker.layers import DEFAULT, Origin, all_values
from voiceagent_worker.settings import Settings

SECRET_NAME: Final = re.compile(r"(key|secret|token|password|passwd|credential|authorization)s?$", re.IGNORECASE)
"""Names of settings that may hold a secret, though none should stand in a config file."""
NAMES_OF_PLACES: Final = frozenset({"credentialsPath", "credentialsEnv", "secretPath", "tokenPath"})
"""These say where a secret is, not what it is."""
MASK: Final = "***"
MAX_WIDTH: Final = 80


@dataclass(frozen=True, slots=True)
class Row:
    """A value, as it may be shown, and where it came from."""

    key: str
    value: Any
    origin: str


def show(settings: Settings) -> int:
    """Print the configuration that a worker with these settings would have; the process's exit code."""
    try:
        loaded = load_config(settings.config_path, settings.layers, required=settings.config_required)
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 2
    rows = [*config_rows(loaded), *credential_rows(loaded, settings)]
    problems = [problem.sentence for problem in loaded.problems]
    if settings.show_as_json:
        told = {"revision": loaded.revision, "values": [asdict(row) for row in rows], "problems": problems}
        print(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        print("\n".join(table(rows)))
        for sentence in problems:
            print(sentence, file=sys.stderr)
    return 0


def config_rows(loaded: LoadedConfig) -> Iterator[Row]:
    """The configuration's values, the unset ones left out."""
    for key, value in all_values(loaded.config):
        if value is not None:
            yield Row(key, shown_value(key, value), str(origin_of(key, loaded.origins)))


def credential_rows(loaded: LoadedConfig, settings: Settings) -> Iterator[Row]:
    """Which keys are there, and where; never what they are."""
    environment = settings.layers.environment
    for key in (names.LIVEKIT_API_KEY, names.LIVEKIT_API_SECRET):
        yield _credential(key, key if environment.get(key) else None, settings.livekit_path / key, environment)
    for kind, provider in providers_of(loaded.config).items():
        for place, one in ((f"providers.{kind}", provider), *_fallbacks(kind, provider)):
            path = Path(one.credentials_path) if one.credentials_path else None
            yield _credential(f"{place} key", one.credentials_env, path, environment)


def origin_of(key: str, origins: Mapping[str, Origin]) -> Origin:
    """Of the value, or of the whole that it is part of."""
    parts = key.split(".")
    found = (origins.get(".".join(parts[:length])) for length in range(len(parts), 0, -1))
    return next((origin for origin in found if origin is not None), DEFAULT)


def shown_value(key: str, value: Any) -> Any:
    """The value without what may be a secret."""
    name = key.rpartition(".")[2]
    if isinstance(value, dict):
        return {inner: shown_value(inner, one) for inner, one in value.items()}
    if isinstance(value, list):
        return [shown_value(key, one) for one in value]
    if name not in NAMES_OF_PLACES and SECRET_NAME.search(name) and value not in (None, "", True, False):
        return MASK
    return _without_user(value) if isinstance(value, str) and "://" in value else value


def table(rows: Sequence[Row]) -> Iterator[str]:
    """The rows in columns."""
    cells = [("KEY", "VALUE", "FROM"), *((row.key, _short(row.value), row.origin) for row in rows)]
    first, second = (max(len(cell[column]) for cell in cells) for column in (0, 1))
    for key, value, origin in cells:
        yield f"{key:<{first}}  {value:<{second}}  {origin}".rstrip()


def _fallbacks(kind: str, provider: ProviderConfig) -> Iterator[tuple[str, ProviderConfig]]:
    for index, fallback in enumerate(provider.fallbacks):
        yield f"providers.{kind}.fallbacks[{index}]", fallback


def _credential(key: str, variable: str | None, path: Path | None, environment: Mapping[str, str]) -> Row:
    if variable is not None:
        return Row(key, "set" if environment.get(variable, "").strip() else "missing", f"env {variable}")
    if path is None:
        return Row(key, "not asked for", str(DEFAULT))
    try:
        there = bool(path.read_bytes().strip())
    except OSError:
        there = False
    return Row(key, "set" if there else "missing", f"file {path}")


def _without_user(address: str) -> str:
    """An address may hold a password, or a key in its query."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return MASK
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(
        (
            parts.scheme,
            f"{MASK}@{host}" if "@" in parts.netloc else host,
            parts.path,
            MASK if parts.query else "",
            MASK if parts.fragment else "",
        )
    )


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= MAX_WIDTH else f"{text[: MAX_WIDTH - 1]}…"
