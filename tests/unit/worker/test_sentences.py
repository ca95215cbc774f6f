"""What agents say of themselves."""

import pytest
from voiceagent_worker.sentences import BACK, MAINTENANCE, TIME_IS_UP, sentence


def test_sentence_is_in_the_agents_language_where_there_is_one() -> None:
    assert sentence(TIME_IS_UP, "fr-CA") == TIME_IS_UP["fr"]
    assert sentence(MAINTENANCE, "EN") == MAINTENANCE["en"]
    assert sentence(BACK, "tlh") == BACK["en"]


@pytest.mark.parametrize("table", [MAINTENANCE, BACK])
def test_every_sentence_is_there_in_the_same_languages(table: dict[str, str]) -> None:
    assert table.keys() == TIME_IS_UP.keys()
