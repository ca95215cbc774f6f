"""What is told of missing Secrets, and that their values are not kept."""

from collections.abc import Callable

from voiceagent_operator.credentials import SecretView, livekit_problem, provider_problem, view_secret
from voiceagent_operator.objects import Key
from voiceagent_operator.resolve import Plan


def secret(name: str, *keys: str) -> dict[str, SecretView]:
    return {name: SecretView(Key("default", name), "uid", "1", frozenset(keys))}


def test_nothing_is_missing_where_every_key_is_there(plan: Callable[..., Plan]) -> None:
    there = secret("openai", "OPENAI_API_KEY") | secret("speech", "SPEECH_KEY")
    assert provider_problem(plan(), there) is None


def test_every_missing_secret_is_told_with_the_command_that_makes_it(plan: Callable[..., Plan]) -> None:
    problem = provider_problem(plan(), {})
    assert problem is not None
    assert problem.reason == "SecretMissing"
    assert problem.message == (
        "Secret default/speech with key SPEECH_KEY is missing; needed by stt deepgram. Make it: kubectl --namespace "
        "default create secret generic speech --from-literal=SPEECH_KEY=... Secret default/openai with key "
        "OPENAI_API_KEY is missing; needed by llm openai, tts openai. Make it: kubectl --namespace default create "
        "secret generic openai --from-literal=OPENAI_API_KEY=..."
    )


def test_a_webhooks_missing_secret_is_told(plan: Callable[..., Plan]) -> None:
    webhook = {"name": "crm", "webhook": {"url": "https://crm.test", "secretRef": {"name": "crm"}}}
    there = secret("openai", "OPENAI_API_KEY") | secret("speech", "SPEECH_KEY")
    problem = provider_problem(plan(plugins=[webhook]), there)
    assert problem is not None
    assert problem.message.startswith(
        "Secret default/crm with key WEBHOOK_SECRET is missing; needed by plugin crm. Make it: kubectl"
    )


def test_a_missing_key_is_told_with_the_command_that_adds_it(plan: Callable[..., Plan]) -> None:
    problem = provider_problem(plan(), secret("openai", "OTHER") | secret("speech", "SPEECH_KEY"))
    assert problem is not None
    assert problem.reason == "SecretKeyMissing"
    assert problem.message == (
        "Secret default/openai has no key OPENAI_API_KEY; needed by llm openai, tts openai. Add it: kubectl "
        '--namespace default patch secret openai --patch \'{"stringData":{"OPENAI_API_KEY":"..."}}\''
    )


def test_a_missing_secret_weighs_more_than_a_missing_key(plan: Callable[..., Plan]) -> None:
    problem = provider_problem(plan(), secret("openai", "OTHER"))
    assert problem is not None
    assert problem.reason == "SecretMissing"


def test_the_secret_of_livekit_has_reasons_of_its_own(plan: Callable[..., Plan]) -> None:
    none, half = livekit_problem(plan(), {}), livekit_problem(plan(), secret("livekit", "LIVEKIT_API_KEY"))
    assert none is not None
    assert half is not None
    assert (none.reason, half.reason) == ("LiveKitSecretMissing", "LiveKitSecretKeyMissing")
    assert livekit_problem(plan(), secret("livekit", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")) is None


def test_of_a_secret_only_names_are_kept_and_an_empty_value_is_none() -> None:
    body = {
        "metadata": {"name": "openai", "namespace": "default", "uid": "u", "resourceVersion": "9"},
        "data": {"OPENAI_API_KEY": "c2VjcmV0", "EMPTY": ""},
    }
    view = view_secret(body)
    assert view.keys == {"OPENAI_API_KEY"}
    assert view.stamp == "u/9"
    assert "c2VjcmV0" not in repr(view)
