"""What is done about a room whose agent died."""

from hypothesis import given
from hypothesis import strategies as st
from voiceagent_api.names import ATTRIBUTE_ENDED, agent_identity, job_of_agent
from voiceagent_api.recovery import Participant, Recovery, plan_recovery

PERSON = Participant("ann", is_agent=False, is_person=True, job_id=None)
RECORDER = Participant("rec", is_agent=False, is_person=False, job_id=None)
SOMEONE_ELSES = Participant("other", is_agent=True, is_person=False, job_id=None)


def agent(job: str) -> Participant:
    return Participant(agent_identity(job), is_agent=True, is_person=False, job_id=job)


def test_person_alone_with_a_dead_agent_gets_another() -> None:
    assert plan_recovery({"a"}, [PERSON, agent("a")]) == Recovery(remove=("agent-a",), dispatch=True)
    assert plan_recovery({"a"}, [PERSON, SOMEONE_ELSES]) == Recovery(remove=(), dispatch=True)


def test_person_with_a_living_agent_gets_no_other() -> None:
    assert plan_recovery({"a"}, [PERSON, agent("a"), agent("b")]) == Recovery(remove=("agent-a",), dispatch=False)


def test_room_without_a_person_gets_no_agent() -> None:
    assert plan_recovery({"a"}, [agent("a"), RECORDER]) == Recovery(remove=("agent-a",), dispatch=False)
    assert plan_recovery({"a"}, []) == Recovery(remove=(), dispatch=False)


JOBS = st.sampled_from("abcd")
ROOMS = st.lists(st.one_of(st.sampled_from([PERSON, RECORDER, SOMEONE_ELSES]), JOBS.map(agent)), max_size=6)


@given(st.sets(JOBS), ROOMS)
def test_only_dead_agents_are_removed_and_a_second_look_asks_for_no_more_removals(
    dead: set[str], room: list[Participant]
) -> None:
    plan = plan_recovery(dead, room)
    assert {job_of_agent(identity) for identity in plan.remove} <= dead
    left = [one for one in room if one.identity not in plan.remove]
    assert plan_recovery(dead, left) == Recovery(remove=(), dispatch=plan.dispatch)
    assert plan.dispatch == (PERSON in left and not any(one.job_id for one in left))


def test_livekits_kinds_are_told_apart() -> None:
    def seen(kind: str, **attributes: str) -> Participant:
        return Participant.seen("agent-j", kind, attributes, "receptionist")

    assert {kind for kind in ("STANDARD", "SIP", "CONNECTOR") if seen(kind).is_person} == {
        "STANDARD",
        "SIP",
        "CONNECTOR",
    }
    assert not any(seen(kind).is_person for kind in ("AGENT", "EGRESS", "INGRESS", "BRIDGE"))
    assert seen("STANDARD").job_id is None
    assert (seen("AGENT").is_agent, seen("AGENT").job_id) == (True, "j")


def test_agent_of_another_name_is_none_of_ours() -> None:
    attributes = {"lk.agent.name": "another"}
    assert Participant.seen("agent-j", "AGENT", attributes, "receptionist").job_id is None
    assert Participant.seen("agent-j", "AGENT", attributes, "another").job_id == "j"
    assert Participant.seen("avatar", "AGENT", {}, "receptionist").job_id is None


def test_person_whom_an_agent_said_goodbye_to_waits_for_no_other() -> None:
    assert not Participant.seen("ann", "STANDARD", {ATTRIBUTE_ENDED: "drained"}, "receptionist").is_person
