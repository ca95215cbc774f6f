"""What counts as a right that nobody needed."""

import json

from rights import Right, granted, unused, used

RULES = [
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "patch"]},
    {
        "apiGroups": ["voiceagents.dev"],
        "resources": ["voiceagents/status", "voiceagents/finalizers"],
        "verbs": ["patch"],
    },
]


def line(verb: str, code: int = 200, **target: str) -> str:
    return json.dumps({"verb": verb, "objectRef": target, "responseStatus": {"code": code}})


def test_each_verb_on_each_kind_is_a_right() -> None:
    assert Right("voiceagents.dev", "voiceagents/status", "patch") in granted(RULES)
    assert len(granted(RULES)) == 4


def test_a_right_is_used_by_a_request_on_its_kind_and_subresource() -> None:
    log = [line("patch", apiGroup="voiceagents.dev", resource="voiceagents", subresource="status"), line("get")]
    assert set(used(log)) == {Right("voiceagents.dev", "voiceagents/status", "patch")}


def test_an_apply_that_made_its_object_has_used_the_right_to_create_and_another_has_not() -> None:
    made = line("patch", 201, apiGroup="apps", resource="controllerrevisions")
    changed = line("patch", resource="services")
    assert set(used([made, changed])) == {
        Right("apps", "controllerrevisions", "patch"),
        Right("apps", "controllerrevisions", "create"),
        Right("", "services", "patch"),
    }


def test_what_was_never_asked_for_is_named() -> None:
    log = [line("list", resource="pods"), line("patch", resource="pods", subresource="status")]
    assert unused(RULES, used(log)) == [
        Right("", "pods", "patch"),
        Right("voiceagents.dev", "voiceagents/status", "patch"),
    ]
