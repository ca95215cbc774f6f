"""The product is upgraded, taken away and put back while people talk: real pods, real calls, robots as callers."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from call_fleet import calls_on
from changes_under_calls import AGENT, PODS, SYSTEM, bring_up
from earlier_release import VERSION, Helm, Install, earlier, present
from on_sandbox import Kubectl, eventually
from voiceagent_sandbox.install import CRD, RELEASE
from voiceagent_sandbox.paths import REPO

CALLERS = 3


@pytest.fixture(scope="module")
def helm(kubectl: Kubectl) -> Helm:
    return Helm(kubectl)


@pytest.fixture(scope="module")
def now(helm: Helm, kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Install]:
    """The product as it is; so it is afterwards, whatever happened."""
    install = present(helm, tmp_path_factory.mktemp("present"))
    yield install
    kubectl("delete", "voiceagent", "--all", "--ignore-not-found", "--wait=true")
    helm.bring(install)


@pytest.fixture(scope="module")
def before(now: Install, kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Install:
    return earlier(now, tmp_path_factory.mktemp("earlier"), kubectl)


def spec_schema(crd: dict[str, Any]) -> Any:
    return crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]


def worker_images(kubectl: Kubectl) -> set[str]:
    return {pod["spec"]["containers"][0]["image"] for pod in kubectl.pods(AGENT)}


def worker_uids(kubectl: Kubectl) -> set[str]:
    return {pod["metadata"]["uid"] for pod in kubectl.pods(AGENT)}


@pytest.mark.timeout(1500)
async def test_an_upgrade_drops_no_call_and_loses_nothing(
    kubectl: Kubectl, helm: Helm, now: Install, before: Install, artefacts: Path
) -> None:
    kubectl("delete", "voiceagent", "--all", "--ignore-not-found", "--wait=true")
    helm("uninstall", RELEASE, "--wait")
    kubectl("delete", "crd", CRD)
    helm.bring(before)
    bring_up(kubectl)
    assert worker_images(kubectl) == {before.images()["worker"]}
    spec, uid = kubectl.get("va", AGENT)["spec"], kubectl.get("va", AGENT)["metadata"]["uid"]

    async with calls_on(f"default/{AGENT}", CALLERS) as fleet:
        await fleet.talk(2)
        began = time.monotonic()
        upgrade = asyncio.create_task(asyncio.to_thread(helm.bring, now))
        await fleet.talk(3)
        await upgrade
        new = {now.images()["worker"]}
        await asyncio.to_thread(eventually, lambda: worker_images(kubectl), lambda images: images == new)
        await asyncio.to_thread(kubectl.wait_ready, AGENT)
        await fleet.talk(2)
        report = fleet.report(began)

    (artefacts / "upgrade.json").write_text(json.dumps({f"from {VERSION}": str(report)}, indent=1))
    assert (report.dropped, report.unanswered) == ((), ()), report
    wanted = yaml.safe_load((REPO / "crds" / "voiceagents.yaml").read_text())
    assert spec_schema(kubectl.get("crd", CRD)) == spec_schema(wanted), "the API is the new one"
    agent = kubectl.get("va", AGENT)
    assert agent["metadata"]["uid"] == uid
    assert {field: agent["spec"].get(field) for field in spec} == spec, "what its owner wrote is as it was"
    assert len(kubectl.pods(AGENT)) == PODS


@pytest.mark.timeout(900)
async def test_agents_outlive_the_product_and_are_taken_over_by_the_next(
    kubectl: Kubectl, helm: Helm, now: Install, artefacts: Path
) -> None:
    helm.bring(now)
    bring_up(kubectl)
    pods = worker_uids(kubectl)
    async with calls_on(f"default/{AGENT}", CALLERS) as fleet:
        await fleet.talk(1)
        began = time.monotonic()
        await asyncio.to_thread(helm, "uninstall", RELEASE, "--wait")
        await fleet.talk(2)
        assert kubectl.get("-n", SYSTEM, "deployments")["items"] == []
        assert worker_uids(kubectl) == pods
        assert kubectl.get("va", AGENT)["metadata"]["name"] == AGENT
        await asyncio.to_thread(helm.bring, now)
        await fleet.talk(1)
        report = fleet.report(began)
    (artefacts / "reinstall.json").write_text(json.dumps({"uninstalled and back": str(report)}, indent=1))
    assert (report.dropped, report.unanswered) == ((), ()), report
    change = {"spec": {"greeting": "Good day."}}
    kubectl("patch", f"va/{AGENT}", "--type=merge", "-p", json.dumps(change))
    eventually(lambda: kubectl.condition(AGENT, "ConfigSynced"), lambda c: c["status"] == "True")
    kubectl.wait_ready(AGENT)
    assert worker_uids(kubectl) == pods, "the next operator finds them as they should be"


def test_the_chart_tests_itself_on_real_pods(helm: Helm, now: Install) -> None:
    helm.bring(now)
    assert "Phase:          Succeeded" in helm("test", RELEASE, "--timeout", "120s")
