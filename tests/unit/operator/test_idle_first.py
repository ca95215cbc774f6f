"""Which pods go when fewer are wanted, step by step."""

from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from voiceagent_operator.idle_first import next_step
from voiceagent_operator.marks import wanted_marks
from voiceagent_operator.objects import Key
from voiceagent_operator.pods import PodView
from voiceagent_operator.readings import Reading

CHEAP = wanted_marks(busy=False, goes_first=True)


def pod(name: str, *, marked: bool = False, **changed: object) -> PodView:
    view = PodView(
        place=Key("default", name),
        uid=name,
        revision="r1",
        config_revision="",
        config_maps=frozenset(),
        phase="Running",
        leaving=False,
        failure=None,
        ready=True,
        marks=CHEAP if marked else frozenset(),
    )
    return replace(view, **changed)  # type: ignore[arg-type]


def says(active: int, *, draining: bool = False, registered: bool = True, reachable: bool = True) -> Reading:
    return Reading(
        "", reachable=reachable, registered=registered, was_registered=True, draining=draining, active_sessions=active
    )


def names(pods: object) -> list[str]:
    return [one.uid for one in pods]  # type: ignore[attr-defined]


THREE = (pod("a"), pod("b"), pod("c"))


def test_more_pods_are_asked_for_at_once() -> None:
    assert next_step(5, 3, THREE, {}).replicas == 5


def test_the_pods_with_the_fewest_calls_are_told_first_and_nothing_goes_yet() -> None:
    step = next_step(1, 3, THREE, {"a": says(0), "b": says(4), "c": says(2)})
    assert (step.replicas, names(step.drain), step.first_to_go) == (3, ["a", "c"], frozenset())


def test_a_pod_goes_once_it_refuses_calls_has_none_and_is_marked() -> None:
    readings = {"a": says(0, draining=True), "b": says(4), "c": says(2, draining=True)}
    step = next_step(1, 3, THREE, readings)
    assert (step.replicas, step.first_to_go) == (3, frozenset({"a"}))
    marked = (pod("a", marked=True), pod("b"), pod("c"))
    assert next_step(1, 3, marked, readings).replicas == 2


def test_an_idle_pod_that_still_takes_calls_does_not_go() -> None:
    step = next_step(2, 3, (pod("a", marked=True), pod("b"), pod("c")), {n: says(0) for n in "abc"})
    assert (step.replicas, names(step.drain), step.first_to_go) == (3, ["a"], frozenset())


def test_pods_that_were_told_take_calls_again_when_more_are_wanted() -> None:
    readings = {"a": says(1, draining=True), "b": says(4), "c": says(2, draining=True)}
    assert names(next_step(3, 3, THREE, readings).resume) == ["a", "c"]
    step = next_step(2, 3, THREE, readings)
    assert (names(step.resume), names(step.drain)) == (["c"], [])


def test_a_pod_that_never_took_a_call_goes_before_all_others() -> None:
    new = pod("new", ready=False, phase="Pending")
    step = next_step(3, 4, (*THREE, new), {n: says(0) for n in "abc"})
    assert (step.first_to_go, names(step.drain)) == (frozenset({"new"}), [])


def test_a_pod_that_is_starting_is_told_first_since_it_may_take_a_call_at_any_moment() -> None:
    readings = {**{n: says(1) for n in "abc"}, "new": replace(says(0, registered=False), was_registered=False)}
    new = pod("new", ready=False)
    step = next_step(3, 4, (*THREE, new), readings)
    assert (step.replicas, names(step.drain), step.first_to_go) == (4, ["new"], frozenset())
    readings["new"] = replace(readings["new"], draining=True)
    assert next_step(3, 4, (*THREE, replace(new, marks=CHEAP)), readings).replicas == 3


def test_a_marked_pod_waits_while_kubernetes_would_take_one_with_calls_that_is_not_ready() -> None:
    readings = {"a": says(0, draining=True), "b": says(4), "c": says(2, draining=True)}
    busy = pod("c", ready=False)
    assert next_step(1, 3, (pod("a", marked=True), pod("b"), busy), readings).replicas == 3
    assert next_step(1, 3, (pod("a", marked=True, ready=False), pod("b"), busy), readings).replicas == 2


def test_nothing_goes_while_a_pod_has_lost_livekit() -> None:
    step = next_step(1, 3, THREE, {"a": says(0, registered=False), "b": says(4), "c": says(2)})
    assert step.replicas == 3
    assert "default/a" in (step.held or "")


def test_nothing_is_chosen_while_pods_are_being_replaced() -> None:
    mixed = (pod("a"), pod("b", revision="r2"))
    step = next_step(1, 2, mixed, {"a": says(0), "b": says(0)})
    assert (step.replicas, step.drain) == (2, ())
    assert step.held


