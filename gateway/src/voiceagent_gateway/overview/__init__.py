"""The fleet at a glance: each agent's state, and what needs attention first."""
