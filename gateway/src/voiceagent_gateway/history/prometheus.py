"""Asks a Prometheus-compatible store for the history, in place of a database of the gateway's own."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import aiohttp
from pydantic import BaseModel, ValidationError

from voiceagent_gateway.history.points import History, HistoryError
from voiceagent_gateway.history.promql import Query, Series, agents_of, queries
from voiceagent_gateway.history.question import Question, Span, span_of

SOURCE: Final = "prometheus"
SECONDS: Final = 10.0
"""How long an answer may take, all of its queries together."""
AT_ONCE: Final = 4
ANSWER_MAX_BYTES: Final = 32 * 1024 * 1024
ERROR_LENGTH: Final = 200


class _Line(BaseModel):
    metric: dict[str, str]
    values: list[tuple[float, str]] = []


class _Data(BaseModel):
    result: list[_Line] = []


class _Answer(BaseModel):
    status: str
    error: str = ""
    data: _Data = _Data()


class PrometheusStore:
    """The history in a Prometheus-compatible store."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, agents: Callable[[], int], token: str | None = None
    ) -> None:
        """`agents` tells how many agents there are, by which the step of an answer is chosen."""
        self._session = session
        self._url = f"{url.rstrip('/')}/api/v1/query_range"
        self._agents = agents
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def query(self, question: Question) -> History:
        """The answer. Raises HistoryError, or a 400 problem."""
        span = span_of(question, 1 if question.agent else self._agents())
        # Made-up calls are no metrics of any worker.
        asked = [] if question.test else queries(question, span)
        places = asyncio.Semaphore(AT_ONCE)

        async def ask(query: Query) -> Sequence[Series] | HistoryError:
            async with places:
                try:
                    return await self._ask(query, span)
                except HistoryError as error:
                    return error

        try:
            async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as group:
                tasks = [(query, group.create_task(ask(query))) for query in asked]
        except TimeoutError as error:
            raise HistoryError(f"the metrics store did not answer within {SECONDS:.0f} s") from error
        answers: list[tuple[Query, Sequence[Series]]] = []
        for query, task in tasks:
            if isinstance(answer := task.result(), HistoryError):
                raise answer
            answers.append((query, answer))
        return History(span.start, span.end, span.step, SOURCE, agents_of(answers, span))

    async def _ask(self, query: Query, span: Span) -> Sequence[Series]:
        form = {
            "query": query.text,
            "start": str(span.start // 1000 + span.step),
            "end": str(span.end // 1000),
            "step": str(span.step),
        }
        try:
            async with self._session.post(
                self._url, data=form, headers=self._headers, allow_redirects=False
            ) as response:
                body = await _read(response)
        except (aiohttp.ClientError, OSError) as error:
            raise HistoryError(f"the metrics store cannot be reached: {type(error).__name__}") from error
        try:
            answer = _Answer.model_validate_json(body)
        except ValidationError as error:
            raise HistoryError(f"the metrics store answered {response.status}, and no query result") from error
        if answer.status != "success":
            raise HistoryError(f"the metrics store refused a query: {answer.error[:ERROR_LENGTH]}")
        return [Series(line.metric, line.values) for line in answer.data.result]


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > ANSWER_MAX_BYTES:
            raise HistoryError("the answer of the metrics store is too large; ask for one agent or a longer step")
    return bytes(body)
