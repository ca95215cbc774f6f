"""The fleet's past: rolled up from what the worker pods say, and looked up for dashboards."""
