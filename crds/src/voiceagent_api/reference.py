"""Makes the reference page from the types: `python -m voiceagent_api.reference` prints it."""

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from voiceagent_api.crd import custom_resource_definition
from voiceagent_api.generated import REPOSITORY, run
from voiceagent_api.names import GROUP, KIND, VERSION
from voiceagent_api.schema import Schema
from voiceagent_api.status import OPERATOR_STATUS_FIELDS

COMMITTED_FILE = REPOSITORY / "docs" / "reference.md"
_HEAD = f"""<!-- Made from the types by: make crds -->
# {KIND}

`{GROUP}/{VERSION}`, short name `va`. The same words come from `kubectl explain va.spec`, field by field.
*Hot* is a field whose change reaches running pods within seconds and counts from the next call on; other changes of
what pods are made of roll them, and calls that run are finished first.
"""
_READY = """\
## What Ready means

Ready says whether the agent can take the calls that it is meant to take. Its message names what keeps it from that,
the pod where there is one, and what to do.

| State | Ready | Reconciling | Stalled |
| --- | --- | --- | --- |
| running: as many worker pods as wanted are ready | True, `PodsReady` | False | False |
| starting, or fewer pods ready than wanted | False, by what the pod lacks | True | False |
| rolling: as many as wanted are ready, earlier ones among them | True, `RollingOut` | True | False |
| stopped rollout: new pods do not come up, earlier ones serve | True, with the failing pod | False | True |
| waiting for its turn to take the install's new image | by the pods that it has | True, `WaitingForTurn` | False |
| suspended | True, `Suspended` | False | False |
| scaled to zero | True, `ScaledToZero` | False | False |
| a Secret or its key is missing, whatever runs | False, `SecretMissing` and the like | True | False |
| a provider refuses the key or the model, whatever runs | False, `ProviderRefuses` | by the pods that it has | True |
| nothing may be written: the spec, a taken name, a rule of the cluster | False, by what hinders | False | True |
| paused by its annotation | by the pods that it has | False, `Paused` | False |

Suspended and scaled to zero are True because nothing is wanted; the message says that no calls are taken. The other
conditions make no difference to Ready: ProvidersReady may be Unknown while the agent is Ready.
"""
_BUDGET = """\
## What BudgetOK means

BudgetOK holds `status.usage` of today (UTC) against `spec.budget`. Ready does not depend on it.

| State | BudgetOK |
| --- | --- |
| no budget is set | True, `NoBudget` |
| the cost of all that was used is known, and at most perDay | True, `WithinBudget` |
| the known cost is more than perDay, whatever else has no price | False, `BudgetExceeded` |
| the known cost is at most perDay, and a model that was used has no price | Unknown, `NotPriced` |
| no gateway told of today (a day's first five minutes are True), or spec.metrics.enabled is false | \
Unknown, `NotMeasured` |
"""
_COLUMNS = "| Field | Type | Default | Meaning |\n| --- | --- | --- | --- |\n"


def reference_page() -> str:
    """The page's text."""
    version = custom_resource_definition()["spec"]["versions"][0]
    root = version["schema"]["openAPIV3Schema"]
    spec, status = root["properties"]["spec"], root["properties"]["status"]
    operators = set(OPERATOR_STATUS_FIELDS)
    gateways = [name for name in status["properties"] if name not in operators]
    parts = [
        _HEAD,
        "## spec\n\n" + _table(spec, "spec"),
        "### Rules between fields\n\n" + "".join(f"- {line}\n" for line in _rules(root, "")),
        f"## status\n\nWritten by the operator; {' and '.join(gateways)} by the gateway.\n\n"
        + _table(status, "status"),
        _READY,
        _BUDGET,
        "## Columns of kubectl get\n\n" + _columns(version["additionalPrinterColumns"]),
    ]
    return "\n".join(parts)


def _columns(columns: Sequence[Schema]) -> str:
    rows = (
        f"| {column['name']} | {column['description']} | {'with -o wide' if column.get('priority') else 'always'} |\n"
        for column in columns
    )
    return "| Column | Meaning | Shown |\n| --- | --- | --- |\n" + "".join(rows)


def _table(schema: Schema, path: str) -> str:
    return _COLUMNS + "".join(_rows(schema, path))


def _rows(schema: Schema, path: str) -> Iterator[str]:
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        here = f"{path}.{name}"
        default = "required" if name in required else _literal(field["default"]) if "default" in field else ""
        meaning = " ".join([field.get("description", ""), *_own_rules(field)]).replace("|", "\\|")
        yield f"| `{here}` | {_type(field)} | {default} | {meaning} |\n"
        inner = field.get("items", field)
        yield from _rows(inner, here + ("[]" if "items" in field else ""))


def _own_rules(field: Schema) -> list[str]:
    """What a value itself must keep; rules between the fields of an object have a list of their own."""
    if field.get("properties"):
        return []
    return [f"It {rule['message']}." for rule in _validations(field) if rule["message"].startswith(("must", "may"))]


def _rules(schema: Schema, path: str) -> Iterator[str]:
    """The sentences of all rules that more than one value makes, with where they hold."""
    shown = path.removeprefix(".")
    for rule in _validations(schema):
        if not rule["message"].startswith(("must", "may")):
            where = f"`{shown}`: " if shown else ""
            yield f"{where}{rule['message']}."
    for name, child in schema.get("properties", {}).items():
        yield from _rules(child, f"{path}.{name}")
    if isinstance(schema.get("items"), dict):
        yield from _rules(schema["items"], f"{path}[]")


def _validations(schema: Schema) -> Sequence[dict[str, str]]:
    found: Sequence[dict[str, str]] = schema.get("x-kubernetes-validations", ())
    return found


def _type(field: Schema) -> str:
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    if field.get("x-kubernetes-int-or-string"):
        return "quantity"
    kind = str(field["type"])
    if kind == "array":
        return f"list of {_type(field['items'])}, at most {field['maxItems']}" if "maxItems" in field else "list"
    if kind == "object" and isinstance(field.get("additionalProperties"), dict):
        return f"map of {_type(field['additionalProperties'])}"
    return kind + _bounds(field)


def _bounds(field: Schema) -> str:
    if "minimum" in field or "maximum" in field:
        least, most = field.get("minimum", "−∞"), field.get("maximum")
        return f", {least} to {most}" if most is not None else f", at least {least}"
    return f", at most {field['maxLength']} long" if "maxLength" in field else ""


def _literal(value: Any) -> str:
    if value in ({}, []):
        return ""
    if isinstance(value, dict):
        return ""  # its fields have defaults of their own
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the page, or check the committed one."""
    return run("voiceagent_api.reference", "The reference page", COMMITTED_FILE, reference_page, arguments)


if __name__ == "__main__":
    sys.exit(main())
