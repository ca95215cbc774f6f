"""What providers charge, as the install's owner wrote it down. None are built in: prices change."""

import re
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from voiceagent_api.base import Model

_KEY: Final = re.compile(r"((stt|llm|tts|realtime)\.)?[a-z0-9]([a-z0-9_-]*[a-z0-9])?(/\S{1,253})?")
Price = Annotated[str, Field(max_length=20, pattern=r"^[0-9]{1,9}(\.[0-9]{1,9})?$")]
"""An amount, exact: a number of YAML would be rounded."""


class ModelPrice(Model):
    """What one provider, or one of its models, charges. Amounts are decimals in quotes."""

    input_per_million_tokens: Price | None = Field(default=None, description="For a million tokens that it reads.")
    output_per_million_tokens: Price | None = Field(default=None, description="For a million tokens that it writes.")
    per_million_characters: Price | None = Field(default=None, description="For a million characters that it speaks.")
    per_audio_minute: Price | None = Field(
        default=None,
        description="For a minute of speech that it writes down; or that it speaks, where perMillionCharacters is not "
        "given.",
    )


class Prices(Model):
    """The price list of the install."""

    currency: Annotated[str, Field(min_length=1, max_length=8, pattern=r"^[A-Za-z]+$")] = Field(
        default="USD", description="What all prices and budgets are counted in, for example USD."
    )
    models: dict[str, ModelPrice] = Field(
        default_factory=dict,
        description="By provider, by PROVIDER/MODEL, or by kind and either as stt.openai; the most exact key counts.",
    )

    @model_validator(mode="after")
    def _keys_are_of_the_form(self) -> Self:
        for key in self.models:
            if not _KEY.fullmatch(key):
                raise ValueError(f"{key} names no model; write it as openai, openai/gpt-4o-mini or tts.openai")
        return self
