"""Notices when a worker dies, from what is seen of its pod and what the pod says.

Each look is compared with the one before, so that nothing depends on seeing every event in between.
"""

from collections.abc import Callable

from voiceagent_operator.dead_sessions import DeadSession, DeadWorker, dead_sessions, dead_worker
from voiceagent_operator.objects import Key
from voiceagent_operator.pods import PodView
from voiceagent_operator.readings import Reading


class DeathWatch:
    """Tells of calls that died, and of workers, which may have had others beside those that they had told of."""

    def __init__(self, tell: Callable[[DeadSession], None], tell_worker: Callable[[DeadWorker], None]) -> None:
        """`tell` is called with each dead call, `tell_worker` with each dead worker; it may be more than once."""
        self._tell = tell
        self._tell_worker = tell_worker
        self._pods: dict[Key, PodView] = {}

    def see(self, where: Key, pod: PodView | None, reading: Reading | None) -> bool:
        """Look at a pod before it is asked; returns whether what it said last is of a worker that is gone."""
        before = self._pods.get(where)
        if pod is None:
            self._pods.pop(where, None)
        else:
            self._pods[where] = pod
        if before is None:
            return False
        for session in dead_sessions(before, pod, reading):
            self._tell(session)
        if worker := dead_worker(before, pod, reading):
            self._tell_worker(worker)
        return bool(before.run) and (pod is None or pod.uid != before.uid or pod.run != before.run)

    def hear(self, pod: PodView, reading: Reading) -> None:
        """Take in what a pod has just said."""
        if pod.agent is None:
            return
        for session in reading.vanished:
            self._tell(DeadSession(pod.agent, session.room, session.job_id))
        if reading.replaced:
            self._tell_worker(DeadWorker(pod.agent, reading.replaced))
