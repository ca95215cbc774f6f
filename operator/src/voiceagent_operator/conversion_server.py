"""The conversion webhook: the API server posts a ConversionReview and gets all its objects in another version."""

import json
import ssl
from typing import Final

from aiohttp import web
from voiceagent_api.conversion import ConversionError, Versions
from voiceagent_api.conversion_review import answer

PATH: Final = "/convert"
LARGEST_REVIEW_BYTES: Final = 64 * 1024 * 1024
"""The API server asks for a page of a list at once: some 500 objects, each below etcd's 1.5 MiB and most far below."""
STOP_SECONDS: Final = 5.0


def conversion_app(versions: Versions) -> web.Application:
    """/convert. It keeps nothing and asks nobody: every replica answers, leading or not."""

    async def convert(request: web.Request) -> web.Response:
        try:
            review = json.loads(await request.read())
            return web.json_response(answer(review, versions))
        except ValueError:
            return web.Response(status=400, text="This is no JSON.")
        except ConversionError as error:
            return web.Response(status=400, text=str(error))

    app = web.Application(client_max_size=LARGEST_REVIEW_BYTES)
    app.add_routes([web.post(PATH, convert)])
    return app


async def serve_conversion(
    versions: Versions, certificate_file: str, key_file: str, host: str, port: int
) -> web.AppRunner:
    """The running server; whoever started it cleans it up. Raises OSError where files or port cannot be had."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate_file, key_file)
    runner = web.AppRunner(conversion_app(versions), access_log=None, shutdown_timeout=STOP_SECONDS)
    await runner.setup()
    await web.TCPSite(runner, host, port, ssl_context=context).start()
    return runner
