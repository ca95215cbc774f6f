"""What can go wrong, as types. The text of each is a sentence for the person who runs the agent.

Such an error is shown as it is, without a traceback. Everything else is a fault of the program: the log gets
the traceback, the person gets a sentence that says where to look. docs/worker.md lists them.
"""

from typing import ClassVar


class WorkerError(Exception):
    """An error of two parts: what failed and where, and what to do about it. Neither ever holds a secret."""

    kind_remedy: ClassVar[str] = "Look into the pod's log."
    """What to do about errors of this kind, where nothing better is known."""

    def __init__(self, failed: str, remedy: str | None = None) -> None:
        """Without a `remedy` the text is `failed` alone: it may say what to do as it says what failed."""
        super().__init__(failed if remedy is None else f"{failed} {remedy}")
        self.failed = failed
        self.remedy = remedy or self.kind_remedy


class ConfigurationError(WorkerError):
    """The agent's config file, a credential or a provider's option cannot be used."""

    kind_remedy = "Correct the value that the sentence names; a running worker takes it in by itself."


class DependencyNotFoundError(WorkerError):
    """The image lacks what a provider needs."""

    kind_remedy = "Use the worker image of this release, or add the provider's plugin to yours."


class AgentCreationError(WorkerError):
    """The agent (instructions and models) could not be made."""

    kind_remedy = "Check the instructions and the options of the provider that is named."


class SessionCreationError(WorkerError):
    """The session (voice pipeline) could not be made."""

    kind_remedy = "Check turnDetection and the options of the providers."


class SessionStartError(WorkerError):
    """The session was made but could not join its room."""

    kind_remedy = (
        "Check that pods reach the LiveKit server: its address, UDP and TCP ports, and whether it is overloaded."
    )


class PluginError(WorkerError):
    """A plugin cannot be used, or could not do its work."""

    kind_remedy = "Check the plugin's config and its log lines; onError Skip lets calls go on without it."


def user_sentence(error: BaseException) -> str:
    """The sentence to show for any error: its own if it has one, else one that points to the log."""
    if isinstance(error, WorkerError):
        return str(error)
    return f"An unexpected {type(error).__name__} ended the session; the pod's log has the details."
