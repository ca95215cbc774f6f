"""The application, made of the settings and parts that it is handed."""

from typing import Final

from fastapi import FastAPI

from voiceagent_gateway.access_log import AccessLog
from voiceagent_gateway.addresses import CallerAddress
from voiceagent_gateway.client_files import ClientFiles
from voiceagent_gateway.deps import Deps
from voiceagent_gateway.direct import DirectAnswers
from voiceagent_gateway.origins import OriginCheck
from voiceagent_gateway.problems import install_handlers
from voiceagent_gateway.routes.agents import agents_routes
from voiceagent_gateway.routes.client import client_routes
from voiceagent_gateway.routes.docs import docs_routes
from voiceagent_gateway.routes.fleet import fleet_routes
from voiceagent_gateway.routes.health import health_routes
from voiceagent_gateway.routes.metrics import metrics_routes
from voiceagent_gateway.routes.tokens import token_routes
from voiceagent_gateway.routes.transcripts import transcript_routes
from voiceagent_gateway.routes.usage import usage_routes
from voiceagent_gateway.settings import Settings

API_VERSION: Final = "v1alpha1"


def create_app(settings: Settings, deps: Deps) -> FastAPI:
    """The gateway as an ASGI application. It starts nothing: whoever makes it owns what it is made of."""
    app = FastAPI(
        title="voiceagent gateway",
        version=API_VERSION,
        docs_url=None,
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    install_handlers(app)
    gateway = settings.install.gateway
    tokens = token_routes(settings, deps)
    app.add_middleware(DirectAnswers, routes=tokens.routes)
    app.add_middleware(OriginCheck, allowed=gateway.allowed_origins)
    app.add_middleware(AccessLog)
    # The last one added is the first to be asked: all others see the caller's own address.
    app.add_middleware(CallerAddress, trusted=gateway.trusted_proxies)
    app.include_router(tokens)
    app.include_router(agents_routes(settings, deps))
    app.include_router(metrics_routes(settings, deps))
    app.include_router(usage_routes(settings, deps))
    app.include_router(transcript_routes(settings, deps))
    app.include_router(health_routes(deps))
    app.include_router(docs_routes())
    files = ClientFiles(settings.client_dir, gateway.allowed_origins)
    app.include_router(fleet_routes(settings, deps, files))
    app.include_router(client_routes(settings, deps, files))
    return app
