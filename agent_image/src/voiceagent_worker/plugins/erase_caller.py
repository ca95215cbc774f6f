"""`python -m voiceagent_worker.plugins.erase_caller NAMESPACE/NAME CALLER`: forget a caller of an agent.

In a worker pod it finds the store as the plugin does, by the agent's config file and REDIS_URL; the arguments name
another.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from voiceagent_api.names import CONFIG_FILE_NAME, CONFIG_MOUNT_PATH

from voiceagent_worker.errors import ConfigurationError
from voiceagent_worker.plugins.conversation_memory import STATE, erase
from voiceagent_worker.settings import ENV_CONFIG


def main(arguments: Sequence[str] | None = None) -> int:
    """Erase; the result is the process's exit code: 0 also where nothing was known."""
    parser = argparse.ArgumentParser(prog="erase_caller", description="Forget a caller of an agent.")
    parser.add_argument("agent", metavar="NAMESPACE/NAME", help="the VoiceAgent")
    parser.add_argument("caller", help="the caller's identity in the room")
    parser.add_argument("--redis-url-file", help="file with Redis's address, as the plugin's redisURLFile")
    parser.add_argument("--path", help="the SQLite file, as the plugin's path")
    given = parser.parse_args(arguments)
    file, path = given.redis_url_file, given.path
    try:
        if file is None and path is None:
            file, path = configured_store(os.environ)
        known = asyncio.run(erase(given.agent, given.caller, os.environ, file, path))
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 2
    except Exception as error:
        print(f"The store could not be asked ({type(error).__name__}); nothing was erased.", file=sys.stderr)
        return 1
    print("Forgotten." if known else "Nothing was known of that caller.")
    return 0


def configured_store(environment: Mapping[str, str]) -> tuple[str | None, str | None]:
    """What the agent's config file gives the plugin as redisURLFile and path. Raises ConfigurationError."""
    place = Path(environment.get(ENV_CONFIG) or Path(CONFIG_MOUNT_PATH, CONFIG_FILE_NAME))
    try:
        plugins: list[dict[str, Any]] = json.loads(place.read_text(encoding="utf-8")).get("plugins", [])
        settings: dict[str, Any] = next((one.get("config", {}) for one in plugins if one.get("name") == STATE), {})
        return settings.get("redisURLFile"), settings.get("path")
    except FileNotFoundError:
        return None, None
    except (OSError, ValueError, AttributeError, TypeError) as error:
        # to ask another store would be to say that nothing was known
        raise ConfigurationError(
            f"The agent's config file {place} cannot be read ({type(error).__name__}).",
            "Name the store with --redis-url-file or --path.",
        ) from error


if __name__ == "__main__":
    sys.exit(main())
