"""The ConfigMap: the agent's config file, which a running pod takes in without a restart. It holds no secret."""

from voiceagent_api.agent_config import (
    AgentConfig,
    McpServerConfig,
    PluginConfig,
    PluginWebhookConfig,
    ProviderConfig,
    ProvidersConfig,
)
from voiceagent_api.names import CONFIG_FILE_NAME, CREDENTIALS_MOUNT_PATH, LABEL_REVISION
from voiceagent_operator.build.common import child_metadata
from voiceagent_operator.objects import Object
from voiceagent_operator.resolve import McpServerPlan, Plan, PluginPlan, ProviderPlan


def config_map_name(agent_name: str, revision: str) -> str:
    """One ConfigMap for each pod template: a new file never reaches a pod that could not serve it."""
    return f"{agent_name}-{revision}"


def build_config_text(plan: Plan) -> str:
    """The config file's text."""
    spec = plan.agent.spec
    return AgentConfig(
        namespace=plan.agent.key.namespace,
        name=plan.agent.key.name,
        agent_name=plan.agent_name,
        livekit_url=plan.livekit_url,
        instructions=plan.instructions,
        greeting=spec.greeting,
        language=spec.language,
        providers=ProvidersConfig(**{provider.kind: _provider(provider) for provider in plan.providers}),
        turn_detection=spec.turn_detection,
        plugins=[_plugin(plugin) for plugin in plan.plugins],
        mcp_servers=[_mcp_server(server) for server in plan.mcp_servers],
        max_session_seconds=spec.sessions.max_duration_seconds,
        drain_timeout_seconds=spec.drain.timeout_seconds,
        metrics_enabled=spec.metrics.enabled,
        transcripts_enabled=spec.transcripts.enabled,
        log_level=spec.logging.level,
        log_format=spec.logging.format,
    ).to_json()


def build_config_map(plan: Plan, revision: str, text: str) -> Object:
    """The ConfigMap of the pods of one revision."""
    agent = plan.agent
    name = config_map_name(agent.key.name, revision)
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": child_metadata(agent, name, **{LABEL_REVISION: revision}),
        "data": {CONFIG_FILE_NAME: text},
    }


def _provider(plan: ProviderPlan) -> ProviderConfig:
    folder = f"{CREDENTIALS_MOUNT_PATH}/{plan.secret_name}"
    return ProviderConfig(
        provider=plan.provider,
        model=plan.model,
        voice=plan.voice,
        base_url=plan.base_url,
        credentials_path=f"{folder}/{plan.secret_key}" if plan.secret_name else None,
        further_credentials=(
            {key: f"{folder}/{key}" for key in plan.further_keys} if plan.secret_name and plan.further_keys else None
        ),
        options=plan.options,
        fallbacks=[_provider(fallback) for fallback in plan.fallbacks],
    )


def _plugin(plan: PluginPlan) -> PluginConfig:
    plugin = plan.plugin
    secret = f"{CREDENTIALS_MOUNT_PATH}/{plan.secret_name}/{plan.secret_key}" if plan.secret_name else None
    store = {"redisURLFile": secret} if secret and plugin.webhook is None else {}
    return PluginConfig(
        name=plugin.name,
        webhook=PluginWebhookConfig(url=plugin.webhook.url, secret_path=secret) if plugin.webhook else None,
        timeout_milliseconds=plugin.timeout_milliseconds,
        on_error=plugin.on_error,
        config={**plugin.config, **store},
    )


def _mcp_server(plan: McpServerPlan) -> McpServerConfig:
    token = f"{CREDENTIALS_MOUNT_PATH}/{plan.secret_name}/{plan.secret_key}" if plan.secret_name else None
    return McpServerConfig(name=plan.name, url=plan.url, transport=plan.transport, token_path=token)
