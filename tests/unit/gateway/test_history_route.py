"""`/metrics/history`: what may be asked, and what is answered."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from voiceagent_gateway.callers import KnownCallers
from voiceagent_gateway.gate import Gate
from voiceagent_gateway.history.answer import HistoryAnswer
from voiceagent_gateway.history.latencies import Quantiles
from voiceagent_gateway.history.moments import milliseconds
from voiceagent_gateway.history.points import AgentPoints, History, HistoryError, Point
from voiceagent_gateway.history.question import MOST_POINTS, STEPS, Question, parse, span_of
from voiceagent_gateway.identity import Identity
from voiceagent_gateway.problems import ProblemError

NOW = datetime(2026, 5, 4, 12, 30, 15, tzinfo=UTC)
LATENCIES = (Quantiles(900.5, 1200.0, 1300.0), None, None, None)
POINT = Point(milliseconds(NOW.replace(second=0)), 3, 1.25, 2, {"completed": 1}, 4, LATENCIES)


class Store:
    """A history that answers with one point, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Question] = []
        self.error: Exception | None = None

    async def query(self, question: Question) -> History:
        self.asked.append(question)
        if self.error:
            raise self.error
        span = span_of(question, 1)
        return History(span.start, span.end, span.step, "gateway", [AgentPoints("default", 'odd "name"', [POINT])])


@pytest.fixture
def history(world: Any) -> Store:
    world.history = Store()
    found: Store = world.history
    return found


async def test_each_agents_points_are_told(history: Store, ask: httpx.AsyncClient) -> None:
    response = await ask.get("/metrics/history?step=60&from=2026-05-04T12:00:00Z")

    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert response.json() == {
        "from": "2026-05-04T12:00:00.000Z",
        "to": "2026-05-04T12:31:00.000Z",
        "step_seconds": 60,
        "source": "gateway",
        "agents": [
            {
                "namespace": "default",
                "agent": 'odd "name"',
                "test": False,
                "points": [
                    {
                        "timestamp": "2026-05-04T12:30:00.000Z",
                        "active": {"max": 3, "mean": 1.25},
                        "started": 2,
                        "ended": {"completed": 1},
                        "turns": 4,
                        "latency": {
                            "e2e": {"p50": 900.5, "p95": 1200.0, "p99": 1300.0},
                            "stt": None,
                            "llm_ttft": None,
                            "tts_ttfb": None,
                        },
                    }
                ],
            }
        ],
    }
    HistoryAnswer.model_validate_json(response.content)


async def test_all_agents_of_a_day_are_asked_for_by_default(history: Store, ask: httpx.AsyncClient) -> None:
    await ask.get("/metrics/history")

    assert history.asked == [Question(milliseconds(NOW - timedelta(days=1)), milliseconds(NOW))]


@pytest.mark.parametrize(
    ("query", "start"),
    [
        ("from=2026-05-04T10:00:00Z", datetime(2026, 5, 4, 10, tzinfo=UTC)),
        ("from=2026-05-04T12:00:00+02:00", datetime(2026, 5, 4, 10, tzinfo=UTC)),
        ("from=2026-05-04T12:00:00%2B02:00", datetime(2026, 5, 4, 10, tzinfo=UTC)),
        ("from=2026-05-04", datetime(2026, 5, 4, tzinfo=UTC)),
        ("from=1777888800", datetime(2026, 5, 4, 10, tzinfo=UTC)),
        ("from=1777888800.5", datetime(2026, 5, 4, 10, 0, 0, 500_000, tzinfo=UTC)),
    ],
)
async def test_moments_are_read_in_the_usual_forms(
    history: Store, ask: httpx.AsyncClient, query: str, start: datetime
) -> None:
    assert (await ask.get(f"/metrics/history?{query}")).status_code == 200
    assert history.asked[0].start == milliseconds(start)


@pytest.mark.parametrize(("text", "seconds"), [("60", 60), ("300s", 300), ("5m", 300), ("2h", 7200), ("7d", 604_800)])
async def test_steps_are_seconds_or_have_a_unit(
    history: Store, ask: httpx.AsyncClient, text: str, seconds: int
) -> None:
    assert (await ask.get(f"/metrics/history?step={text}")).status_code == 200
    assert history.asked[0].step == seconds


