"""Asks each configured provider whether it takes its key and knows its model, now and then, by what costs nothing.

In the main process, so that it is asked by one process a pod. What cannot be asked so is not told of at all.
"""

import asyncio
import difflib
import json
import logging
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import aiohttp
from voiceagent_api.agent_config import AgentConfig, ProviderConfig
from voiceagent_api.catalogue import ProviderEntry, ProviderKind
from voiceagent_api.providers.entries import Check
from voiceagent_api.worker_status import ProviderCheck

from voiceagent_worker.config import all_providers, provider_key
from voiceagent_worker.credentials import NO_KEY
from voiceagent_worker.errors import ConfigurationError
from voiceagent_worker.placed_checks import Account, account_token, asks_by_account, placed_check
from voiceagent_worker.providers.google_account import read_service_account
from voiceagent_worker.providers.keys import ProviderCredentials, read_provider_credentials
from voiceagent_worker.registry import FULL_REMEDY, find_entry, missing_package

logger = logging.getLogger(__name__)

ANSWER_SECONDS: Final = 5.0
LARGEST_ANSWER_BYTES: Final = 1024 * 1024
GOOD_SECONDS: Final = 300.0
"""Between questions to a provider that answers well."""
BAD_SECONDS: Final = 30.0
"""Between questions to one that does not: a corrected key is to show soon."""
LOOK_SECONDS: Final = 2.0
"""How often credentials and config are looked at for a reason to ask before that."""


@dataclass(frozen=True, slots=True)
class Question:
    """What to ask of one provider, or why it cannot be asked."""

    kind: ProviderKind
    config: ProviderConfig
    check: Check | None = None
    credentials: ProviderCredentials | None = None
    problem: str = ""
    remedy: str = ""
    """What to do about that, where it is not the key or the settings that are to be corrected."""
    account: Account | None = field(default=None, repr=False)
    """Google's, which signs its own tokens in place of a key."""
    root: str = ""
    """Where to ask, where that is more than baseURL or the check says."""

    @property
    def key(self) -> str:
        """Which provider this is."""
        return provider_key(self.kind, self.config)


def questions(config: AgentConfig) -> list[Question]:
    """One for each provider, with the key as it is in its file now. Reads small files."""
    found: dict[str, Question] = {}
    for kind, one in all_providers(config):
        entry = find_entry(kind, one.provider)
        if entry is not None:
            question = _question(kind, one, entry)
            found.setdefault(question.key, question)
    return list(found.values())


def judge(question: Question, status: int, body: bytes, now: datetime) -> ProviderCheck | None:
    """What an answer says. None where it says nothing: not every server of one's own has such an address. Pure."""
    match status:
        case 401 | 403:
            return _check(question, False, question.check.refusal if question.check else "it refused the key", now)
        case 429:
            # a question too many, which is no word about the key
            return None
        case status if status >= 500:
            return _check(question, None, f"it answered with HTTP status {status}", now)
        case status if question.check and question.config.base_url is None and status == question.check.unknown_model:
            return _check(question, False, f'it knows no model "{question.config.model}" there', now)
        case 200 if question.check and question.check.models and not _models(body, *question.check.models):
            # somebody else's page: no word about the key
            return None
        case 200:
            problem = _model_problem(question, body)
            return _check(question, problem is None, problem or "", now)
        case status if question.check and status in question.check.accepts:
            return _check(question, True, "", now)
        case _:
            return None


async def ask(question: Question, http: aiohttp.ClientSession, now: Callable[[], datetime]) -> ProviderCheck | None:
    """Ask, within ANSWER_SECONDS."""
    if question.problem:
        return _check(question, False, question.problem, now())
    check, credentials = question.check, question.credentials
    if check is None or credentials is None:
        return None
    url = (question.root or question.config.base_url or check.root).rstrip("/") + check.path
    headers = dict(check.headers)
    method = "GET" if check.body is None else "POST"
    if check.body:
        headers["Content-Type"] = "application/json"
    try:
        key = credentials.api_key if question.account is None else account_token(question.account)
    except ValueError as error:
        return _check(question, False, str(error), now())
    if key != NO_KEY:
        headers[check.header] = f"{check.scheme} {key}".strip()
    try:
        async with (
            asyncio.timeout(ANSWER_SECONDS),
            http.request(method, url, data=check.body, headers=headers, allow_redirects=False) as answer,
        ):
            return judge(question, answer.status, await _body(answer), now())
    except TimeoutError:
        return _check(question, None, f"no answer within {ANSWER_SECONDS:.0f} s", now())
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return _check(question, None, f"no connection ({type(error).__name__})", now())


