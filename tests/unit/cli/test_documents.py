"""A file changes only where its VoiceAgent changes."""

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from voiceagent_cli.differences import inline
from voiceagent_cli.documents import find_agent, parse, plain
from voiceagent_cli.edits import (
    PluginAddition,
    ProviderChange,
    plugin_names,
    with_plugin,
    with_provider,
    without_plugin,
)
from voiceagent_cli.errors import CliError, Exit

FILE = """\
# top
---
kind: ConfigMap
data: {a:   1}
--- # two
# A receptionist
apiVersion: voiceagents.dev/v1alpha1
kind: VoiceAgent
metadata: {name: first}
spec:
    instructions: "You answer"   # quoted
    greeting: |
      Hello
      there
    budget: null
    providers:
        stt: {provider: deepgram, model: nova-3} # ears
        llm:
            provider: openai  # who
            model: gpt-4o-mini
            options: {temperature: 0.40}
            # after
        tts: {provider: "openai", model: 'tts-1', voice: alloy}
    plugins:
      # one
      - name: example
        config: {a: 1}
      # two
      - name: profanity_filter
        # inner
        config: {a: 1}
      # three
      - name: sentiment_analysis # x

    # end
    replicas: 2
---
kind: Secret
"""
LINES = FILE.splitlines()


def changed_lines(after: str) -> tuple[list[str], list[str]]:
    """The lines that went and those that came."""
    before, now = FILE.splitlines(), after.splitlines()
    return [line for line in before if line not in now], [line for line in now if line not in before]


def test_a_file_without_a_change_is_the_same_to_the_byte() -> None:
    manifest = find_agent(FILE, None, "f")
    assert manifest.with_document(copy.deepcopy(dict(manifest.document))).text == FILE


def test_a_change_of_provider_touches_its_lines_only_and_comments_stay() -> None:
    manifest = find_agent(FILE, None, "f")
    after = with_provider(manifest.document, ProviderChange("llm", "anthropic", "claude"))
    went, came = changed_lines(manifest.with_document(after).text)
    assert went == [
        "            provider: openai  # who",
        "            model: gpt-4o-mini",
        "            options: {temperature: 0.40}",
    ]
    assert came == ["            provider: anthropic  # who", "            model: claude"]


def test_quotes_stay_and_a_new_field_comes_behind_its_neighbour() -> None:
    manifest = find_agent(FILE, None, "f")
    after = with_provider(manifest.document, ProviderChange("tts", "openai", "it's", "nova", base_url="https://x.test"))
    _, came = changed_lines(manifest.with_document(after).text)
    assert came == [
        """        tts: {provider: "openai", model: "it's", voice: nova, baseURL: 'https://x.test'}""".replace(
            '"it\'s"', "it's"
        )
    ]


@pytest.mark.parametrize(
    ("name", "went"),
    [
        ("example", ["      - name: example"]),
        ("profanity_filter", ["      - name: profanity_filter", "        # inner"]),
        ("sentiment_analysis", ["      - name: sentiment_analysis # x"]),
    ],
)
def test_a_removed_plugin_takes_no_comment_of_others_with_it(name: str, went: list[str]) -> None:
    manifest = find_agent(FILE, None, "f")
    text = manifest.with_document(without_plugin(manifest.document, name)).text
    assert changed_lines(text) == (went, [])
    assert plugin_names(find_agent(text, None, "f").document) == [
        one for one in plugin_names(manifest.document) if one != name
    ]


@pytest.mark.parametrize("first", [True, False])
def test_an_added_plugin_adds_lines_and_nothing_else(first: bool) -> None:
    manifest = find_agent(FILE, None, "f")
    text = manifest.with_document(with_plugin(manifest.document, PluginAddition("crm", "https://x", first=first))).text
    assert changed_lines(text) == ([], ["      - name: crm", "        webhook:", "          url: https://x"])
    names = plugin_names(find_agent(text, None, "f").document)
    assert names.index("crm") == (0 if first else 3)


@pytest.mark.parametrize(
    "spec",
    [
        "spec: {replicas: 1, providers: {llm: {provider: a, model: b}}, plugins: [{name: x}, {name: y}]}",
        "spec:\n  replicas: 1\n  providers: {llm: {provider: a}}\n  plugins:\n  - {name: x}\n  - name: y",
        "spec: &anchor\n  replicas: 1\n  providers:\n    llm: &llm\n      provider: a\n  plugins: [name: x, name: y]\n",
        "spec:\n  replicas: 1\n  providers: {llm: {provider: >-\n   a, model: |\n   b}}\n".replace(
            ">-\n   a", "a"
        ).replace("|\n   b", "b"),
    ],
)
def test_what_is_written_in_another_style_says_what_it_should(spec: str) -> None:
    text = f"kind: VoiceAgent\nmetadata: {{name: x}}\n{spec}"
    manifest = find_agent(text, None, "f")
    after = with_provider(manifest.document, ProviderChange("llm", "c", "d", base_url="https://x"))
    after = with_plugin(after, PluginAddition("z", first=True))
    for name in plugin_names(manifest.document)[:1]:
        after = without_plugin(after, name)
    assert plain(parse(manifest.with_document(after).text, "f")) == after


names = st.text("abcxyz_ -:#'\"{}[],é", min_size=1, max_size=8)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
plugins = st.lists(
    st.fixed_dictionaries({"name": names}, optional={"config": st.dictionaries(names, values, max_size=3)}), max_size=4
)


@settings(deadline=None)
@example([{"name": "-_"}], [{"name": "+_", "config": {"._": "-._"}}])
@given(plugins, plugins)
def test_any_list_of_plugins_becomes_any_other(before: list[Any], after: list[Any]) -> None:
    head = "kind: VoiceAgent # c\nmetadata: {name: x}\nspec:\n  a: 1 # comment\n"
    listed = "".join(f"  # of {place}\n  - {inline(one)} # end\n" for place, one in enumerate(before))
    text = f"{head}  plugins:{' []' if not before else ''}\n{listed}  z: 2\n"
    manifest = find_agent(text, None, "f")
    wanted = {**manifest.document, "spec": {**manifest.document["spec"], "plugins": after}}
    assert plain(parse(manifest.with_document(wanted).text, "f")) == wanted


@pytest.mark.parametrize(
    ("text", "name", "says"),
    [
        ("a: [", None, "f, line 1: this is no YAML"),
        ("---\na: 1\n---\nb: }\n", None, "f, line 4: this is no YAML"),
        ("a: -_\n", None, "f has a word that looks like a number or a date and is none"),
        ("a: 2026-13-01\n", None, "put it in quotes"),
        ("kind: Secret\n", None, "has no VoiceAgent"),
        ("a: 1\na: 2\n", None, 'duplicate key "a"'),
        (FILE, "other", 'f has no VoiceAgent "other". It has: first.'),
        (FILE + "---\nkind: VoiceAgent\nmetadata: {name: second}\n", None, "several VoiceAgents: first, second"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(text: str, name: str | None, says: str) -> None:
    with pytest.raises(CliError) as raised:
        find_agent(text, name, "f")
    assert says in str(raised.value)
    assert raised.value.code is Exit.INVALID


def test_the_example_is_the_same_behind_a_change_and_its_undoing() -> None:
    text = (Path(__file__).resolve().parents[3] / "crds/examples/receptionist.yaml").read_text(encoding="utf-8")
    manifest = find_agent(text, None, "f")
    added = manifest.with_document(with_plugin(manifest.document, PluginAddition("example")))
    again = find_agent(added.text, None, "f")
    assert again.with_document(without_plugin(again.document, "example")).text == text
