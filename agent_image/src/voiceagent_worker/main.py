"""The main process: it composes the parts, and ends in order when told to.

It serves the pod's endpoints, keeps the registry of calls and the metrics, watches the config file, and runs
livekit-agents' server, which starts a process for each call.
"""

import asyncio
import functools
import logging
import os
import shutil
import signal
import sys
import tempfile
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from voiceagent_api.agent_config import AgentConfig
from voiceagent_api.catalogue import ProviderKind
from voiceagent_api.worker_status import ProviderCheck, SessionRecord, WorkerStatus

from voiceagent_worker import logs
from voiceagent_worker.call_server import modules_to_preload, start_call_server
from voiceagent_worker.channel import ChannelServer
from voiceagent_worker.config import ConfigWatcher, LoadedConfig, all_providers, load_config, provider_key
from voiceagent_worker.control import control_routes
from voiceagent_worker.credentials import LiveKitCredentials, read_control_token, read_livekit_credentials
from voiceagent_worker.drain import Drain
from voiceagent_worker.errors import ConfigurationError
from voiceagent_worker.events import (
    EndCall,
    Event,
    PluginAvailability,
    PluginNews,
    ProviderAvailability,
    ProviderNews,
    SessionLost,
)
from voiceagent_worker.health import HttpEndpoints, create_app
from voiceagent_worker.metrics import Identity, WorkerMetrics
from voiceagent_worker.original_shape import original_shape
from voiceagent_worker.plugin_states import PluginStates
from voiceagent_worker.provider_states import ProviderStates, with_stand_ins
from voiceagent_worker.rescue import Rescue
from voiceagent_worker.run_folder import RunFolder
from voiceagent_worker.sessions import SessionRegistry
from voiceagent_worker.settings import Settings, read_settings
from voiceagent_worker.show import show
from voiceagent_worker.transcript_routes import transcript_routes, until_fetched
from voiceagent_worker.transcripts import HeldTranscripts

logger = logging.getLogger(__name__)

EXIT_OK: Final = 0
EXIT_FAILED: Final = 1
EXIT_CONFIGURATION: Final = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the worker; `show` first prints its configuration, `dev` talks in writing. The process's exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if given[:1] == ["dev"]:
        from voiceagent_worker.dev import dev

        return dev(given[1:], os.environ)
    if given[:1] == ["show"]:
        return show(read_settings(given[1:], os.environ))
    settings = read_settings(given, os.environ)
    try:
        first = load_config(settings.config_path, settings.layers, required=settings.config_required)
        credentials = read_livekit_credentials(settings.livekit_path, settings.layers.environment)
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return EXIT_CONFIGURATION
    # inherited by the calls' processes: the end-of-turn model takes 240 MB, once for all if loaded before the first
    preload = first.config.turn_detection.mode == "model"
    os.environ["LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE"] = "1" if preload else "0"
    os.environ |= credentials.environment(first.config.livekit_url)
    start_call_server(first.config)
    redactor = logs.Redactor()
    redactor.add(credentials.api_secret)
    main_logs = logs.MainLogs(first.config.log_level, first.config.log_format, redactor)
    for problem in first.problems:
        logger.error("The configuration is wrong, and the worker starts without that value: %s", problem.sentence)
    folder = RunFolder(Path(tempfile.mkdtemp(prefix="voiceagent-")))
    try:
        return asyncio.run(Worker(settings, first, credentials, folder, main_logs.change).run())
    finally:
        shutil.rmtree(folder.path, ignore_errors=True)


