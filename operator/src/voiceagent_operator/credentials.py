"""What is known of Secrets, and which of those that an agent needs are missing.

Only names are kept: of the Secret and of its keys. Values never leave the event that brought them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from voiceagent_api.names import LIVEKIT_API_KEY, LIVEKIT_API_SECRET

from voiceagent_operator import reasons
from voiceagent_operator.objects import Key, Object, Owner, metadata, owner_of, place, uid
from voiceagent_operator.reasons import Problem
from voiceagent_operator.resolve import Plan


@dataclass(frozen=True, slots=True)
class SecretView:
    """A Secret without its values."""

    place: Key
    uid: str
    resource_version: str
    keys: frozenset[str] | None
    """Names of the keys that hold something; None where only metadata are watched."""
    owner: Owner | None = None
    """The VoiceAgent that it was made for, if it is a control Secret."""

    @property
    def stamp(self) -> str:
        """Changes whenever the Secret does."""
        return f"{self.uid}/{self.resource_version}"


def view_secret(body: Object) -> SecretView:
    """What may be remembered of a Secret."""
    return SecretView(
        place=place(body),
        uid=uid(body),
        resource_version=str(metadata(body).get("resourceVersion", "")),
        keys=frozenset(key for key, value in (body.get("data") or {}).items() if value),
        owner=owner_of(body),
    )


def view_secret_metadata(body: Object) -> SecretView:
    """What is known of a Secret without having seen what is in it."""
    return replace(view_secret(body), keys=None)


def provider_problem(plan: Plan, secrets: Mapping[str, SecretView]) -> Problem | None:
    """What is missing of the credentials of providers, plugins and tool servers, as one problem."""
    needs: dict[str, dict[str, list[str]]] = {}
    for provider in plan.all_providers:
        for key in provider.needed_keys if provider.secret_name else ():
            users = needs.setdefault(provider.secret_name or "", {}).setdefault(key, [])
            users.append(f"{provider.kind} {provider.provider}")
    for step in plan.plugins:
        if step.secret_name:
            keys = needs.setdefault(step.secret_name, {})
            keys.setdefault(step.secret_key, []).append(f"plugin {step.plugin.name}")
    for server in plan.mcp_servers:
        if server.secret_name:
            needs.setdefault(server.secret_name, {}).setdefault(server.secret_key, []).append(f"tools {server.name}")
    problems = [
        problem
        for name, users_of_key in needs.items()
        if (problem := _secret_problem(plan.agent.key.namespace, name, users_of_key, secrets.get(name)))
    ]
    return _joined(problems)


def provider_keys(plan: Plan) -> dict[tuple[str, str], str]:
    """Where the key of each provider is, in words, by kind and provider."""
    places: dict[tuple[str, str], list[str]] = {}
    for one in plan.all_providers:
        if one.secret_name is None:
            continue
        where = f"key {one.secret_key} of Secret {plan.agent.key.namespace}/{one.secret_name}"
        places.setdefault((one.kind, one.provider), []).append(where)
    return {provider: " or ".join(dict.fromkeys(words)) for provider, words in places.items()}


def livekit_problem(plan: Plan, secrets: Mapping[str, SecretView]) -> Problem | None:
    """What is missing of the credentials for LiveKit."""
    users: dict[str, list[str]] = {LIVEKIT_API_KEY: ["LiveKit"], LIVEKIT_API_SECRET: ["LiveKit"]}
    problem = _secret_problem(plan.agent.key.namespace, plan.livekit_secret, users, secrets.get(plan.livekit_secret))
    if problem is None:
        return None
    missing = problem.reason == reasons.SECRET_MISSING
    reason = reasons.LIVEKIT_SECRET_MISSING if missing else reasons.LIVEKIT_SECRET_KEY_MISSING
    return Problem(reason, problem.message)


def _secret_problem(
    namespace: str, name: str, users_of_key: Mapping[str, Sequence[str]], secret: SecretView | None
) -> Problem | None:
    if secret is None:
        users = ", ".join(dict.fromkeys(user for users in users_of_key.values() for user in users))
        literals = " ".join(f"--from-literal={key}=..." for key in users_of_key)
        return Problem(
            reasons.SECRET_MISSING,
            f"Secret {namespace}/{name} with key {' and '.join(users_of_key)} is missing; needed by {users}. "
            f"Make it: kubectl --namespace {namespace} create secret generic {name} {literals}",
        )
    # Where keys are not known, a pod that lacks one says so.
    missing = [key for key in users_of_key if secret.keys is not None and key not in secret.keys]
    if not missing:
        return None
    users = ", ".join(dict.fromkeys(user for key in missing for user in users_of_key[key]))
    values = ",".join(f'"{key}":"..."' for key in missing)
    return Problem(
        reasons.SECRET_KEY_MISSING,
        f"Secret {namespace}/{name} has no key {' and '.join(missing)}; needed by {users}. "
        f"Add it: kubectl --namespace {namespace} patch secret {name} --patch '{{\"stringData\":{{{values}}}}}'",
    )


def _joined(problems: Sequence[Problem]) -> Problem | None:
    if not problems:
        return None
    missing = any(problem.reason == reasons.SECRET_MISSING for problem in problems)
    reason = reasons.SECRET_MISSING if missing else reasons.SECRET_KEY_MISSING
    return Problem(reason, " ".join(problem.message for problem in problems))
