"""The process that calls' processes are forked from, itself forked from the main process once that has imported all.

multiprocessing starts a new interpreter for its fork server, which imports everything a second time: a second of CPU
time at each start, and most of the main process's memory again. The server here is multiprocessing's own, in a fork.
"""

import gc
import importlib
import os
import signal
import socket
import sys
from contextlib import suppress
from multiprocessing import connection, forkserver, util
from pathlib import Path
from typing import Any, Final, NoReturn

from voiceagent_api.agent_config import AgentConfig

from voiceagent_worker.config import all_providers
from voiceagent_worker.late_packages import OF_THE_REALTIME_API, import_late

ENTRYPOINT: Final = "voiceagent_worker.entrypoint"
VOICE_DETECTION: Final = "livekit.plugins.silero"
ASYNC_BACKEND: Final = "anyio._backends._asyncio"
"""What HTTP clients import at their first request: a tenth of a second on the call's event loop."""
WARM_UP: Final = "livekit.agents.ipc._preload"
"""What livekit-agents loads before calls: native libraries and models, in no thread."""
_STATE: Final = ("_forkserver_address", "_forkserver_alive_fd", "_forkserver_pid")
"""Where multiprocessing keeps its server (Python 3.11 to 3.13); later ones ask it for a key as well."""


def modules_to_preload(config: AgentConfig) -> list[str]:
    """What every call needs, imported once before the first; the calls' processes are forked from that."""
    from voiceagent_worker.plugins.loading import plugin_modules
    from voiceagent_worker.providers import modules_of

    return [VOICE_DETECTION, ASYNC_BACKEND, ENTRYPOINT, *modules_of(config), *plugin_modules(config)]


def start_call_server(config: AgentConfig) -> bool:
    """Import what calls need and fork the server; False where this Python's server is another one.

    Then, and when the server dies, multiprocessing starts one by itself. To be called while there is one thread, no
    event loop and no log handler, and with the environment that calls are to have. A module that cannot be imported is
    left out: the call that needs it tells why.
    """
    if "realtime" not in {kind for kind, _ in all_providers(config)}:
        import_late(OF_THE_REALTIME_API)
    _import_all(config)
    server: Any = getattr(forkserver, "_forkserver", None)
    if sys.version_info >= (3, 14) or not all(hasattr(server, name) for name in _STATE):
        return False
    address = connection.arbitrary_address("AF_UNIX")  # type: ignore[attr-defined]
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        if not util.is_abstract_socket_namespace(address):
            Path(address).chmod(0o600)
        listener.listen()
        alive_r, alive_w = os.pipe()
        pid = os.fork()
        if pid == 0:
            # its end tells the server that the main process is gone
            os.close(alive_w)
            _serve(listener.detach(), alive_r)
        os.close(alive_r)
    server._forkserver_address, server._forkserver_alive_fd, server._forkserver_pid = address, alive_w, pid
    return True


def _import_all(config: AgentConfig) -> None:
    # The collector would look through half a million objects that stay, again and again: a fifth of the imports' time.
    gc.disable()
    try:
        for name in (*modules_to_preload(config), WARM_UP):
            with suppress(Exception):
                importlib.import_module(name)
        _trust_certificates()
        gc.collect()
        # Kept from later collections too, which would copy the pages that calls' processes share.
        gc.freeze()
    finally:
        gc.enable()


def _trust_certificates() -> None:
    # AgentServer sets it before it starts processes, and ours is there already.
    from livekit.agents.utils import http_context

    with suppress(AttributeError):
        http_context._set_default_cert_env()


def _serve(listener: int, alive: int) -> NoReturn:
    """Be the server until the main process is gone; a fork must not do what the main process does at its end."""
    code = 1
    try:
        # as in a new interpreter
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        forkserver.main(listener, alive, [])
        code = 0
    except SystemExit as end:
        code = 0 if end.code is None else 1
    finally:
        os._exit(code)
