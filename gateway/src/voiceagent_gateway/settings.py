"""What the gateway is told at its start: flags, a few environment variables, the install's configuration."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NoReturn

from pydantic import ValidationError
from voiceagent_api.gateway_settings import GatewaySettings
from voiceagent_api.install import InstallConfig, InstallError, load_install_config
from voiceagent_api.version import VersionOption

MEGABYTE: Final = 1024 * 1024
DATA_MEGABYTES: Final = 512
LEAST_MEGABYTES: Final = 64
MOST_RETENTION_HOURS: Final = 8760


class UserError(Exception):
    """The gateway was started wrongly; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How this gateway runs."""

    install: InstallConfig = field(default_factory=InstallConfig)
    namespaces: tuple[str, ...] = ()
    """Namespaces to serve; all where none is given."""
    host: str = "127.0.0.1"
    port: int = 8000
    client_dir: Path | None = None
    log_level: str = "INFO"
    own_namespace: str = ""
    """Where the gateway's own Secrets are."""
    redis_password: str | None = field(default=None, repr=False)
    data_dir: Path | None = None
    """Where the database is; in memory where none is given."""
    data_max_bytes: int = DATA_MEGABYTES * MEGABYTE
    """What the database may grow to."""
    retention_hours: int = 168
    """For how long the history is kept; agents may say less for themselves."""
    prometheus_url: str = ""
    """A store that answers for the history, in place of the database; empty for none."""
    prometheus_token: str | None = field(default=None, repr=False)
    """What the store is asked with, where it wants a bearer token."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message[0].upper()}{message[1:]}. See voiceagent-gateway --help.")


def parse_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """The settings. Raises UserError."""
    parser = _Parser(prog="voiceagent-gateway", description="LiveKit tokens, metrics and the web client.")
    parser.add_argument("--version", action=VersionOption, program=parser.prog, package="voiceagent-gateway")
    parser.add_argument(
        "--config",
        type=Path,
        default=environment.get("GATEWAY_CONFIG"),
        help="the install's configuration file",
    )
    parser.add_argument(
        "--namespace", action="append", default=[], help="namespace to serve, repeatable; all by default"
    )
    # In a pod only its own address is of use; on a desk, serving the network is to be asked for.
    default_host = "0.0.0.0" if "KUBERNETES_SERVICE_HOST" in environment else "127.0.0.1"  # noqa: S104
    parser.add_argument(
        "--host", default=default_host, help="address to listen on; in a pod all of them, elsewhere 127.0.0.1"
    )
    parser.add_argument("--port", type=int, default=8000, help="port to listen on (8000)")
    parser.add_argument(
        "--client-dir",
        type=Path,
        default=environment.get("GATEWAY_CLIENT_DIR") or None,
        help="folder of the built web client; default from GATEWAY_CLIENT_DIR",
    )
    parser.add_argument(
        "--own-namespace", default="", help="namespace of the gateway itself, where the Secret with API keys is"
    )
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=environment.get("GATEWAY_DATA_DIR") or None,
        help="folder for what is kept across restarts; default from GATEWAY_DATA_DIR, else in memory",
    )
    parser.add_argument(
        "--data-megabytes",
        type=int,
        default=DATA_MEGABYTES,
        help=f"what the database there may grow to ({DATA_MEGABYTES}); the oldest goes first",
    )
    parser.add_argument("--log-level", choices=("DEBUG", "INFO", "WARNING", "ERROR"), default="INFO")
    parsed = parser.parse_args(arguments)
    if not 0 <= parsed.port <= 65535:
        raise UserError(f"--port {parsed.port} is not a port; give a number from 0 to 65535.")
    if parsed.data_megabytes < LEAST_MEGABYTES:
        raise UserError(f"--data-megabytes {parsed.data_megabytes} is too little; give {LEAST_MEGABYTES} or more.")
    try:
        install = load_install_config(Path(parsed.config)) if parsed.config else InstallConfig()
    except InstallError as error:
        raise UserError(str(error)) from error
    if install.gateway.auth.api_keys and not parsed.own_namespace:
        raise UserError(
            "gateway.auth.mode is apiKeys or both: give --own-namespace, where the Secret with the keys is."
        )
    return Settings(
        install=install,
        namespaces=tuple(dict.fromkeys(parsed.namespace)),
        host=parsed.host,
        port=parsed.port,
        client_dir=Path(parsed.client_dir) if parsed.client_dir else None,
        own_namespace=parsed.own_namespace,
        log_level=parsed.log_level,
        redis_password=environment.get("REDIS_PASSWORD") or None,
        data_dir=Path(parsed.data_dir) if parsed.data_dir else None,
        data_max_bytes=parsed.data_megabytes * MEGABYTE,
        retention_hours=_retention(environment.get("METRICS_RETENTION_HOURS"), install.gateway.retention_hours),
        prometheus_url=_address(environment.get("PROMETHEUS_URL")) or install.gateway.prometheus_url,
        prometheus_token=environment.get("PROMETHEUS_TOKEN") or None,
    )


def _retention(text: str | None, default: int) -> int:
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_RETENTION_HOURS:
        raise UserError(
            f"METRICS_RETENTION_HOURS is {text!r}; give a number of hours from 1 to {MOST_RETENTION_HOURS}."
        )
    return int(text)


def _address(text: str | None) -> str:
    if not text:
        return ""
    try:
        return GatewaySettings(prometheus_url=text).prometheus_url
    except ValidationError:
        # Not repeated: what is wrong with it may be a password.
        raise UserError(
            "PROMETHEUS_URL is no address of a store; write it as http://prometheus.monitoring:9090, "
            "without user and password."
        ) from None
