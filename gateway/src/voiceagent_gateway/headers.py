"""A request's headers as ASGI has them: names in lower case, bytes. Pure.

Starlette's own mapping decodes and compares all of them for each look, which for a token is a cost of its own.
"""

from starlette.types import Scope


def header(scope: Scope, name: bytes) -> str | None:
    """The first header of that name, which is given in lower case."""
    for key, value in scope["headers"]:
        if key == name:
            text: str = value.decode("latin-1")
            return text
    return None
