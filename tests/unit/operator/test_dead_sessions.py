"""Which calls have died with their worker, and which have not."""

from datetime import UTC, datetime
from typing import Any

import pytest
from voiceagent_api.worker_status import SessionRecord, WorkerStatus
from voiceagent_operator.dead_sessions import DeadSession, DeadWorker, dead_sessions, dead_worker
from voiceagent_operator.death_watch import DeathWatch
from voiceagent_operator.objects import Key
from voiceagent_operator.pods import PodView, view_pod
from voiceagent_operator.readings import Reading, read_status, unreadable

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
AGENT, WHERE = Key("default", "receptionist"), Key("default", "p")
FIRST, SECOND = "containerd://1", "containerd://2"


def terminated(code: int, run: str = FIRST, at: str = "2026-01-01T12:00:00Z") -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "containerID": run, "finishedAt": at}}


RUNNING: dict[str, Any] = {"running": {}}


def pod(
    run: str = FIRST,
    state: dict[str, Any] = RUNNING,
    last: dict[str, Any] | None = None,
    *,
    phase: str = "Running",
    uid: str = "u",
    leaving: bool = False,
) -> PodView:
    meta: dict[str, Any] = {
        "name": "p",
        "namespace": "default",
        "uid": uid,
        "labels": {"voiceagents.dev/agent": "receptionist"},
    }
    if leaving:
        meta["deletionTimestamp"] = "2026-01-01T11:00:00Z"
    container = {"name": "worker", "containerID": run, "state": state, "lastState": last or {}}
    others = {"name": "proxy", "containerID": "containerd://9", "state": {"running": {}}}
    return view_pod({"metadata": meta, "status": {"phase": phase, "containerStatuses": [others, container]}})


def says(*sessions: SessionRecord, before: Reading | None = None, uid: str = "u", **more: Any) -> Reading:
    status = WorkerStatus(
        namespace="default", agent="receptionist", agent_name="a", pod="p", revision="r", config_revision="c",
        registered=True, draining=False, sessions=list(sessions), **more,
    )  # fmt: skip
    return read_status(uid, status, before, NOW)


def session(job: str, minute: int = 30, **more: Any) -> SessionRecord:
    started = datetime(2026, 1, 1, 11, minute, tzinfo=UTC)
    return SessionRecord(id=job, room=f"room-{job}", started_at=started, config_revision="c", **more)


CALLS = says(session("a"), session("b"), session("over", outcome="completed", ended_at=NOW))
DEAD = (DeadSession(AGENT, "room-a", "a"), DeadSession(AGENT, "room-b", "b"))


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(pod(SECOND, last=terminated(137)), id="its container was killed and runs anew"),
        pytest.param(pod(state=terminated(137)), id="its container was killed"),
        pytest.param(pod(state={"waiting": {}}, last=terminated(1)), id="it crashed and waits to be started anew"),
        pytest.param(pod(SECOND), id="another container runs and nothing is said of the first"),
        pytest.param(pod(phase="Failed"), id="it was lost with its node"),
        pytest.param(pod(phase="Failed", state=terminated(137)), id="it was evicted at once"),
        pytest.param(pod(state=terminated(137), leaving=True), id="it was killed when its time to leave was over"),
        pytest.param(None, id="it was deleted by force"),
        pytest.param(pod(uid="another"), id="another pod has its name"),
    ],
)
def test_the_calls_of_a_pod_die_when(after: PodView | None) -> None:
    assert dead_sessions(pod(), after, CALLS) == DEAD


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(pod(), pod(leaving=True), id="it is to leave and still runs"),
        pytest.param(pod(leaving=True), pod(leaving=True, state=terminated(0)), id="it left once it was done"),
        pytest.param(pod(), pod(SECOND, last=terminated(0)), id="it ended by itself and was started anew"),
        pytest.param(pod(), pod(phase="Succeeded", state=terminated(0)), id="it has succeeded"),
        pytest.param(pod(state=terminated(0)), None, id="it has ended and goes"),
        pytest.param(pod(state=terminated(137)), pod(SECOND, last=terminated(137)), id="that was seen to before"),
        pytest.param(pod(state=terminated(137)), None, id="it died earlier and goes"),
        pytest.param(pod(), pod(phase="Unknown"), id="its node is out of reach"),
        pytest.param(pod(run=""), None, id="nothing is known of its container"),
    ],
)
def test_the_calls_of_a_pod_are_not_dead_when(before: PodView, after: PodView | None) -> None:
    assert dead_sessions(before, after, CALLS) == ()