class Worker:
    """The parts of the main process, wired together."""

    def __init__(
        self,
        settings: Settings,
        first: LoadedConfig,
        credentials: LiveKitCredentials,
        folder: RunFolder,
        change_logs: Callable[[str, logs.Format], None],
    ) -> None:
        # only now: it takes seconds, and a wrong config file is told without them
        from voiceagent_worker.entrypoint import prepare_process, run_call
        from voiceagent_worker.livekit_server import LiveKitServer
        from voiceagent_worker.provider_checks import ProviderChecker

        config = first.config
        self._settings = settings
        self._change_logs = change_logs
        self._process, self._started_at = uuid.uuid4().hex, _now()
        self._drain = Drain()
        self._watcher = ConfigWatcher(settings.config_path, folder.accepted_config, first, settings.layers)
        self._metrics = WorkerMetrics(
            Identity(self._namespace, config.name, settings.revision),
            [(kind, one.provider) for kind, one in all_providers(config)],
            enabled=config.metrics_enabled,
        )
        self._expect(config)
        self._registry = SessionRegistry(
            clock=_now, on_change=self._on_change, keep_ended=timedelta(hours=config.metrics_retention_hours)
        )
        self._providers = ProviderStates(folder.dead_providers, _now, self._on_provider_change)
        self._plugins = PluginStates(folder.broken_plugins, _now, self._on_plugin_change)
        self._checker = ProviderChecker(lambda: self._config, self._on_provider_checks, _now)
        self._rescue = Rescue(config.livekit_url, credentials, config.agent_name, self._metrics.recovered)
        self._transcripts = HeldTranscripts(self._process, lambda: self._config.transcripts_enabled, _now)
        self._channel = ChannelServer(
            folder.socket,
            self._on_event,
            clock=_now,
            memory_exceeded=lambda job: self._livekit.memory_exceeded(job),
        )
        self._livekit = LiveKitServer(
            config,
            credentials,
            functools.partial(run_call, folder, settings.control_token_path),
            prepare_process,
            modules_to_preload(config),
            process=self._process,
            capacity=settings.max_sessions,
            draining=lambda: self._drain.draining,
            on_refused=self._metrics.refused,
            session_memory_bytes=settings.session_memory_bytes,
        )
        control = control_routes(settings.control_token_path, self._drain, lambda: self._livekit.taken)
        control += transcript_routes(settings.control_token_path, self._transcripts)
        app = create_app(self._why_not_ready, self._status, self._metrics.text, control)
        self._http = HttpEndpoints(app, settings.host, settings.port)

    async def run(self) -> int:
        """Serve until told to stop (SIGTERM, SIGINT), then drain; the result is the process's exit code."""
        self._listen_to_signals()
        await self._look_for_control_token()
        await self._channel.start()
        try:
            await self._http.start()
        except OSError as error:
            logger.error("The HTTP endpoints cannot listen on port %d: %s", self._settings.port, error.strerror)
            return EXIT_FAILED
        watching = asyncio.create_task(self._watcher.watch(self._on_config_change), name="config_watcher")
        checking = asyncio.create_task(self._checker.run(), name="provider_checks")
        serving = asyncio.create_task(self._livekit.run(), name="livekit_server")
        stopping = asyncio.create_task(self._drain.ending.wait(), name="stop_signal")
        try:
            await asyncio.wait({serving, stopping, watching}, return_when=asyncio.FIRST_COMPLETED)
            if not self._drain.ending.is_set():
                logger.error("The worker ends: a part of it stopped", exc_info=_reason(serving, watching))
                return EXIT_FAILED
            logger.info("Draining: no more calls are taken", extra={"active_sessions": self._registry.active})
            await self._livekit.drain(end_calls=lambda: self._channel.tell_all(EndCall()))
            await until_fetched(self._transcripts)
            logger.info("Drained")
            return EXIT_OK
        finally:
            stopping.cancel()
            watching.cancel()
            checking.cancel()
            # together, for the sake of the grace period
            await asyncio.gather(self._rescue.close(), self._livekit.close())
            serving.cancel()
            await asyncio.gather(stopping, watching, checking, serving, return_exceptions=True)
            await self._http.stop()
            await self._channel.stop()

    def _listen_to_signals(self) -> None:
        def stop(name: str) -> None:
            if self._drain.ending.is_set():
                logger.warning("Told to stop a second time by %s; ending at once", name)
                os._exit(EXIT_FAILED)
            self._drain.ending.set()

        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop, number.name)

    async def _look_for_control_token(self) -> None:
        try:
            await asyncio.to_thread(read_control_token, self._settings.control_token_path)
        except ConfigurationError as error:
            logger.warning("POST /drain is refused, and calls leave no memory for one that takes over: %s", error)

    def _on_event(self, event: Event) -> None:
        self._transcripts.handle(event)
        self._registry.handle(event)

    def _on_change(self, event: Event, before: SessionRecord | None, after: SessionRecord | None) -> None:
        self._metrics.observe(event, before, after, self._registry.active)
        if isinstance(event, ProviderAvailability) and after is not None and after.ended_at is None:
            self._providers.handle(event)
        if isinstance(event, PluginAvailability):
            self._plugins.handle(event)
        if after is None or after is before or after.ended_at is None:
            return
        # an ended call never changes again, so this comes once for a job
        logger.info("A call ended", extra={"session": after.id, "room": after.room, "outcome": after.outcome})
        if isinstance(event, SessionLost):
            self._rescue.lost(after.id, after.room)

    def _on_provider_change(self, event: ProviderAvailability) -> None:
        if event.available:
            logger.info("A provider serves again", extra={"kind": event.kind, "provider": event.provider})
        else:
            logger.warning("A provider failed a call: %s", event.message)
        self._channel.tell_all(ProviderNews(key=event.key, available=event.available), but=event.session)
        self._tell_metrics()

    def _on_plugin_change(self, event: PluginAvailability) -> None:
        found = "works again" if event.available else "keeps failing"
        logger.info("Plugin %s %s in a call; the others are told", event.plugin, found)
        self._channel.tell_all(PluginNews(key=event.key, available=event.available), but=event.session)

    def _on_provider_checks(self, found: Mapping[str, ProviderCheck | None]) -> None:
        for key, check in found.items():
            self._providers.note(key, check)
        self._providers.keep(provider_key(kind, one) for kind, one in all_providers(self._config))
        self._tell_metrics()

    def _tell_metrics(self) -> None:
        told = self._providers.told()
        available: dict[tuple[ProviderKind, str], bool] = {}
        for kind, one in all_providers(self._config):
            check = told.get(provider_key(kind, one))
            serves = check is None or check.ok is True
            available[kind, one.provider] = available.get((kind, one.provider), True) and serves
        self._metrics.providers(available)

    def _on_config_change(self) -> None:
        if self._watcher.error is not None:
            logger.error(self._watcher.error)
            return
        config = self._watcher.current.config
        self._change_logs(config.log_level, config.log_format)
        self._expect(config)
        self._transcripts.obey()
        logger.info("The config file changed", extra={"config_revision": self._watcher.current.revision})
        self._tell_metrics()

    def _expect(self, config: AgentConfig) -> None:
        """Have the series of what this configuration may use at zero."""
        if not config.metrics_enabled:
            return
        self._metrics.plugins.expect(
            [plugin.name for plugin in config.plugins], [server.name for server in config.mcp_servers]
        )
        models = [(kind, one.provider, one.model) for kind, one in all_providers(config)]
        self._metrics.expect_models(models)

    def _why_not_ready(self) -> str | None:
        if self._drain.why is not None:
            return self._drain.why
        return None if self._livekit.registered else self._livekit.why_not_registered

    def _status(self) -> WorkerStatus:
        config = self._config
        records = self._registry.records()
        return WorkerStatus(
            namespace=self._namespace,
            agent=config.name,
            agent_name=config.agent_name,
            pod=self._settings.pod,
            revision=self._settings.revision,
            process=self._process,
            started_at=self._started_at,
            config_revision=self._watcher.current.revision,
            config_error=self._watcher.error,
            registered=self._livekit.registered,
            draining=self._drain.draining,
            session_capacity=self._settings.max_sessions,
            provider_checks=with_stand_ins(
                self._providers.told(), {provider_key(kind, one): kind for kind, one in all_providers(config)}
            ),
            sessions=records,
            transcript_position=self._transcripts.position,
            metrics=original_shape(records, _now()),
        )

    @property
    def _config(self) -> AgentConfig:
        return self._watcher.current.config

    @property
    def _namespace(self) -> str:
        return self._settings.namespace or self._config.namespace


def _now() -> datetime:
    return datetime.now(UTC)


def _reason(*tasks: asyncio.Task[None]) -> BaseException | None:
    return next((task.exception() for task in tasks if task.done() and not task.cancelled()), None)
