"""What runs in a worker pod: one process that is registered with LiveKit, and one more for each call."""

from typing import Final

__version__: Final = "0.1.0"