@pytest.mark.parametrize(
    ("query", "field", "cure"),
    [
        ("agent=receptionist", "agent", "NAMESPACE/NAME"),
        ("agent=default/x%22,agent%3D~%22.*", "agent", "NAMESPACE/NAME"),
        ("from=yesterday", "from", "2026-05-04T12:00:00Z"),
        ("from=", "from", "2026-05-04T12:00:00Z"),
        ("from=0001-01-01T00:00:00%2B14:00", "from", "2026-05-04T12:00:00Z"),
        ("to=99999999999", "to", "2026-05-04T12:00:00Z"),
        ("from=2026-05-05&to=2026-05-04", "from", "before to"),
        ("from=2024-05-05&to=2026-05-04", "from", "a year"),
        ("step=90", "step", "whole minutes"),
        ("step=0", "step", "whole minutes"),
        ("step=1w", "step", "whole minutes"),
        ("step=8d", "step", "whole minutes"),
        ("test=perhaps", "test", "boolean"),
    ],
)
async def test_a_wrong_parameter_is_named_with_the_cure(
    history: Store, ask: httpx.AsyncClient, query: str, field: str, cure: str
) -> None:
    response = await ask.get(f"/metrics/history?{query}")

    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    (error,) = response.json()["errors"]
    assert error["field"] == field
    assert cure in error["rule"]
    assert history.asked == []


async def test_an_answer_with_too_many_points_is_refused_with_the_least_step(
    history: Store, ask: httpx.AsyncClient
) -> None:
    response = await ask.get("/metrics/history?from=2026-04-04&step=60")

    assert response.status_code == 400
    assert response.json()["type"].endswith("too-many-points")
    assert "give a step of 600 or more" in response.json()["detail"]


async def test_a_history_that_cannot_be_read_is_a_503(history: Store, ask: httpx.AsyncClient) -> None:
    history.error = HistoryError("the disk is gone")

    response = await ask.get("/metrics/history")

    assert response.status_code == 503
    assert response.json()["detail"] == "the disk is gone."


@pytest.mark.parametrize(("metrics", "status"), [(True, 200), (False, 403)])
@pytest.mark.usefixtures("history")
async def test_who_may_not_read_metrics_may_not_read_their_history(
    world: Any, ask: httpx.AsyncClient, make_caller: Callable[..., Any], metrics: bool, status: int
) -> None:
    world.gate = make_caller(metrics)

    assert (await ask.get("/metrics/history")).status_code == status


@pytest.fixture
def make_caller() -> Callable[..., Gate]:
    """A gate that knows one caller."""

    class One(KnownCallers):
        def __init__(self, identity: Identity) -> None:
            self._identity = identity

        async def identify(self, *_: Any) -> Identity:
            return self._identity

    return lambda metrics: Gate(One(Identity("key:one", metrics=metrics)))


@given(
    st.integers(60_000, 8760 * 3_600_000), st.integers(1, 300), st.none() | st.integers(1, 10_080).map(lambda m: m * 60)
)
def test_an_answer_never_has_more_points_than_it_may(length: int, agents: int, step: int | None) -> None:
    try:
        span = span_of(Question(1_000_000_007, 1_000_000_007 + length, step), agents)
    except ProblemError as problem:
        assert step is not None or length > MOST_POINTS // agents * STEPS[-1] * 1000
        assert problem.status == 400
        return
    assert (span.end - span.start) // (span.step * 1000) * agents <= MOST_POINTS + 2 * agents
    assert span.start <= 1_000_000_007
    assert span.end >= 1_000_000_007 + length
    assert span.start % (span.step * 1000) == span.end % (span.step * 1000) == 0


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40), st.text(max_size=12))
def test_whatever_is_asked_is_answered_or_a_400(agent: str, since: str, until: str, step: str) -> None:
    try:
        parse(agent, since, until, step, test=False, now=NOW)
    except ProblemError as problem:
        assert problem.status == 400
