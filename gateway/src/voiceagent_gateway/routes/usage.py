"""`GET /usage`: what agents used of their providers by day, and what that cost; as JSON, or CSV for a spreadsheet."""

import csv
import io
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import AfterValidator, BaseModel, Field
from pydantic_core import PydanticCustomError

from voiceagent_gateway.database import DatabaseError
from voiceagent_gateway.deps import Deps
from voiceagent_gateway.gate import GATE_PROBLEMS, dependency, require_metrics
from voiceagent_gateway.identity import Identity
from voiceagent_gateway.model import iso
from voiceagent_gateway.negotiation import prefers
from voiceagent_gateway.problems import MEDIA_TYPE, FieldError, ProblemDocument, ProblemError, invalid_request
from voiceagent_gateway.settings import Settings
from voiceagent_gateway.usage.prices import Cost, cost_of, money, total_cost
from voiceagent_gateway.usage.store import Lines
from voiceagent_gateway.usage.tally import Line, Quantities, day_of
from voiceagent_gateway.validation import AgentReference

CSV: Final = "text/csv"
LINES_MAX: Final = 10_000
DAYS_DEFAULT: Final = 7
RETRY_SECONDS: Final = 10
HEADERS: Final = {"Cache-Control": "no-store", "Vary": "Accept"}
FORMULA_BEGINNINGS: Final = ("=", "+", "-", "@", "\t", "\r")
_MINUTE_MILLISECONDS: Final = 60_000
_PROBLEMS: Final[dict[int | str, dict[str, Any]]] = GATE_PROBLEMS | {
    status: {"model": ProblemDocument, "description": text, "content": {MEDIA_TYPE: {}}}
    for status, text in {
        400: f"A field is wrong, or the answer would have more than {LINES_MAX} lines.",
        503: "The usage cannot be looked up now.",
    }.items()
}


class UsageLine(BaseModel):
    """What an agent used of one model on one day."""

    day: str
    agent: str
    """NAMESPACE/NAME."""
    provider: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    characters: int
    stt_audio_minutes: float
    tts_audio_minutes: float
    cost: str | None
    """A decimal; None where nothing of it has a price."""
    unpriced: list[str]
    """What is not in the cost, as keys that the price list may have."""


class UsageAnswer(BaseModel):
    """What agents used, the days in order."""

    from_day: str = Field(serialization_alias="from")
    to: str
    currency: str
    cost: str | None
    unpriced: list[str]
    lines: list[UsageLine]
    timestamp: str


def _day(value: str) -> str:
    try:
        day = date.fromisoformat(value)
    except ValueError:
        day = None
    if day is None or day.isoformat() != value:
        raise PydanticCustomError("day", "must be a day such as 2026-01-31")
    return value


Day = Annotated[str, AfterValidator(_day), Field(json_schema_extra={"format": "date"})]


def usage_routes(settings: Settings, deps: Deps) -> APIRouter:
    """The route by which owners see what their agents cost."""
    prices = settings.install.prices

    async def reader(request: Request) -> Identity:
        caller = await deps.gate.identify(request)
        require_metrics(caller)
        return caller

    router = APIRouter(tags=["usage"], dependencies=[dependency(reader, settings.install.gateway)])

    @router.get(
        "/usage",
        summary="What agents used by day, provider and model, and what it cost; CSV where Accept prefers it",
        responses=_PROBLEMS | {200: {"model": UsageAnswer, "content": {CSV: {}}}},
    )
    async def usage(
        request: Request,
        agent: Annotated[AgentReference | None, Query(description="NAMESPACE/NAME; default: all.")] = None,
        first: Annotated[
            Day | None, Query(alias="from", description=f"First day (UTC); default: {DAYS_DEFAULT} days to the last.")
        ] = None,
        last: Annotated[Day | None, Query(alias="to", description="Last day (UTC); default: today.")] = None,
    ) -> Response:
        last_day = last or day_of(deps.clock())
        first_day = first or _days_before(last_day, DAYS_DEFAULT - 1)
        if first_day > last_day:
            raise invalid_request([FieldError("from", "must not be after to")])
        of_agent = None if agent is None else (agent.partition("/")[0], agent.partition("/")[2])
        try:
            lines = await deps.usage.lines(first_day, last_day, of_agent, LINES_MAX + 1)
        except DatabaseError as error:
            raise ProblemError(
                503, "usage-away", "The usage cannot be looked up", f"{error}.", retry_after_seconds=RETRY_SECONDS
            ) from error
        if len(lines) > LINES_MAX:
            rule = f"must be later: the answer would have more than {LINES_MAX} lines; ask for fewer days or one agent"
            raise invalid_request([FieldError("from", rule)])
        costs = [cost_of(line.provider, line.model, used, prices) for line, used in lines]
        if prefers(",".join(request.headers.getlist("accept")), CSV):
            text = _csv(lines, costs, prices.currency)
            return Response(text, headers={**HEADERS, "Content-Type": f"{CSV}; charset=utf-8"})
        whole = total_cost(costs)
        answer = UsageAnswer(
            from_day=first_day,
            to=last_day,
            currency=prices.currency,
            cost=_told(whole),
            unpriced=list(whole.unpriced),
            lines=[_line(line, used, cost) for (line, used), cost in zip(lines, costs, strict=True)],
            timestamp=iso(deps.clock()),
        )
        return Response(answer.model_dump_json(by_alias=True), headers={**HEADERS, "Content-Type": "application/json"})

    return router


def _days_before(day: str, number: int) -> str:
    found = date.fromisoformat(day)
    return (found - min(timedelta(days=number), found - date.min)).isoformat()


def _line(line: Line, used: Quantities, cost: Cost) -> UsageLine:
    return UsageLine(
        day=line.day,
        agent=f"{line.namespace}/{line.agent}",
        provider=line.provider,
        model=line.model,
        prompt_tokens=used.prompt_tokens,
        completion_tokens=used.completion_tokens,
        characters=used.characters,
        stt_audio_minutes=_minutes(used.stt_milliseconds),
        tts_audio_minutes=_minutes(used.tts_milliseconds),
        cost=_told(cost),
        unpriced=list(cost.unpriced),
    )


def _csv(lines: Lines, costs: Iterable[Cost], currency: str) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([*UsageLine.model_fields, "currency"])
    for (line, used), cost in zip(lines, costs, strict=True):
        row = _line(line, used, cost)
        cells = {**dict(row), "cost": row.cost or "", "unpriced": " ".join(row.unpriced)}
        writer.writerow([*map(_cell, cells.values()), currency])
    return text.getvalue()


def _cell(value: object) -> object:
    """A cell that no spreadsheet takes for a formula, whatever a model is called."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_BEGINNINGS) else value


def _told(cost: Cost) -> str | None:
    return None if cost.unpriced and not cost.amount else money(cost.amount)


def _minutes(milliseconds: int) -> float:
    return round(milliseconds / _MINUTE_MILLISECONDS, 3)
