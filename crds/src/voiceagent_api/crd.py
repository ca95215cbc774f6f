"""Makes the CustomResourceDefinition from the types: `python -m voiceagent_api.crd` prints it.

The printed file is committed, since people, charts and GitOps tools read it; `--check` tells when it has drifted.
"""

import sys
from collections.abc import Sequence
from typing import Any

import yaml

from voiceagent_api.generated import REPOSITORY, run
from voiceagent_api.names import GROUP, KIND, PLURAL, VERSION
from voiceagent_api.schema import Schema, structural_schema
from voiceagent_api.status import VoiceAgentStatus
from voiceagent_api.voiceagent import ROOT_RULES, VoiceAgentSpec

COMMITTED_FILE = REPOSITORY / "crds" / "voiceagents.yaml"
HEADER = "# Made from the types by: make crds\n"

_STANDARD_COLUMNS = (
    ("Ready", ".status.readySummary", "Ready of wanted worker pods."),
    ("Sessions", ".status.sessionsSummary", "Calls of places for them."),
    ("LLM", ".spec.providers.llm.provider", "Provider of the language model."),
    ("STT", ".spec.providers.stt.provider", "Provider of speech to text."),
    ("TTS", ".spec.providers.tts.provider", "Provider of text to speech."),
)
_WIDE_COLUMNS = (
    ("Reason", '.status.conditions[?(@.type=="Ready")].reason', "Why the agent is ready or not."),
    ("Agent name", ".status.agentName", "LiveKit dispatch name in force."),
    ("Revision", ".status.revision", "Revision of the pod template that pods should have."),
    ("Config", ".status.configRevision", "Revision of the config file that pods should have."),
    ("P95 ms", ".status.latency.e2eP95Milliseconds", "95 of 100 answers came within this many milliseconds."),
)


def custom_resource_definition() -> dict[str, Any]:
    """The CustomResourceDefinition as the API server takes it."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": KIND.lower(),
                "shortNames": ["va"],
                "categories": [PLURAL],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "additionalPrinterColumns": _printer_columns(),
                    "schema": {"openAPIV3Schema": _root_schema()},
                    "subresources": {
                        "status": {},
                        "scale": {
                            "specReplicasPath": ".spec.replicas",
                            "statusReplicasPath": ".status.replicas",
                            "labelSelectorPath": ".status.selector",
                        },
                    },
                }
            ],
        },
    }


def crd_yaml() -> str:
    """The committed file's text."""
    return HEADER + yaml.dump(custom_resource_definition(), Dumper=_PlainDumper, sort_keys=False, width=120)


class _PlainDumper(yaml.SafeDumper):
    """Writes equal parts out each time: anchors would make the file hard to read."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _root_schema() -> Schema:
    return {
        "type": "object",
        "description": "A voice agent that answers calls on LiveKit: a conversation of speech to text, a language "
        "model and text to speech, run by worker pods.",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": "Version of this object's schema."},
            "kind": {"type": "string", "description": f"Always {KIND}."},
            "metadata": {"type": "object", "properties": {"name": {"type": "string"}}},
            "spec": structural_schema(VoiceAgentSpec),
            "status": structural_schema(VoiceAgentStatus),
        },
        "x-kubernetes-validations": [dict(rule) for rule in ROOT_RULES],
    }


def _printer_columns() -> list[dict[str, Any]]:
    standard = [
        {"name": name, "type": "string", "jsonPath": path, "description": text}
        for name, path, text in _STANDARD_COLUMNS
    ]
    wide = [
        {"name": name, "type": "string", "jsonPath": path, "description": text, "priority": 1}
        for name, path, text in _WIDE_COLUMNS
    ]
    age = {
        "name": "Age",
        "type": "date",
        "jsonPath": ".metadata.creationTimestamp",
        "description": "Time since creation.",
    }
    return [*standard, age, *wide]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the CRD, or check the committed file."""
    return run("voiceagent_api.crd", "The CRD file", COMMITTED_FILE, crd_yaml, arguments)


if __name__ == "__main__":
    sys.exit(main())
