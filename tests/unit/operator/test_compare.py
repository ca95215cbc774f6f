"""Whether a child is as it should be, and whose it is."""

from collections.abc import Callable
from typing import Any

import pytest
from voiceagent_operator.agent import parse_agent
from voiceagent_operator.build import build_children
from voiceagent_operator.compare import is_within, require_ownership, stamped
from voiceagent_operator.errors import Hindrance
from voiceagent_operator.objects import Key, owner_of
from voiceagent_operator.resolve import Plan

Make = Callable[..., dict[str, Any]]


@pytest.mark.parametrize(
    ("desired", "observed"),
    [
        ({"a": 1}, {"a": 1, "added": 2}),
        ({"a": {}}, {}),
        ({"a": []}, {"a": None}),
        ({"env": [{"name": "A", "value": "1"}]}, {"env": [{"name": "B"}, {"name": "A", "value": "1", "more": 0}]}),
        ({"drop": ["ALL"]}, {"drop": ["ALL"]}),
        ({"limits": {"cpu": "1000m", "memory": "1.5Gi"}}, {"limits": {"cpu": "1", "memory": "1536Mi"}}),
    ],
)
def test_what_the_server_or_others_added_makes_no_difference(desired: Any, observed: Any) -> None:
    assert is_within(desired, observed)


@pytest.mark.parametrize(
    ("desired", "observed"),
    [
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {}),
        ({"a": 1}, None),
        ({"a": False}, {}),
        ({"a": {"b": 1}}, {"a": "b"}),
        ({"env": [{"name": "A", "value": "1"}]}, {"env": [{"name": "A", "value": "2"}]}),
        ({"drop": ["ALL"]}, {"drop": ["ALL", "CHOWN"]}),
        ({"limits": {"cpu": "1"}}, {"limits": {"cpu": "1001m"}}),
        ({"value": "1000m"}, {"value": "1"}),
    ],
)
def test_a_value_that_is_not_as_written_makes_a_difference(desired: Any, observed: Any) -> None:
    assert not is_within(desired, observed)


def test_each_child_is_within_itself_and_its_stamp_tells_of_a_field_no_longer_wanted(
    plan: Callable[..., Plan],
) -> None:
    now = build_children(plan(), "uid/1")
    before = build_children(plan(imagePullSecrets=[{"name": "registry"}]), "uid/1")
    for child in now.all:
        assert is_within(stamped(child), stamped(child))
    assert is_within(now.service, before.service)
    assert not is_within(stamped(now.deployment), stamped(before.deployment))


def child(**owner: Any) -> dict[str, Any]:
    reference = {"apiVersion": "voiceagents.dev/v1alpha1", "kind": "VoiceAgent", "name": "receptionist"} | owner
    return {
        "kind": "Service",
        "metadata": {"name": "receptionist", "namespace": "default", "ownerReferences": [reference] if owner else []},
    }


def test_only_what_the_voiceagent_controls_is_its_own(manifest: Make) -> None:
    agent = parse_agent(manifest())
    require_ownership(agent, "Service", Key("default", "receptionist"), owner_of(child(uid=agent.uid, controller=True)))
    for foreign in (
        child(),
        child(uid=agent.uid),
        child(uid="other", controller=True, name="other"),
        child(uid=agent.uid, controller=True, apiVersion="other.dev/v1"),
        child(uid=agent.uid, controller=True, kind="ReplicaSet"),
    ):
        with pytest.raises(Hindrance) as raised:
            require_ownership(agent, "Service", Key("default", "receptionist"), owner_of(foreign))
        assert raised.value.problem.reason == "NameConflict"
        assert raised.value.problem.message.endswith("kubectl --namespace default delete service receptionist")
        assert raised.value.retry_after_seconds
        assert not raised.value.passes


def test_a_child_of_a_deleted_voiceagent_of_this_name_is_waited_for(manifest: Make) -> None:
    with pytest.raises(Hindrance) as raised:
        earlier = owner_of(child(uid="earlier", controller=True))
        require_ownership(parse_agent(manifest()), "Service", Key("default", "receptionist"), earlier)
    assert raised.value.problem.reason == "PredecessorBeingDeleted"
    assert raised.value.passes
