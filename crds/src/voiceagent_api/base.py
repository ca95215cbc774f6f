"""The base of all types here: immutable, camelCase on the wire, snake_case in Python."""

from typing import Final

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Model(BaseModel):
    """An immutable value read from or written to JSON with camelCase keys."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, extra="ignore")


def _camel(name: str) -> str:
    # pydantic takes the letter after a digit for the first of a word: e2EMilliseconds.
    return to_camel(name).replace("e2E", "e2e")


SMALL: Final = ConfigDict(alias_generator=_camel, populate_by_name=True, extra="ignore")
"""The same for values of which there are tens of thousands: dataclasses with slots, a third of a Model in memory."""
