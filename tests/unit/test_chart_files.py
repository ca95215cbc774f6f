"""What the chart carries of other parts is theirs, unchanged."""

from pathlib import Path

REPO = Path(__file__).resolve().parents[2]


def test_the_charts_crd_is_the_one_made_from_the_types() -> None:
    chart = REPO / "charts" / "voiceagent-operator" / "files" / "voiceagents.yaml"
    made = REPO / "crds" / "voiceagents.yaml"
    assert chart.read_text() == made.read_text(), "run `make crds`"


def test_nothing_names_a_download_host() -> None:
    lines = (REPO / "constraints.txt").read_text().splitlines()
    assert lines
    assert not [line for line in lines if "://" in line or "@" in line or "==" not in line]
