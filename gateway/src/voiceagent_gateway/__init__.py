"""The gateway: the one door by which callers and dashboards reach the fleet of voice agents."""
