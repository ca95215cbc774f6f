"""`/sessions/{id}/transcript`: what was said in a call, for those whose scope has the right to transcripts.

Whether there is a call, to somebody whose scope does not have its agent and room, is nobody's business: the answer
is the same as for none.
"""

import logging
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel

from voiceagent_gateway.deps import Deps
from voiceagent_gateway.gate import GATE_PROBLEMS, dependency, forbidden
from voiceagent_gateway.identity import Identity, may_read_transcript
from voiceagent_gateway.model import iso
from voiceagent_gateway.problems import MEDIA_TYPE, ProblemDocument, ProblemError
from voiceagent_gateway.settings import Settings
from voiceagent_gateway.transcripts.kept import Said, TranscribedCall, TranscriptError, hours_by_agent, runs
from voiceagent_gateway.validation import Name

RETRY_SECONDS: Final = 5
HEADERS: Final = {"Cache-Control": "no-store"}
MOST_LINES: Final = 1_000_000
_PROBLEMS: Final[dict[int | str, dict[str, Any]]] = GATE_PROBLEMS | {
    status: {"model": ProblemDocument, "description": text, "content": {MEDIA_TYPE: {}}}
    for status, text in {
        400: "A parameter is wrong.",
        404: "No transcript of that call is kept, or the caller may not see it.",
        503: "Transcripts cannot be read now.",
    }.items()
}
log = logging.getLogger(__name__)


class LineAnswer(BaseModel):
    """What one side said in one go."""

    number: int
    at: str
    who: str
    """caller or agent."""
    language: str
    text: str


class TranscriptAnswer(BaseModel):
    """What was said in a call, after the agent's plugins."""

    id: str
    namespace: str
    agent: str
    pod: str
    room: str
    running: bool
    """Whether more may come."""
    retention_hours: int
    """For how long each line is kept after it was said."""
    missing: int
    """Lines that were said before the last one and are not kept: they expired, or there was no room for them."""
    lines: list[LineAnswer]


Session = Annotated[Name, Path(alias="id", description="The call's id, as /metrics/sessions and /fleet have it.")]


def transcript_routes(settings: Settings, deps: Deps) -> APIRouter:
    """The routes to transcripts."""

    async def reader(request: Request) -> Identity:
        caller = await deps.gate.identify(request)
        if not any(scope.transcripts for scope in caller.scopes):
            raise forbidden(caller, "may not read transcripts; transcripts: true in its scope would let it")
        return caller

    router = APIRouter(tags=["transcripts"])
    known = dependency(reader, settings.install.gateway)

    @router.get("/sessions/{id}/transcript", summary="What was said in a call", responses=_PROBLEMS)
    async def transcript(
        response: Response,
        session: Session,
        caller: Annotated[Identity, known],
        after: Annotated[
            int, Query(ge=0, le=MOST_LINES, description="Only lines with a greater number: what is new since then.")
        ] = 0,
    ) -> TranscriptAnswer:
        response.headers.update(HEADERS)
        try:
            found = await deps.transcripts.find(session)
            for call in (call for call in found if may_read_transcript(caller, call.reference, call.room)):
                said = await deps.transcripts.lines(call, after)
                hours = hours_by_agent(deps.directory.agents()).get((call.namespace, call.agent))
                if said is not None and hours is not None:
                    log.info("transcript read", extra=_who(caller, call))
                    return _answer(call, said, hours, running=runs(deps.fleet.known, call))
        except TranscriptError as error:
            raise _away(error) from error
        raise _none(session)

    @router.delete(
        "/sessions/{id}/transcript",
        summary="Erase what was said in a call; of one that runs nothing more is kept. May be asked again",
        status_code=204,
        responses=_PROBLEMS,
    )
    async def erase(session: Session, caller: Annotated[Identity, known]) -> Response:
        try:
            calls = [call for call in await deps.transcripts.held(session) if _may_erase(caller, call)]
        except TranscriptError as error:
            raise _away(error) from error
        failed: TranscriptError | None = None
        for call in calls:
            try:
                await deps.transcripts.erase(call, caller.name)
                log.info("transcript erased", extra=_who(caller, call))
            except TranscriptError as error:
                failed = error
                log.info("transcript not erased everywhere", extra={**_who(caller, call), "error": str(error)})
        if failed is not None:
            raise _away(failed) from failed
        if not calls:
            raise _none(session)
        return Response(status_code=204, headers=HEADERS)

    return router


def _answer(call: TranscribedCall, said: Said, hours: int, *, running: bool) -> TranscriptAnswer:
    return TranscriptAnswer(
        id=call.session,
        namespace=call.namespace,
        agent=call.agent,
        pod=call.pod,
        room=call.room,
        running=running,
        retention_hours=hours,
        missing=said.missing,
        lines=[
            LineAnswer(number=line.number, at=iso(line.at), who=line.who, language=line.language, text=line.text)
            for line in said.lines
        ],
    )


def _may_erase(caller: Identity, call: TranscribedCall) -> bool:
    if call.erased_by is not None:
        # Its room is not known any more; who erased it may do so again, such as after an answer that was lost.
        return caller.name in call.erased_by
    return may_read_transcript(caller, call.reference, call.room)


def _none(session: str) -> ProblemError:
    detail = (
        f"No transcript of call {session} is kept that this caller may see: there is no such call, nothing was said in "
        "it yet, its agent does not keep transcripts (spec.transcripts.enabled), it is older than their retention, or "
        "it was erased."
    )
    return ProblemError(404, "no-transcript", "There is no transcript", detail)


def _away(error: TranscriptError) -> ProblemError:
    return ProblemError(
        503,
        "transcripts-away",
        "Transcripts cannot be read",
        f"Transcripts cannot be read or erased now: {error}.",
        retry_after_seconds=RETRY_SECONDS,
    )


def _who(caller: Identity, call: TranscribedCall) -> dict[str, str]:
    return {"caller": caller.name, "namespace": call.namespace, "agent": call.agent, "session": call.session}
