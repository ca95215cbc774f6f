"""VoiceAgents' specs by chance, from the CRD's own schema: what types, bounds and patterns allow.

`specs` may break the rules that several fields make together; `valid_specs` keeps them.
"""

import re
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

CRD = Path(__file__).resolve().parents[2] / "crds/voiceagents.yaml"
MATCHES = re.compile(r"^self\.matches\(r'(?P<pattern>.*)'\)$")
LONGEST_TEXT = 40
PROVIDERS = {"stt": ("deepgram", "openai"), "llm": ("openai",), "tts": ("deepgram", "openai")}
VOLUME_SOURCES = ("configMap", "secret", "emptyDir", "persistentVolumeClaim")

Spec = dict[str, Any]

_open_objects = st.dictionaries(
    st.sampled_from(["name", "key", "secretName", "medium", "weight"]),
    st.none()
    | st.booleans()
    | st.integers(0, 9)
    | st.sampled_from(["a", "Memory"])
    | st.lists(st.integers(-(2**63), 2**63 - 1), max_size=2),
    max_size=2,
)


def spec_schema() -> dict[str, Any]:
    """The schema of spec, as it is shipped."""
    version = yaml.safe_load(CRD.read_text(encoding="utf-8"))["spec"]["versions"][0]
    schema: dict[str, Any] = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return schema


def specs() -> SearchStrategy[Spec]:
    """Specs that hold all that the schema says of each single field."""
    return _values(spec_schema())


def valid_specs() -> SearchStrategy[Spec]:
    """Specs that the API server must take."""
    return specs().map(_keeping_the_rules)


def _values(schema: dict[str, Any]) -> SearchStrategy[Any]:
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema.get("x-kubernetes-int-or-string"):
        return st.sampled_from([0, 1, 4, "2", "250m", "1.5Gi", "768Mi", "1e3"])
    match schema["type"]:
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(schema.get("minimum", -1000), schema.get("maximum", 100_000))
        case "string":
            return _texts(schema)
        case "array":
            most = min(schema.get("maxItems", 3), 3)
            return st.lists(_values(schema["items"]), min_size=schema.get("minItems", 0), max_size=most)
        case _:
            return _objects(schema)


def _texts(schema: dict[str, Any]) -> SearchStrategy[str]:
    least, most = schema.get("minLength", 0), min(schema.get("maxLength", LONGEST_TEXT), LONGEST_TEXT)
    for rule in schema.get("x-kubernetes-validations", ()):
        if found := MATCHES.match(rule["rule"]):
            ascii_letters = st.characters(codec="ascii", exclude_categories=("Cc",))
            written = st.from_regex(found["pattern"].replace("$", r"\Z"), alphabet=ascii_letters)
            return written.filter(lambda text: least <= len(text) <= most)
    return st.text(min_size=least, max_size=most).filter(lambda text: "\0" not in text)


def _objects(schema: dict[str, Any]) -> SearchStrategy[Spec]:
    if "properties" in schema:
        fields, required = schema["properties"], set(schema.get("required", ()))
        return st.fixed_dictionaries(
            {name: _values(fields[name]) for name in fields if name in required},
            optional={name: _values(field) for name, field in fields.items() if name not in required},
        )
    if isinstance(schema.get("additionalProperties"), dict):
        keys = st.sampled_from(["cpu", "memory", "team", "example.com/part"])
        return st.dictionaries(keys, _values(schema["additionalProperties"]), max_size=2)
    return _open_objects


def _keeping_the_rules(spec: Spec) -> Spec:
    if "instructionsFrom" in spec:
        spec.pop("instructions", None)
    else:
        spec.setdefault("instructions", "You answer the phone.")
    _choose_providers(spec["providers"])
    _order(spec.get("turnDetection", {}).get("endpointing"), "minDelayMilliseconds", 500, "maxDelayMilliseconds", 3000)
    _fit_scaling(spec.get("scaling"))
    calls, drain = spec.setdefault("sessions", {}), spec.setdefault("drain", {})
    longest = calls.setdefault("maxDurationSeconds", 3600)
    drain["timeoutSeconds"] = max(drain.get("timeoutSeconds", 3600), longest)
    for named in ("plugins", "mcpServers"):
        for number, item in enumerate(spec.get(named, ())):
            item["name"] = f"{item['name'][:30]}{number}"
    _tidy_pods(spec.get("podTemplate", {}))
    return spec


def _choose_providers(providers: Spec) -> None:
    if "realtime" in providers:
        for kind in PROVIDERS:
            providers.pop(kind, None)
        return
    for kind, known in PROVIDERS.items():
        choice = providers.setdefault(kind, {"provider": known[0]})
        for one in (choice, *choice.get("fallbacks", ())):
            # Mostly known ones, so that what comes after the choice of a provider is met at all.
            one["provider"] = known[len(one["provider"]) % len(known)] if len(one["provider"]) % 5 else one["provider"]


def _order(fields: Spec | None, lower: str, least: int, upper: str, most: int) -> None:
    if fields is not None:
        fields[lower], fields[upper] = sorted((fields.get(lower, least), fields.get(upper, most)))
        fields[lower] = min(fields[lower], 10_000)


def _fit_scaling(scaling: Spec | None) -> None:
    if scaling is None:
        return
    scaling["maxReplicas"] = max(scaling.get("maxReplicas", 10), scaling.get("minReplicas", 1))
    places = scaling["maxReplicas"] * scaling.get("sessionsPerReplica", 5)
    warm = min(scaling.get("warmSessions", 0), places)
    scaling["warmSessions"] = warm if scaling.get("minReplicas", 1) else 0


def _tidy_pods(template: Spec) -> None:
    for number, variable in enumerate(template.get("env", ())):
        variable["name"] = f"{variable['name'][:20]}_{number}"
        if "value" in variable:
            variable.pop("valueFrom", None)
    for source in template.get("envFrom", ()):
        if ("configMapRef" in source) == ("secretRef" in source):
            source.pop("secretRef", None)
            source["configMapRef"] = {"name": "settings"}
    for number, volume in enumerate(template.get("volumes", ())):
        given = [name for name in VOLUME_SOURCES if volume.pop(name, None) is not None]
        volume["name"] = f"own-{number}"
        volume[given[0] if given else "emptyDir"] = {}
    names = [volume["name"] for volume in template.get("volumes", ())]
    mounts = template.pop("volumeMounts", [])
    for number, mount in enumerate(mounts):
        mount["mountPath"] = f"/data/{number}"
        mount["name"] = names[number % len(names)] if names else ""
    if names and mounts:
        template["volumeMounts"] = mounts
