"""Which of the rights that a user has were used, by the API server's own log. Pure."""

import json
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any, NamedTuple

AUDITED_USERS = ("voiceagent-operator", "voiceagent-operator-of-namespaces")
POLICY: dict[str, Any] = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata", "users": list(AUDITED_USERS)}, {"level": "None"}],
}
"""What the API server writes down: who did what to which kind, without any bodies."""
USED_BY_ADMISSION = "voiceagents/finalizers"
"""Asked for by the admission plugin OwnerReferencesPermissionEnforcement, which is on in the tests; not a request."""


class Right(NamedTuple):
    """A verb on a kind; `resource` with its subresource behind a slash."""

    group: str
    resource: str
    verb: str


def granted(rules: Iterable[dict[str, Any]]) -> frozenset[Right]:
    """All rights that the rules of a role give."""
    return frozenset(
        Right(group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    )


def used(log: Iterable[str]) -> Iterator[Right]:
    """The rights that the requests of an audit log needed."""
    for line in log:
        request = json.loads(line)
        target = request.get("objectRef")
        if target and "resource" in target:
            subresource = f"/{target['subresource']}" if "subresource" in target else ""
            right = Right(target.get("apiGroup", ""), target["resource"] + subresource, request["verb"])
            yield right
            if right.verb == "patch" and request.get("responseStatus", {}).get("code") == HTTPStatus.CREATED:
                yield right._replace(verb="create")  # which the API server asks for, too, and does not write down


def unused(rules: Iterable[dict[str, Any]], seen: Iterable[Right]) -> list[Right]:
    """Rights that nobody needed."""
    rest = granted(rules) - set(seen)
    return sorted(right for right in rest if right.resource != USED_BY_ADMISSION)
