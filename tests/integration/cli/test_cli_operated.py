"""What only a running operator makes: conditions, rollouts, revisions."""

from typing import Any

import yaml

STATUS = """\
NAME           READY   SESSIONS   LLM      STT        TTS      AGE   REASON
receptionist   0/1     0/0        openai   deepgram   openai   0s    LiveKitSecretMissing
"""


def test_status_tells_what_the_operator_says(desk: Any, operator: None) -> None:
    desk.apply()
    desk.cluster.until(lambda: desk.voiceagent("status").timeless == STATUS, "the operator has seen it", 60)
    assert desk.voiceagent("status", "-o", "name").out == "voiceagent.voiceagents.dev/receptionist\n"
    [item] = yaml.safe_load(desk.voiceagent("status", "-o", "json").out)
    assert item["metadata"]["name"] == "receptionist"
    everywhere = desk.voiceagent("status", "-A").out.splitlines()
    assert everywhere[0].startswith("NAMESPACE")
    assert any(line.startswith(desk.namespace) for line in everywhere)

    detail = desk.voiceagent("status", "receptionist").out
    assert f"Dispatch name    {desk.namespace}-receptionist" in detail
    assert "Ready            False LiveKitSecretMissing: " in detail

    waited = desk.voiceagent("rollout", "status", "receptionist", "--timeout", "1")
    assert (waited.code, waited.out) == (6, "")
    assert "It was not done within 1 s: " in waited.err


def test_a_suspended_agent_is_rolled_out_as_it_is_meant_to_be(desk: Any, operator: None) -> None:
    desk.secret("livekit", LIVEKIT_API_KEY="key", LIVEKIT_API_SECRET="value")
    desk.secret("openai", OPENAI_API_KEY="value")
    desk.secret("deepgram", DEEPGRAM_API_KEY="value")
    desk.apply(suspend=True)
    done = desk.voiceagent("rollout", "status")
    assert done.code == 0, done
    assert "suspend" in done.out


def test_history_and_undo(desk: Any, operator: None) -> None:
    desk.apply()
    lines = until_revisions(desk, 1)
    assert lines[0].split() == ["REVISION", "LIVE", "AGE", "PROVIDERS"]
    assert desk.voiceagent("change-llm", "openai", "gpt-4o", "--yes").code == 0
    until_revisions(desk, 2)
    assert desk.voiceagent("scale", "--replicas", "4", "--yes").code == 0
    assert desk.voiceagent("rollout", "history").timeless == (
        "REVISION   LIVE   AGE   PROVIDERS\n"
        "1          -      0s    STT deepgram/nova-3, LLM openai/gpt-4o-mini, TTS openai/tts-1\n"
        "2          now    0s    STT deepgram/nova-3, LLM openai/gpt-4o, TTS openai/tts-1\n"
    )
    shown = yaml.safe_load(desk.voiceagent("rollout", "history", "--revision", "1").out)
    assert shown["providers"]["llm"]["model"] == "gpt-4o-mini"
    assert "replicas" not in shown

    dry = desk.voiceagent("rollout", "undo", "--dry-run")
    assert [line for line in dry.out.splitlines() if line[0] in "+-"][2:] == [
        "-      model: gpt-4o",
        "+      model: gpt-4o-mini",
    ]
    assert desk.agent()["spec"]["providers"]["llm"]["model"] == "gpt-4o"
    done = desk.voiceagent("rollout", "undo", "--yes")
    assert done.code == 0, done
    assert "Back to revision 1" in done.err
    assert desk.agent()["spec"]["providers"]["llm"]["model"] == "gpt-4o-mini"
    assert desk.agent()["spec"]["replicas"] == 4
    # What was put back is the newest revision again.
    desk.cluster.until(lambda: "3          now" in desk.voiceagent("rollout", "history").out, "it is kept", 60)

    missing = desk.voiceagent("rollout", "undo", "--to-revision", "9", "--yes")
    assert missing.code == 4
    assert "There is no revision 9. There are: 2, 3." in missing.err


def until_revisions(desk: Any, count: int) -> list[str]:
    """The history's lines once there are so many revisions, and the newest is live."""

    def look() -> list[str] | None:
        lines: list[str] = desk.voiceagent("rollout", "history").out.splitlines()
        return lines if len(lines) == count + 1 and " now " in lines[-1] else None

    found: list[str] = desk.cluster.until(look, f"{count} revisions", 60)
    return found
