"""All tables of the gateway's file, and how those of an older gateway become them.

Whoever changes a table that is there already adds the statements for it as the next step, and never changes a step.
"""

from typing import Final

from voiceagent_gateway.history import schema as history
from voiceagent_gateway.table_versions import Step
from voiceagent_gateway.transcripts import store as transcripts
from voiceagent_gateway.usage import store as usage

SCHEMA: Final = (*history.SCHEMA, *usage.SCHEMA, *transcripts.SCHEMA)
"""For `open_database`."""
STEPS: Final[tuple[Step, ...]] = ()
"""From version 1 to 2, from 2 to 3, and so on."""
