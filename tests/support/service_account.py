"""The file of a service account that nobody has."""

import json

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


def service_account() -> str:
    """As Google gives it, with a key of its own."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return json.dumps(
        {
            "type": "service_account",
            "project_id": "blue-dental",
            "private_key_id": "key-1-of-many",
            "private_key": pem,
            "client_email": "agent@blue-dental.test",
            "token_uri": "https://oauth2.test/token",
        }
    )
