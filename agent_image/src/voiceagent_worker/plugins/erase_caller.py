"""`python -m voiceagent_worker.plugins.erase_caller NAMESPACE/NAME CALLER`: forget a caller of an agent.

In a worker pod it finds the store by REDIS_URL as the plugin does; the arguments name another.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence

from voiceagent_worker.errors import ConfigurationError
from voiceagent_worker.plugins.conversation_memory import erase


def main(arguments: Sequence[str] | None = None) -> int:
    """Erase; the result is the process's exit code: 0 also where nothing was known."""
    parser = argparse.ArgumentParser(prog="erase_caller", description="Forget a caller of an agent.")
    parser.add_argument("agent", metavar="NAMESPACE/NAME", help="the VoiceAgent")
    parser.add_argument("caller", help="the caller's identity in the room")
    parser.add_argument("--redis-url-file", help="file with Redis's address, as the plugin's redisURLFile")
    parser.add_argument("--path", help="the SQLite file, as the plugin's path")
    given = parser.parse_args(arguments)
    try:
        known = asyncio.run(erase(given.agent, given.caller, os.environ, given.redis_url_file, given.path))
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 2
    except Exception as error:
        print(f"The store could not be asked ({type(error).__name__}); nothing was erased.", file=sys.stderr)
        return 1
    print("Forgotten." if known else "Nothing was known of that caller.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
