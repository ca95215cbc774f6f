"""The pure decision of the reconciler."""

from collections.abc import Callable

from voiceagent_operator.build import build_children
from voiceagent_operator.credentials import SecretView
from voiceagent_operator.objects import Key
from voiceagent_operator.reconcile import livekit_stamp
from voiceagent_operator.resolve import Plan


def test_pods_roll_with_a_changed_livekit_secret_and_stay_when_it_goes_missing(plan: Callable[..., Plan]) -> None:
    secret = SecretView(Key("default", "livekit"), "uid", "5", frozenset())
    assert livekit_stamp(plan(), {"livekit": secret}, None) == "uid/5"
    deployment = build_children(plan(), "uid/5").deployment
    assert livekit_stamp(plan(), {}, deployment) == "uid/5"
    assert livekit_stamp(plan(), {}, None) == "absent"
