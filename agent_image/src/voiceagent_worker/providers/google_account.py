"""The file of a Google service account, without any of Google's libraries."""

import json
from typing import Any, Final

from voiceagent_worker.errors import ConfigurationError
from voiceagent_worker.providers.keys import ProviderCredentials

SERVICE_ACCOUNT: Final = "GOOGLE_APPLICATION_CREDENTIALS"
WHOLE_FILE: Final = f"Put the file that Google gave, whole, into the Secret as {SERVICE_ACCOUNT}."


def read_service_account(credentials: ProviderCredentials) -> dict[str, Any] | None:
    """What the file says; None where there is none. Raises ConfigurationError for one that is not whole."""
    path = credentials.files.get(SERVICE_ACCOUNT)
    if path is None:
        return None
    try:
        account = json.loads(path.resolve().read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"The service account's file {path} cannot be read as JSON ({type(error).__name__}).", WHOLE_FILE
        ) from error
    lacks = {"client_email", "private_key", "project_id", "token_uri"} - set(
        account if isinstance(account, dict) else ()
    )
    if lacks:
        raise ConfigurationError(f"The service account's file {path} lacks {', '.join(sorted(lacks))}.", WHOLE_FILE)
    result: dict[str, Any] = account
    return result
