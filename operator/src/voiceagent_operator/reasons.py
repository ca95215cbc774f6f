"""The reasons that conditions give: one word each for programs, in one place."""
# ruff: noqa: S105 (reasons that speak of Secrets, none that hold one)

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong: a reason for programs, a message for people."""

    reason: str
    message: str


INVALID_SPEC: Final = "InvalidSpec"
UNKNOWN_PROVIDER: Final = "UnknownProvider"
UNKNOWN_PLUGIN: Final = "UnknownPlugin"
INVALID_PROVIDER: Final = "InvalidProvider"
NOT_SERVED: Final = "NotServed"
INSTRUCTIONS_TOO_LONG: Final = "InstructionsTooLong"
AGENT_NAME_TAKEN: Final = "AgentNameTaken"
WAITING_FOR_TURN: Final = "WaitingForTurn"
INSTRUCTIONS_MISSING: Final = "InstructionsMissing"
LIVEKIT_URL_MISSING: Final = "LiveKitURLMissing"
LIVEKIT_SECRET_MISSING: Final = "LiveKitSecretMissing"
LIVEKIT_SECRET_KEY_MISSING: Final = "LiveKitSecretKeyMissing"
SECRET_MISSING: Final = "SecretMissing"
SECRET_KEY_MISSING: Final = "SecretKeyMissing"
NAME_CONFLICT: Final = "NameConflict"
BEING_DELETED: Final = "PredecessorBeingDeleted"
APPLY_FAILED: Final = "ApplyFailed"

QUOTA_EXCEEDED: Final = "QuotaExceeded"
PODS_REFUSED: Final = "PodsRefused"
NOT_REGISTERED: Final = "NotRegistered"
OUT_OF_MEMORY: Final = "OOMKilled"
POD_LOST: Final = "PodLost"

SYNCED: Final = "Synced"
PODS_BEHIND: Final = "PodsBehind"
PODS_UNREADABLE: Final = "PodsUnreadable"
CONFIG_REFUSED: Final = "ConfigRefused"
NO_PODS: Final = "NoPods"
PROVIDER_REFUSES: Final = "ProviderRefuses"
PROVIDER_MISSING: Final = "ProviderNotInImage"
PROVIDER_UNREACHABLE: Final = "ProviderUnreachable"
PROVIDERS_ANSWER: Final = "ProvidersAnswer"
MANUAL: Final = "Manual"
NO_BUDGET: Final = "NoBudget"
NOT_MEASURED: Final = "NotMeasured"
NOT_PRICED: Final = "NotPriced"
WITHIN_BUDGET: Final = "WithinBudget"
BUDGET_EXCEEDED: Final = "BudgetExceeded"
CREDENTIALS_FOUND: Final = "CredentialsFound"
NOT_CHECKED: Final = "NotChecked"
PODS_READY: Final = "PodsReady"
PODS_NOT_READY: Final = "PodsNotReady"
POD_UNSCHEDULABLE: Final = "PodUnschedulable"
ROLLING_OUT: Final = "RollingOut"
ROLLOUT_STOPPED: Final = "RolloutStopped"
ROLLOUT_PUT_BACK: Final = "RolloutPutBack"
SCALING_DOWN: Final = "ScalingDown"
FOLLOWING_SESSIONS: Final = "FollowingSessions"
AT_MAXIMUM: Final = "AtMaximum"
ASLEEP: Final = "Asleep"
SESSIONS_UNREADABLE: Final = "SessionsUnreadable"
LIVEKIT_LOST: Final = "LiveKitLost"
SUSPENDED: Final = "Suspended"
SCALED_TO_ZERO: Final = "ScaledToZero"
UP_TO_DATE: Final = "UpToDate"
PAUSED: Final = "Paused"
NOT_STALLED: Final = "NotStalled"
