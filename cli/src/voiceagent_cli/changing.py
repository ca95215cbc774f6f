"""How every change is made: read, change, show the difference, ask, write."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from voiceagent_cli import screen
from voiceagent_cli.targets import Target

Edit = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Consent:
    """Whether to go on behind the difference."""

    dry_run: bool
    yes: bool

    def given(self, question: str) -> bool:
        """Whether to write now; where it was not said before, the user is asked. Raises CliError for a no."""
        if self.dry_run:
            screen.say("Nothing was changed: this was a dry run.")
            return False
        if not self.yes:
            screen.agreed(question)
        return True


async def change(target: Target, edit: Edit, consent: Consent) -> bool:
    """Whether the target was changed. Raises CliError where it cannot be, or the user says no."""
    before = await target.read()
    after = edit(before)
    if after == before:
        screen.say(f"Nothing to change: {target.title} is like that already.")
        return False
    return await make(target, after, consent)


async def make(target: Target, after: Mapping[str, Any], consent: Consent) -> bool:
    """The second half of a change: the difference, the question, the writing."""
    lines = await target.propose(after)
    if not lines:
        screen.say(f"Nothing to change: {target.title} is like that already.")
        return False
    screen.show_difference(lines)
    if not consent.given(f"Change {target.title}?"):
        return False
    await target.write()
    screen.say(f"Changed {target.title}.")
    return True
