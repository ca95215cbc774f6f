"""The operator: reconciles, queue, requests to the API server, leader, rooms."""

from panels import Ask, dashboard, graph, per_minute, percentiles, stat

NAME = "voiceagent_operator"


PAGE = dashboard(
    "voiceagents-operator",
    "Voice agents: operator",
    "What the operator does, and how the API server answers it.",
    [],
    [
        (
            "Now",
            [
                stat("Leaders", f"sum({NAME}_leader)", steps=((None, "red"), (1, "green"), (2, "red"))),
                stat("Operators", f"count({NAME}_leader)"),
                stat("Waiting VoiceAgents", f"max({NAME}_queue_depth)"),
                stat(
                    "The first waits for",
                    f"max({NAME}_queue_age_seconds)",
                    unit="s",
                    steps=((None, "green"), (10, "orange"), (60, "red")),
                ),
                stat("VoiceAgents", f'max({NAME}_watched_objects{{kind="VoiceAgent"}})'),
                stat("Worker pods", f'max({NAME}_watched_objects{{kind="Pod"}})'),
            ],
        ),
        (
            "Work",
            [
                graph(
                    "Reconciles a minute, by result", per_minute(f"{NAME}_reconciles_total", "result", "", "{{result}}")
                ),
                percentiles("Time for a reconcile", f"{NAME}_reconcile_seconds", "", ""),
                graph(
                    "Queue",
                    Ask(f"max({NAME}_queue_depth)", "waiting"),
                    Ask(f"max({NAME}_queue_age_seconds)", "the first waits for, s"),
                ),
                graph("Who leads", Ask(f"max by (pod) ({NAME}_leader)", "{{pod}}"), most=1),
                graph("Known objects", Ask(f"max by (kind) ({NAME}_watched_objects)", "{{kind}}")),
            ],
        ),
        (
            "API server",
            [
                graph(
                    "Requests a minute",
                    per_minute(f"{NAME}_api_requests_total", "method, code", "", "{{method}} {{code}}"),
                ),
                percentiles("Time for an answer", f"{NAME}_api_request_seconds", "method", "", "{{method}}"),
                graph(
                    "Watches refused or ended by an error, a minute",
                    per_minute(f"{NAME}_watch_errors_total", "kind, code", "", "{{kind}} {{code}}"),
                    about="410 is usual after a pause.",
                ),
            ],
        ),
        (
            "Rooms",
            [
                graph(
                    "Agents called into rooms, a minute",
                    per_minute(f"{NAME}_dispatches_total", "reason", "", "{{reason}}"),
                    width=12,
                ),
                graph(
                    "Calls into rooms that LiveKit refused, a minute",
                    per_minute(f"{NAME}_dispatch_failures_total", "reason", "", "{{reason}}"),
                    width=12,
                ),
            ],
        ),
    ],
)
