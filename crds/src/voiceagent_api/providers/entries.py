"""What an entry of the catalogue says of a provider."""

from dataclasses import dataclass
from typing import Literal

ProviderKind = Literal["stt", "llm", "tts", "realtime"]
OptionType = Literal["string", "number", "integer", "boolean", "list", "object"]


@dataclass(frozen=True, slots=True)
class Option:
    """An option of `spec.providers.KIND.options`, by the name that the provider's plugin gives it."""

    name: str
    type: OptionType
    description: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Credential:
    """A key of the provider's Secret."""

    key: str
    description: str
    unless: tuple[str, ...] = ()
    """Names of options, or baseURL: where one of them is given, the key is not needed."""
    optional: bool = False
    """The provider may do without: nothing is amiss where the key is not there."""
    file: bool = False
    """The provider wants the file, not what is in it."""

    def needed(self, base_url: str | None, options: frozenset[str]) -> bool:
        """Whether a provider with this address and these options cannot do without."""
        given = options | ({"baseURL"} if base_url else set())
        return not self.optional and not given.intersection(self.unless)


@dataclass(frozen=True, slots=True)
class Check:
    """The cheapest question that tells whether a provider takes a key: a request that costs nothing."""

    root: str
    """Where the API is, unless a baseURL says otherwise."""
    path: str
    header: str
    """The header that carries the key."""
    scheme: str = ""
    """What stands before the key in that header, as in Bearer."""
    headers: tuple[tuple[str, str], ...] = ()
    models: tuple[str, str] | None = None
    """Where the answer lists models: the list's field, and the field with the name. None where it lists none."""
    body: str | None = None
    """JSON that is posted, empty for no body; None where the question is a GET."""
    accepts: tuple[int, ...] = (200,)
    """Statuses that come only after the key was taken; 400 where the question is left empty on purpose."""
    refusal: str = "it refused the key"
    """What 401 and 403 mean."""
    unknown_model: int | None = None
    """The status by which the provider says that it has no such model."""


@dataclass(frozen=True, slots=True)
class ProviderEntry:
    """A provider of one kind.

    `factory` is "module:function" inside the worker image; it is imported only when a session needs it.
    """

    name: str
    kind: ProviderKind
    credentials: tuple[Credential, ...]
    """The first is the key itself."""
    default_model: str
    factory: str
    models: tuple[str, ...] = ()
    """Those known when this was written: a hint for people, never a limit."""
    default_voice: str | None = None
    options: tuple[Option, ...] = ()
    check: Check | None = None
    base_url: str = ""
    """What baseURL means here, for people; empty where the provider has no other address."""
    needs_base_url: bool = False
    package: str = ""
    """The distribution that the factory needs and only the worker image's full variant has; empty for none."""
    third_party: bool = False
    """Not of this catalogue: known by an entry point of its own image, or by the install."""

    @property
    def credential_key(self) -> str:
        """The name of the key itself within the Secret."""
        return self.credentials[0].key

    @property
    def key_optional(self) -> bool:
        """A server of one's own may ask for no key."""
        return self.credentials[0].optional


def third_party_entry(kind: ProviderKind, name: str, factory: str = "") -> ProviderEntry:
    """The entry of a provider that the catalogue does not know: its key is named after it, and may be missing."""
    key = Credential(f"{name.upper().replace('-', '_')}_API_KEY", "API key.", optional=True)
    return ProviderEntry(name, kind, (key,), "default", factory, third_party=True)


def text(name: str, description: str, *choices: str) -> Option:
    """An option that is text; with choices, one of them."""
    return Option(name, "string", description, choices=choices)


def number(name: str, description: str, least: float | None = None, most: float | None = None) -> Option:
    """An option that is a number, within bounds."""
    return Option(name, "number", description, least, most)


def integer(name: str, description: str, least: float | None = None, most: float | None = None) -> Option:
    """An option that is a whole number, within bounds."""
    return Option(name, "integer", description, least, most)


def yes_or_no(name: str, description: str) -> Option:
    """An option that is true or false."""
    return Option(name, "boolean", description)


def several(name: str, description: str) -> Option:
    """An option that is a list."""
    return Option(name, "list", description)


def fields(name: str, description: str) -> Option:
    """An option with fields of its own."""
    return Option(name, "object", description)
