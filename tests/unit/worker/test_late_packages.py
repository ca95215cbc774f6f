"""Packages that come into being at their first use, in an interpreter of their own: this one has imported them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from voiceagent_worker.late_packages import OF_THE_REALTIME_API, _LateFinder, import_late

START = """
import json, sys
from voiceagent_api.agent_config import AgentConfig
from voiceagent_worker.call_server import start_call_server
start_call_server(AgentConfig.model_validate_json(sys.argv[1]))
import livekit.plugins.openai as plugin
before = len(sys.modules), "openai.types.beta.realtime.session" in sys.modules
model = plugin.realtime.RealtimeModel(api_key="any", model="any")
print(json.dumps([*before, len(sys.modules), type(model).__name__, plugin.realtime.__name__]), flush=True)
"""
OPENAI = {"provider": "openai", "model": "any"}
CONFIG = {
    "schemaVersion": 1,
    "namespace": "tests",
    "name": "agent",
    "agentName": "agent",
    "livekitURL": "ws://127.0.0.1:7880",
    "instructions": "You answer the phone.",
    "maxSessionSeconds": 600,
    "drainTimeoutSeconds": 60,
}


def started(**providers: Any) -> list[Any]:
    command = [sys.executable, "-c", START, json.dumps({**CONFIG, "providers": providers})]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    told: list[Any] = json.loads(done.stdout)
    return told


def test_a_worker_without_a_realtime_model_puts_off_what_only_that_needs() -> None:
    modules, loaded, after, name, package = started(stt=OPENAI, llm=OPENAI, tts=OPENAI)
    assert not loaded
    assert after > modules + 100
    assert (name, package) == ("RealtimeModel", "livekit.plugins.openai.realtime")


def test_one_that_has_a_realtime_model_imports_all_of_it_before_the_first_call() -> None:
    modules, loaded, after, *_ = started(realtime=OPENAI)
    assert loaded
    assert after < modules + 20


@pytest.fixture
def late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts off a package whose `__init__` is the given text; its parent imports it."""
    made: list[str] = []

    def make(text: str, **modules: str) -> Any:
        parent = f"putoff_{len(made)}_{tmp_path.name}".replace("-", "_")
        package = tmp_path / parent / "late"
        package.mkdir(parents=True)
        (tmp_path / parent / "__init__.py").write_text("from . import late\n")
        (package / "__init__.py").write_text(text)
        for name, content in modules.items():
            (package / f"{name}.py").write_text(content)
        monkeypatch.syspath_prepend(str(tmp_path))
        import_late([f"{parent}.late"])
        made.append(parent)
        return __import__(parent).late

    yield make
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _LateFinder)]
    for name in [name for name in sys.modules if name.partition(".")[0] in made]:
        del sys.modules[name]


def test_it_is_run_once_at_the_first_name_that_is_read(late: Any, capsys: pytest.CaptureFixture[str]) -> None:
    package = late("print('run')\nVALUE = 1\n")
    assert package.__name__.endswith(".late")
    assert package.__spec__ is not None
    assert capsys.readouterr().out == ""
    assert (package.VALUE, package.VALUE) == (1, 1)
    assert capsys.readouterr().out == "run\n"
    assert "__getattr__" not in vars(package)


def test_a_name_that_it_does_not_have_is_told_as_ever(late: Any) -> None:
    with pytest.raises(AttributeError, match="has no attribute 'missing'"):
        _ = late("VALUE = 1\n").missing
    with pytest.raises(AttributeError, match="__wrapped__"):
        _ = late("raise RuntimeError('run by an inspection')\n").__wrapped__


def test_modules_below_it_do_without_it_and_may_need_each_other(late: Any) -> None:
    package = late("from .one import ONE\nTWO = ONE + 1\n", one="from . import other\nONE = 1\n", other="")
    assert __import__(f"{package.__name__}.other", fromlist=["x"]).__name__.endswith(".late.other")
    assert "TWO" not in vars(package)
    assert package.TWO == 2


def test_its_own_way_to_find_names_is_kept(late: Any) -> None:
    package = late("def __getattr__(name):\n    return name.upper()\n")
    assert (package.hello, package.again) == ("HELLO", "AGAIN")


def test_what_fails_is_tried_again_by_the_next(late: Any) -> None:
    package = late("import pathlib\nVALUE = (pathlib.Path(__file__).parent / 'text').read_text()\n")
    with pytest.raises(FileNotFoundError):
        _ = package.VALUE
    (Path(package.__file__).parent / "text").write_text("there")
    assert package.VALUE == "there"


def test_they_are_packages_of_what_is_installed() -> None:
    for name in OF_THE_REALTIME_API:
        assert __import__(name, fromlist=["x"]).__path__
