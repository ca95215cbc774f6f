"""The pod template: how a worker runs. Whatever changes it rolls the pods; the config file does not."""

import hashlib
from typing import Any, Final

import orjson
from voiceagent_api.names import (
    CA_MOUNT_PATH,
    CONFIG_MOUNT_PATH,
    CONTROL_MOUNT_PATH,
    CREDENTIALS_MOUNT_PATH,
    ENV_CALL_METRICS,
    ENV_MAX_SESSIONS,
    ENV_NAMESPACE,
    ENV_POD,
    ENV_REVISION,
    ENV_SESSION_MEMORY_BYTES,
    GROUP,
    LABEL_REVISION,
    LIVEKIT_MOUNT_PATH,
    WORKER_CONTAINER,
    WORKER_PORT,
    WORKER_PORT_NAME,
    control_secret_name,
    worker_labels,
)
from voiceagent_api.shutdown import grace_period_seconds
from voiceagent_operator.build.config_map import config_map_name
from voiceagent_operator.build.resources import build_resources, cpus_without_limit, session_memory_bytes
from voiceagent_operator.objects import Object
from voiceagent_operator.resolve import Plan

ANNOTATION_LIVEKIT_SECRET: Final = f"{GROUP}/livekit-secret"
"""Uid and resource version of the LiveKit Secret, so that a changed one rolls the pods."""
ANNOTATION_LIVEKIT_URL: Final = f"{GROUP}/livekit-url"
WORKER_USER: Final = 65532
_CA_VOLUME: Final = "credentials-ca"
"""Of the volumes' names that a podTemplate may not use."""
_REVISION_TO_COME: Final = "\0revision\0"
"""Stands for the revision until it is known; no name or value of Kubernetes can hold it."""
_TEMPORARY_PATH: Final = "/tmp"  # noqa: S108 (a path inside the container, an emptyDir of its own)


def build_pod_template(plan: Plan, livekit_stamp: str) -> tuple[Object, str]:
    """The pod template and its revision: the hash of all but what is named after the revision itself."""
    canonical = orjson.dumps(_template(plan, livekit_stamp, _REVISION_TO_COME), option=orjson.OPT_SORT_KEYS)
    revision = hashlib.sha256(canonical).hexdigest()[:10]
    template: Object = orjson.loads(canonical.replace(orjson.dumps(_REVISION_TO_COME)[1:-1], revision.encode()))
    return template, revision


def _template(plan: Plan, livekit_stamp: str, revision: str) -> Object:
    agent = plan.agent
    wanted = agent.spec.pod_template
    placement = {
        "nodeSelector": wanted.node_selector,
        "tolerations": [toleration.model_dump(by_alias=True, exclude_none=True) for toleration in wanted.tolerations],
        "affinity": wanted.affinity,
        "topologySpreadConstraints": wanted.topology_spread_constraints,
        "priorityClassName": wanted.priority_class_name,
    }
    return {
        "metadata": {
            "labels": {**wanted.labels, **worker_labels(agent.key.name), LABEL_REVISION: revision},
            "annotations": {
                **wanted.annotations,
                ANNOTATION_LIVEKIT_SECRET: livekit_stamp,
                ANNOTATION_LIVEKIT_URL: plan.livekit_url,
                "kubectl.kubernetes.io/default-container": WORKER_CONTAINER,
            },
        },
        "spec": {
            "serviceAccountName": wanted.service_account_name or agent.key.name,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": grace_period_seconds(agent.spec.drain.timeout_seconds),
            "imagePullSecrets": [{"name": secret.name} for secret in agent.spec.image_pull_secrets],
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": WORKER_USER,
                "runAsGroup": WORKER_USER,
                "fsGroup": WORKER_USER,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [_container(plan, revision)],
            "volumes": _volumes(plan, revision),
            **{name: value for name, value in placement.items() if value},
        },
    }


