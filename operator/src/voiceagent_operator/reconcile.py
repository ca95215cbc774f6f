"""One VoiceAgent, from what its user wrote to what runs, and back to its status.

It reads like this: look; stop where somebody must change something; write what is missing; tell how it stands.
Whatever happens, the status is written once, at the end.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from voiceagent_api.install import InstallConfig
from voiceagent_api.names import KIND, control_secret_name

from voiceagent_operator import reasons
from voiceagent_operator.agent import VoiceAgent, is_paused, parse_agent
from voiceagent_operator.apply import Applier
from voiceagent_operator.build import Children, build_children
from voiceagent_operator.build.config_map import config_map_name
from voiceagent_operator.build.pod_template import ANNOTATION_LIVEKIT_SECRET
from voiceagent_operator.build.revision import History, build_history
from voiceagent_operator.compare import require_ownership
from voiceagent_operator.credentials import SecretView, livekit_problem, provider_keys, provider_problem
from voiceagent_operator.errors import ApiError, Hindrance
from voiceagent_operator.events import EventRecorder, transitions
from voiceagent_operator.findings import Findings
from voiceagent_operator.kinds import CONTROLLER_REVISION, SECRET, Kind
from voiceagent_operator.objects import Key, Object, annotations, metadata, owner_of, place, version, worker_image
from voiceagent_operator.observe import Observer
from voiceagent_operator.pace import Pace
from voiceagent_operator.pods import PodView, explain_failure
from voiceagent_operator.readings import Reading
from voiceagent_operator.resolve import Plan, resolve
from voiceagent_operator.rollout import read_rollout
from voiceagent_operator.served import require_served
from voiceagent_operator.setback import Setback, good_revision, put_back, read_setback, template_revision, why_failed
from voiceagent_operator.sizing import Sizing
from voiceagent_operator.status import build_status, differs_in_calls_only, same_status
from voiceagent_operator.together import all_of
from voiceagent_operator.turns import Turns


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a reconcile ended."""

    look_again_seconds: float | None = None
    """When to look again, if nothing else asks for it."""
    hindered: bool = False
    """Whether somebody must change something first."""


