"""What a change is made to: a file here, an object on a cluster in cluster_target."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from voiceagent_cli.checks import check
from voiceagent_cli.differences import difference
from voiceagent_cli.documents import Manifest, find_agent
from voiceagent_cli.errors import CliError, Exit, invalid


class Target(Protocol):
    """A VoiceAgent that can be read and changed."""

    @property
    def title(self) -> str:
        """How people call it."""
        ...

    @property
    def namespace(self) -> str | None:
        """Where it is, if that is known."""
        ...

    async def read(self) -> Mapping[str, Any]:
        """The manifest. Raises CliError."""
        ...

    async def propose(self, document: Mapping[str, Any]) -> Sequence[str]:
        """What would change, as the lines of a diff, once all has been found right. Raises CliError."""
        ...

    async def write(self) -> None:
        """Make the proposed change. Raises CliError."""
        ...


class FileTarget:
    """A VoiceAgent in a file."""

    namespace = None

    def __init__(self, path: Path, name: str | None, *, unlisted: bool = False) -> None:
        self._path = path
        self._name = name
        self._unlisted = unlisted
        self._manifest: Manifest | None = None
        self._proposed: Manifest | None = None

    @property
    def title(self) -> str:
        return str(self._path)

    async def read(self) -> Mapping[str, Any]:
        self._manifest = find_agent(read_text(self._path), self._name, self.title)
        return self._manifest.document

    async def propose(self, document: Mapping[str, Any]) -> Sequence[str]:
        assert self._manifest is not None  # noqa: S101 (read comes first)
        check(document, self.title, unlisted=self._unlisted)
        self._proposed = self._manifest.with_document(document)
        return difference(self._manifest.text, self._proposed.text, self.title)

    async def write(self) -> None:
        assert self._manifest is not None  # noqa: S101 (read and propose come first)
        assert self._proposed is not None  # noqa: S101
        if read_text(self._path) != self._manifest.text:
            raise CliError(f"{self.title} was changed meanwhile, so nothing was written. Run it again.", Exit.REFUSED)
        write_text(self._path, self._proposed.text)


def read_text(path: Path) -> str:
    """A file's text. Raises CliError."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError:
        raise CliError(f"There is no file {path}. `voiceagent init -f {path}` makes one.", Exit.NOT_FOUND) from None
    except UnicodeDecodeError:
        raise invalid(f"{path} is no text in UTF-8.") from None
    except OSError as error:
        raise CliError(f"{path} cannot be read: {error.strerror}.", Exit.REFUSED) from None


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all; its rights and links stay. Raises CliError."""
    place = path.resolve()
    temporary = None
    try:
        mode = place.stat().st_mode if place.exists() else None
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", newline="", dir=place.parent, prefix=f".{place.name}.", delete=False
        ) as file:
            temporary = Path(file.name)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(mode if mode is not None else 0o644)
        temporary.replace(place)
    except OSError as error:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink()
        raise CliError(f"{path} cannot be written: {error.strerror}.", Exit.REFUSED) from None
