"""All agents: health, calls, places, latencies, outcomes, cost, and what needs attention first."""

from panels import Ask, dashboard, graph, per_minute, percentiles, stat, table, variable

CHOSEN = '{namespace=~"$namespace"}'
BY = "namespace, agent"
AGENT = "{{namespace}}/{{agent}}"
AGENT_PAGE = "/d/voiceagents-agent?var-namespace=${__data.fields.Namespace}&var-agent=${__data.fields.Agent}"
RED_IF_ANY = ((None, "green"), (1, "red"))
ORANGE_IF_ANY = ((None, "green"), (1, "orange"))
FAILED = '{namespace=~"$namespace", outcome=~"error|crashed|memory_exceeded"}'


def conditions(kind: str, status: str, more: str = "") -> str:
    """The agents whose condition is so."""
    chosen = f'type="{kind}", status="{status}", namespace=~"$namespace"{more}'
    return f"max by ({BY}) (voiceagent_condition{{{chosen}}})"


def number_of(series: str) -> str:
    """How many series there are; 0 where none is."""
    return f"count({series}) or vector(0)"


WRONG = f"""max by ({BY}, type, status, reason) (
  voiceagent_condition{{type=~"Ready|ConfigSynced|ProvidersReady|BudgetOK", status="False", namespace=~"$namespace"}}
  or voiceagent_condition{{type="ScalingActive", status="False", reason!="Suspended", namespace=~"$namespace"}}
  or voiceagent_condition{{type="Stalled", status="True", namespace=~"$namespace"}}
  or voiceagent_condition{{type="ScalingActive", reason="AtMaximum", namespace=~"$namespace"}}
)"""
ENDED = f"increase(voiceagent_sessions_ended_total{CHOSEN}[$__range])"