CONFLICT: Final = 409
NO_SECRET: Final = "absent"  # noqa: S105 (says that there is none)


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Brings VoiceAgents to what they should be, one key at a time."""

    install: InstallConfig
    observer: Observer
    applier: Applier
    turns: Turns
    readings: Callable[[Sequence[PodView]], Mapping[str, Reading]]
    """What pods last said of themselves, by their uid."""
    sizing: Sizing
    events: EventRecorder
    calls_written: Pace[Key]
    """When the number of calls was last written to a status."""
    clock: Callable[[], datetime]

    def take_up_turns(self) -> None:
        """Note which agents are in the midst of a rollout, as an operator before this one left them."""
        for key in self.observer.agents():
            deployment = self.observer.deployment(key)
            if worker_image(deployment) == self.install.worker_image:
                self._note_rollout(key, deployment, None)
            elif read_setback(deployment) is not None:
                self.turns.occupy(key, stopped=True)

    async def reconcile(self, key: Key) -> Outcome:
        """Reconcile one VoiceAgent. Raises ApiError where time may heal it."""
        body = self.observer.agent(key)
        if body is None or "deletionTimestamp" in metadata(body):
            self.observer.forget(key)
            self.turns.release(key)
            self.calls_written.forget(key)
            self.sizing.forget(key)
            return Outcome()
        pods = self.observer.pods(key)
        findings = Findings(
            agent=body, deployment=self.observer.deployment(key), pods=pods, readings=self.readings(pods)
        )
        look_again: float | None = None
        try:
            look_again = await self._bring_about(key, findings)
        except Hindrance as hindrance:
            self.turns.release(key)
            findings.hindrance, findings.hindrance_passes = hindrance.problem, hindrance.passes
            look_again = hindrance.retry_after_seconds
        look_again = _sooner(look_again, await self._write_status(key, findings))
        return Outcome(look_again, hindered=findings.hindrance is not None)

    async def _bring_about(self, key: Key, findings: Findings) -> float | None:
        agent = parse_agent(findings.agent)
        look_again = self.sizing.want(agent, findings)
        findings.suspended = agent.spec.suspend
        findings.scaling_mode, findings.budget = agent.spec.scaling.mode, agent.spec.budget
        findings.sessions_per_replica = agent.spec.scaling.sessions_per_replica
        findings.paused = is_paused(findings.agent)

        require_served(agent.spec)
        plan = resolve(agent, self.install, await self.observer.instructions(key, agent.spec))
        self._require_own_name(plan)
        findings.agent_name = plan.agent_name
        control = control_secret_name(key.name)
        secrets = self.observer.secrets(key, plan.secrets | {control})
        findings.livekit, findings.providers = livekit_problem(plan, secrets), provider_problem(plan, secrets)
        findings.livekit_secret = Key(key.namespace, plan.livekit_secret)
        findings.provider_keys = provider_keys(plan)
        findings.secret_keys_seen = all(secret.keys is not None for secret in secrets.values())
        if findings.paused:
            self.turns.release(key)
            return None

        step = await self.sizing.prepare(agent, findings)
        plan = self._in_turn(plan, findings)
        stamp = livekit_stamp(plan, secrets, findings.deployment)
        children = build_children(
            plan, stamp, self.install.network_policy, replicas=step.replicas, rollout=self.install.rollout
        )
        findings.revision = children.revision
        children = await self._without_failed(key, children, findings)
        if agent.spec.image is None and plan.image != worker_image(children.deployment):
            self.turns.occupy(key, stopped=True)  # the new image was put back: others better wait
        history = build_history(agent, findings.agent["spec"], self.observer.revisions(key))
        await self._require_free_names(plan, children, history, secrets.get(control), version(findings.agent))
        findings.deployment = await self._write_children(plan, children, secrets.get(control))
        findings.config_revision = children.config_revision
        await self._tell_pods(children, findings)
        await self.sizing.tell(agent, step)
        await self._collect_garbage(key, children, findings)
        await self._write_history(agent, history, version(findings.agent))
        return look_again

    def _require_own_name(self, plan: Plan) -> None:
        elder = self.observer.elder(plan.agent.key)
        if elder is not None:
            raise Hindrance(
                reasons.AGENT_NAME_TAKEN,
                f'{KIND} {elder} has the dispatch name "{plan.agent_name}" on this LiveKit already, so that the two '
                "would answer each other's calls. Make this one anew with another spec.agentName, or delete the other.",
            )

    def _in_turn(self, plan: Plan, findings: Findings) -> Plan:
        """The plan with the image that the agent may have now: a new default comes to a few agents at a time."""
        key, running = plan.agent.key, worker_image(findings.deployment)
        if plan.agent.spec.image is not None or running is None:
            self.turns.release(key)
            return plan
        if running == plan.image:
            self._note_rollout(key, findings.deployment, findings.wanted_replicas)
            return plan
        if self.turns.take(key):
            return plan
        findings.waits_for_turn, findings.turn_blocker = True, self.turns.blocker()
        return replace(plan, image=running)

    def _note_rollout(self, key: Key, deployment: Object | None, wanted_replicas: int | None) -> None:
        """An agent has its turn until all its new pods are ready: one that stopped shows that others better wait."""
        rollout = read_rollout(deployment, wanted_replicas)
        if rollout.complete:
            self.turns.release(key)
        else:
            self.turns.occupy(key, stopped=rollout.stopped)

    async def _require_free_names(
        self, plan: Plan, children: Children, history: History, control: SecretView | None, since_version: int
    ) -> None:
        """Raise Hindrance if any child's name is another's: beside that nothing at all is written."""
        agent, new = plan.agent, list[tuple[Kind, Key]]()
        for child in self.observer.children(children.all):
            if child.observed is None:
                new.append((child.kind, place(child.desired)))
            else:
                require_ownership(agent, child.kind.name, place(child.desired), owner_of(child.observed))
        if control is not None:
            require_ownership(agent, SECRET.name, control.place, control.owner)
        if history.write is not None and not self.observer.revisions(agent.key):
            new.append((CONTROLLER_REVISION, place(history.write)))
        await all_of(self._require_free(agent, kind, where, since_version) for kind, where in new)

    async def _require_free(self, agent: VoiceAgent, kind: Kind, where: Key, since_version: int) -> None:
        holder = await self.observer.holder(kind, where, since_version)
        if holder is not None:
            require_ownership(agent, kind.name, where, holder.owner)

    async def _write_children(self, plan: Plan, children: Children, control: SecretView | None) -> Object:
        """Write what pods need, then the Deployment: no pods without all they need.

        The control Secret is the first, since it may be another's of a type that is not watched.
        """
        *before_pods, deployment = self.observer.children(children.all)
        if control is None:
            await self.applier.create_control_secret(plan.agent)
        await all_of(self.applier.apply_child(plan.agent, child) for child in before_pods if not child.in_place)
        return await self.applier.apply_child(plan.agent, deployment)

    async def _write_history(self, agent: VoiceAgent, history: History, since_version: int) -> None:
        try:
            await self.applier.write_history(history)
        except ApiError as error:
            if error.status == CONFLICT and history.write is not None:
                await self._require_free(agent, CONTROLLER_REVISION, place(history.write), since_version)
            raise

    async def _without_failed(self, key: Key, children: Children, findings: Findings) -> Children:
        """The children with the last good pod template, where pods of the newest did not get ready in time."""
        deployment, failed = findings.deployment, children.revision
        setback, template = read_setback(deployment), None
        runs = template_revision(deployment)
        if setback is not None and setback.revision == failed != runs:
            template = (deployment or {})["spec"]["template"]
        elif runs == failed and read_rollout(deployment, findings.wanted_replicas).failed:
            good = good_revision(findings.pods, failed)
            template = await self.observer.template_of(key, good) if good else None
            setback = Setback(failed, why_failed(explain_failure(findings.pods, failed)))
        if setback is None or template is None:
            return children
        findings.setback = setback
        put = put_back(children.deployment, template, setback)
        findings.revision = template_revision(put)
        return replace(children, deployment=put)

    async def _tell_pods(self, children: Children, findings: Findings) -> None:
        """Running pods take in a changed config file within a second once their annotation changes."""
        wanted = children.config_revision
        await all_of(
            self.applier.tell_config_revision(pod, wanted)
            for pod in findings.pods
            if pod.running and pod.revision == children.revision and pod.config_revision != wanted
        )

    async def _collect_garbage(self, key: Key, children: Children, findings: Findings) -> None:
        """Config files of earlier templates go when no pod has them and the rollout can make no more such pods."""
        if not read_rollout(findings.deployment, findings.wanted_replicas).complete:
            return
        in_use = {name for pod in findings.pods if pod.exists for name in pod.config_maps}
        in_use |= {metadata(children.config_map)["name"], config_map_name(key.name, findings.revision or "")}
        for config_map in self.observer.config_maps(key):
            if metadata(config_map)["name"] not in in_use:
                await self.applier.delete_config_map(config_map)

    async def _write_status(self, key: Key, findings: Findings) -> float | None:
        """Write what is news; returns in how many seconds to do it, if it is not worth a write yet."""
        status, observed = build_status(findings, self.clock()), findings.agent.get("status") or {}
        if same_status(status, observed):
            return None
        wait_seconds = self.calls_written.wait_seconds(key)
        if wait_seconds > 0 and differs_in_calls_only(status, observed):
            return wait_seconds
        await self.applier.apply_status(findings.agent, status)
        self.calls_written.done(key)
        self.events.record(findings.agent, transitions(observed.get("conditions") or (), status["conditions"]))
        return None


def _sooner(first: float | None, second: float | None) -> float | None:
    return min((pause for pause in (first, second) if pause is not None), default=None)


def livekit_stamp(plan: Plan, secrets: dict[str, SecretView], deployment: Object | None) -> str:
    """What the pod template says of the LiveKit Secret, so that a changed one rolls the pods.

    A Secret that went missing changes nothing: running pods keep what they have.
    """
    secret = secrets.get(plan.livekit_secret)
    if secret is not None:
        return secret.stamp
    template = ((deployment or {}).get("spec") or {}).get("template") or {}
    return annotations(template).get(ANNOTATION_LIVEKIT_SECRET, NO_SECRET)
