"""An operator that never receives what is in a Secret."""

from typing import Any


def test_a_missing_secret_is_told_and_a_missing_key_is_left_to_the_pods(new_operator: Any, bare_space: Any) -> None:
    process = new_operator("--namespace", bare_space.name, "--watch-secrets=metadata")
    process.start()
    bare_space.secret("livekit", ANOTHER_KEY="livekit-secret-value")
    bare_space.secret("openai", OPENAI_API_KEY="openai-secret-value")
    bare_space.apply()
    told = bare_space.until_reason("SecretMissing", "ProvidersReady")
    assert "deepgram" in told["message"]
    bare_space.secret("deepgram", ANOTHER_KEY="deepgram-secret-value")
    bare_space.until_deployed()
    told = bare_space.condition("ProvidersReady")
    assert (told["status"], told["reason"]) == ("Unknown", "NoPods")
    assert "which keys it has is not looked at" in told["message"]


def test_a_rotated_secret_is_noticed(new_operator: Any, space: Any) -> None:
    process = new_operator("--namespace", space.name, "--watch-secrets=metadata")
    process.start()
    space.apply()
    space.until_deployed()

    def stamp() -> str:
        template = space.get("deployments")["spec"]["template"]["metadata"]
        found: str = template["annotations"]["voiceagents.dev/livekit-secret"]
        return found

    before = stamp()
    space.do("patch", "secret", "livekit", "--type=merge", "-p", '{"stringData":{"LIVEKIT_API_SECRET":"another-one"}}')
    space.cluster.until(lambda: stamp() != before, "pods roll with the new secret")
