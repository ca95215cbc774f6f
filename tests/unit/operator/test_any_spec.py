"""Whatever the API server takes, the operator makes children of it or says why not."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from manifests import valid_specs
from voiceagent_api.install import InstallConfig
from voiceagent_operator.agent import parse_agent
from voiceagent_operator.build import build_children
from voiceagent_operator.build.revision import build_history
from voiceagent_operator.errors import Hindrance
from voiceagent_operator.findings import Findings
from voiceagent_operator.objects import metadata
from voiceagent_operator.resolve import resolve
from voiceagent_operator.served import require_served
from voiceagent_operator.status import build_status

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(spec=valid_specs())
def test_a_valid_spec_is_parsed_and_either_built_or_hindered_with_a_sentence(
    spec: dict[str, Any], install: InstallConfig, manifest: Any
) -> None:
    body = {**manifest(), "spec": spec}
    agent = parse_agent(body)
    findings = Findings(agent=body)
    with suppress(Hindrance):
        require_served(agent.spec)
    try:
        plan = resolve(agent, install, agent.spec.instructions or "You answer.")
        children = build_children(plan, "stamp", install.network_policy)
        assert all(metadata(child)["namespace"] == "default" for child in children.all)
        assert build_children(plan, "stamp", install.network_policy) == children
        build_history(agent, spec, [])
    except Hindrance as hindrance:
        findings.hindrance = hindrance.problem
        assert hindrance.problem.message.endswith((".", "_"))
    assert build_status(findings, NOW)["observedGeneration"] == 3
