"""When something was heard: turns the loudness of frames into stretches of sound with their times.

Pure: time comes in with each frame, so that the same frames always give the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass

AUDIBLE_DBFS = -45.0
"""Above this a frame counts as sound; a codec's comfort noise lies far below, quiet speech above."""
CONFIRM_SECONDS = 0.03
"""A sound is one when it lasts this long: a click is none."""
GAP_SECONDS = 0.3
"""A pause this long ends a sound; the pauses within words and between them are shorter."""


@dataclass(frozen=True)
class Sound:
    """A stretch in which something was heard; still going on when its end keeps moving."""

    started_at: float
    ended_at: float


class SoundDetector:
    """Collects the sounds of one audio track, frame by frame."""

    def __init__(
        self,
        *,
        audible_dbfs: float = AUDIBLE_DBFS,
        confirm_seconds: float = CONFIRM_SECONDS,
        gap_seconds: float = GAP_SECONDS,
    ) -> None:
        self._audible_dbfs = audible_dbfs
        self._confirm_seconds = confirm_seconds
        self._gap_seconds = gap_seconds
        self._candidate_since: float | None = None
        self._candidate_seconds = 0.0
        self.sounds: list[Sound] = []
        self.quiet_seconds = 0.0
        """How much was heard after the last sound. Counted in audio, not by the clock: frames that are held up on
        their way must not pass for silence."""

    def push(self, started_at: float, seconds: float, dbfs: float) -> None:
        """One frame: when it began, how long it is, how loud."""
        ended_at = started_at + seconds
        if dbfs < self._audible_dbfs:
            self._candidate_since = None
            self.quiet_seconds += seconds
        elif self.sounds and self.quiet_seconds < self._gap_seconds:
            self._sound(self.sounds.pop().started_at, ended_at)
        else:
            self._consider(started_at, ended_at, seconds)

    def _consider(self, started_at: float, ended_at: float, seconds: float) -> None:
        """A loud frame after a pause: the beginning of a sound, or a click."""
        if self._candidate_since is None:
            self._candidate_since, self._candidate_seconds = started_at, 0.0
        self._candidate_seconds += seconds
        self.quiet_seconds += seconds
        # Half a frame of tolerance: sums of frame lengths are not exact.
        if self._candidate_seconds >= self._confirm_seconds - seconds / 2:
            self._sound(self._candidate_since, ended_at)

    def _sound(self, started_at: float, ended_at: float) -> None:
        self.sounds.append(Sound(started_at, ended_at))
        self.quiet_seconds = 0.0
        self._candidate_since = None


def find_reply(sounds: list[Sound], listened_until: float, spoke_from: float, spoke_until: float) -> Sound | None:
    """The sound that answers what was said between two times, or None while there is none.

    It is the first that begins after the last word and was not listened to before. One that began during the
    speech and outlasted it is an answer too: of an agent that did not wait for the end. One that was going on
    already when the speech began is not.
    """
    earliest = max(listened_until, spoke_from)
    return next((sound for sound in sounds if sound.started_at >= earliest and sound.ended_at > spoke_until), None)
