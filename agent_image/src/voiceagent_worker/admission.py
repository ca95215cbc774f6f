"""Whether a pod takes one more call, and what it tells LiveKit of its load: pure.

LiveKit asks a worker before each call. It spreads calls by the load that workers report, and takes none as full:
its own `agents.target_load` is 0.7, so a load that reached 1 with the last session would leave some unused.
"""

from typing import Final, Literal

Refusal = Literal["full", "draining"]

LOAD_OF_A_FULL_POD: Final = 0.6
LOAD_OF_A_DRAINING_POD: Final = 1.0
"""LiveKit does not even ask such a worker while others are there."""


def refusal(taken: int, capacity: int, draining: bool) -> Refusal | None:
    """Why one more call is refused; None if it is taken. `taken` counts those about to start too."""
    if draining:
        return "draining"
    return "full" if taken >= capacity else None


def load(taken: int, capacity: int, draining: bool) -> float:
    """What LiveKit is told: more with every call, so that the emptiest pod gets the next."""
    return LOAD_OF_A_DRAINING_POD if draining else LOAD_OF_A_FULL_POD * min(1.0, taken / capacity)
