"""What can go wrong, as types. The text of each is a sentence for the person who runs the agent.

Such an error is shown as it is, without a traceback. Everything else is a fault of the program: the log gets
the traceback, the person gets a sentence that says where to look. docs/worker.md lists them.
"""

from typing import ClassVar


class WorkerError(Exception):
    """An error whose text says what failed, where, and what to do about it. It never holds a secret."""

    remedy: ClassVar[str] = "Look into the pod's log."
    """What to do about errors of this kind, where the text itself does not know better."""

    @property
    def failed(self) -> str:
        """What failed, and where."""
        return str(self)


class ConfigurationError(WorkerError):
    """The agent's config file, a credential or a provider's option cannot be used."""

    remedy = "Correct the value that the sentence names; a running worker takes it in by itself."


class DependencyNotFoundError(WorkerError):
    """The image lacks what a provider needs."""

    remedy = "Use the worker image of this release, or add the provider's plugin to yours."


class AgentCreationError(WorkerError):
    """The agent (instructions and models) could not be made."""

    remedy = "Check the instructions and the options of the provider that is named."


class SessionCreationError(WorkerError):
    """The session (voice pipeline) could not be made."""

    remedy = "Check turnDetection and the options of the providers."


class SessionStartError(WorkerError):
    """The session was made but could not join its room."""

    remedy = "Check that pods reach the LiveKit server: its address, UDP and TCP ports, and whether it is overloaded."


class PluginError(WorkerError):
    """A plugin cannot be used, or could not do its work."""

    remedy = "Check the plugin's config and its log lines; onError Skip lets calls go on without it."


def user_sentence(error: BaseException) -> str:
    """The sentence to show for any error: its own if it has one, else one that points to the log."""
    if isinstance(error, WorkerError):
        return str(error)
    return f"An unexpected {type(error).__name__} ended the session; the pod's log has the details."
