"""`/healthz` and `/readyz`, for the kubelet."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from voiceagent_gateway.deps import Deps


def health_routes(deps: Deps) -> APIRouter:
    """The routes that say whether this process lives, and whether it can serve."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz", summary="Alive")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/readyz", summary="Able to serve: agents and pods have been listed")
    async def readyz() -> JSONResponse:
        waiting = [*deps.directory.waiting_for(), *deps.waiting_for_keys()]
        if waiting:
            return JSONResponse({"status": "starting", "waiting_for": waiting}, 503)
        return JSONResponse({"status": "ok"})

    return router
