"""One agent: conditions, pods, draining, latencies by stage, providers and plugins."""

from panels import Ask, Panel, dashboard, graph, per_minute, percentiles, stat, table, variable

ONE = 'namespace="$namespace", agent="$agent"'
CHOSEN = f"{{{ONE}}}"
CONDITION_COLUMNS = {"type": "Condition", "status": "Status", "reason": "Reason"}
USER_AND_AGENT = f'{{{ONE}, direction=~"user|agent"}}'


def a_minute(metric: str, by: str, legend: str) -> Ask:
    """How often, a minute."""
    return per_minute(metric, by, CHOSEN, legend)


def stage(title: str, metric: str) -> Panel:
    """A stage's percentiles."""
    return percentiles(title, metric, "", CHOSEN, width=6)


PAGE = dashboard(
    "voiceagents-agent",
    "Voice agents: one agent",
    "One VoiceAgent: its pods, calls, latencies, providers and plugins.",
    [
        variable("namespace", "Namespace", "label_values(voiceagent_condition, namespace)", multi=False),
        variable("agent", "Agent", 'label_values(voiceagent_condition{namespace="$namespace"}, agent)', multi=False),
    ],
    [
        (
            "Now",
            [
                stat("Ready pods", f"max(voiceagent_replicas_ready{CHOSEN})", steps=((None, "red"), (1, "green"))),
                stat("Most pods", f"max(voiceagent_replicas_max{CHOSEN})", about="spec.scaling.maxReplicas."),
                stat("Calls", f"sum(voiceagent_sessions_active{CHOSEN})"),
                stat("Places", f"max(voiceagent_session_capacity{CHOSEN})"),
                stat("Cost today", f"max(voiceagent_usage_cost_today{CHOSEN})", unit="none"),
                stat(
                    "Of today's budget",
                    f"max(voiceagent_usage_cost_today{CHOSEN}) / max(voiceagent_budget_per_day{CHOSEN} > 0)",
                    unit="percentunit",
                    steps=((None, "green"), (0.8, "orange"), (1, "red")),
                ),
                table(
                    "Conditions",
                    f"max by (type, status, reason) (voiceagent_condition{CHOSEN})",
                    CONDITION_COLUMNS,
                    width=12,
                    about="kubectl describe voiceagent has the sentence of each.",
                ),
                table(
                    "Revisions and versions",
                    f"count by (revision, version, livekit_agents) (voiceagent_build_info{CHOSEN})",
                    {
                        "revision": "Revision",
                        "version": "Worker",
                        "livekit_agents": "livekit-agents",
                        "Value": "Pods",
                    },
                    width=12,
                    unit="none",
                ),
            ],
        ),
        (
            "Pods and calls",
            [
                graph(
                    "Pods",
                    Ask(f"max(voiceagent_replicas{CHOSEN})", "exist"),
                    Ask(f"max(voiceagent_replicas_ready{CHOSEN})", "ready"),
                    Ask(f"max(voiceagent_replicas_max{CHOSEN})", "most"),
                ),
                graph(
                    "Pods by state",
                    Ask(f"max by (state) (voiceagent_fleet_pods{CHOSEN})", "{{state}}"),
                    stacked=True,
                    about="As the gateway sees them.",
                ),
                graph(
                    "Draining",
                    Ask(f'max(voiceagent_fleet_pods{{{ONE}, state="draining"}})', "pods"),
                    Ask(f"max(voiceagent_draining_sessions{CHOSEN})", "calls on them"),
                ),
                graph(
                    "Calls by revision",
                    Ask(f"sum by (revision) (voiceagent_sessions_active{CHOSEN})", "{{revision}}"),
                    Ask(f"max(voiceagent_session_capacity{CHOSEN})", "places"),
                ),
                graph(
                    "Ended calls a minute, by outcome",
                    a_minute("voiceagent_sessions_ended_total", "outcome", "{{outcome}}"),
                    stacked=True,
                ),
                graph(
                    "Begun, refused and rescued a minute",
                    a_minute("voiceagent_sessions_started_total", "agent", "begun"),
                    a_minute("voiceagent_sessions_refused_total", "reason", "refused: {{reason}}"),
                    a_minute("voiceagent_sessions_recovered_total", "agent", "got another agent"),
                ),
                percentiles("Length of calls", "voiceagent_session_duration_seconds", "", CHOSEN),
            ],
        ),
        (
            "Latency by stage",
            [
                stage("Whole answer", "voiceagent_turn_e2e_latency_seconds"),
                stage("Speech to text", "voiceagent_stt_latency_seconds"),
                stage("First token of the model (TTFT)", "voiceagent_llm_ttft_seconds"),
                stage("First byte of speech (TTFB)", "voiceagent_tts_ttfb_seconds"),
                stage("The model's whole answer", "voiceagent_llm_latency_seconds"),
                stage("All of the speech", "voiceagent_tts_latency_seconds"),
                graph(
                    "Turns a minute",
                    a_minute("voiceagent_turn_e2e_latency_seconds_count", "agent", "turns"),
                    width=12,
                ),
            ],
        ),
        (
            "Providers",
            [
                graph(
                    "Share of pods that a provider serves",
                    Ask(f"avg by (kind, provider) (voiceagent_provider_available{CHOSEN})", "{{kind}} {{provider}}"),
                    unit="percentunit",
                    most=1,
                ),
                graph(
                    "Failed requests a minute",
                    a_minute("voiceagent_provider_errors_total", "kind, provider", "{{kind}} {{provider}}"),
                    about="Retried ones too.",
                ),
                graph(
                    "Tokens a minute",
                    a_minute("voiceagent_llm_tokens_total", "provider, model, type", "{{provider}}/{{model}} {{type}}"),
                ),
                graph(
                    "Characters spoken a minute",
                    a_minute("voiceagent_tts_characters_total", "provider, model", "{{provider}}/{{model}}"),
                ),
                graph(
                    "Audio a minute",
                    a_minute("voiceagent_stt_audio_seconds_total", "provider, model", "heard {{provider}}/{{model}}"),
                    a_minute("voiceagent_tts_audio_seconds_total", "provider, model", "spoken {{provider}}/{{model}}"),
                    unit="s",
                ),
                graph(
                    "Servers of tools: tries to reach them, a minute",
                    a_minute("voiceagent_mcp_connections_total", "server, outcome", "{{server}} {{outcome}}"),
                ),
            ],
        ),
        (
            "Plugins",
            [
                graph(
                    "Calls with each plugin", Ask(f"sum by (plugin) (voiceagent_plugins_active{CHOSEN})", "{{plugin}}")
                ),
                graph(
                    "Messages a minute, by outcome",
                    a_minute("voiceagent_plugin_calls_total", "plugin, outcome", "{{plugin}} {{outcome}}"),
                ),
                graph(
                    "Changed and failed a minute",
                    a_minute(
                        "voiceagent_plugin_changes_total", "plugin, direction", "{{plugin}} {{direction}} changed"
                    ),
                    a_minute("voiceagent_plugin_errors_total", "plugin, direction", "{{plugin}} {{direction}} failed"),
                ),
                percentiles(
                    "Time for a message", "voiceagent_plugin_seconds", "plugin", USER_AND_AGENT, "{{plugin}}", width=12
                ),
                graph(
                    "What plugins count themselves, a minute",
                    a_minute("voiceagent_plugin_events_total", "plugin, name", "{{plugin}} {{name}}"),
                    width=12,
                ),
            ],
        ),
    ],
)
