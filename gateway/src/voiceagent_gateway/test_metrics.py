"""Made-up sessions, to see dashboards work without calls. Each is marked wherever it is shown. Pure."""

from datetime import datetime, timedelta
from random import Random
from typing import Final, Literal

from voiceagent_api.worker_status import SessionRecord, TurnRecord

from voiceagent_gateway.model import PastSession, PodRef

SESSIONS: Final = 10
SPREAD: Final = timedelta(minutes=50)
POD: Final = PodRef(uid="test-data", namespace="test-data", name="test-data", agent="test-data", phase="Succeeded")


def make_sessions(now: datetime, random: Random) -> list[PastSession]:
    """Sessions that ended within the last hour, with latencies such as real providers have."""
    return [_session(now, random) for _ in range(SESSIONS)]


def _session(now: datetime, random: Random) -> PastSession:
    ended_at = now - random.random() * SPREAD
    turns = [
        _turn(ended_at - timedelta(seconds=10 * number), random) for number in reversed(range(random.randint(1, 8)))
    ]
    outcome: Literal["user_left", "error"] = "user_left" if random.random() < 0.9 else "error"
    number = f"{random.getrandbits(48):012x}"
    record = SessionRecord(
        id=f"test-{number}",
        room=f"test-{number}",
        started_at=turns[0].at - timedelta(seconds=5),
        ended_at=ended_at,
        config_revision="test-data",
        outcome=outcome,
        error=None if outcome == "user_left" else "Made up for a test.",
        turns=turns,
    )
    return PastSession(POD, record, ended_at, outcome, test=True)


def _turn(at: datetime, random: Random) -> TurnRecord:
    stt, ttft, ttfb = random.uniform(80, 300), random.uniform(200, 1200), random.uniform(80, 400)
    return TurnRecord(
        at=at,
        stt_milliseconds=stt,
        llm_ttft_milliseconds=ttft,
        tts_ttfb_milliseconds=ttfb,
        e2e_milliseconds=stt + ttft + ttfb,
    )
