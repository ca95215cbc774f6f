"""How the gateway is started."""

from pathlib import Path

import pytest
from voiceagent_gateway.main import main
from voiceagent_gateway.settings import UserError, parse_settings


def test_without_flags_the_gateway_serves_all_namespaces_to_this_machine_only() -> None:
    settings = parse_settings([], {})

    assert (settings.host, settings.port, settings.namespaces) == ("127.0.0.1", 8000, ())


def test_in_a_pod_the_gateway_listens_on_the_pods_address() -> None:
    assert parse_settings([], {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}).host == "0.0.0.0"


def test_namespaces_add_up_and_count_once() -> None:
    arguments = ["--namespace=a", "--namespace", "b", "--namespace=a"]

    assert parse_settings(arguments, {}).namespaces == ("a", "b")


def test_the_installs_configuration_is_read(tmp_path: Path) -> None:
    path = tmp_path / "install.yaml"
    path.write_text("livekit: {url: 'ws://livekit:7880'}\ngateway: {tokenTtlSeconds: 60}\n")

    settings = parse_settings([f"--config={path}"], {})

    assert settings.install.livekit.url == "ws://livekit:7880"
    assert settings.install.gateway.token_ttl_seconds == 60


def test_the_password_of_redis_comes_from_the_environment_and_is_shown_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "install.yaml"
    path.write_text("redis: {url: 'redis://redis.cache:6379'}\n")

    settings = parse_settings([f"--config={path}"], {"REDIS_PASSWORD": "not-to-be-told"})

    assert settings.install.redis.url == "redis://redis.cache:6379"
    assert settings.redis_password == "not-to-be-told"
    assert "not-to-be-told" not in repr(settings)


def test_a_password_in_the_address_of_redis_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "install.yaml"
    path.write_text("redis: {url: 'redis://:secret@redis.cache:6379'}\n")

    with pytest.raises(UserError, match=r"redis\.url"):
        parse_settings([f"--config={path}"], {})


def test_the_web_clients_folder_comes_from_the_flag_or_the_environment() -> None:
    environment = {"GATEWAY_CLIENT_DIR": "/client"}

    assert parse_settings([], environment).client_dir == Path("/client")
    assert parse_settings(["--client-dir=/other"], environment).client_dir == Path("/other")
    assert parse_settings([], {"GATEWAY_CLIENT_DIR": ""}).client_dir is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port=x"], "--port"),
        (["--port=70000"], "--port 70000"),
        (["--nonsense"], "--nonsense"),
        (["--config=/nowhere/install.yaml"], "/nowhere/install.yaml cannot be read"),
    ],
)
def test_a_wrong_start_is_answered_in_a_sentence(arguments: list[str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        parse_settings(arguments, {})


@pytest.mark.parametrize("text", ["gateway: {tokenTtlSeconds: 601}", "gateway: {auth: {mode: basic}}", "a: [", "[a]"])
def test_a_wrong_configuration_ends_the_process_with_a_sentence_and_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    path = tmp_path / "install.yaml"
    path.write_text(text)

    assert main([f"--config={path}"]) == 2

    said = capsys.readouterr().err
    assert str(path) in said
    assert "Traceback" not in said


def test_where_the_history_is_comes_from_the_flag_or_the_environment(tmp_path: Path) -> None:
    environment = {"GATEWAY_DATA_DIR": "/data"}

    assert parse_settings([], environment).data_dir == Path("/data")
    assert parse_settings([f"--data-dir={tmp_path}"], environment).data_dir == tmp_path
    assert parse_settings([], {}).data_dir is None


def test_what_the_history_may_grow_to_has_room_for_a_days_calls() -> None:
    assert parse_settings(["--data-megabytes=64"], {}).data_max_bytes == 64 * 1024 * 1024
    with pytest.raises(UserError, match="give 64 or more"):
        parse_settings(["--data-megabytes=63"], {})


def test_the_retention_of_the_environment_goes_before_the_installs(tmp_path: Path) -> None:
    path = tmp_path / "install.yaml"
    path.write_text("gateway: {retentionHours: 24}\n")

    assert parse_settings([f"--config={path}"], {}).retention_hours == 24
    assert parse_settings([f"--config={path}"], {"METRICS_RETENTION_HOURS": "48"}).retention_hours == 48
    assert parse_settings([], {"METRICS_RETENTION_HOURS": ""}).retention_hours == 168


@pytest.mark.parametrize("wrong", ["0", "a week", "-1", "8761", "1.5", "٥"])
def test_a_retention_that_is_none_is_told(wrong: str) -> None:
    with pytest.raises(UserError, match="from 1 to 8760"):
        parse_settings([], {"METRICS_RETENTION_HOURS": wrong})


def test_a_metrics_store_comes_from_the_environment_or_the_install(tmp_path: Path) -> None:
    path = tmp_path / "install.yaml"
    path.write_text("gateway: {prometheusURL: 'http://store.of.the.install:9090'}\n")
    environment = {"PROMETHEUS_URL": "http://store:9090/prefix", "PROMETHEUS_TOKEN": "not-to-be-told"}

    settings = parse_settings([f"--config={path}"], environment)

    assert settings.prometheus_url == "http://store:9090/prefix"
    assert settings.prometheus_token == "not-to-be-told"
    assert "not-to-be-told" not in repr(settings)
    assert parse_settings([f"--config={path}"], {}).prometheus_url == "http://store.of.the.install:9090"


@pytest.mark.parametrize("wrong", ["http://user:not-to-be-told@store:9090", "store:9090", "ftp://store"])
def test_a_metrics_stores_address_that_is_none_is_told_without_its_password(wrong: str) -> None:
    with pytest.raises(UserError, match=r"PROMETHEUS_URL .*http://prometheus\.monitoring:9090") as error:
        parse_settings([], {"PROMETHEUS_URL": wrong})

    assert "not-to-be-told" not in str(error.value)
