"""How bodies are sent to the API server."""

import orjson
import yaml
from hypothesis import given
from hypothesis import strategies as st
from voiceagent_operator.client import APPLY_PATCH, JSON, encoded


@given(text=st.text())
def test_what_is_applied_means_the_same_as_json_and_has_nothing_that_yaml_has_not(text: str) -> None:
    sent = encoded({"text": text}, APPLY_PATCH)
    assert orjson.loads(sent) == {"text": text}
    yaml.reader.Reader(sent)  # raises on what YAML does not have
    assert not set(sent.decode()) & set("\x85\u2028\u2029"), "YAML ends a line there"


def test_what_is_not_applied_is_sent_as_it_is() -> None:
    assert encoded({"text": "\x9d"}, JSON) == '{"text":"\x9d"}'.encode()
