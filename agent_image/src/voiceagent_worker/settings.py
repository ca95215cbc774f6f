"""Where the worker finds things: flags first, then the environment, then what a pod has by default."""

import argparse
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from voiceagent_api import names
from voiceagent_api.version import VersionOption

from voiceagent_worker import PACKAGE
from voiceagent_worker.layers import Layers

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
    layers: Layers = field(default_factory=Layers, repr=False)
    """What lies above the config file; the environment holds keys."""
    config_required: bool = True
    """False where the environment may suffice: no file was named, and no operator started this worker."""
    session_memory_bytes: int | None = None
    """What one call's process may use; None for as much as there is."""
    show_as_json: bool = False


def read_settings(arguments: Sequence[str] | None, environment: Mapping[str, str]) -> Settings:
    """The settings of this process. A wrong flag ends it with argparse's message and exit code 2."""
    default_config = Path(names.CONFIG_MOUNT_PATH, names.CONFIG_FILE_NAME)
    named_config = environment.get(ENV_CONFIG)
    parser = argparse.ArgumentParser(
        prog="voiceagent-worker",
        description="Serve the calls of one voice agent; `show` as the first argument prints its configuration, "
        "`dev MANIFEST` talks to an agent in the terminal.",
    )
    parser.add_argument("--version", action=VersionOption, program=parser.prog, package=PACKAGE)
    parser.add_argument(
        "--config",
        type=Path,
        default=Path(named_config) if named_config else None,
        help=f"the agent's config file (default: ${ENV_CONFIG}, else {default_config} if it is there)",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=_assignment,
        dest="assignments",
        metavar="KEY=VALUE",
        help="a value of the configuration, by its key in the config file, as in providers.llm.model=gpt-4o; "
        "it wins over file and environment, and may be given more than once",
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
    parser.add_argument(
        "--session-memory-bytes",
        type=_count,
        default=environment.get(names.ENV_SESSION_MEMORY_BYTES) or None,
        metavar="NUMBER",
        help=f"memory that one call may use (default: ${names.ENV_SESSION_MEMORY_BYTES}, else no limit)",
    )
    parser.add_argument("--host", default="0.0.0.0", help="address of the HTTP endpoints")  # noqa: S104 (a pod's port)
    parser.add_argument("--port", type=int, default=names.WORKER_PORT, help="port of the HTTP endpoints")
    parser.add_argument("--json", action="store_true", help="for the command show: print JSON")
    flags = parser.parse_args(arguments)
    return Settings(
        config_path=flags.config or default_config,
        livekit_path=flags.livekit_credentials,
        control_token_path=flags.control_token,
        max_sessions=flags.max_sessions,
        host=flags.host,
        port=flags.port,
        namespace=environment.get(names.ENV_NAMESPACE) or None,
        pod=environment.get(names.ENV_POD) or socket.gethostname(),
        revision=environment.get(names.ENV_REVISION) or LOCAL_REVISION,
        layers=Layers(environment, dict(flags.assignments)),
        config_required=flags.config is not None or bool(environment.get(names.ENV_REVISION)),
        session_memory_bytes=flags.session_memory_bytes,
        show_as_json=flags.json,
    )


def _assignment(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise argparse.ArgumentTypeError("write it as KEY=VALUE, as in providers.llm.model=gpt-4o")
    return key, value


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 1")
    return int(text)
