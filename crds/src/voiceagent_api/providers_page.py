"""Makes the tables of docs/providers.md from the catalogue: `python -m voiceagent_api.providers_page` prints the page.

What stands outside the marks is written by hand and kept.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence

from voiceagent_api.generated import REPOSITORY, run
from voiceagent_api.providers import CATALOGUE
from voiceagent_api.providers.entries import Credential, Option, ProviderEntry

COMMITTED_FILE = REPOSITORY / "docs" / "providers.md"
BEGIN = "<!-- Made from the catalogue by: make crds -->"
END = "<!-- End of what is made. -->"
KINDS = {
    "stt": "Speech to text",
    "llm": "Language models",
    "tts": "Text to speech",
    "realtime": "Realtime models, in place of the three",
}


def providers_page() -> str:
    """The page, with its tables made anew."""
    written = COMMITTED_FILE.read_text(encoding="utf-8")
    head, _, rest = written.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{tables()}\n{END}{tail}"


def tables() -> str:
    """A table a kind, and one of the options of each provider. Pure."""
    return "\n".join(line for kind, title in KINDS.items() for line in _kind(kind, title))


def _kind(kind: str, title: str) -> Iterator[str]:
    entries = [entry for entry in CATALOGUE if entry.kind == kind]
    yield f"### {title}\n"
    yield "| provider | keys of its Secret | model by default | others known | voice by default | baseURL |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for entry in entries:
        yield _row(entry)
    yield ""
    for entry in entries:
        yield f"<details><summary>Options of {kind} {entry.name}</summary>\n"
        yield "| option | type | what it does |"
        yield "| --- | --- | --- |"
        for option in sorted(entry.options, key=lambda option: option.name):
            yield f"| `{option.name}` | {_type(option)} | {option.description} |"
        yield "\n</details>\n"


def _row(entry: ProviderEntry) -> str:
    keys = "<br>".join(_key(credential) for credential in entry.credentials)
    default = f"`{entry.default_model}`" if entry.default_model != "default" else ""
    others = _code(model for model in entry.models if model != entry.default_model)
    voice = f"`{entry.default_voice}`" if entry.default_voice else ""
    name = f"`{entry.name}`{'<br>(full image)' if entry.package else ''}"
    return f"| {name} | {keys} | {default} | {others} | {voice} | {entry.base_url} |"


def _key(credential: Credential) -> str:
    unless = f", unless {' or '.join(f'`{name}`' for name in credential.unless)} is set" if credential.unless else ""
    optional = " (optional)" if credential.optional else ""
    return f"`{credential.key}`{optional}: {credential.description.rstrip('.')}{unless}"


def _type(option: Option) -> str:
    if option.choices:
        return " or ".join(f"`{choice}`" for choice in option.choices)
    match option.minimum, option.maximum:
        case None, None:
            return option.type
        case least, None:
            return f"{option.type}, at least {least:g}"
        case None, most:
            return f"{option.type}, at most {most:g}"
        case least, most:
            return f"{option.type}, {least:g} to {most:g}"


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the page, or check the committed one."""
    return run("voiceagent_api.providers_page", "The page of providers", COMMITTED_FILE, providers_page, arguments)


if __name__ == "__main__":
    sys.exit(main())
