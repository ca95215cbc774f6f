"""`python -m voiceagent_gateway make-key NAME …`: a new API key, shown once, and the entry that its Secret needs.

It talks to no cluster: what to do with the entry is printed with it.
"""

import argparse
import sys
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import yaml
from voiceagent_api.api_keys import KEY_NAME, EntryError, entry_text, expiry, hash_of, new_key

MAKE_KEY: Final = "make-key"


def make_key(arguments: Sequence[str]) -> int:
    """Print the key to standard error and the manifest to standard output. Returns the process's exit code."""
    parser = argparse.ArgumentParser(prog=f"voiceagent-gateway {MAKE_KEY}", description="A new API key.")
    parser.add_argument("name", help="the key's name: small letters, digits and hyphens")
    parser.add_argument("--agents", nargs="+", required=True, help="VoiceAgents: NAMESPACE/NAME with *, or * for all")
    parser.add_argument("--rooms", nargs="+", default=["*"], help="rooms, with * (all)")
    parser.add_argument("--metrics", action="store_true", help="let it read all metrics")
    parser.add_argument(
        "--transcripts", action="store_true", help="let it read and erase transcripts of those agents and rooms"
    )
    parser.add_argument("--expires", help="until when it is good: a date such as 2027-01-31, or days such as 90d")
    parser.add_argument("--secret", default="voiceagents-api-keys", help="the Secret's name")
    parser.add_argument("--namespace", default="voiceagents-system", help="the gateway's namespace")
    parsed = parser.parse_args(arguments)
    if not KEY_NAME.fullmatch(parsed.name):
        parser.error(f"{parsed.name} cannot be a key's name: use at most 63 small letters, digits and inner hyphens")
    try:
        expires = expiry(parsed.expires, datetime.now(UTC))
    except ValueError:
        parser.error(f"--expires {parsed.expires} is neither a date such as 2027-01-31 nor days such as 90d to come")
    key = new_key(parsed.name)
    try:
        entry = entry_text(hash_of(key), parsed.agents, parsed.rooms, parsed.metrics, expires, parsed.transcripts)
    except EntryError as error:
        parser.error(str(error))
    manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": parsed.secret, "namespace": parsed.namespace},
        "data": {parsed.name: b64encode(entry.encode()).decode()},
    }
    print(f"The key, which is shown only now:\n\n  {key}\n", file=sys.stderr)
    print(
        "What follows adds it to the others: pipe it to\n"
        f"  kubectl apply --server-side --field-manager=key-{parsed.name} -f -\n",
        file=sys.stderr,
    )
    print(yaml.safe_dump(manifest, sort_keys=False), end="")
    return 0
