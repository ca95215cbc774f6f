"""Unit tests of the chart's alerts for vmalert-tool, made of short cases. Pure but for the running."""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

AGENT = 'namespace="default",agent="desk"'
POD = f'{AGENT},revision="r1"'
MINUTES = 30


def series_of(short: Mapping[str, Any]) -> dict[str, str]:
    """A case's series, written out."""
    unquoted = [name for name, values in short.items() if not isinstance(values, str)]
    assert not unquoted, f"YAML takes 0x20 for a number: quote the values of {unquoted}"
    return {name.replace("$A", AGENT).replace("$P", POD): values for name, values in short.items()}


def fires(rule: Mapping[str, Any], case: Mapping[str, Any]) -> dict[str, Any]:
    """A test that the alert fires at the case's time, once, with its labels."""
    told = {name: _written(text, case) for name, text in rule["annotations"].items()}
    expected = {"exp_labels": {**case["of"], **rule["labels"]}, "exp_annotations": told}
    asked = {"eval_time": case["at"], "alertname": rule["alert"], "exp_alerts": [expected]}
    return _test("it fires", case["fires"], [asked])


def silent(rule: Mapping[str, Any], series: Mapping[str, Any]) -> dict[str, Any]:
    """A test that the alert fires at no minute."""
    asked = [
        {"eval_time": f"{minute}m", "alertname": rule["alert"], "exp_alerts": []} for minute in range(1, MINUTES + 1)
    ]
    return _test("it is silent", series, asked)


def _written(text: str, case: Mapping[str, Any]) -> str:
    """An annotation with the alert's labels, and its value as the case says that it is to be read."""
    text = re.sub(r"{{ \$labels\.(\w+) }}", lambda found: str(case["of"][found[1]]), text)
    return re.sub(r"{{ \$value.*?}}", lambda _: str(case["value"]), text)


def _test(name: str, series: Mapping[str, Any], asked: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "interval": "1m",
        "name": name,
        "input_series": [{"series": one, "values": values} for one, values in series_of(series).items()],
        "alert_rule_test": list(asked),
    }


def run(folder: Path, rule: Mapping[str, Any], tests: Sequence[Mapping[str, Any]]) -> str:
    """What vmalert-tool finds wrong; empty where all is as expected."""
    program = Path(os.environ.get("VMALERT_TOOL_BINARY", ""))
    if not program.is_file():
        pytest.fail("VMALERT_TOOL_BINARY names no vmalert-tool; run `make test-integration`.", pytrace=False)
    (folder / "rules.yaml").write_text(
        yaml.safe_dump({"groups": [{"name": "alerts", "rules": [rule]}]}), encoding="utf-8"
    )
    document = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": list(tests)}
    file = folder / "tests.yaml"
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    done = subprocess.run(
        [program, "unittest", "--disableAlertgroupLabel", f"--files={file}"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr
