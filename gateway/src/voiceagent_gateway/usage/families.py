"""Usage for a Prometheus scraper: counters of what this gateway counted since it started, and today's cost.

Several gateways count the same calls each for itself: take the greatest of them, not their sum.
"""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from voiceagent_gateway.usage.keeper import UsageKeeper
from voiceagent_gateway.usage.prices import cost_of, total_cost

AGENT_LABELS = ("namespace", "agent")
MODEL_LABELS = (*AGENT_LABELS, "provider", "model")


class UsageFamilies(Collector):
    """For a registry."""

    def __init__(self, keeper: UsageKeeper) -> None:
        self._keeper = keeper

    def describe(self) -> Iterator[Metric]:
        """Nothing is asked for before there is something to tell."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        """The families now."""
        tokens = CounterMetricFamily("voiceagent_usage_tokens", "Tokens used.", labels=[*MODEL_LABELS, "type"])
        characters = CounterMetricFamily("voiceagent_usage_characters", "Characters spoken.", labels=MODEL_LABELS)
        audio = CounterMetricFamily("voiceagent_usage_audio_seconds", "Audio used.", labels=[*MODEL_LABELS, "kind"])
        cost = CounterMetricFamily(
            "voiceagent_usage_cost",
            "Cost by the price list; models without a price are left out.",
            labels=[*MODEL_LABELS, "currency"],
        )
        currency = self._keeper.prices.currency
        for line, used in sorted(self._keeper.since_start.items()):
            labels = list(line[1:])
            if used.prompt_tokens or used.completion_tokens:
                tokens.add_metric([*labels, "prompt"], used.prompt_tokens)
                tokens.add_metric([*labels, "completion"], used.completion_tokens)
            if used.characters:
                characters.add_metric(labels, used.characters)
            for kind, milliseconds in (("stt", used.stt_milliseconds), ("tts", used.tts_milliseconds)):
                if milliseconds:
                    audio.add_metric([*labels, kind], milliseconds / 1000)
            costs = cost_of(line.provider, line.model, used, self._keeper.prices)
            if not costs.unpriced:
                cost.add_metric([*labels, currency], float(costs.amount))
        yield from (tokens, characters, audio, cost)

        today = GaugeMetricFamily(
            "voiceagent_usage_cost_today",
            "Cost since the day began (UTC); agents that used a model without a price are left out.",
            labels=[*AGENT_LABELS, "currency"],
        )
        for agent, lines in sorted(self._keeper.today.items()):
            whole = total_cost(
                cost_of(line.provider, line.model, used, self._keeper.prices) for line, used in lines.items()
            )
            if not whole.unpriced:
                today.add_metric([*agent, currency], float(whole.amount))
        yield today
