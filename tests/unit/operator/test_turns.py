"""Whose turn it is to roll: never too many at once, nobody forgotten, and an end to a wave that does not come up."""

from voiceagent_operator.objects import Key
from voiceagent_operator.turns import Turns

A, B, C, D = (Key("default", name) for name in "abcd")


def test_no_more_than_the_limit_roll_and_the_next_are_woken_in_their_order() -> None:
    woken: list[Key] = []
    turns = Turns(2, woken.append)
    assert [turns.take(key) for key in (A, B, C, D)] == [True, True, False, False]
    assert turns.take(A), "who has a turn keeps it"
    turns.release(B)
    assert woken == [C]
    assert turns.take(C)
    assert not turns.take(D)


def test_who_is_woken_and_needs_no_turn_hands_it_on() -> None:
    woken: list[Key] = []
    turns = Turns(1, woken.append)
    assert [turns.take(key) for key in (A, B, C)] == [True, False, False]
    turns.release(A)
    turns.release(B)
    assert woken == [B, C]


def test_a_rollout_that_stopped_keeps_its_turn_and_nobody_is_said_to_block_while_one_gets_on() -> None:
    woken: list[Key] = []
    turns = Turns(2, woken.append)
    for key in (A, B, C, D):
        turns.take(key)
    turns.occupy(B, stopped=True)
    assert turns.blocker() is None
    assert not turns.take(C)
    assert woken == []


def test_all_who_wait_are_told_when_nobody_gets_on_and_when_somebody_does_again() -> None:
    woken: list[Key] = []
    turns = Turns(2, woken.append)
    for key in (A, B, C, D):
        turns.take(key)
    turns.occupy(B, stopped=True)
    turns.occupy(A, stopped=True)
    assert (turns.blocker(), woken) == (A, [C, D])
    turns.occupy(A, stopped=True)
    assert woken == [C, D], "each is told once"
    woken.clear()
    turns.release(A)
    assert (turns.blocker(), woken) == (None, [C, D])


def test_more_may_be_found_rolling_than_may_begin() -> None:
    woken: list[Key] = []
    turns = Turns(1, woken.append)
    for key in (A, B):
        turns.occupy(key)
    assert not turns.take(C)
    turns.release(A)
    assert (turns.take(C), woken) == (False, [])
    turns.release(B)
    assert woken == [C]
