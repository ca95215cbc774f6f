"""What the gateway is told at its start: flags, a few environment variables, the install's configuration."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from voiceagent_api.install import InstallConfig, InstallError, load_install_config


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


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message[0].upper()}{message[1:]}. See voiceagent-gateway --help.")


def parse_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """The settings. Raises UserError."""
    parser = _Parser(prog="voiceagent-gateway", description="LiveKit tokens, metrics and the web client.")
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
    parser.add_argument("--log-level", choices=("DEBUG", "INFO", "WARNING", "ERROR"), default="INFO")
    parsed = parser.parse_args(arguments)
    if not 0 <= parsed.port <= 65535:
        raise UserError(f"--port {parsed.port} is not a port; give a number from 0 to 65535.")
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
    )
