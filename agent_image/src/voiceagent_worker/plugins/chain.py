"""Runs plugins on a message, in their order.

Whatever a plugin does (raise, hang, return nonsense, call `sys.exit`), the message gets through or the policy says
that it must not: `run` raises nothing but the cancellation of its own caller. What cannot be helped is a plugin that
never gives way: while it computes, the call stands still.
"""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from voiceagent_worker.errors import WorkerError
from voiceagent_worker.plugins.breaker import CircuitBreaker
from voiceagent_worker.plugins.context import Direction, PluginContext

logger = logging.getLogger(__name__)

Outcome = Literal["ok", "error", "timeout", "open"]
"""open: not asked, because it kept failing."""
Occasion = Literal["user", "agent", "session_start", "session_end"]
MAX_CHARACTERS: Final = 100_000
"""Of what a plugin may make of a message."""
_FAILED: Final = frozenset({"error", "timeout"})


@dataclass(frozen=True, slots=True)
class PluginCall:
    """What became of one call of a plugin."""

    plugin: str
    occasion: Occasion
    outcome: Outcome
    seconds: float
    changed: bool


@dataclass(frozen=True, slots=True)
class Processed:
    """A message that went through the chain."""

    text: str
    failed: str | None = None
    """The plugin because of which the message must not go on as it is; then `text` is empty."""


@dataclass(frozen=True, slots=True)
class Step:
    """A plugin in the chain."""

    name: str
    plugin: Any
    timeout_seconds: float
    must_succeed: bool
    """The policy Fail: no message goes on without this plugin."""
    breaker: CircuitBreaker


class _ExitedError(Exception):
    """A plugin tried to end the process."""