def _container(plan: Plan, revision: str) -> Object:
    spec = plan.agent.spec
    resources = build_resources(spec)
    ca_bundle = plan.ca_bundle.config_map_name
    env_from = [source.model_dump(by_alias=True, exclude_none=True) for source in spec.pod_template.env_from]
    return {
        "name": WORKER_CONTAINER,
        "image": plan.image,
        "imagePullPolicy": plan.image_pull_policy,
        "env": _environment(plan, revision, cpus_without_limit(resources)),
        **({"envFrom": env_from} if env_from else {}),
        "ports": [{"name": WORKER_PORT_NAME, "containerPort": WORKER_PORT, "protocol": "TCP"}],
        "resources": resources,
        "startupProbe": _probe("/healthz", period_seconds=2, failures=60),
        "readinessProbe": _probe("/readyz", period_seconds=2, failures=2),
        "livenessProbe": _probe("/healthz", period_seconds=10, failures=6),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "temporary", "mountPath": _TEMPORARY_PATH},
            {"name": "config", "mountPath": CONFIG_MOUNT_PATH, "readOnly": True},
            {"name": "livekit", "mountPath": LIVEKIT_MOUNT_PATH, "readOnly": True},
            {"name": "control", "mountPath": CONTROL_MOUNT_PATH, "readOnly": True},
            *([{"name": _CA_VOLUME, "mountPath": CA_MOUNT_PATH, "readOnly": True}] if ca_bundle else []),
            *(
                {
                    "name": _volume_name(index),
                    "mountPath": f"{CREDENTIALS_MOUNT_PATH}/{secret}",
                    "readOnly": True,
                }
                for index, secret in enumerate(plan.mounted_secrets)
            ),
            *(mount.model_dump(by_alias=True, exclude_none=True) for mount in spec.pod_template.volume_mounts),
        ],
    }


def _environment(plan: Plan, revision: str, cpus: str | None) -> list[Object]:
    spec = plan.agent.spec
    fixed = {
        ENV_REVISION: revision,
        ENV_MAX_SESSIONS: str(spec.scaling.sessions_per_replica),
        ENV_SESSION_MEMORY_BYTES: str(session_memory_bytes(spec)),
        ENV_CALL_METRICS: str(spec.metrics.enabled).lower(),
        "HOME": _TEMPORARY_PATH,
        "PYTHONDONTWRITEBYTECODE": "1",
        "LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE": "0",
        **({"NUM_CPUS": cpus} if cpus else {}),
        **plan.proxy.environment(),
        **plan.ca_bundle.environment(CA_MOUNT_PATH),
    }
    given = {variable.name: variable.model_dump(by_alias=True, exclude_none=True) for variable in spec.pod_template.env}
    ours = {name: {"name": name, "value": value} for name, value in fixed.items()}
    return [
        _from_field(ENV_NAMESPACE, "metadata.namespace"),
        _from_field(ENV_POD, "metadata.name"),
        *(ours | given).values(),
    ]


def _from_field(name: str, path: str) -> Object:
    return {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}


def _probe(path: str, *, period_seconds: int, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": WORKER_PORT_NAME, "scheme": "HTTP"},
        "periodSeconds": period_seconds,
        "timeoutSeconds": min(5, period_seconds),
        "failureThreshold": failures,
    }


def _volumes(plan: Plan, revision: str) -> list[Object]:
    """Whole directories and optional Secrets: files change under a running pod, and a missing Secret is a
    condition of the VoiceAgent rather than a pod that never starts."""
    config_map = config_map_name(plan.agent.key.name, revision)
    # Not optional: programs that trust nobody would fail in ways that are harder to read.
    bundle = [{"name": _CA_VOLUME, "configMap": {"name": name}}] if (name := plan.ca_bundle.config_map_name) else []
    return [
        {"name": "temporary", "emptyDir": {}},
        {"name": "config", "configMap": {"name": config_map}},
        {"name": "livekit", "secret": {"secretName": plan.livekit_secret, "optional": True}},
        {"name": "control", "secret": {"secretName": control_secret_name(plan.agent.key.name), "optional": True}},
        *bundle,
        *(
            {"name": _volume_name(index), "secret": {"secretName": secret, "optional": True}}
            for index, secret in enumerate(plan.mounted_secrets)
        ),
        *(volume.model_dump(by_alias=True, exclude_none=True) for volume in plan.agent.spec.pod_template.volumes),
    ]


def _volume_name(index: int) -> str:
    """A Secret's name may be too long, or hold dots, for a volume's."""
    return f"credentials-{index}"
