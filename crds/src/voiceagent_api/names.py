"""Names that two parts must agree on: the API group, labels, annotations, mount paths and ports."""

from typing import Final

GROUP: Final = "voiceagents.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
KIND: Final = "VoiceAgent"
PLURAL: Final = "voiceagents"
FIELD_MANAGER: Final = "voiceagent-operator"

LABEL_APP_NAME: Final = "app.kubernetes.io/name"
LABEL_INSTANCE: Final = "app.kubernetes.io/instance"
LABEL_COMPONENT: Final = "app.kubernetes.io/component"
LABEL_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
LABEL_AGENT: Final = f"{GROUP}/agent"
LABEL_REVISION: Final = f"{GROUP}/revision"
APP_NAME: Final = "voiceagent"
COMPONENT_WORKER: Final = "worker"

ANNOTATION_CONFIG_REVISION: Final = f"{GROUP}/config-revision"
"""On a worker pod: the config file's revision that it should have. Patching it makes the kubelet refresh the
mounted ConfigMap at once instead of within about 90 s."""
ANNOTATION_APPLIED_HASH: Final = f"{GROUP}/applied-hash"
"""On a child: the hash of what the operator last applied, so that an unchanged child costs no write."""
ANNOTATION_PAUSED: Final = f"{GROUP}/paused"

WORKER_CONTAINER: Final = "worker"
WORKER_PORT: Final = 8080
WORKER_PORT_NAME: Final = "http"
CONFIG_FILE_NAME: Final = "agent.json"
CONFIG_MOUNT_PATH: Final = "/etc/voiceagent"
CREDENTIALS_MOUNT_PATH: Final = "/var/run/voiceagent/credentials"
"""Each provider Secret is mounted at CREDENTIALS_MOUNT_PATH/SECRET_NAME, a file a key."""
CONTROL_MOUNT_PATH: Final = "/var/run/voiceagent/control"
CONTROL_TOKEN_KEY: Final = "token"  # noqa: S105 (a key's name, not a secret)
"""The key of an agent's control Secret, and the name of the mounted file: the bearer token of POST /drain."""
LIVEKIT_MOUNT_PATH: Final = "/var/run/voiceagent/livekit"
CA_MOUNT_PATH: Final = "/var/run/voiceagent/ca"
LIVEKIT_API_KEY: Final = "LIVEKIT_API_KEY"
"""The key of the LiveKit Secret, and the name of the mounted file, that holds the API key."""
LIVEKIT_API_SECRET: Final = "LIVEKIT_API_SECRET"  # noqa: S105 (a key's name, not a secret)

ENV_NAMESPACE: Final = "POD_NAMESPACE"
ENV_POD: Final = "POD_NAME"
ENV_REVISION: Final = "VOICEAGENT_REVISION"
ENV_MAX_SESSIONS: Final = "VOICEAGENT_MAX_SESSIONS"
"""How many calls the pod takes at once. Like the next two in the pod template, so that a change rolls the pods."""
ENV_SESSION_MEMORY_BYTES: Final = "VOICEAGENT_SESSION_MEMORY_BYTES"
ENV_CALL_METRICS: Final = "VOICEAGENT_CALL_METRICS"
"""`true` or `false`: whether calls are measured."""

ATTRIBUTE_MEMORY: Final = f"{GROUP}/memory"
"""On a person in a room: the conversation so far, which only agents with the same control token can read."""
ATTRIBUTE_PROCESS: Final = f"{GROUP}/process"
"""On an agent: the worker process that it belongs to, as `/status` names it. So the agents of a worker that died are
found, those too that it had not told of yet."""
ATTRIBUTE_ENDED: Final = f"{GROUP}/ended"
"""On an agent that is about to leave, and on the person it talked with: why it ended the call by itself. Such a
person waits for no other agent."""
ENDED_DRAINED: Final = "drained"
"""Its pod had to end, and the drain timeout was over."""
ENDED_TIME_IS_UP: Final = "time-is-up"
"""The call reached its longest duration."""
_AGENT_IDENTITY_PREFIX: Final = "agent-"

NAME_MAX_LENGTH: Final = 52
"""Room for the suffixes of children, pods and Secrets within a label's 63 characters."""


def default_agent_name(namespace: str, name: str) -> str:
    """The LiveKit dispatch name of a VoiceAgent that gives none: unique in its cluster."""
    return f"{namespace}-{name}"


def control_secret_name(name: str) -> str:
    """The Secret with which operator and worker pods of the VoiceAgent `name` know each other."""
    return f"{name}-control"


def agent_identity(job_id: str) -> str:
    """The identity of the agent that a LiveKit job brings into its room."""
    return f"{_AGENT_IDENTITY_PREFIX}{job_id}"


def job_of_agent(identity: str) -> str | None:
    """The job id of an agent's identity; None if it is nobody's that we name."""
    job_id = identity.removeprefix(_AGENT_IDENTITY_PREFIX)
    return job_id if job_id and job_id != identity else None


def worker_labels(name: str) -> dict[str, str]:
    """The labels that every worker pod of the VoiceAgent `name` carries, and by which it is selected."""
    return {
        LABEL_APP_NAME: APP_NAME,
        LABEL_INSTANCE: name,
        LABEL_COMPONENT: COMPONENT_WORKER,
        LABEL_AGENT: name,
    }


WORKER_SELECTOR: Final = f"{LABEL_APP_NAME}={APP_NAME},{LABEL_COMPONENT}={COMPONENT_WORKER}"
"""Selects the worker pods of all VoiceAgents."""
