"""The values that the gateway's parts hand to one another. They know no client and no clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from voiceagent_api.running import Budget
from voiceagent_api.status import Condition, Usage
from voiceagent_api.worker_status import SessionRecord, WorkerStatus


@dataclass(frozen=True, slots=True)
class AgentRef:
    """A VoiceAgent as far as callers are concerned."""

    namespace: str
    name: str
    agent_name: str
    """The LiveKit dispatch name in force."""
    suspended: bool = False
    ready_replicas: int = 0
    ready_summary: str = ""
    message: str = ""
    """Message of the Ready condition."""
    language: str = "en"
    livekit_url: str | None = None
    livekit_public_url: str | None = None
    livekit_secret_name: str | None = None
    by_sessions: bool = False
    """Whether the operator scales it with its calls (scaling.mode Sessions)."""
    most_pods: int = 1
    """As many pods as it may have: scaling.maxReplicas, or spec.replicas where those are set by hand."""
    sessions_per_pod: int = 5
    """Calls that a pod takes at once, for pods that do not say it themselves."""
    budget: Budget | None = None
    usage: Usage | None = field(default=None, hash=False)
    """What a gateway last told of what it used on a day."""
    retention_hours: int = 168
    """For how many hours its history is kept, where the gateway keeps it that long."""
    transcript_hours: int | None = None
    """For how many hours what is said in its calls is kept; None for an agent of which nothing is."""
    conditions: tuple[Condition, ...] = ()
    revision: str = ""
    """Revision of the pod template that its pods should have; empty until the operator has told."""
    reference: str = field(init=False, compare=False, repr=False)
    """How a caller names it: NAMESPACE/NAME."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "reference", f"{self.namespace}/{self.name}")

    @property
    def ready(self) -> bool:
        """Whether a call for it would be answered now."""
        return self.ready_replicas > 0 and not self.suspended

    @property
    def off_by_hand(self) -> bool:
        """Whether somebody set its pods to none, so that no caller can wake it."""
        return not self.by_sessions and self.most_pods == 0


@dataclass(frozen=True, slots=True)
class PodRef:
    """A worker pod as the API server tells of it."""

    uid: str
    namespace: str
    name: str
    agent: str
    revision: str = ""
    address: str = ""
    """The pod's IP; empty until it has one."""
    port: int = 8080
    phase: str = "Pending"
    ready: bool = False
    terminating: bool = False
    deadline: str | None = None
    """When it is killed, whatever it still serves; None for one that may stay."""

    @property
    def readable(self) -> bool:
        """Whether it can be asked for its status."""
        return bool(self.address) and self.phase == "Running"

    @property
    def over(self) -> bool:
        """Whether its containers have ended for good."""
        return self.phase in ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class PodView:
    """A worker pod and what was last read from it."""

    pod: PodRef
    status: WorkerStatus | None = None
    read_at: datetime | None = None
    """When `status` was read."""
    error: str | None = None
    """Why the latest read failed."""
    failures: int = 0
    """Failed reads since the last good one."""

    @property
    def stale(self) -> bool:
        """Whether the data shown is not that of now."""
        return self.error is not None


@dataclass(frozen=True, slots=True)
class PastSession:
    """A session remembered after the pod that held it is gone, or one made up for a test of dashboards."""

    pod: PodRef
    record: SessionRecord
    ended_at: datetime
    outcome: str
    """The record's outcome, or "unknown" where the pod was gone before it told the session's end."""
    test: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """What makes it one session: the pod's uid and the session's id."""
        return (self.pod.uid, self.record.id)


@dataclass(frozen=True, slots=True)
class LiveKitCredentials:
    """An API key of a LiveKit server. The secret is kept out of every repr."""

    api_key: str
    api_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CallRequest:
    """What a caller asks of the gateway, checked. None where the gateway is to choose."""

    room: str | None = None
    identity: str | None = None
    name: str | None = None
    metadata: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    agent: str | None = None
    """The VoiceAgent as NAMESPACE/NAME."""
    agent_name: str | None = None
    """The VoiceAgent by its LiveKit dispatch name."""
    agent_metadata: str | None = None


def as_utc(moment: datetime) -> datetime:
    """The moment in UTC; one without a zone is taken to be UTC already."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def iso(moment: datetime) -> str:
    """The moment as text: UTC, milliseconds, Z."""
    if moment.tzinfo is not UTC:
        moment = as_utc(moment)
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"