PAGE = dashboard(
    "voiceagents-fleet",
    "Voice agents: fleet",
    "All VoiceAgents that the operator serves, and what needs attention.",
    [variable("namespace", "Namespace", "label_values(voiceagent_condition, namespace)", multi=True)],
    [
        (
            "Now",
            [
                stat(
                    "Agents",
                    number_of(f'max by ({BY}) (voiceagent_condition{{type="Ready", namespace=~"$namespace"}})'),
                ),
                stat("Not ready", number_of(conditions("Ready", "False")), steps=RED_IF_ANY),
                stat("Stalled", number_of(conditions("Stalled", "True")), steps=RED_IF_ANY),
                stat("Calls", f"sum(voiceagent_sessions_active{CHOSEN}) or vector(0)"),
                stat(
                    "Places taken",
                    f"sum(voiceagent_sessions_active{CHOSEN})"
                    f" / sum(max by ({BY}) (voiceagent_session_capacity{CHOSEN}))",
                    unit="percentunit",
                    most=1,
                    steps=((None, "green"), (0.8, "orange"), (0.95, "red")),
                    about="Calls now, of those that the ready pods take at once.",
                ),
                stat(
                    "Cost today",
                    f"sum(max by ({BY}, currency) (voiceagent_usage_cost_today{CHOSEN}))",
                    unit="none",
                    about="Since 00:00 UTC, by the install's prices; without agents that used a model without a price.",
                ),
            ],
        ),
        (
            "What needs attention",
            [
                table(
                    "Conditions that are not as they should be",
                    WRONG,
                    {
                        "namespace": "Namespace",
                        "agent": "Agent",
                        "type": "Condition",
                        "status": "Status",
                        "reason": "Reason",
                    },
                    width=14,
                    links={"Agent": AGENT_PAGE},
                    about="kubectl describe voiceagent tells what to do about each.",
                ),
                table(
                    "Providers that do not serve",
                    f"avg by ({BY}, kind, provider) (voiceagent_provider_available{CHOSEN}) < 1",
                    {
                        "namespace": "Namespace",
                        "agent": "Agent",
                        "kind": "Kind",
                        "provider": "Provider",
                        "Value": "Share of pods that it serves",
                    },
                    width=10,
                    unit="percentunit",
                    steps=((None, "red"), (0.5, "orange")),
                    links={"Agent": AGENT_PAGE},
                ),
            ],
        ),
        (
            "Calls",
            [
                graph(
                    "Calls by agent", Ask(f"sum by ({BY}) (voiceagent_sessions_active{CHOSEN})", AGENT), stacked=True
                ),
                graph(
                    "Calls and places",
                    Ask(f"sum(voiceagent_sessions_active{CHOSEN})", "calls"),
                    Ask(f"sum(max by ({BY}) (voiceagent_session_capacity{CHOSEN}))", "places on ready pods"),
                    Ask(f"sum(max by ({BY}) (voiceagent_draining_sessions{CHOSEN}))", "calls on draining pods"),
                ),
                graph(
                    "Calls begun a minute",
                    per_minute("voiceagent_sessions_started_total", BY, CHOSEN, AGENT),
                ),
                graph(
                    "Ended calls a minute, by outcome",
                    per_minute("voiceagent_sessions_ended_total", "outcome", CHOSEN, "{{outcome}}"),
                    stacked=True,
                ),
                graph(
                    "Share of calls that failed",
                    Ask(
                        f"sum by ({BY}) (increase(voiceagent_sessions_ended_total{FAILED}[15m]))"
                        f" / sum by ({BY}) (increase(voiceagent_sessions_ended_total{CHOSEN}[15m]))",
                        AGENT,
                    ),
                    unit="percentunit",
                    about="Ended by an error, a crash or too much memory, of those that ended within 15 minutes.",
                ),
                table(
                    "Outcomes in the chosen time",
                    f"sum by ({BY}, outcome) ({ENDED}) > 0.5",
                    {"namespace": "Namespace", "agent": "Agent", "outcome": "Outcome", "Value": "Calls"},
                    width=8,
                    unit="none",
                    links={"Agent": AGENT_PAGE},
                ),
            ],
        ),
        (
            "Latency",
            [
                percentiles(
                    "From the caller's last sound to the agent's first",
                    "voiceagent_turn_e2e_latency_seconds",
                    "",
                    CHOSEN,
                    width=12,
                ),
                graph(
                    "95 of 100 answers, by agent",
                    Ask(
                        f"histogram_quantile(0.95, sum by ({BY}, le) "
                        f"(rate(voiceagent_turn_e2e_latency_seconds_bucket{CHOSEN}[$__rate_interval])))",
                        AGENT,
                    ),
                    unit="s",
                    width=12,
                ),
            ],
        ),
        (
            "Pods",
            [
                graph(
                    "Pods by state",
                    Ask(f"sum by (state) (max by ({BY}, state) (voiceagent_fleet_pods{CHOSEN}))", "{{state}}"),
                    stacked=True,
                ),
                graph("Ready pods by agent", Ask(f"max by ({BY}) (voiceagent_replicas_ready{CHOSEN})", AGENT)),
                graph(
                    "Calls refused by pods a minute",
                    per_minute("voiceagent_sessions_refused_total", f"{BY}, reason", CHOSEN, AGENT + " {{reason}}"),
                    about="LiveKit offers such a call to another pod.",
                ),
            ],
        ),
        (
            "Usage and cost",
            [
                graph(
                    "Cost an hour, by agent",
                    Ask(
                        f"sum by ({BY}, currency) (max by ({BY}, provider, model, currency) "
                        f"(increase(voiceagent_usage_cost_total{CHOSEN}[1h])))",
                        AGENT + " {{currency}}",
                    ),
                ),
                graph(
                    "Share of today's budget",
                    Ask(
                        f"max by ({BY}) (voiceagent_usage_cost_today{CHOSEN})"
                        f" / max by ({BY}) (voiceagent_budget_per_day{CHOSEN} > 0)",
                        AGENT,
                    ),
                    unit="percentunit",
                ),
                graph(
                    "Tokens a minute, by model",
                    per_minute(
                        "voiceagent_llm_tokens_total",
                        "provider, model, type",
                        CHOSEN,
                        "{{provider}}/{{model}} {{type}}",
                    ),
                ),
            ],
        ),
    ],
)
