"""The gateway: tokens by result, rate limits, and the fleet as it sees it."""

from panels import Ask, dashboard, graph, per_minute, stat, variable

CHOSEN = '{namespace=~"$namespace"}'
STALE = '{namespace=~"$namespace", state="stale"}'
BY = "namespace, agent"
AGENT = "{{namespace}}/{{agent}}"
NAME = "voiceagent_gateway"


PAGE = dashboard(
    "voiceagents-gateway",
    "Voice agents: gateway",
    "Tokens, refusals and rate limits, and the worker pods as the gateway sees them.",
    [variable("namespace", "Namespace", "label_values(voiceagent_condition, namespace)", multi=True)],
    [
        (
            "Now",
            [
                stat("Tokens a minute", f"60 * sum(rate({NAME}_tokens_total{CHOSEN}[$__rate_interval]))"),
                stat("Refusals a minute", f"60 * sum(rate({NAME}_token_refusals_total[$__rate_interval]))"),
                stat(
                    "Share refused",
                    f"sum(rate({NAME}_token_refusals_total[$__rate_interval])) / "
                    f"(sum(rate({NAME}_token_refusals_total[$__rate_interval])) "
                    f"+ sum(rate({NAME}_tokens_total[$__rate_interval])))",
                    unit="percentunit",
                    steps=((None, "green"), (0.05, "orange"), (0.2, "red")),
                ),
                stat("Beyond rate limits a minute", f"60 * sum(rate({NAME}_rate_limited_total[$__rate_interval]))"),
                stat("Calls", f"sum(max by ({BY}) (voiceagent_fleet_sessions_active{CHOSEN}))"),
                stat(
                    "Pods that do not answer",
                    f"sum(max by ({BY}) (voiceagent_fleet_pods{STALE})) or vector(0)",
                    steps=((None, "green"), (1, "orange")),
                ),
            ],
        ),
        (
            "Tokens",
            [
                graph(
                    "Tokens given a minute, by agent",
                    per_minute(f"{NAME}_tokens_total", BY, CHOSEN, AGENT),
                ),
                graph(
                    "Tokens refused a minute, by problem",
                    per_minute(f"{NAME}_token_refusals_total", "problem", "", "{{problem}}"),
                ),
                graph(
                    "Requests beyond a rate limit a minute",
                    per_minute(f"{NAME}_rate_limited_total", "limit", "", "{{limit}}"),
                ),
                graph(
                    "Agents called into rooms that lived without one, a minute",
                    per_minute(f"{NAME}_dispatches_total", BY, CHOSEN, AGENT),
                ),
            ],
        ),
        (
            "The fleet as the gateway sees it",
            [
                graph(
                    "Pods by state",
                    Ask(f"sum by (state) (max by ({BY}, state) (voiceagent_fleet_pods{CHOSEN}))", "{{state}}"),
                    stacked=True,
                ),
                graph(
                    "Calls of the last hour, by outcome",
                    Ask(
                        f"sum by (outcome) (max by ({BY}, outcome) (voiceagent_fleet_sessions_recent{CHOSEN}))",
                        "{{outcome}}",
                    ),
                    stacked=True,
                ),
                graph(
                    "Mean latency of the last hour, by stage",
                    Ask("max by (stage) (voiceagent_fleet_latency_seconds)", "{{stage}}"),
                    unit="s",
                ),
            ],
        ),
    ],
)
