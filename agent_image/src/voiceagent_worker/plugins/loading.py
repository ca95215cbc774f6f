"""Makes the plugins of a call from the agent's config: those of this image, of other packages in it, and webhooks.

A plugin that cannot be made takes part all the same, as one that always fails: so its policy decides what happens,
and its failures are counted like any other.
"""

import importlib
import inspect
import logging
import time
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from voiceagent_api.agent_config import AgentConfig, PluginConfig
from voiceagent_api.catalogue import PLUGIN_ENTRY_POINTS, find_plugin, unknown_plugin_sentence

from voiceagent_worker.errors import PluginError, WorkerError
from voiceagent_worker.logs import Redactor
from voiceagent_worker.plugins.chain import Step
from voiceagent_worker.plugins.interface import METHODS
from voiceagent_worker.plugins.shared import SharedBreakers

logger = logging.getLogger(__name__)

NEEDS_IMAGE: Final = "Use the worker image of this release, or one of your own with that package."
WEBHOOK: Final = "voiceagent_worker.plugins.webhook"


def make_steps(
    config: AgentConfig, redactor: Redactor, breakers: SharedBreakers, clock: Callable[[], float] = time.monotonic
) -> list[Step]:
    """The chain's steps, in the config's order."""
    return [
        Step(
            name=plugin.name,
            plugin=_make(plugin, redactor),
            timeout_seconds=plugin.timeout_milliseconds / 1000,
            must_succeed=plugin.on_error == "Fail",
            breaker=breakers.make(plugin, clock),
        )
        for plugin in config.plugins
    ]


def unknown_plugins(config: AgentConfig) -> list[str]:
    """A sentence for each plugin that this image does not have."""
    asked = [plugin.name for plugin in config.plugins if plugin.webhook is None and find_plugin(plugin.name) is None]
    if not asked:
        return []
    others = [point.name for point in _points()]
    return [sentence for name in asked if (sentence := unknown_plugin_sentence(name, others))]


def plugin_modules(config: AgentConfig) -> list[str]:
    """The modules that the configured plugins need; importing them once spares each call that."""
    modules = []
    for plugin in config.plugins:
        entry = find_plugin(plugin.name)
        if plugin.webhook is not None:
            modules.append(WEBHOOK)
        elif entry is not None:
            modules.append(entry.factory.partition(":")[0])
    return list(dict.fromkeys(modules))


class _Broken:
    """Stands for a plugin that could not be made."""

    changes_text = True

    def __init__(self, name: str, error: WorkerError) -> None:
        self._name = name
        self._error = error

    async def process_message(self, message: str, context: object) -> str:
        """Always the same error."""
        raise self._error

    def get_name(self) -> str:
        """The name of what could not be made."""
        return self._name

    def is_enabled(self) -> bool:
        """Or its policy would not count."""
        return True

    def filter_live(self, text: str) -> str | None:
        """Nothing is known of it."""
        return None


def _make(config: PluginConfig, redactor: Redactor) -> Any:
    subject = f'The plugin "{config.name}"'
    try:
        if config.webhook is not None:
            from voiceagent_worker.plugins.webhook import Webhook

            return Webhook.from_config(config, redactor)
        plugin = _construct(_find_class(config.name), config.config, subject)
        lacking = [method for method in METHODS if not callable(getattr(plugin, method, None))]
        if lacking:
            raise PluginError(
                f"{subject} lacks {', '.join(lacking)}: it is no plugin.", "Give its class those methods."
            )
        return plugin
    except WorkerError as error:
        problem = error if isinstance(error, PluginError) else PluginError(f"{subject} refuses its config: {error}")
    except Exception as error:
        logger.debug("A plugin could not be made", exc_info=True)
        problem = PluginError(f"{subject} could not be made: it raised {type(error).__name__}.")
    logger.error("%s", problem)
    return _Broken(config.name, problem)


def _construct(made: Callable[..., Any], settings: dict[str, Any], subject: str) -> Any:
    """Settings are given by name, so that one which the class does not have is told rather than lost."""
    try:
        inspect.signature(made).bind(**settings)
    except TypeError as error:
        raise PluginError(f"{subject} does not take this config: {error}.") from error
    except ValueError:
        # a class written in C tells no signature
        logger.debug("The config of a plugin cannot be checked beforehand")
    return made(**settings)


def _find_class(name: str) -> Callable[..., Any]:
    entry = find_plugin(name)
    try:
        if entry is not None:
            module, _, attribute = entry.factory.partition(":")
            made: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
            return made
        point = next((point for point in _points() if point.name == name), None)
        if point is not None:
            loaded: Callable[..., Any] = point.load()
            return loaded
    except (ImportError, AttributeError) as error:
        missing = getattr(error, "name", None) or name
        raise PluginError(
            f'The plugin "{name}" needs {missing}, which this worker image lacks.', NEEDS_IMAGE
        ) from error
    raise PluginError(unknown_plugin_sentence(name) or name)


def _points() -> list[EntryPoint]:
    return list(entry_points(group=PLUGIN_ENTRY_POINTS))
