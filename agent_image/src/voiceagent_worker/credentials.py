"""Credentials are files, mounted from Secrets and read anew each time: rotating a key needs no restart.

Where the environment holds one, it wins over the file, as everywhere in the configuration. The sentences here name
the file or variable, never its content.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from voiceagent_api import names

from voiceagent_worker.errors import ConfigurationError

NO_KEY: Final = "no-key"
"""What is sent to a server of one's own that asks for no key; the plugins refuse an empty one."""


@dataclass(frozen=True, slots=True)
class LiveKitCredentials:
    """The API key and secret of the LiveKit server."""

    api_key: str
    api_secret: str = field(repr=False)

    def environment(self, url: str) -> dict[str, str]:
        """The variables in which a call's process looks for them."""
        return {
            "LIVEKIT_URL": url,
            names.LIVEKIT_API_KEY: self.api_key,
            names.LIVEKIT_API_SECRET: self.api_secret,
        }


def read_livekit_credentials(folder: Path, environment: Mapping[str, str] | None = None) -> LiveKitCredentials:
    """The LiveKit credentials of the environment, else of the mounted Secret. Raises ConfigurationError."""

    def read(key: str) -> str:
        subject = f"The LiveKit credential {key}"
        if text := (environment or {}).get(key):
            return _checked(text.strip(), subject, f"the environment variable {key}", "Set it to that key alone.")
        return read_key_file(folder / key, subject, "Set that key in the agent's LiveKit Secret.")

    return LiveKitCredentials(api_key=read(names.LIVEKIT_API_KEY), api_secret=read(names.LIVEKIT_API_SECRET))


def read_control_token(path: Path) -> str:
    """Read the mounted token of the agent's control Secret. Raises ConfigurationError."""
    return read_key_file(path, "The control token", "Wait for the operator to make the agent's control Secret.")


def read_webhook_secret(plugin: str, path: Path) -> str:
    """Read the key that signs a webhook's messages. Raises ConfigurationError."""
    return read_key_file(
        path, f'The secret of the webhook plugin "{plugin}"', "Create the Secret of webhook.secretRef."
    )


def read_mcp_token(server: str, path: Path) -> str:
    """Read the bearer token for a server of tools. Raises ConfigurationError."""
    return read_key_file(path, f'The token of the tool server "{server}"', "Create the Secret of secretRef.")


def read_key_variable(name: str, subject: str) -> str:
    """The key that an environment variable holds. Raises ConfigurationError."""
    return _checked(os.environ.get(name, "").strip(), subject, f"the environment variable {name}", "Set it to the key.")


def read_key_file(path: Path, subject: str, remedy: str) -> str:
    """What a file holds, which is one line. Raises ConfigurationError, with the subject and what to do."""
    try:
        # resolved first: a Secret volume is swapped as a whole, and this file must be of one version
        key = path.resolve().read_text(encoding="utf-8").strip()
    except FileNotFoundError as error:
        raise ConfigurationError(f"{subject} is missing: there is no file {path}.", remedy) from error
    except OSError as error:
        raise ConfigurationError(f"{subject} cannot be read from {path}: {error.strerror}.", remedy) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{subject} in {path} is not text.", remedy) from error
    if not key:
        raise ConfigurationError(f"{subject} is empty: the file {path} has no content.", remedy)
    return _checked(key, subject, str(path), remedy)


def _checked(key: str, subject: str, place: str, remedy: str) -> str:
    if not key:
        raise ConfigurationError(f"{subject} is empty in {place}.", remedy)
    if not key.isprintable():
        raise ConfigurationError(f"{subject} in {place} holds more than one line or unprintable characters.", remedy)
    return key
