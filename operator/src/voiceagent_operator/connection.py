"""How to reach the cluster, and as whom: by the kubernetes package's own rules."""

import os
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

from kubernetes.aio import config as kubernetes_config
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.client.rest import RESTClientObject

_load_kubeconfig: Callable[..., Awaitable[None]] = kubernetes_config.load_kube_config
_load_incluster: Callable[..., None] = kubernetes_config.load_incluster_config


class ConnectionMissing(Exception):
    """There is no usable configuration of a cluster; the message says what was looked for."""


async def load_configuration() -> Configuration:
    """How to reach the cluster: KUBECONFIG where it is set, else the pod's own account, else ~/.kube/config."""
    configuration = Configuration()
    named = _named_kubeconfig()
    try:
        if not named and "KUBERNETES_SERVICE_HOST" in os.environ:
            _load_incluster(client_configuration=configuration)
        else:
            await _load_kubeconfig(client_configuration=configuration)
    except (kubernetes_config.ConfigException, OSError) as error:
        raise ConnectionMissing(
            f"No cluster to connect to: {error}. Set KUBECONFIG to a file that names one, or run in a pod."
        ) from error
    return configuration


def _named_kubeconfig() -> str | None:
    """What KUBECONFIG names, if it is set. Raises ConnectionMissing where it names nothing that is there."""
    named = os.environ.get("KUBECONFIG")
    if named and not any(Path(path).is_file() for path in named.split(os.pathsep)):
        raise ConnectionMissing(f"KUBECONFIG names {named}, which is not there. Correct or unset it.")
    return named


async def bearer_token(configuration: Configuration) -> str | None:
    """The token now in force, without its scheme; the package reads a pod's rotating token again as needed."""
    value = await configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
    return value.partition(" ")[2].strip() if value else None


def ssl_context(configuration: Configuration) -> ssl.SSLContext:
    """Whom to trust, and with which certificate to answer."""
    context: ssl.SSLContext = RESTClientObject(configuration).ssl_context
    return context
