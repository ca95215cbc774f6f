"""Versions of a VoiceAgent: nothing is lost on the way there and back, and what was changed meanwhile wins."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stand_in_version import NAME, STAND_IN
from voiceagent_api.conversion import ANNOTATION_KEPT, VERSIONS, ConversionError
from voiceagent_api.conversion_review import answer
from voiceagent_api.names import VERSION

TEXTS = st.text(max_size=12)
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 9), st.floats(allow_nan=False, allow_infinity=False), TEXTS
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)
FREE = st.dictionaries(st.sampled_from(["greeting", "providers", "suspend", "plugins", "replicas"]), TREES)
HUB_SPECS = st.builds(
    lambda free, own: {**free, **own},
    FREE,
    st.fixed_dictionaries(
        {},
        optional={
            "instructions": TEXTS,
            "drain": st.dictionaries(st.sampled_from(["timeoutSeconds", "more"]), st.integers(0, 99)),
            "mood": TEXTS,
        },
    ),
)
SPOKE_SPECS = st.builds(
    lambda free, own: {**free, **own},
    FREE,
    st.fixed_dictionaries({}, optional={"prompt": TEXTS, "drain": st.integers(0, 99), "mood": TEXTS}),
)


def agent(version: str, spec: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "apiVersion": f"voiceagents.dev/{version}",
        "kind": "VoiceAgent",
        "metadata": {"name": "a", "uid": "u", "labels": {"x": "y"}},
        "spec": spec,
        **more,
    }


@given(HUB_SPECS, st.none() | st.dictionaries(TEXTS, TREES, max_size=3))
def test_from_the_hub_and_back_is_the_same(spec: dict[str, Any], status: Any) -> None:
    item = agent(VERSION, spec, **({} if status is None else {"status": status}))
    before = deepcopy(item)
    there = STAND_IN.convert(item, NAME)
    assert item == before
    assert there["apiVersion"] == f"voiceagents.dev/{NAME}"
    assert STAND_IN.convert(there, VERSION) == item


@given(SPOKE_SPECS)
def test_to_the_hub_and_back_is_the_same(spec: dict[str, Any]) -> None:
    item = agent(NAME, spec)
    assert STAND_IN.convert(STAND_IN.convert(item, VERSION), NAME) == item


@given(HUB_SPECS, SPOKE_SPECS)
def test_of_the_metadata_only_the_one_annotation_changes(hub: dict[str, Any], spoke: dict[str, Any]) -> None:
    for item, wanted in ((agent(VERSION, hub), NAME), (agent(NAME, spoke), VERSION)):
        meta = STAND_IN.convert(item, wanted)["metadata"]
        assert set(meta.pop("annotations", {})) <= {ANNOTATION_KEPT}
        assert meta == item["metadata"]


def test_what_a_version_cannot_express_is_kept_and_comes_back() -> None:
    there = STAND_IN.convert(agent(VERSION, {"instructions": "Hi.", "suspend": True}), NAME)
    assert there["spec"] == {"prompt": "Hi."}
    there["spec"]["prompt"] = "Changed."
    assert STAND_IN.convert(there, VERSION)["spec"] == {"instructions": "Changed.", "suspend": True}
    cheerful = STAND_IN.convert(agent(NAME, {"prompt": "Hi.", "mood": "glad"}), VERSION)
    assert cheerful["spec"] == {"instructions": "Hi."}
    assert STAND_IN.convert(cheerful, NAME)["spec"] == {"prompt": "Hi.", "mood": "glad"}


def test_a_change_made_meanwhile_wins_over_what_was_kept() -> None:
    there = STAND_IN.convert(agent(VERSION, {"drain": {"timeoutSeconds": 5, "more": 1}}), NAME)
    assert there["spec"] == {"drain": 5}
    there["spec"]["drain"] = 6
    assert STAND_IN.convert(there, VERSION)["spec"] == {"drain": {"timeoutSeconds": 6, "more": 1}}
    del there["spec"]["drain"]
    assert STAND_IN.convert(there, VERSION)["spec"] == {}


@pytest.mark.parametrize(
    ("item", "wanted", "says"),
    [
        (agent(VERSION, {}), "v9", "VoiceAgents have no version v9. There are: v1alpha1, v1beta1standin."),
        (agent("v9", {}), VERSION, "is none that is converted here"),
        ({**agent(VERSION, {}), "kind": "Pod"}, NAME, "is none that is converted here"),
        ({**agent(VERSION, {}), "metadata": {"annotations": {ANNOTATION_KEPT: "{"}}}, NAME, "Take it away"),
        ({**agent(VERSION, {}), "metadata": {"annotations": {ANNOTATION_KEPT: '{"v":1}'}}}, NAME, "Take it away"),
    ],
)
def test_what_cannot_be_converted_is_told(item: dict[str, Any], wanted: str, says: str) -> None:
    with pytest.raises(ConversionError, match=says.replace(".", r"\.")):
        STAND_IN.convert(item, wanted)


def test_a_review_is_answered_as_a_whole() -> None:
    def review(*items: dict[str, Any]) -> dict[str, Any]:
        return {"request": {"uid": "7", "desiredAPIVersion": f"voiceagents.dev/{NAME}", "objects": list(items)}}

    said = answer(review(agent(VERSION, {"instructions": "Hi."}), agent(NAME, {})), STAND_IN)["response"]
    assert (said["uid"], said["result"]["status"]) == ("7", "Success")
    assert [one["spec"] for one in said["convertedObjects"]] == [{"prompt": "Hi."}, {}]
    bad = answer(review(agent(VERSION, {}), agent("v9", {})), STAND_IN)["response"]
    assert (bad["result"]["status"], bad["convertedObjects"]) == ("Failure", [])
    assert "v9" in bad["result"]["message"]
    with pytest.raises(ConversionError):
        answer({"request": {}}, STAND_IN)


def test_this_release_has_one_version_and_the_crd_no_conversion() -> None:
    from voiceagent_api.crd import custom_resource_definition

    spec = custom_resource_definition()["spec"]
    assert [version["name"] for version in spec["versions"]] == list(VERSIONS.names) == [VERSION]
    assert "conversion" not in spec
