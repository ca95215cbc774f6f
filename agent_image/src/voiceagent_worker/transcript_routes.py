"""`GET /transcripts` and `DELETE /transcripts/{session}`: the gateway fetches what is said, and has it erased.

Unlike /status they want the token of the agent's control Secret: what people said is not for whoever reaches the port.
"""

import asyncio
from pathlib import Path
from typing import Final

from aiohttp import web
from voiceagent_api.transcripts import TranscriptLines

from voiceagent_worker.control import require_token
from voiceagent_worker.transcripts import HeldTranscripts

FETCH_SECONDS: Final = 3.0
"""How long a pod that has drained waits for its last lines to be fetched; the gateway asks it each second. Part of the
spare time of its grace period."""


def transcript_routes(token_path: Path, held: HeldTranscripts) -> list[web.RouteDef]:
    """The routes. `?after=POSITION` gives the lines since then, `?session=ID&after=NUMBER` those of one call."""

    async def get_transcripts(request: web.Request) -> web.Response:
        await require_token(request, token_path)
        after = request.query.get("after", "0")
        if not after.isascii() or not after.isdigit() or len(after) > 15:
            raise web.HTTPBadRequest(text="after must be a number of an earlier answer, or 0.\n")
        if session := request.query.get("session"):
            return answer(held.of(session, int(after)))
        return answer(held.after(int(after)))

    async def delete_transcript(request: web.Request) -> web.Response:
        await require_token(request, token_path)
        held.erase(request.match_info["session"])
        return web.Response(status=204)

    def answer(lines: TranscriptLines) -> web.Response:
        return web.Response(text=lines.model_dump_json(by_alias=True), content_type="application/json")

    return [web.get("/transcripts", get_transcripts), web.delete("/transcripts/{session}", delete_transcript)]


async def until_fetched(held: HeldTranscripts) -> None:
    """Wait until whoever fetches has all of it, FETCH_SECONDS at most."""
    try:
        async with asyncio.timeout(FETCH_SECONDS):
            while not held.fetched:
                held.asked.clear()
                await held.asked.wait()
    except TimeoutError:
        return
