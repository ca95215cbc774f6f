"""The parts of a VoiceAgent's spec that shape its worker pods.

Not a whole PodSpec: making a VoiceAgent must not be making any pod one likes, so there is no host path, no host
namespace, no privilege and no token of a service account. What other APIs define is kept as it is and judged by a
dry run of the Deployment.
"""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from voiceagent_api.base import Model
from voiceagent_api.names import ENV_NAMESPACE, ENV_POD, ENV_REVISION, GROUP
from voiceagent_api.primitives import (
    ENV_NAME_PATTERN,
    NAME_PATTERN,
    ObjectName,
    OpenObject,
    Quantity,
    rule,
    rules,
    worded,
)

RESERVED_ENV = (ENV_NAMESPACE, ENV_POD, ENV_REVISION, "HOME", "NUM_CPUS")
VOLUME_SOURCES = ("configMap", "secret", "emptyDir", "persistentVolumeClaim")
RESERVED_VOLUMES = ("temporary", "config", "livekit", "control")
RESERVED_VOLUME_PREFIX = "credentials-"
RESERVED_MOUNTS = ("/etc/voiceagent", "/var/run/voiceagent", "/tmp")  # noqa: S108 (paths inside the pod)
_RESERVED_LABELS = "app.kubernetes.io/"

_Text = Annotated[str, Field(max_length=4096)]
_Label = Annotated[
    str,
    Field(
        max_length=63,
        pattern=r"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$",
        json_schema_extra=worded(
            "must be the value of a label: letters, digits, hyphens, dots and underscores, with a letter or digit "
            "at either end"
        ),
    ),
]
_VolumeName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=63,
        pattern=NAME_PATTERN,
        json_schema_extra=worded("may have lower-case letters, digits and hyphens only and must begin with a letter"),
    ),
]


class ResourceAmounts(Model):
    """Requests and limits of the worker container."""

    requests: dict[str, Quantity] = Field(
        default_factory=dict, max_length=16, description="Resources that a pod is guaranteed, such as cpu: 250m."
    )
    limits: dict[str, Quantity] = Field(
        default_factory=dict, max_length=16, description="Resources that a pod may use at most, such as memory: 2Gi."
    )


class EnvironmentVariable(Model):
    """An environment variable of the worker container."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                f"!(self.name in {list(RESERVED_ENV)})",
                f"{', '.join(RESERVED_ENV)} are set by the operator; choose another name",
            ),
            rule(
                "!(has(self.value) && has(self.valueFrom))",
                "give value or valueFrom, not both",
            ),
        )
    )

    name: Annotated[
        str,
        Field(
            min_length=1,
            max_length=253,
            pattern=ENV_NAME_PATTERN,
            json_schema_extra=worded("must be the name of a variable, such as LOG_LEVEL"),
        ),
    ] = Field(description="Name of the variable.")
    value: Annotated[str, Field(max_length=32768)] | None = Field(default=None, description="Its value.")
    value_from: OpenObject | None = Field(
        default=None, description="Where its value comes from, as in a pod: secretKeyRef, configMapKeyRef, fieldRef."
    )


class Volume(Model):
    """A volume of the worker pod."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                f"[{', '.join(f'has(self.{source})' for source in VOLUME_SOURCES)}].filter(given, given).size() == 1",
                f"give a volume exactly one of {', '.join(VOLUME_SOURCES)}; others are not allowed for a VoiceAgent",
            ),
            rule(
                f"!(self.name in {list(RESERVED_VOLUMES)}) && !self.name.startsWith('{RESERVED_VOLUME_PREFIX}')",
                f"{', '.join(RESERVED_VOLUMES)} and names that begin with {RESERVED_VOLUME_PREFIX} are the operator's; "
                "choose another name",
            ),
        )
    )

    name: _VolumeName = Field(description="Name of the volume, for volumeMounts.")
    config_map: OpenObject | None = Field(default=None, description="A ConfigMap's keys as files, as in a pod.")
    secret: OpenObject | None = Field(default=None, description="A Secret's keys as files, as in a pod.")
    empty_dir: OpenObject | None = Field(default=None, description="An empty folder, as in a pod.")
    persistent_volume_claim: OpenObject | None = Field(default=None, description="A claimed volume, as in a pod.")