class PluginChain:
    """The plugins of one call."""

    def __init__(
        self, steps: Sequence[Step], record: Callable[[Sequence[PluginCall]], None], clock: Callable[[], float]
    ) -> None:
        """`record` is told once a message what became of each call; `clock` tells seconds."""
        self._steps = tuple(steps)
        self._record = record
        self._clock = clock
        self._late: set[asyncio.Task[Any]] = set()

    @property
    def names(self) -> tuple[str, ...]:
        """The plugins that are enabled now, in their order."""
        return tuple(step.name for step in self._steps if _is_enabled(step))

    async def run(self, direction: Direction, message: str, context: PluginContext) -> Processed:
        """The message after all plugins."""
        calls: list[PluginCall] = []
        try:
            for step in self._steps:
                text, outcome = await self._step(step, direction, message, context, calls)
                if outcome == "timeout":
                    context = context.apart()
                if text is not None:
                    message = text
                elif step.must_succeed and outcome != "ok":
                    return Processed("", failed=step.name)
            return Processed(message)
        finally:
            if calls:
                self._record(calls)

    async def start(self, context: Callable[[], PluginContext], seconds: float) -> None:
        """Tell all plugins at once that the call begins."""
        await self._notify("session_start", "on_session_start", context, seconds)

    async def end(self, context: Callable[[], PluginContext], seconds: float) -> None:
        """Tell all plugins at once that the call is over."""
        await self._notify("session_end", "on_session_end", context, seconds)
        for task in self._late:
            task.cancel()

    def live(self, text: str) -> str:
        """What the room may see of words that are still being spoken; empty where a plugin may yet change them."""
        for step in self._steps:
            if not text:
                return ""
            if not _is_enabled(step) or not getattr(step.plugin, "changes_text", True):
                continue
            try:
                text = step.plugin.filter_live(text) or ""
            except Exception:
                return ""
        return text

    async def _step(
        self, step: Step, direction: Direction, message: str, context: PluginContext, calls: list[PluginCall]
    ) -> tuple[str | None, Outcome]:
        """The new text, or None where the plugin gave none."""
        began = self._clock()
        try:
            if not step.plugin.is_enabled():
                return None, "ok"
        except Exception as error:
            return None, self._count(step, direction, "error", began, calls, error)
        if not step.breaker.allows():
            calls.append(PluginCall(step.name, direction, "open", 0.0, False))
            return None, "open"
        try:
            made = step.plugin.process_message(message, context.given_to(step.name))
            text, late = await self._within(made, step)
        except asyncio.CancelledError:
            step.breaker.gave_up()
            raise
        except Exception as error:
            return None, self._count(step, direction, "error", began, calls, error)
        if late or self._clock() - began > step.timeout_seconds:
            return None, self._count(step, direction, "timeout", began, calls, None)
        if not isinstance(text, str) or len(text) > MAX_CHARACTERS:
            what = f"{len(text)} characters" if isinstance(text, str) else type(text).__name__
            return None, self._count(step, direction, "error", began, calls, TypeError(f"returned {what}"))
        self._count(step, direction, "ok", began, calls, None, text != message)
        return text, "ok"

    async def _within(self, made: Awaitable[Any], step: Step) -> tuple[Any, bool]:
        """The result, or that it is late. A task of its own: one that ignores its cancellation holds nobody up."""
        task = asyncio.get_running_loop().create_task(_contained(made), name=f"plugin_{step.name}")
        try:
            done, _ = await asyncio.wait((task,), timeout=step.timeout_seconds)
        except asyncio.CancelledError:
            self._abandon(task)
            raise
        if not done:
            self._abandon(task)
            return None, True
        if task.cancelled():
            raise _ExitedError("cancelled itself")
        return task.result(), False

    def _abandon(self, task: "asyncio.Task[Any]") -> None:
        self._late.add(task)
        task.add_done_callback(self._forget)
        task.cancel()

    def _forget(self, task: "asyncio.Task[Any]") -> None:
        self._late.discard(task)
        if not task.cancelled():
            task.exception()

    def _count(
        self,
        step: Step,
        occasion: Occasion,
        outcome: Outcome,
        began: float,
        calls: list[PluginCall],
        error: Exception | None,
        changed: bool = False,
    ) -> Outcome:
        calls.append(PluginCall(step.name, occasion, outcome, max(0.0, self._clock() - began), changed))
        if outcome not in _FAILED:
            step.breaker.succeeded()
            return outcome
        was_open = step.breaker.is_open
        step.breaker.failed()
        why = f"took longer than {step.timeout_seconds * 1000:.0f} ms" if error is None else _told(error)
        policy = "the turn is answered by an apology" if step.must_succeed else "the message goes on without it"
        logger.warning("Plugin %s failed (%s): it %s; %s", step.name, occasion, why, policy)
        if step.breaker.is_open and not was_open:
            logger.error("Plugin %s keeps failing and is left alone for a while", step.name)
        return outcome

    async def _notify(
        self, occasion: Occasion, method: str, context: Callable[[], PluginContext], seconds: float
    ) -> None:
        calls: list[PluginCall] = []
        await asyncio.gather(
            *(
                self._notify_one(step, occasion, getattr(step.plugin, method, None), context, seconds, calls)
                for step in self._steps
                if _is_enabled(step)
            )
        )
        if calls:
            self._record(calls)

    async def _notify_one(
        self,
        step: Step,
        occasion: Occasion,
        hook: Callable[[PluginContext], Awaitable[None]] | None,
        context: Callable[[], PluginContext],
        seconds: float,
        calls: list[PluginCall],
    ) -> None:
        if hook is None:
            return
        began = self._clock()
        patient = Step(step.name, step.plugin, seconds, False, CircuitBreaker(self._clock))
        try:
            _, late = await self._within(hook(context().given_to(step.name)), patient)
        except Exception as error:
            self._count(patient, occasion, "error", began, calls, error)
        else:
            self._count(patient, occasion, "timeout" if late else "ok", began, calls, None)


def _is_enabled(step: Step) -> bool:
    try:
        return bool(step.plugin.is_enabled())
    except Exception:
        # the next message tells of it
        return True


def _contained(made: Awaitable[Any]) -> Coroutine[Any, Any, Any]:
    async def run() -> Any:
        try:
            return await made
        except (SystemExit, KeyboardInterrupt) as error:
            # a task would hand these to the event loop, and the call's process would end
            raise _ExitedError("tried to end the process") from error

    return run()


def _told(error: Exception) -> str:
    """Why, without the message's words, which an exception's text may hold."""
    if isinstance(error, WorkerError | _ExitedError):
        return f"says: {error.failed}" if isinstance(error, WorkerError) else str(error)
    if isinstance(error, TypeError) and error.__traceback__ is None:
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"raised {type(error).__name__}{where}"
