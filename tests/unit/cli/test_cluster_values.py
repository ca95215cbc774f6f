"""What the cluster commands make of objects: revisions, GitOps, progress, tables."""

from datetime import UTC, datetime
from typing import Any

import pytest
from voiceagent_cli.call_rows import sessions_answer, token_answer
from voiceagent_cli.errors import CliError, Exit
from voiceagent_cli.gitops import gitops_note, gitops_of
from voiceagent_cli.progress import Progress, progress_of, status_answer
from voiceagent_cli.revisions import choose, current_of, revisions_of, with_revision
from voiceagent_cli.tables import Format, age, columns

AGENT = {
    "metadata": {
        "name": "a",
        "namespace": "n",
        "uid": "u",
        "generation": 3,
        "creationTimestamp": "2026-05-04T12:00:00Z",
    },
    "spec": {"greeting": "now", "replicas": 4, "scaling": {"mode": "Manual"}},
}


def revision(number: int, greeting: str, uid: str = "u") -> dict[str, Any]:
    meta = {"name": f"a-{number}", "ownerReferences": [{"uid": uid}], "creationTimestamp": "2026-05-04T12:00:00Z"}
    return {"metadata": meta, "revision": number, "data": {"spec": {"greeting": greeting}}}


def test_revisions_are_the_agents_own_in_their_order() -> None:
    found = revisions_of(AGENT, [revision(3, "now"), revision(1, "x"), revision(2, "y", uid="other")])
    assert [one.number for one in found] == [1, 3]
    assert current_of(AGENT, found) == found[1]


def test_back_means_the_newest_that_differs_and_keeps_how_many_pods_there_are() -> None:
    found = revisions_of(AGENT, [revision(1, "oldest"), revision(2, "older"), revision(3, "now")])
    assert choose(AGENT, found, None).number == 2
    assert choose(AGENT, found, 1).number == 1
    spec = with_revision(AGENT, found[1])["spec"]
    assert spec == {"greeting": "older", "replicas": 4, "scaling": {"mode": "Manual"}}


@pytest.mark.parametrize(("number", "says"), [(7, "There is no revision 7."), (None, "There is no earlier revision")])
def test_where_there_is_nothing_to_go_back_to_it_is_told(number: int | None, says: str) -> None:
    with pytest.raises(CliError, match=says) as raised:
        choose(AGENT, revisions_of(AGENT, [revision(3, "now")]), number)
    assert raised.value.code is Exit.NOT_FOUND


@pytest.mark.parametrize(
    ("meta", "tool"),
    [
        ({"labels": {"argocd.argoproj.io/instance": "x"}}, "Argo CD"),
        ({"annotations": {"argocd.argoproj.io/tracking-id": "x"}}, "Argo CD"),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "x"}}, "Flux"),
        ({"managedFields": [{"manager": "kubectl"}, {"manager": "kustomize-controller"}]}, "Flux"),
        ({"managedFields": [{"manager": "argocd-controller"}]}, "Argo CD"),
    ],
)
def test_who_keeps_an_object_by_git_is_seen(meta: dict[str, Any], tool: str) -> None:
    found = gitops_of({"metadata": meta})
    assert found is not None
    assert found[0] == tool
    assert str(gitops_note({"metadata": meta})).startswith(f"{tool} keeps this VoiceAgent (")


def test_nobody_is_warned_of_nobody() -> None:
    assert gitops_note({"metadata": {"labels": {"app": "x"}, "managedFields": [{"manager": "kubectl"}]}}) is None


def conditions(generation: int = 3, **statuses: str) -> dict[str, Any]:
    listed = [
        {"type": kind, "status": status, "reason": "R", "message": f"{kind} speaks.", "observedGeneration": generation}
        for kind, status in statuses.items()
    ]
    return {**AGENT, "status": {"conditions": listed}}


@pytest.mark.parametrize(
    ("item", "progress"),
    [
        (AGENT, Progress(False, False, "The operator has not seen the newest spec yet.")),
        (
            conditions(2, Ready="True", Reconciling="False", Stalled="False"),
            Progress(False, False, "The operator has not seen the newest spec yet."),
        ),
        (conditions(Ready="True", Reconciling="False", Stalled="False"), Progress(True, False, "Ready speaks.")),
        (conditions(Ready="True", Reconciling="True", Stalled="False"), Progress(False, False, "Reconciling speaks.")),
        (conditions(Ready="False", Reconciling="True", Stalled="False"), Progress(False, False, "Ready speaks.")),
        (conditions(Ready="True", Reconciling="False", Stalled="True"), Progress(False, True, "Stalled speaks.")),
    ],
)
def test_progress_is_what_the_conditions_of_the_newest_spec_say(item: dict[str, Any], progress: Progress) -> None:
    assert progress_of(item) == progress


def test_a_realtime_model_stands_in_all_three_columns() -> None:
    item = {**AGENT, "spec": {"providers": {"realtime": {"provider": "openai"}}}}
    text = status_answer([item], datetime(2026, 5, 6, 12, tzinfo=UTC), namespaces=True).text(Format.TABLE)
    assert text.splitlines()[1].split() == ["n", "a", "-", "-", "openai", "openai", "openai", "2d", "-"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(-5, "0s"), (0, "0s"), (119, "119s"), (120, "2m"), (7200, "2h"), (172_800, "2d")]
)
def test_ages_are_in_their_largest_unit(seconds: float, text: str) -> None:
    assert age(seconds) == text


def test_columns_stand_below_each_other_and_hold_one_line_each() -> None:
    assert columns([("A", "LONG"), ("xyz", None), ("", "two\nlines")]) == "A     LONG\nxyz   -\n      two lines\n"
    assert columns([]) == ""


def test_calls_are_chosen_by_agent_and_namespace() -> None:
    call = {"id": "1", "namespace": "n", "agent": "a", "room": "r", "outcome": "active", "pod": "p", "turn_count": 2}
    call |= {"duration_seconds": 61.2, "latency": {"avg_e2e": 812.0}}
    answer = {"sessions": [call, {**call, "id": "2", "agent": "b"}], "recent": [{**call, "id": "3"}]}
    chosen = sessions_answer(answer, "a", "n", ended=False)
    assert chosen.text(Format.TABLE).splitlines()[1].split() == ["n/a", "r", "active", "61s", "2", "812.0", "p"]
    assert chosen.text(Format.NAME) == "1\n"
    assert sessions_answer(answer, "a", None, ended=True).text(Format.NAME) == "1\n3\n"
    assert sessions_answer(answer, "a", "other", ended=True).text(Format.NAME) == ""


def test_the_name_of_a_token_is_the_token() -> None:
    token = {"token": "t", "url": "wss://x", "room": "r", "identity": "i", "expires_at": "2026-05-04T12:00:00Z"}
    assert token_answer(token).text(Format.NAME) == "t\n"
