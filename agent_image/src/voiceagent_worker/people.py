"""Who an agent talks with."""

from livekit.agents import AgentSession


def linked_person(session: AgentSession[None]) -> str | None:
    """The identity of the person whom the session listens to; None if there is none, or no more."""
    try:
        linked = session.room_io.linked_participant
    except RuntimeError:
        return None
    return linked.identity if linked is not None else None
