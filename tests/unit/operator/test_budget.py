"""What BudgetOK says of what the gateway told."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from voiceagent_api.running import Budget
from voiceagent_operator.budget import budget_ok, seconds_to_grace_end
from voiceagent_operator.events import transitions
from voiceagent_operator.findings import Findings
from voiceagent_operator.new_days import NewDays
from voiceagent_operator.objects import Key
from voiceagent_operator.status import build_status, differs_in_calls_only, same_status

Make = Callable[..., dict[str, Any]]
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TODAY, YESTERDAY = "2026-01-02", "2026-01-01"
WARN, REFUSE = Budget(per_day="20.00"), Budget(per_day="20.00", on_exceeded="Refuse")


def found(manifest: Make, budget: Budget | None, **usage: Any) -> Findings:
    return Findings(agent=manifest() | {"status": {"usage": usage} if usage else {}}, budget=budget)


@pytest.mark.parametrize(
    ("budget", "usage", "verdict"),
    [
        (None, {"day": TODAY, "cost": "900.00"}, (True, "NoBudget")),
        (WARN, {}, (None, "NotMeasured")),
        (WARN, {"day": TODAY, "cost": "3.2", "currency": "EUR"}, (True, "WithinBudget")),
        (WARN, {"day": TODAY, "cost": "20.00", "currency": "EUR"}, (True, "WithinBudget")),
        (WARN, {"day": TODAY, "cost": "20.000001", "currency": "EUR"}, (False, "BudgetExceeded")),
        (WARN, {"day": TODAY, "unpriced": ["llm.a/b"], "currency": "EUR"}, (None, "NotPriced")),
        (WARN, {"day": TODAY, "cost": "20.01", "unpriced": ["llm.a/b"], "currency": "EUR"}, (False, "BudgetExceeded")),
        (WARN, {"day": YESTERDAY, "cost": "30.00", "currency": "EUR"}, (None, "NotMeasured")),
        (WARN, {"day": "2026-01-03", "cost": "1.00", "currency": "EUR"}, (True, "WithinBudget")),
        (WARN, {"day": TODAY, "cost": "a lot"}, (None, "NotMeasured")),
    ],
)
def test_the_budget_is_held_against_what_was_told_of_today(
    manifest: Make, budget: Budget | None, usage: dict[str, Any], verdict: tuple[bool | None, str]
) -> None:
    told = budget_ok(found(manifest, budget, **usage), NOW)
    assert (told.holds, told.reason) == verdict


def test_the_message_says_how_much_of_what_and_what_happens_beyond(manifest: Make) -> None:
    def message(budget: Budget, **usage: Any) -> str:
        return budget_ok(found(manifest, budget, day=TODAY, currency="EUR", **usage), NOW).message

    assert message(WARN, cost="3.20") == "3.20 of 20.00 EUR are used today (UTC)."
    assert message(WARN, cost="21.50").startswith("21.50 of 20.00 EUR are used today (UTC). Callers are still taken")
    refused = message(REFUSE, cost="21.50")
    assert "New callers are refused until 00:00 UTC" in refused
    assert "raise spec.budget.perDay" in refused
    unpriced = message(WARN, cost="3.20", unpriced=[f"llm.a/{number}" for number in range(5)])
    assert "llm.a/0, llm.a/1, llm.a/2 and 2 more is unknown: add it to the install's prices" in unpriced


@pytest.mark.parametrize(
    ("budget", "harm"),
    [(WARN, "nothing is held to the budget"), (REFUSE, "no caller is refused, whatever calls cost")],
)
def test_an_agent_of_which_nothing_is_measured_is_not_said_to_be_within_its_budget(
    manifest: Make, budget: Any, harm: str
) -> None:
    findings = found(manifest, budget, day=TODAY, cost="0.00", currency="EUR")
    findings.agent["spec"]["metrics"] = {"enabled": False}
    told = budget_ok(findings, NOW)
    assert (told.holds, told.reason) == (None, "NotMeasured")
    assert told.message.startswith(f"spec.metrics.enabled is false: nothing of calls is measured, so that {harm}.")
    assert told.message.endswith("Set it to true to have the budget held, or take spec.budget out.")


def test_a_new_day_begins_with_nothing_used_and_the_gateway_has_some_minutes_to_say_so(manifest: Make) -> None:
    findings = found(manifest, REFUSE, day=YESTERDAY, cost="30.00", currency="EUR")
    midnight = datetime(2026, 1, 2, tzinfo=UTC)
    assert budget_ok(findings, midnight - timedelta(seconds=1)).holds is False
    assert budget_ok(findings, midnight).holds is True
    assert budget_ok(findings, midnight + timedelta(seconds=299)).holds is True
    assert budget_ok(findings, midnight + timedelta(minutes=5)).holds is None
    assert budget_ok(findings, midnight + timedelta(days=1)).holds is None


def test_the_next_look_is_at_the_end_of_a_new_days_grace() -> None:
    assert seconds_to_grace_end(datetime(2026, 1, 2, 0, 4, tzinfo=UTC)) == 60
    assert seconds_to_grace_end(datetime(2026, 1, 2, 0, 5, tzinfo=UTC)) == 86400
    assert seconds_to_grace_end(datetime(2026, 1, 2, 23, 59, 59, tzinfo=UTC)) == 301


async def test_agents_with_a_budget_are_looked_at_when_a_day_has_begun(manifest: Make) -> None:
    agents = {Key("default", "with"): manifest(), Key("default", "without"): manifest()}
    agents[Key("default", "with")]["spec"]["budget"] = {"perDay": "1.00"}
    agents[Key("default", "without")]["spec"].pop("budget", None)
    added = asyncio.Queue[Key]()
    moment = datetime(2026, 1, 2, 0, 4, 59, 990000, tzinfo=UTC)
    days = NewDays(lambda: list(agents), agents.get, added.put_nowait, lambda: moment)

    task = asyncio.create_task(days.run())
    try:
        async with asyncio.timeout(60):
            assert {await added.get(), await added.get()} == {Key("default", "with")}
    finally:
        task.cancel()


def test_going_beyond_it_is_a_warning_and_coming_back_is_not(manifest: Make) -> None:
    def conditions(cost: str) -> list[dict[str, Any]]:
        findings = found(manifest, WARN, day=TODAY, cost=cost, currency="EUR")
        made: list[dict[str, Any]] = build_status(findings, NOW)["conditions"]
        return made

    beyond = transitions(conditions("1.00"), conditions("21.00"))
    assert [(notice.type, notice.reason) for notice in beyond] == [("Warning", "BudgetExceeded")]
    assert [notice.type for notice in transitions(conditions("21.00"), conditions("1.00"))] == ["Normal"]
    assert transitions(conditions("1.00"), conditions("2.00")) == []


def test_the_gateways_part_of_the_status_is_not_the_operators_to_write(manifest: Make) -> None:
    findings = found(manifest, WARN, day=TODAY, cost="1.00", currency="EUR")
    status = build_status(findings, NOW)
    assert "usage" not in status
    assert same_status(status, {**status, "usage": {"day": TODAY, "cost": "1.00"}})
    more = build_status(found(manifest, WARN, day=TODAY, cost="2.00", currency="EUR"), NOW)
    assert not differs_in_calls_only(more, status)
