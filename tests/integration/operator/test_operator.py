"""What the operator does on a real API server, seen from outside."""

import json
from typing import Any


def test_every_child_of_a_voiceagent_appears(operator: Any, space: Any) -> None:
    space.apply()
    deployment = space.until_deployed()
    print(json.dumps(space.get("voiceagent"), indent=1))
    print(json.dumps(deployment, indent=1))
    print(operator.log.read_text())
    assert 0
