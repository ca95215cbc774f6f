"""The operator's conversion server with the stand-in version, as a process: CERTIFICATE KEY PORT."""

import asyncio
import sys

from stand_in_version import STAND_IN
from voiceagent_operator.conversion_server import serve_conversion


async def main(certificate_file: str, key_file: str, port: str) -> None:
    await serve_conversion(STAND_IN, certificate_file, key_file, "127.0.0.1", int(port))
    await asyncio.Event().wait()


asyncio.run(main(*sys.argv[1:]))
