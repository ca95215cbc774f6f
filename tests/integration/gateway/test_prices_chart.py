"""The price list from the chart's values to the gateway, as its types read it."""

from pathlib import Path

import pytest
import yaml
from chart import CHART, helm
from voiceagent_api.install import InstallConfig

DOCS = CHART.parents[1] / "docs" / "usage.md"


def documented_prices() -> str:
    """The example of the documentation, as it is written there."""
    blocks = DOCS.read_text(encoding="utf-8").split("```yaml\n")[1:]
    return next(block.split("```")[0] for block in blocks if block.startswith("prices:"))


def test_the_documented_price_list_reaches_the_gateway_as_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text(documented_prices(), encoding="utf-8")
    done = helm("template", "x", str(CHART), "--values", str(tmp_path / "values.yaml"))
    assert done.returncode == 0, done.stderr
    (config,) = [
        document
        for document in yaml.safe_load_all(done.stdout)
        if document and document["kind"] == "ConfigMap" and "install.yaml" in document["data"]
    ]
    prices = InstallConfig.model_validate(yaml.safe_load(config["data"]["install.yaml"])).prices
    assert prices.currency == "USD"
    assert prices.models["openai/gpt-4o-mini"].input_per_million_tokens == "0.15"
    assert prices.models["stt.my-own"].per_audio_minute == "0"


@pytest.mark.parametrize(
    ("entry", "named"),
    [
        ("{perAudioMinute: 0.0043}", "perAudioMinute"),
        ('{perAudioMinutes: "0.0043"}', "perAudioMinutes"),
        ('{perAudioMinute: "$1"}', "perAudioMinute"),
    ],
)
def test_a_price_that_would_be_rounded_or_passed_over_is_refused(tmp_path: Path, entry: str, named: str) -> None:
    (tmp_path / "values.yaml").write_text(f"prices: {{models: {{stt.deepgram: {entry}}}}}", encoding="utf-8")
    done = helm("template", "x", str(CHART), "--values", str(tmp_path / "values.yaml"))
    assert done.returncode != 0
    assert named in done.stderr