def test_what_another_pod_said_and_what_was_never_said_count_for_nothing() -> None:
    assert dead_sessions(pod(), None, None) == ()
    assert dead_sessions(pod(), None, says(session("a"), uid="another")) == ()


def test_calls_that_were_last_heard_of_before_the_pod_fell_silent_die_with_it() -> None:
    assert dead_sessions(pod(), None, unreadable("u", CALLS)) == DEAD


def test_a_call_that_the_next_worker_has_taken_lives_though_the_restart_is_told_late() -> None:
    later = says(session("a"), session("new", minute=59))
    killed = pod(SECOND, last=terminated(137, at="2026-01-01T11:45:00Z"))
    assert [dead.job_id for dead in dead_sessions(pod(), killed, later)] == ["a"]


def test_a_worker_that_knows_nothing_of_its_calls_is_another_process() -> None:
    told: list[DeadSession] = []
    watch = DeathWatch(told.append, pytest.fail)
    ended = session("b", outcome="completed", ended_at=NOW)
    watch.hear(pod(), says(session("a"), ended, before=CALLS))
    assert told == []
    watch.hear(pod(), says(ended, before=CALLS))
    assert told == [DEAD[0]]


def test_deaths_are_told_from_one_look_to_the_next() -> None:
    told: list[DeadSession] = []
    watch = DeathWatch(told.append, pytest.fail)
    assert watch.see(WHERE, pod(), None) is False
    watch.hear(pod(), CALLS)
    assert watch.see(WHERE, pod(leaving=True), CALLS) is False
    assert watch.see(WHERE, None, CALLS) is True
    assert watch.see(WHERE, None, CALLS) is False
    assert tuple(told) == DEAD


BEGAN = datetime(2026, 1, 1, 11, 0, tzinfo=UTC)
OF_FIRST = says(process="one", started_at=BEGAN)
ONE_IS_DEAD = DeadWorker(AGENT, "one")


def test_a_worker_dies_with_its_run_whatever_calls_it_told_of() -> None:
    assert dead_worker(pod(), pod(SECOND, last=terminated(137)), OF_FIRST) == ONE_IS_DEAD
    assert dead_worker(pod(), None, unreadable("u", OF_FIRST)) == ONE_IS_DEAD
    assert dead_worker(pod(), pod(), OF_FIRST) is None
    assert dead_worker(pod(), pod(SECOND, last=terminated(0)), OF_FIRST) is None
    assert dead_worker(pod(), None, says()) is None, "it never told who it is"


def test_the_next_worker_that_was_read_before_the_restart_was_seen_lives() -> None:
    killed = pod(SECOND, last=terminated(137, at="2026-01-01T10:59:30Z"))
    assert dead_worker(pod(), killed, OF_FIRST) is None


def test_another_process_that_answers_tells_of_the_death_of_the_one_before() -> None:
    told: list[DeadWorker] = []
    watch = DeathWatch(pytest.fail, told.append)
    watch.hear(pod(), OF_FIRST)
    watch.hear(pod(), says(before=OF_FIRST, process="one"))
    assert told == []
    watch.hear(pod(), says(before=OF_FIRST, process="two"))
    assert told == [ONE_IS_DEAD]
    watch.hear(pod(), says(before=OF_FIRST, process="two", uid="another"))
    assert told == [ONE_IS_DEAD]
