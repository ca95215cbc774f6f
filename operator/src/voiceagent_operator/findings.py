"""What one look at a VoiceAgent found: filled in by the reconciler, told by status and conditions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from voiceagent_api.running import Budget

from voiceagent_operator.idle_first import Step
from voiceagent_operator.objects import Key, Object, metadata
from voiceagent_operator.pods import PodView
from voiceagent_operator.readings import Reading
from voiceagent_operator.reasons import Problem
from voiceagent_operator.scaling import Decision, Load
from voiceagent_operator.setback import Setback


@dataclass(slots=True)
class Findings:
    """What one look at a VoiceAgent found; filled in as the look goes on."""

    agent: Object
    """As the API server has it."""
    wanted_replicas: int | None = None
    suspended: bool = False
    paused: bool = False
    agent_name: str | None = None
    config_revision: str | None = None
    revision: str | None = None
    waits_for_turn: bool = False
    """Whether the install's new image comes to others first."""
    turn_blocker: Key | None = None
    """One of those others, if none of them gets ready with it."""
    hindrance: Problem | None = None
    """Why nothing may be written."""
    hindrance_passes: bool = False
    """Whether that will be so no more without anybody's help."""
    providers: Problem | None = None
    livekit: Problem | None = None
    livekit_secret: Key | None = None
    provider_keys: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Where the key of a provider is, in words, by kind and provider."""
    secret_keys_seen: bool = True
    """Whether it is known which keys Secrets have, not only which Secrets there are."""
    deployment: Object | None = None
    pods: Sequence[PodView] = ()
    readings: Mapping[str, Reading] = field(default_factory=dict)
    """What pods last said of themselves, by the pod's uid."""
    scaling_mode: str | None = None
    load: Load | None = None
    """The calls that the number of pods follows, where it does."""
    decision: Decision | None = None
    """What followed from them."""
    at_maximum: bool = False
    """Whether the calls need all pods that there may be."""
    step: Step | None = None
    """How the number of pods comes to what it should be."""
    setback: Setback | None = None
    """The newest revision, where its pods did not get ready and those before it run on."""
    sessions_per_replica: int = 0
    budget: Budget | None = None

    @property
    def generation(self) -> int:
        """Of the VoiceAgent that was looked at."""
        return int(metadata(self.agent).get("generation", 0))

    def asked(self, *, newest: bool) -> list[tuple[PodView, Reading | None]]:
        """The running pods with what each last said; of the newest revision only, where asked for and known."""
        return [
            (pod, self.readings.get(pod.uid))
            for pod in self.pods
            if pod.running and (not newest or self.revision in (None, pod.revision))
        ]
