"""Steps that what the caller and the agent say passes through.

`interface` and `context` are what a plugin is written against, `chain` runs plugins, `speech` puts the chain into the
voice pipeline, `call` is the life of a call's plugins. Each shipped plugin is a module of its own, imported only when
an agent uses it.
"""

from voiceagent_worker.plugins.context import Direction, PluginContext
from voiceagent_worker.plugins.interface import AgentPlugin

__all__ = ["AgentPlugin", "Direction", "PluginContext"]
