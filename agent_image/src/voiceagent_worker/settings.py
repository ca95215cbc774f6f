"""Where the worker finds things: flags first, then the environment, then what a pod has by default."""

import argparse
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from voiceagent_api import names

ENV_CONFIG: Final = "VOICEAGENT_CONFIG"
LOCAL_REVISION: Final = "local"
"""The revision of a worker that no operator started."""
LOCAL_MAX_SESSIONS: Final = "10"
"""How many calls it takes at once."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Places and names of this process. None means: as the agent's config file says."""

    config_path: Path
    livekit_path: Path
    control_token_path: Path
    max_sessions: int
    host: str
    port: int
    namespace: str | None
    pod: str
    revision: str


def read_settings(arguments: Sequence[str] | None, environment: Mapping[str, str]) -> Settings:
    """The settings of this process. A wrong flag ends it with argparse's message and exit code 2."""
    default_config = f"{names.CONFIG_MOUNT_PATH}/{names.CONFIG_FILE_NAME}"
    parser = argparse.ArgumentParser(prog="voiceagent_worker", description="Serve the calls of one voice agent.")
    parser.add_argument(
        "--config",
        type=Path,
        default=Path(environment.get(ENV_CONFIG) or default_config),
        help=f"the agent's config file (default: ${ENV_CONFIG}, else {default_config})",
    )
    parser.add_argument(
        "--livekit-credentials",
        type=Path,
        default=Path(names.LIVEKIT_MOUNT_PATH),
        metavar="FOLDER",
        help=f"folder with {names.LIVEKIT_API_KEY} and {names.LIVEKIT_API_SECRET} (default: %(default)s)",
    )
    parser.add_argument(
        "--control-token",
        type=Path,
        default=Path(names.CONTROL_MOUNT_PATH) / names.CONTROL_TOKEN_KEY,
        metavar="FILE",
        help="file with the token that POST /drain asks for (default: %(default)s)",
    )
    parser.add_argument(
        "--max-sessions",
        type=_count,
        default=environment.get(names.ENV_MAX_SESSIONS) or LOCAL_MAX_SESSIONS,
        metavar="NUMBER",
        help=f"calls at once (default: ${names.ENV_MAX_SESSIONS}, else {LOCAL_MAX_SESSIONS})",
    )
    parser.add_argument("--host", default="0.0.0.0", help="address of the HTTP endpoints")  # noqa: S104 (a pod's port)
    parser.add_argument("--port", type=int, default=names.WORKER_PORT, help="port of the HTTP endpoints")
    flags = parser.parse_args(arguments)
    return Settings(
        config_path=flags.config,
        livekit_path=flags.livekit_credentials,
        control_token_path=flags.control_token,
        max_sessions=flags.max_sessions,
        host=flags.host,
        port=flags.port,
        namespace=environment.get(names.ENV_NAMESPACE) or None,
        pod=environment.get(names.ENV_POD) or socket.gethostname(),
        revision=environment.get(names.ENV_REVISION) or LOCAL_REVISION,
    )


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 1")
    return int(text)
