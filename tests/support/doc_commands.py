"""How the commands of the documentation are run in a test: what stands for a reader's names, and what cannot run."""

import re
from dataclasses import dataclass

SUBSTITUTES = (
    ("YOUR-LIVEKIT-SERVER", "livekit.example.com"),
    ("YOUR-REGISTRY", "registry.example.com"),
    (r"-n NS\b", "-n {namespace}"),
    (r"\bvoiceagent AGENT\b", "voiceagent receptionist"),
    ("THE-NEW-ONE", "v1alpha1"),
    ("VOICE-ID", "hpp4J3VqNfWAUOO0d1Us"),
    (r"http://localhost:8000\b", "{gateway}"),
    (r"https://agents\.example\.com", "{gateway}"),
    (r"kubectl exec \S+ -- python3", "python3"),
    (r"^kubectl exec -n voiceagents-system deploy/voiceagents-gateway -- python3", "python3"),
)
"""What a reader fills in, and the programs of a pod, which run here: pattern and replacement, in this order."""

ANSWERS = re.compile(
    r"(voiceagent (?:change-\w+|plugins (?:add|remove)|import-env|keys revoke|apply|rollout undo|scale)\b"
    r"(?!.*--yes)[^&|;#]*?)"
    r"(?=\s*(?:&&|\||;|$))"
)
"""Commands that ask on a terminal; a test has none, and says yes."""

ENDLESS = re.compile(r"--watch\b|^curl -N ")
"""Commands that go on until somebody ends them: ended after `ENDLESS_SECONDS`, having said something."""
ENDLESS_SECONDS = 8

CODES = {"voiceagent doctor": {0, 1}, "voiceagent diff": {0, 1}}
"""Exit codes that are answers and no failures; of all else it is 0."""


@dataclass(frozen=True, slots=True)
class NotRun:
    """A command that cannot run beside an API server, and where else it is tried."""

    page: str
    begins: str
    why: str


NEEDS_PODS = "needs pods; run on a cluster with nodes in tests/e2e"
WHOLE_MACHINE = "takes the whole machine; tests/e2e begins with what it does"
NEEDS_MODEL = "needs a model's key; run with models of this machine in tests/integration/worker/test_dev.py"
OF_THE_CHECKOUT = "changes the checkout or needs a clean one; run on copies in tests/integration/test_release.py"

NOT_RUN = (
    NotRun("README.md", "make demo", WHOLE_MACHINE),
    NotRun("README.md", "make test", "is what runs this"),
    NotRun("quickstart.md", "make demo", WHOLE_MACHINE),
    NotRun("quickstart.md", "helm test", NEEDS_PODS),
    NotRun("quickstart.md", "kubectl port-forward", NEEDS_PODS),
    NotRun("quickstart.fr.md", "make demo", WHOLE_MACHINE),
    NotRun("quickstart.fr.md", "helm test", NEEDS_PODS),
    NotRun("quickstart.fr.md", "kubectl port-forward", NEEDS_PODS),
    NotRun("chart.md", "helm test", NEEDS_PODS),
    NotRun("upgrade.md", "helm test", NEEDS_PODS),
    NotRun("cli.md", "pip install", "installs from a package index; make installs the same folders"),
    NotRun("cli.md", "voiceagent dev", NEEDS_MODEL),
    NotRun("cli.md", "livekit-server --dev", NEEDS_MODEL),
    NotRun("cli.md", "LIVEKIT_API_KEY=devkey", NEEDS_MODEL),
    NotRun("cli.md", "kubectl port-forward", NEEDS_PODS),
    NotRun("releasing.md", "make version", OF_THE_CHECKOUT),
    NotRun("releasing.md", "git commit", OF_THE_CHECKOUT),
    NotRun("releasing.md", "make release", OF_THE_CHECKOUT),
    NotRun("releasing.md", "make client", WHOLE_MACHINE),
    NotRun("releasing.md", "docker build", "needs Docker; tests/e2e/test_images.py looks at images made so"),
    NotRun("worker.md", "OPENAI_API_KEY=sk-... voiceagent dev", NEEDS_MODEL),
    NotRun("security.md", "kubectl logs", "needs pods; run in tests/integration/gateway/test_security_commands.py"),
    NotRun("writing-a-plugin.md", "pip install", "run in tests/unit/worker/test_writing_a_plugin.py"),
    NotRun("writing-a-plugin.md", "OPENAI_API_KEY=… voiceagent-worker dev", NEEDS_MODEL),
)
"""Commands that are not run; each must still be in its page."""

NOT_CHECKED = {
    ("call-page.md", "html"): "a script tag for a page of one's own; embedded in tests/e2e/test_browser.py",
    ("plugins.md", "dockerfile"): "needs the worker's image",
    ("writing-a-plugin.md", "dockerfile"): "needs the worker's image; its pip line is run in a folder instead",
    (
        "security.md",
        "yaml",
        "hash:",
    ): "an entry of a Secret; read in tests/integration/gateway/test_security_commands.py",
    ("cli.md", "console", "voiceagent talk"): "needs a call; held in tests/integration/gateway/test_talk.py",
    (
        "concepts.md",
        "console",
        "curl -X POST",
    ): "needs a pod; asked in tests/integration/worker/test_capacity_and_drain.py",
}
"""Blocks that are neither run nor read: page, language and, where the page has others, words of it; with the reason."""


def why_not(page: str, command: str) -> NotRun | None:
    """The entry that keeps a command from being run."""
    return next((one for one in NOT_RUN if one.page == page and command.startswith(one.begins)), None)


def as_run(command: str, **names: str) -> str:
    """The command with a reader's names filled in, and a yes where it would ask."""
    for pattern, replacement in SUBSTITUTES:
        filled = replacement
        for name, value in names.items():
            filled = filled.replace(f"{{{name}}}", value)
        command = re.sub(pattern, lambda _, text=filled: text, command)
    if command.startswith("voiceagent init -f"):
        command = command.replace("init", "init receptionist --instructions 'You answer the phone.' --force", 1)
    return ANSWERS.sub(r"\1 --yes", command)


def codes(command: str) -> set[int]:
    """The exit codes with which a command has done what the page says."""
    return next((found for words, found in CODES.items() if command.startswith(words)), {0})
