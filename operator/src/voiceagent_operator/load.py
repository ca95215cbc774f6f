"""The calls of an agent, from what its pods last said: what the number of pods follows. Pure."""

from collections.abc import Mapping, Sequence

from voiceagent_operator.pods import PodView
from voiceagent_operator.readings import Reading
from voiceagent_operator.scaling import Load


def read_load(pods: Sequence[PodView], readings: Mapping[str, Reading], waiting: int) -> Load:
    """Calls on the pods that stay.

    A pod that never took calls has none. One that took calls and cannot be asked has those that it last told of.
    Pods that end or drain have calls that nobody needs a place for.
    """
    active, unread, unregistered = 0, [], []
    for pod in pods:
        reading = readings.get(pod.uid)
        if not pod.running or (reading is not None and reading.draining):
            continue
        active += reading.active_sessions if reading else 0
        took_calls = pod.ready or (reading is not None and reading.was_registered)
        if took_calls and (reading is None or not reading.reachable):
            unread.append(str(pod.place))
        elif reading is not None and reading.was_registered and not reading.registered:
            unregistered.append(str(pod.place))
    return Load(active, waiting, tuple(unread), tuple(unregistered))
