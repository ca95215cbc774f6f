"""What can go wrong, as types. The text of each is a sentence for the person who runs the agent.

Such an error is shown as it is, without a traceback. Everything else is a fault of the program: the log gets
the traceback, the person gets a sentence that says where to look.
"""


class WorkerError(Exception):
    """An error whose text says what is wrong, where, and what to do. It never holds a secret."""


class ConfigurationError(WorkerError):
    """The agent's config file, a credential or a provider's option cannot be used."""


class DependencyNotFoundError(WorkerError):
    """The image lacks what a provider needs."""


class AgentCreationError(WorkerError):
    """The agent (instructions and models) could not be made."""


class SessionCreationError(WorkerError):
    """The session (voice pipeline) could not be made."""


class SessionStartError(WorkerError):
    """The session was made but could not join its room."""


class PluginError(WorkerError):
    """A plugin cannot be used, or could not do its work."""


def user_sentence(error: BaseException) -> str:
    """The sentence to show for any error: its own if it has one, else one that points to the log."""
    if isinstance(error, WorkerError):
        return str(error)
    return f"An unexpected {type(error).__name__} ended the session; the pod's log has the details."