def test_to_none_at_all_every_pod_finishes_while_it_is_deleted() -> None:
    assert next_step(0, 3, THREE, {"a": says(4)}).replicas == 0


def test_nothing_goes_while_a_pod_that_serves_cannot_be_asked() -> None:
    dark = (pod("a", marked=True), pod("b"), pod("c"))
    step = next_step(2, 3, dark, {"a": says(0, reachable=False), "b": says(1), "c": says(1)})
    assert (step.replicas, names(step.drain)) == (3, [])
    assert "default/a cannot be asked" in (step.held or "")
    assert next_step(2, 3, THREE, {}).replicas == 3


def test_a_pod_that_serves_no_more_and_cannot_be_asked_may_go() -> None:
    dead = (pod("a", marked=True, ready=False), pod("b"), pod("c"))
    gone = next_step(2, 3, dead, {"b": says(4), "c": says(4), "a": says(0, reachable=False)})
    assert gone.replicas == 2


READINGS = st.builds(says, st.integers(0, 3), draining=st.booleans(), reachable=st.booleans())


@given(st.integers(1, 6), st.lists(st.tuples(READINGS, st.booleans()), min_size=1, max_size=6))
def test_no_pod_with_a_call_that_can_be_asked_is_ever_the_reason_to_shrink(
    wanted: int, seen: list[tuple[Reading, bool]]
) -> None:
    pods = tuple(pod(f"p{index}", marked=marked) for index, (_, marked) in enumerate(seen))
    readings = {f"p{index}": reading for index, (reading, _) in enumerate(seen)}
    step = next_step(wanted, len(pods), pods, readings)
    may_go = [uid for uid, r in readings.items() if not r.reachable or (r.draining and r.active_sessions == 0)]
    assert step.first_to_go <= set(may_go)
    assert len(pods) - step.replicas <= len(may_go)
    assert step.replicas >= wanted or wanted > len(pods)
    assert not set(names(step.drain)) & set(names(step.resume))


def test_a_pod_that_is_about_to_be_deleted_is_not_counted_twice() -> None:
    pods = (pod("a", marked=True), pod("b"), pod("c"))
    readings = {"a": says(0, draining=True), "b": says(4), "c": says(2, draining=True)}
    assert next_step(1, 2, pods, readings).replicas == 2
    step = next_step(2, 2, pods, readings)
    assert (step.replicas, names(step.resume), step.first_to_go) == (2, ["c"], frozenset({"a"}))


def test_pods_that_could_not_be_made_need_no_farewell() -> None:
    assert next_step(2, 5, THREE[:2], {n: says(3) for n in "ab"}).replicas == 2


STARTING = replace(says(0, registered=False), was_registered=False)


@given(
    st.integers(1, 6),
    st.lists(st.none() | st.integers(0, 3), min_size=1, max_size=6),
    st.integers(0, 10**6),
)
def test_however_late_kubernetes_deletes_no_call_is_ended_and_the_wanted_number_is_reached(
    wanted: int, calls: list[int | None], seed: int
) -> None:
    """Pods without a number are starting, and take a call as soon as they have registered and may. Kubernetes deletes
    those first that are not ready, then the marked ones; a probe tells late whether a pod is."""
    dice = Random(seed)
    pods = [pod(f"p{index}", ready=active is not None) for index, active in enumerate(calls)]
    readings = {f"p{index}": STARTING if active is None else says(active) for index, active in enumerate(calls)}
    current = len(pods)
    for turn in range(300):
        step = next_step(wanted, current, pods, readings)
        pods = [replace(p, marks=CHEAP if p.uid in step.first_to_go else frozenset()) for p in pods]
        current = step.replicas
        if dice.random() < 0.5 or turn > 250:
            for _ in range(len(pods) - current):
                gone = min(pods, key=lambda p: (p.ready, not p.marks, p.uid))
                assert readings[gone.uid].active_sessions == 0
                assert readings[gone.uid].draining
                pods.remove(gone)
        for one in step.drain:
            readings[one.uid] = replace(readings[one.uid], draining=True)
        for one in step.resume:
            readings[one.uid] = replace(readings[one.uid], draining=False)
        for one in pods:
            readings[one.uid] = _later(readings[one.uid], dice)
        late = turn < 250
        pods = [p if late and dice.random() < 0.5 else replace(p, ready=_serves(readings[p.uid])) for p in pods]
    assert current == wanted
    assert len(pods) == min(wanted, len(calls))


def _serves(reading: Reading) -> bool:
    return reading.registered and not reading.draining


def _later(before: Reading, dice: Random) -> Reading:
    """A while later: a starting pod may have registered, and have its first call; a call may have ended."""
    if not before.registered:
        return before if dice.random() < 0.5 else says(int(not before.draining), draining=before.draining)
    ends = before.active_sessions and dice.random() < 0.3
    return replace(before, active_sessions=before.active_sessions - int(bool(ends)))