class VolumeMount(Model):
    """Where a volume stands in the worker container."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                f"!{list(RESERVED_MOUNTS)}.exists(taken, self.mountPath == taken || "
                "self.mountPath.startsWith(taken + '/'))",
                f"{', '.join(RESERVED_MOUNTS)} are the operator's; choose another mountPath",
            )
        )
    )

    name: _VolumeName = Field(description="Name of a volume of podTemplate.volumes.")
    mount_path: Annotated[
        str,
        Field(
            min_length=2,
            max_length=1024,
            pattern=r"^/[^:]+$",
            json_schema_extra=worded("must be a path from the root, such as /etc/settings, without colons"),
        ),
    ] = Field(description="Path in the container.")
    sub_path: _Text | None = Field(default=None, description="Path in the volume. Such files are never refreshed.")
    read_only: bool = Field(default=True, description="Whether the volume may not be written to.")


class EnvironmentSource(Model):
    """A ConfigMap or Secret, all of whose keys become environment variables."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "has(self.configMapRef) != has(self.secretRef)",
                "give exactly one of configMapRef and secretRef",
            )
        )
    )

    prefix: Annotated[str, Field(max_length=253)] | None = Field(
        default=None, description="Put before the name of each key."
    )
    config_map_ref: OpenObject | None = Field(default=None, description="A ConfigMap by name, as in a pod.")
    secret_ref: OpenObject | None = Field(default=None, description="A Secret by name, as in a pod.")


class Toleration(Model):
    """A taint of nodes that worker pods put up with, as in a pod."""

    key: Annotated[str, Field(max_length=317)] | None = Field(default=None, description="Key of the taint.")
    operator: Literal["Exists", "Equal"] | None = Field(default=None, description="How key and value are compared.")
    value: Annotated[str, Field(max_length=63)] | None = Field(default=None, description="Value of the taint.")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        default=None, description="Effect of the taint."
    )
    toleration_seconds: int | None = Field(
        default=None, description="For how many seconds a taint of effect NoExecute is put up with."
    )


class PodTemplate(Model):
    """What to add to the worker pods. A change of it rolls them."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "!has(self.labels) || self.labels.all(key, "
                f"!key.startsWith('{GROUP}/') && !key.startsWith('{_RESERVED_LABELS}'))",
                f"labels that begin with {GROUP}/ or {_RESERVED_LABELS} are the operator's; choose another name",
            ),
            rule(
                f"!has(self.annotations) || self.annotations.all(key, !key.startsWith('{GROUP}/'))",
                f"annotations that begin with {GROUP}/ are the operator's; choose another name",
            ),
            rule(
                "!has(self.volumeMounts) || self.volumeMounts.all(mount, has(self.volumes) && "
                "self.volumes.exists(volume, volume.name == mount.name))",
                "each of volumeMounts needs a volume of its name in podTemplate.volumes; add it or correct the name",
            ),
        )
    )

    labels: dict[str, _Label] = Field(default_factory=dict, max_length=64, description="Further labels.")
    annotations: dict[str, _Text] = Field(default_factory=dict, max_length=64, description="Further annotations.")
    node_selector: dict[str, _Label] = Field(
        default_factory=dict, max_length=32, description="Labels that a node must have."
    )
    tolerations: list[Toleration] = Field(
        default_factory=list, max_length=32, description="Taints of nodes that worker pods put up with."
    )
    affinity: OpenObject | None = Field(
        default=None, description="Which nodes and neighbours worker pods prefer or need, as in a pod."
    )
    topology_spread_constraints: list[OpenObject] = Field(
        default_factory=list, max_length=16, description="How worker pods spread over nodes and zones, as in a pod."
    )
    priority_class_name: ObjectName | None = Field(default=None, description="Name of a PriorityClass.")
    env: list[EnvironmentVariable] = Field(
        default_factory=list, max_length=128, description="Further environment variables of the worker container."
    )
    env_from: list[EnvironmentSource] = Field(
        default_factory=list,
        max_length=32,
        description="ConfigMaps and Secrets, all of whose keys become environment variables.",
    )
    volumes: list[Volume] = Field(default_factory=list, max_length=32, description="Further volumes.")
    volume_mounts: list[VolumeMount] = Field(
        default_factory=list, max_length=32, description="Where further volumes stand in the worker container."
    )
    service_account_name: ObjectName | None = Field(
        default=None,
        description="A ServiceAccount of your own in place of the agent's, for what a cloud ties to it. Its token "
        "for this cluster's API server is not mounted.",
    )
