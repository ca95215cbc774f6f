"""What runs in a worker pod: one process that is registered with LiveKit, and one more for each call."""

from typing import Final

PACKAGE: Final = "voiceagent-worker"
"""The distribution that brings this."""
