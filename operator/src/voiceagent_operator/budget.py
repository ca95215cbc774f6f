"""What BudgetOK says: what the gateway told of today's cost, held against spec.budget. Pure."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from voiceagent_api.running import Budget

from voiceagent_operator import reasons
from voiceagent_operator.asked import Verdict
from voiceagent_operator.findings import Findings

NEW_DAY_GRACE: Final = timedelta(minutes=5)
"""How long the gateway may take, after midnight (UTC), to tell of the new day: many agents have one at once."""
UNPRICED_NAMED: Final = 3


def budget_ok(findings: Findings, now: datetime) -> Verdict:
    """Whether the agent's cost of today is within its budget."""
    if findings.hindrance:
        return Verdict(None, reasons.NOT_CHECKED, "Not known while the VoiceAgent cannot be reconciled; see Ready.")
    if findings.budget is None:
        return Verdict(True, reasons.NO_BUDGET, "No budget is set.")
    if (findings.agent["spec"].get("metrics") or {}).get("enabled") is False:
        return Verdict(None, reasons.NOT_MEASURED, _unmeasured(findings.budget))
    usage: dict[str, Any] = (findings.agent.get("status") or {}).get("usage") or {}
    today, day = now.astimezone(UTC).date(), str(usage.get("day") or "")
    if not day:
        told = "No gateway has told yet what calls cost today; it needs one that runs, and worker pods that it can ask."
        return Verdict(None, reasons.NOT_MEASURED, told)
    if day < today.isoformat():
        return _of_an_earlier_day(day, findings.budget, now)
    return _of_today(usage, findings.budget)


def seconds_to_grace_end(now: datetime) -> float:
    """Until a new day's grace is over next: then the time alone changes what BudgetOK says."""
    now = now.astimezone(UTC)
    end = now.replace(hour=0, minute=0, second=0, microsecond=0) + NEW_DAY_GRACE
    return ((end if now < end else end + timedelta(days=1)) - now).total_seconds()


def _unmeasured(budget: Budget) -> str:
    refuse = budget.on_exceeded == "Refuse"
    harm = "no caller is refused, whatever calls cost" if refuse else "nothing is held to the budget"
    return (
        f"spec.metrics.enabled is false: nothing of calls is measured, so that {harm}. Set it to true to have the "
        "budget held, or take spec.budget out."
    )


def _of_an_earlier_day(day: str, budget: Budget, now: datetime) -> Verdict:
    now = now.astimezone(UTC)
    yesterday = (now.date() - timedelta(days=1)).isoformat()
    if day == yesterday and (now - NEW_DAY_GRACE).date() < now.date():
        return Verdict(True, reasons.WITHIN_BUDGET, f"A new day (UTC) has begun; {budget.per_day} may be used.")
    told = f"The gateway last told of {day}; see whether it runs (kubectl logs) and may patch voiceagents/status."
    return Verdict(None, reasons.NOT_MEASURED, told)


def _of_today(usage: dict[str, Any], budget: Budget) -> Verdict:
    currency, unpriced = usage.get("currency") or "", list(usage.get("unpriced") or ())
    try:
        cost = Decimal(usage.get("cost") or "0")
    except InvalidOperation:
        return Verdict(None, reasons.NOT_MEASURED, "status.usage.cost is no number; only the gateway is to write it.")
    of = f"{usage.get('cost') or '0.00'} of {budget.per_day} {currency}".rstrip()
    without = f" The cost of {_named(unpriced)} is not in it: the install's prices do not have it." if unpriced else ""
    if cost > Decimal(budget.per_day):
        return Verdict(False, reasons.BUDGET_EXCEEDED, f"{of} are used today (UTC). {_beyond(budget)}{without}")
    if unpriced:
        told = f"The cost of {_named(unpriced)} is unknown: add it to the install's prices. Without it, {of} are used."
        return Verdict(None, reasons.NOT_PRICED, told)
    return Verdict(True, reasons.WITHIN_BUDGET, f"{of} are used today (UTC).")


def _beyond(budget: Budget) -> str:
    if budget.on_exceeded == "Refuse":
        return (
            "New callers are refused until 00:00 UTC, and calls that run go on; raise spec.budget.perDay, or set "
            "spec.budget.onExceeded to Warn, to take callers now."
        )
    return "Callers are still taken, since spec.budget.onExceeded is Warn; Refuse would refuse new ones."


def _named(unpriced: list[str]) -> str:
    more = len(unpriced) - UNPRICED_NAMED
    return ", ".join(unpriced[:UNPRICED_NAMED]) + (f" and {more} more" if more > 0 else "")
