"""Moments as the history keeps them: whole milliseconds since 1970, UTC."""

from datetime import UTC, datetime, timedelta
from typing import Final

from voiceagent_gateway.model import as_utc

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)


def milliseconds(moment: datetime) -> int:
    """The moment as it is kept."""
    return (as_utc(moment) - EPOCH) // MILLISECOND


def moment(kept: int) -> datetime:
    """The moment that is kept so."""
    return EPOCH + kept * MILLISECOND
