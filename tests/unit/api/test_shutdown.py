"""The numbers of a pod's end."""

from voiceagent_api.shutdown import CLOSING_SECONDS, GOODBYE_SECONDS, LEAVING_SECONDS, grace_period_seconds


def test_grace_period_holds_the_drain_and_all_that_the_worker_does_after_it() -> None:
    assert grace_period_seconds(3600) == 3630
    assert grace_period_seconds(0) > GOODBYE_SECONDS + LEAVING_SECONDS + CLOSING_SECONDS
