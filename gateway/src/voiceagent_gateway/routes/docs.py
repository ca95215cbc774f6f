"""`/docs`: the OpenAPI document as a page to read and to try. It loads nothing from another host.

The page is Swagger UI (Apache License 2.0), whose files come with fastapi-offline. FastAPI's own page would load them
from a content delivery network.
"""

from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Response
from starlette.exceptions import HTTPException

from voiceagent_gateway.client_files import security_headers

_PAGE: Final = """<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>voiceagent gateway: API</title>
    <link rel="icon" href="docs/favicon.png">
    <link rel="stylesheet" href="docs/swagger-ui.css">
  </head>
  <body>
    <main id="docs"></main>
    <script src="docs/swagger-ui-bundle.js"></script>
    <script src="docs/start.js"></script>
  </body>
</html>
"""
# Not in the page, whose policy allows no script there. The validator would send the document to a host of its maker.
_START: Final = 'SwaggerUIBundle({url: "openapi.json", dom_id: "#docs", deepLinking: true, validatorUrl: null});\n'
_FILES: Final = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}
_KEPT: Final = {"Cache-Control": "public, max-age=3600"}


def docs_routes() -> APIRouter:
    """The route of the page, and of what it loads."""
    router = APIRouter(include_in_schema=False)
    folder = files("fastapi_offline") / "static"
    parts = {name: ((folder / name).read_bytes(), media_type) for name, media_type in _FILES.items()}
    parts["start.js"] = (_START.encode(), "text/javascript")
    headers = security_headers(())

    @router.api_route("/docs", methods=["GET", "HEAD"])
    async def page() -> Response:
        return Response(_PAGE, media_type="text/html", headers={**headers, "Cache-Control": "no-cache"})

    @router.api_route("/docs/{name}", methods=["GET", "HEAD"])
    async def part(name: str) -> Response:
        if name not in parts:
            raise HTTPException(404)
        body, media_type = parts[name]
        return Response(body, media_type=media_type, headers={**headers, **_KEPT})

    return router
