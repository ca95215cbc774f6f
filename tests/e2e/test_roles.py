"""Who may do what with VoiceAgents, by the cluster's own roles view, edit and admin."""

from collections.abc import Iterator

import pytest
from on_sandbox import Kubectl, eventually

ROLES = ("view", "edit", "admin")


@pytest.fixture(scope="module")
def people(kubectl: Kubectl) -> Iterator[None]:
    """One user a role, bound in the default namespace."""
    for role in ROLES:
        kubectl("create", "rolebinding", f"test-{role}", f"--clusterrole={role}", f"--user=test-{role}")
    yield
    for role in ROLES:
        kubectl("delete", "rolebinding", f"test-{role}")


@pytest.mark.parametrize(
    ("role", "verb", "resource", "allowed"),
    [
        ("view", "list", "voiceagents.voiceagents.dev", True),
        ("view", "patch", "voiceagents.voiceagents.dev", False),
        ("edit", "create", "voiceagents.voiceagents.dev", True),
        ("edit", "delete", "voiceagents.voiceagents.dev", True),
        ("edit", "update", "voiceagents.voiceagents.dev/scale", True),
        ("edit", "patch", "voiceagents.voiceagents.dev/status", False),
        ("admin", "patch", "voiceagents.voiceagents.dev/status", True),
    ],
)
def test_the_clusters_roles_know_voiceagents(
    people: None, kubectl: Kubectl, role: str, verb: str, resource: str, allowed: bool
) -> None:
    name, _, subresource = resource.partition("/")
    words = ["auth", "can-i", verb, name, f"--as=test-{role}", *([f"--subresource={subresource}"] * bool(subresource))]
    eventually(lambda: kubectl.run(*words).stdout.strip(), lambda said: said == ("yes" if allowed else "no"))