class ProviderChecker:
    """Asks for ever, each provider at its own pace."""

    def __init__(
        self,
        config: Callable[[], AgentConfig],
        tell: Callable[[Mapping[str, ProviderCheck | None]], None],
        now: Callable[[], datetime],
    ) -> None:
        self._config = config
        self._tell = tell
        self._now = now
        self._due: dict[str, float] = {}
        self._asked: dict[str, Question] = {}

    async def run(self) -> None:
        """Until cancelled. `tell` gets what was found of every provider that was asked, by its key."""
        clock = asyncio.get_running_loop().time
        async with aiohttp.ClientSession(trust_env=True) as http:
            while True:
                try:
                    wanted = await asyncio.to_thread(questions, self._config())
                    due = [one for one in wanted if self._is_due(one, clock())]
                    answers = await asyncio.gather(*(ask(one, http, self._now) for one in due))
                    self._note(due, answers, clock())
                    self._tell({one.key: answer for one, answer in zip(due, answers, strict=True)})
                except Exception:
                    # calls do not depend on this
                    logger.exception("The providers could not be checked")
                await asyncio.sleep(LOOK_SECONDS)

    def _is_due(self, question: Question, now: float) -> bool:
        return self._asked.get(question.key) != question or now >= self._due.get(question.key, 0.0)

    def _note(self, asked: Iterable[Question], answers: Iterable[ProviderCheck | None], now: float) -> None:
        for question, answer in zip(asked, answers, strict=True):
            well = answer is None or answer.ok is True
            # spread, so that the pods of an agent do not ask all at once
            self._due[question.key] = now + (GOOD_SECONDS if well else BAD_SECONDS) * random.uniform(0.8, 1.2)  # noqa: S311
            self._asked[question.key] = question


def _question(kind: ProviderKind, config: ProviderConfig, entry: ProviderEntry) -> Question:
    if missing := missing_package(entry):
        return Question(kind, config, problem=missing, remedy=FULL_REMEDY)
    try:
        credentials = read_provider_credentials(entry, config)
        account = read_service_account(credentials) if asks_by_account(kind, config) else None
    except ConfigurationError as error:
        return Question(kind, config, problem=str(error))
    placed = placed_check(kind, config, credentials, account)
    if placed is not None:
        return Question(kind, config, placed, credentials, account=account, root=placed.root)
    if asks_by_account(kind, config):
        # without a file Google's libraries ask as the pod itself
        return Question(kind, config)
    return Question(kind, config, entry.check, credentials)


async def _body(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in answer.content.iter_any():
        body += piece
        if len(body) > LARGEST_ANSWER_BYTES:
            break
    return bytes(body)


def _check(question: Question, ok: bool | None, message: str, now: datetime) -> ProviderCheck:
    return ProviderCheck(
        kind=question.kind,
        provider=question.config.provider,
        ok=ok,
        message=message,
        remedy=question.remedy,
        checked_at=now,
    )


def _model_problem(question: Question, body: bytes) -> str | None:
    """Whether the provider's own list lacks the model. A server of one's own may serve what it does not list."""
    if question.config.base_url is not None or question.check is None or question.check.models is None:
        return None
    models = _models(body, *question.check.models)
    wanted = question.config.model
    if wanted in models:
        return None
    near = difflib.get_close_matches(wanted, models, n=1, cutoff=0.6)
    hint = f' Did you mean "{near[0]}"?' if near else ""
    return f'it does not list the model "{wanted}".{hint}'


def _models(body: bytes, field: str, name: str) -> list[str]:
    try:
        answer: Any = json.loads(body)
        return [str(one[name]).removeprefix("models/") for one in answer[field]]
    except (ValueError, TypeError, KeyError):
        return []
