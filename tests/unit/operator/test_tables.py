"""What the operator remembers of the cluster, and whom a change concerns."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from voiceagent_operator.kinds import CONFIG_MAP, DEPLOYMENT, POD, SECRET, VOICE_AGENT
from voiceagent_operator.objects import Key, version
from voiceagent_operator.tables import DELETED, Tables

DESK = Key("default", "desk")


def body(name: str = "desk", uid: str = "u1", version: int = 1, **more: Any) -> dict[str, Any]:
    meta = {
        "name": name,
        "namespace": "default",
        "uid": uid,
        "resourceVersion": str(version),
        "managedFields": [{"manager": "kubectl"}],
    }
    return {"kind": "X", "metadata": meta | more.pop("metadata", {}), **more}


def owned(name: str = "desk", **more: Any) -> dict[str, Any]:
    owner = {
        "apiVersion": "voiceagents.dev/v1alpha1",
        "kind": "VoiceAgent",
        "name": "desk",
        "uid": "a",
        "controller": True,
    }
    return body(name, metadata={"ownerReferences": [owner]}, **more)


def test_a_new_or_changed_object_concerns_its_voiceagent_and_a_known_one_nobody() -> None:
    tables = Tables()
    assert tables.note(VOICE_AGENT, "ADDED", body(version=1)) == [DESK]
    assert tables.note(VOICE_AGENT, None, body(version=1)) == []
    assert tables.note(DEPLOYMENT, "ADDED", owned(version=2, spec={"replicas": 1})) == [DESK]
    assert tables.note(DEPLOYMENT, "MODIFIED", owned(version=3, spec={"replicas": 2})) == [DESK]
    assert tables.note(DEPLOYMENT, DELETED, owned(version=4)) == [DESK]
    assert tables.child(DEPLOYMENT, DESK) is None


def test_what_the_operator_wrote_itself_is_no_news() -> None:
    tables = Tables()
    tables.remember(DEPLOYMENT, owned(version=5))
    assert tables.note(DEPLOYMENT, "MODIFIED", owned(version=5)) == []
    assert tables.note(DEPLOYMENT, "MODIFIED", owned(version=4)) == [], "a late event undoes nothing"


def test_managed_fields_are_not_kept() -> None:
    tables = Tables()
    tables.note(VOICE_AGENT, None, body())
    kept = tables.agent(DESK)
    assert kept is not None
    assert "managedFields" not in kept["metadata"]


def test_a_deletion_told_late_does_not_take_the_successor_away() -> None:
    tables = Tables()
    tables.note(DEPLOYMENT, "ADDED", owned(uid="old", version=1))
    tables.note(DEPLOYMENT, "ADDED", owned(uid="new", version=9))
    assert tables.note(DEPLOYMENT, DELETED, owned(uid="old", version=8)) == []
    assert tables.child(DEPLOYMENT, DESK) is not None


def test_an_answer_that_comes_after_the_deletion_brings_nothing_back() -> None:
    tables = Tables()
    tables.note(DEPLOYMENT, "ADDED", owned(uid="one", version=1))
    tables.note(DEPLOYMENT, DELETED, owned(uid="one", version=3))
    tables.remember(DEPLOYMENT, owned(uid="one", version=2))
    assert tables.child(DEPLOYMENT, DESK) is None


def test_all_config_files_of_an_agent_are_found() -> None:
    tables = Tables()
    for name in ("desk-b", "desk-a"):
        tables.note(CONFIG_MAP, None, owned(name, uid=name))
    tables.note(CONFIG_MAP, None, body("other", uid="other"))
    assert [item["metadata"]["name"] for item in tables.children(CONFIG_MAP, DESK)] == ["desk-a", "desk-b"]


def test_a_pod_concerns_its_agent_only_when_something_of_interest_changes() -> None:
    def pod(version: int, **status: Any) -> dict[str, Any]:
        return body("p", version=version, metadata={"labels": {"voiceagents.dev/agent": "desk"}}, status=status)

    tables = Tables()
    assert tables.note(POD, "ADDED", pod(1, phase="Pending")) == [DESK]
    assert tables.note(POD, "MODIFIED", pod(2, phase="Pending", podIP="10.0.0.1")) == []
    assert tables.note(POD, "MODIFIED", pod(3, phase="Running")) == [DESK]
    assert [view.phase for view in tables.pods(DESK)] == ["Running"]
    assert tables.note(POD, DELETED, pod(4)) == [DESK]
    assert tables.pods(DESK) == []


def test_a_secret_concerns_those_who_use_it_and_nobody_after_they_are_gone() -> None:
    tables = Tables()
    other = Key("default", "other")
    assert tables.use_secrets(DESK, ["openai"]) == {}
    tables.use_secrets(other, ["openai", "deepgram"])
    assert tables.note(SECRET, "ADDED", body("openai", data={"K": "eA=="})) == [DESK, other]
    assert tables.use_secrets(DESK, ["openai"])["openai"].keys == {"K"}
    assert tables.note(SECRET, "MODIFIED", body("openai", version=2, data={"K": "eQ=="})) == [DESK, other]
    tables.use_secrets(other, ["deepgram"])
    tables.forget_uses(DESK)
    assert tables.note(SECRET, DELETED, body("openai", version=3)) == []
    assert tables.note(SECRET, "ADDED", body("unused", uid="u2")) == []


def test_a_listing_takes_away_what_is_gone_and_leaves_what_is_newer() -> None:
    tables = Tables()
    tables.note(DEPLOYMENT, None, owned("kept", uid="kept", version=1))
    tables.note(DEPLOYMENT, None, owned("gone", uid="gone", version=2))
    tables.note(DEPLOYMENT, "ADDED", owned("newer", uid="newer", version=11))
    assert tables.keep_only(DEPLOYMENT, {"kept"}, 10) == [DESK]
    assert [tables.child(DEPLOYMENT, Key("default", name)) is None for name in ("kept", "gone", "newer")] == [
        False,
        True,
        False,
    ]


def test_a_watch_owes_what_is_known_otherwise_until_it_tells_of_it() -> None:
    now = [0.0]
    tables = Tables(clock=lambda: now[0])
    for now[0], name in enumerate(("a", "b", "c")):
        tables.note(SECRET, None, body(name, uid=name), confirmed=False)
    assert tables.watch_owes_since() == 0
    tables.note(SECRET, "ADDED", body("a", uid="a"))
    assert tables.watch_owes_since() == 1
    tables.note(SECRET, DELETED, body("b", uid="b"))
    assert tables.watch_owes_since() == 2
    tables.keep_only(SECRET, {"a"}, 10)
    assert tables.watch_owes_since() is None


def test_a_watch_that_began_anew_owes_nothing() -> None:
    tables = Tables()
    tables.note(SECRET, None, body("a", uid="a"), confirmed=False)
    tables.note(DEPLOYMENT, None, owned("b", uid="b"), confirmed=False)
    tables.expect_nothing(SECRET)
    assert tables.watch_owes_since() is not None
    tables.expect_nothing(DEPLOYMENT)
    assert tables.watch_owes_since() is None


@settings(deadline=None)
@given(order=st.permutations([1, 2, 3, 4, 5]))
def test_in_whatever_order_events_come_the_newest_is_what_stays(order: list[int]) -> None:
    tables = Tables()
    for number in order:
        tables.note(DEPLOYMENT, "MODIFIED", owned(version=number))
    kept = tables.child(DEPLOYMENT, DESK)
    assert kept is not None
    assert version(kept) == 5
