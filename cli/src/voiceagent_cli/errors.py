"""How a command ends: its exit code, and the words for what went wrong. docs/cli.md lists the codes."""

from enum import IntEnum


class Exit(IntEnum):
    """The exit codes, which scripts may rely on."""

    OK = 0
    NO = 1
    """The answer is no: files differ, the doctor found something, a rollout failed, a question was answered by no."""
    USAGE = 2
    """The command itself is wrong."""
    INVALID = 3
    """A manifest, or the name of a provider or plugin, is wrong."""
    NOT_FOUND = 4
    REFUSED = 5
    """The API server or the gateway refused: rights, conflicts, its own rules."""
    UNREACHABLE = 6
    """No answer, or none in time."""
    INTERRUPTED = 130


class CliError(Exception):
    """Ends the command. The message says what is wrong, where, and what to do; it is all that the user reads."""

    def __init__(self, message: str, code: Exit) -> None:
        super().__init__(message)
        self.code = code


class NotYetError(CliError):
    """Refused for now; asking again in a while may help."""


def invalid(message: str) -> CliError:
    """Something that the user wrote is wrong."""
    return CliError(message, Exit.INVALID)


def usage(message: str) -> CliError:
    """The command's own words do not go together."""
    return CliError(message, Exit.USAGE)
