"""What a dashboard asks of the history, checked: pure."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from voiceagent_gateway.history.moments import milliseconds
from voiceagent_gateway.history.tally import RESOLUTIONS
from voiceagent_gateway.model import as_utc
from voiceagent_gateway.problems import FieldError, ProblemError, invalid_request

DEFAULT_SPAN: Final = timedelta(hours=24)
LONGEST: Final = timedelta(hours=8760)
STEPS: Final = RESOLUTIONS
"""Steps in seconds among which the gateway chooses: those of which a point needs no summing up."""
LEAST_STEP: Final = 60
MOST_STEP: Final = 7 * 86400
USUAL_POINTS: Final = 240
"""As many points as an agent has at most where no step is given."""
MOST_POINTS: Final = 20_000
"""Of all agents together."""
UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
AGENT: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?/[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
STEP: Final = re.compile(r"([0-9]{1,9})([smhd]?)")
SECONDS: Final = re.compile(r"[0-9]{1,11}(\.[0-9]{1,9})?")
AGENT_RULE: Final = "is to be a VoiceAgent as NAMESPACE/NAME"
MOMENT_RULE: Final = "is to be a moment such as 2026-05-04T12:00:00Z, or seconds since 1970"
STEP_RULE: Final = "is to be whole minutes, from 60 to 604800 seconds, such as 300, 5m, 1h or 1d"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked."""

    start: int
    """In milliseconds since 1970, as `end`."""
    end: int
    step: int | None = None
    """In seconds; None where the gateway is to choose."""
    agent: tuple[str, str] | None = None
    """Namespace and name; None for all."""
    test: bool = False
    """Whether made-up sessions are asked for, and they alone."""


@dataclass(frozen=True, slots=True)
class Span:
    """The steps of an answer."""

    start: int
    end: int
    step: int
    """In seconds; start and end are whole steps since 1970, in milliseconds."""


def parse(
    agent: str | None, since: str | None, until: str | None, step: str | None, test: bool, now: datetime
) -> Question:
    """The question of these words. Raises a 400 problem that says what to write instead."""
    errors = []
    if agent is not None and not AGENT.fullmatch(agent):
        errors.append(FieldError("agent", AGENT_RULE))
    end = as_utc(now) if until is None else _moment(until)
    if end is None:
        errors.append(FieldError("to", MOMENT_RULE))
    start = _moment(since) if since is not None else end - DEFAULT_SPAN if end else None
    if start is None and since is not None:
        errors.append(FieldError("from", MOMENT_RULE))
    if start and end and not timedelta() < end - start <= LONGEST:
        errors.append(FieldError("from", "is to be before to, by a year at most"))
    seconds = None if step is None else _step(step)
    if step is not None and seconds is None:
        errors.append(FieldError("step", STEP_RULE))
    if errors or start is None or end is None:
        raise invalid_request(errors)
    namespace, _, name = (agent or "").partition("/")
    return Question(milliseconds(start), milliseconds(end), seconds, (namespace, name) if agent else None, test)


def span_of(question: Question, agents: int) -> Span:
    """The steps of the answer for so many agents. Raises a 400 problem where it would have too many points."""
    length = question.end - question.start
    agents = max(1, agents)
    step = question.step
    if step is None:
        fits = (s for s in STEPS if length <= min(USUAL_POINTS, MOST_POINTS // agents) * s * 1000)
        step = next(fits, STEPS[-1])
    points = agents * -(-length // (step * 1000))
    if points > MOST_POINTS:
        least = next((s for s in STEPS if agents * -(-length // (s * 1000)) <= MOST_POINTS), None)
        cure = f"give a step of {least} or more" if least else "ask for a shorter time"
        raise ProblemError(
            400,
            "too-many-points",
            "The answer would have too many points",
            f"{agents} agents at a step of {step} s would have {points} points, of at most {MOST_POINTS}; "
            f"{cure}, or for one agent.",
        )
    whole = step * 1000
    return Span(question.start - question.start % whole, -(-question.end // whole) * whole, step)


def _moment(text: str) -> datetime | None:
    if SECONDS.fullmatch(text):
        seconds = float(text)
        return datetime.fromtimestamp(seconds, UTC) if seconds < FAR_SECONDS else None
    try:
        # The + of a zone is a space once a query has been read.
        moment = as_utc(datetime.fromisoformat(text[:11] + text[11:].replace(" ", "+")))
    except (ValueError, OverflowError):
        return None
    return moment if NEAR <= moment < FAR else None


NEAR: Final = datetime(1971, 1, 1, tzinfo=UTC)
FAR: Final = datetime(2200, 1, 1, tzinfo=UTC)
FAR_SECONDS: Final = FAR.timestamp()


def _step(text: str) -> int | None:
    if (found := STEP.fullmatch(text)) is None:
        return None
    seconds = int(found[1]) * UNITS[found[2]]
    return seconds if LEAST_STEP <= seconds <= MOST_STEP and seconds % LEAST_STEP == 0 else None
