"""What the process is told: flags, each with an environment variable of the same meaning."""

import argparse
import socket
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from voiceagent_api.version import VersionOption

LOG_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")


@dataclass(frozen=True, slots=True)
class Settings:
    """The operator's own settings; those of agents are in the install's configuration."""

    config: Path | None
    namespaces: tuple[str, ...]
    workers: int
    resync_seconds: float
    health_host: str
    health_port: int
    log_level: str
    secret_values: bool
    """Whether Secrets are watched with their values, so that a missing key is told of at once."""
    lease_namespace: str | None
    """Where the Lease is that decides who leads; None where this is the only operator."""
    identity: str


def read_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Settings from flags, else from the environment, else defaults. Ends the process on a wrong flag."""
    parser = argparse.ArgumentParser(
        prog="voiceagent-operator", description="Reconciles VoiceAgents into worker pods and tells how they are."
    )
    parser.add_argument("--version", action=VersionOption, program=parser.prog, package="voiceagent-operator")
    parser.add_argument(
        "--config",
        type=Path,
        default=environment.get("VOICEAGENT_OPERATOR_CONFIG") or None,
        metavar="PATH",
        help="the install's configuration (YAML); without it, built-in defaults [VOICEAGENT_OPERATOR_CONFIG]",
    )
    parser.add_argument(
        "--namespace",
        action="append",
        dest="namespaces",
        metavar="NAME",
        help="serve this namespace only; may be repeated; default: the whole cluster "
        "[VOICEAGENT_OPERATOR_NAMESPACES, with commas]",
    )
    parser.add_argument(
        "--workers",
        type=_positive,
        default=environment.get("VOICEAGENT_OPERATOR_WORKERS") or "10",
        metavar="N",
        help="VoiceAgents reconciled at once (default: 10) [VOICEAGENT_OPERATOR_WORKERS]",
    )
    parser.add_argument(
        "--resync-seconds",
        type=_positive,
        default=environment.get("VOICEAGENT_OPERATOR_RESYNC_SECONDS") or "600",
        metavar="N",
        help="how often everything is listed again, beside the watches (default: 600) "
        "[VOICEAGENT_OPERATOR_RESYNC_SECONDS]",
    )
    parser.add_argument(
        "--health-host",
        default=environment.get("VOICEAGENT_OPERATOR_HEALTH_HOST") or "0.0.0.0",  # noqa: S104 (the kubelet asks)
        metavar="ADDRESS",
        help="where /healthz and /readyz listen (default: all addresses) [VOICEAGENT_OPERATOR_HEALTH_HOST]",
    )
    parser.add_argument(
        "--health-port",
        type=_port,
        default=environment.get("VOICEAGENT_OPERATOR_HEALTH_PORT") or "8081",
        metavar="PORT",
        help="port of /healthz and /readyz (default: 8081) [VOICEAGENT_OPERATOR_HEALTH_PORT]",
    )
    parser.add_argument(
        "--log-level",
        choices=LOG_LEVELS,
        default=environment.get("VOICEAGENT_OPERATOR_LOG_LEVEL") or "INFO",
        help="least level logged (default: INFO) [VOICEAGENT_OPERATOR_LOG_LEVEL]",
    )
    parser.add_argument(
        "--watch-secrets",
        choices=("keys", "metadata"),
        default=environment.get("VOICEAGENT_OPERATOR_WATCH_SECRETS") or "keys",
        help="keys: see Secrets whole, note their keys, and tell of a missing one at once; metadata: never receive "
        "what is in a Secret, so that only a missing Secret is told of (default: keys) "
        "[VOICEAGENT_OPERATOR_WATCH_SECRETS]",
    )
    parser.add_argument(
        "--leader-elect",
        default=environment.get("VOICEAGENT_OPERATOR_LEADER_ELECT") or None,
        metavar="NAMESPACE",
        help="share the work with other replicas: whoever holds the Lease voiceagent-operator in this namespace works, "
        "the others stand by; default: work at once [VOICEAGENT_OPERATOR_LEADER_ELECT]",
    )
    flags = parser.parse_args(arguments)
    listed = environment.get("VOICEAGENT_OPERATOR_NAMESPACES", "").split(",")
    namespaces = flags.namespaces or [name.strip() for name in listed if name.strip()]
    return Settings(
        config=flags.config,
        namespaces=tuple(dict.fromkeys(namespaces)),
        workers=flags.workers,
        resync_seconds=flags.resync_seconds,
        health_host=flags.health_host,
        health_port=flags.health_port,
        log_level=flags.log_level,
        secret_values=flags.watch_secrets == "keys",
        lease_namespace=flags.leader_elect,
        identity=f"{environment.get('POD_NAME') or socket.gethostname()}_{uuid.uuid4().hex[:8]}",
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{number} is not a port")
    return number
