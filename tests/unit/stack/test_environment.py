"""Where the services' settings come from."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from stack.config import Mode, StackSettings
from stack.environment import (
    deployment_environment,
    host_environment,
    merged_environment,
    passed_over_in_deployments,
    service_environment,
)
from stack.errors import StackError


@pytest.fixture
def local_env(tmp_path: Path) -> Path:
    file = tmp_path / "local.env"
    file.write_text('# comment\nA=local\nB=local\nC=local\nCHANNEL="#alerts"\n')
    return file


@pytest.fixture
def dot_env(tmp_path: Path) -> Path:
    file = tmp_path / ".env"
    file.write_text("B=dot\nC=dot\n")
    return file


def test_the_shell_wins_over_dot_env_which_wins_over_local_env(local_env: Path, dot_env: Path) -> None:
    merged = merged_environment({"C": "shell"}, dot_env, local_env)

    assert (merged["A"], merged["B"], merged["C"]) == ("local", "dot", "shell")


def test_dot_env_is_optional(local_env: Path, tmp_path: Path) -> None:
    assert merged_environment({}, tmp_path / "missing", local_env)["B"] == "local"


def test_what_is_empty_in_the_shell_hides_a_default_but_nothing_that_dot_env_says(
    local_env: Path, dot_env: Path
) -> None:
    merged = merged_environment({"A": "", "B": "", "NEW": ""}, dot_env, local_env)

    assert merged == {"A": "", "B": "dot", "C": "dot", "CHANNEL": "#alerts", "NEW": ""}


def test_what_is_deployed_has_the_settings_of_the_shell_and_of_dot_env_and_none_of_this_machine_s_stack(
    dot_env: Path,
) -> None:
    deployed = deployment_environment({"C": "shell", "B": ""}, dot_env)

    assert deployed == {"B": "dot", "C": "shell"}


def test_where_something_is_deployed_to_is_for_the_shell_alone(dot_env: Path) -> None:
    dot_env.write_text("A=dot\nAWS_ENDPOINT_URL=http://localhost:4566\nAWS_ACCESS_KEY_ID=test\nAWS_PROFILE=\n")

    assert deployment_environment({"AWS_PROFILE": "shell"}, dot_env) == {"A": "dot", "AWS_PROFILE": "shell"}
    assert passed_over_in_deployments(dot_env) == ["AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL"]


@pytest.mark.parametrize("beginning", [b"", b"\xef\xbb\xbf"])
def test_dot_env_may_come_from_an_editor_on_windows(dot_env: Path, local_env: Path, beginning: bytes) -> None:
    dot_env.write_bytes(beginning + b'B=dot\r\nC="with space"\r\n# comment\r\nD=\r\n')

    merged = merged_environment({}, dot_env, local_env)

    assert (merged["B"], merged["C"], merged["D"]) == ("dot", "with space", "")


def test_a_dot_env_that_is_no_text_is_reported_in_a_line(dot_env: Path, local_env: Path) -> None:
    dot_env.write_bytes("B=dot".encode("utf-16"))

    with pytest.raises(StackError, match=r"\.env cannot be read as UTF-8 text"):
        merged_environment({}, dot_env, local_env)


@pytest.mark.parametrize("broken", ["API_KEYS secret", "=secret", 'API_KEYS="secret', "API_KEYS='secret' and more"])
@pytest.mark.parametrize("read", [merged_environment, deployment_environment])
def test_a_line_of_dot_env_that_says_nothing_is_an_error_that_names_it_and_shows_no_secret(
    dot_env: Path, read: Callable[..., dict[str, str]], broken: str
) -> None:
    dot_env.write_text(f"# comment\nB=dot\n\n\n{broken}\nC=dot\n")

    with pytest.raises(StackError, match=rf"^{re.escape(str(dot_env))}, line 5: .* A line is NAME=value") as raised:
        read({}, dot_env=dot_env)

    assert "secret" not in str(raised.value)


def test_a_folder_of_that_name_says_nothing(tmp_path: Path, local_env: Path) -> None:
    assert merged_environment({}, tmp_path, local_env)["A"] == "local"


def test_a_quoted_value_keeps_its_hash(local_env: Path, dot_env: Path) -> None:
    assert merged_environment({}, dot_env, local_env)["CHANNEL"] == "#alerts"


@pytest.mark.parametrize(
    ("mode", "localstack", "receiver"),
    [
        ("native", "http://localhost:4600", "http://localhost:9600"),
        ("containers", "http://localstack:4566", "http://receiver:9000"),
    ],
)
def test_addresses_follow_from_the_mode(mode: Mode, localstack: str, receiver: str) -> None:
    environment = service_environment(StackSettings(mode, receiver_port=9600, localstack_port=4600))

    assert environment == {
        "ALLOWED_PRIVATE_TARGETS": receiver.removeprefix("http://"),
        "AWS_ENDPOINT_URL": localstack,
        "AWS_ENDPOINT_URL_SQS": localstack,
        "EXAMPLE_RECEIVER_URL": f"{receiver}/callback",
        "LOG_FORMAT": "json",
        "SLACK_API_URL": f"{receiver}/slack/api/",
    }


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS"])
def test_the_queues_are_always_the_stacks_own(name: str) -> None:
    settings = StackSettings("native", environment={name: "http://elsewhere:1"})

    assert service_environment(settings)[name] == settings.localstack_url


def test_a_proxy_can_stand_between_the_services_and_a_native_localstack() -> None:
    environment = {"LOCALSTACK_URL_FOR_SERVICES": "http://127.0.0.1:4700"}
    native = StackSettings("native", environment=environment)

    assert service_environment(native)["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4700"
    assert native.localstack_url == "http://localhost:4566"


def test_in_containers_the_address_of_localstack_is_nobodys_choice() -> None:
    environment = {"LOCALSTACK_URL_FOR_SERVICES": "http://127.0.0.1:4700"}
    containers = StackSettings("containers", environment=environment)

    assert service_environment(containers)["AWS_ENDPOINT_URL"] == "http://localstack:4566"


def test_the_targets_of_requests_are_the_users_where_he_sets_them() -> None:
    settings = StackSettings("native", environment={"ALLOWED_PRIVATE_TARGETS": "10.0.0.0/8"})

    assert service_environment(settings)["ALLOWED_PRIVATE_TARGETS"] == "10.0.0.0/8"


def test_alerts_can_go_to_a_real_slack() -> None:
    settings = StackSettings("native", environment={"SLACK_API_URL": "https://slack.com/api/"})

    assert service_environment(settings)["SLACK_API_URL"] == "https://slack.com/api/"


@pytest.mark.parametrize("mode", ["native", "containers"])
def test_a_program_on_this_machine_reaches_the_queues_in_either_mode(mode: Mode) -> None:
    settings = StackSettings(mode, localstack_port=4600, environment={"AWS_ENDPOINT_URL": "http://elsewhere:1"})

    assert host_environment(settings) == {
        **service_environment(settings),
        "AWS_ENDPOINT_URL": "http://localhost:4600",
        "AWS_ENDPOINT_URL_SQS": "http://localhost:4600",
        "LOG_FORMAT": "console",
    }


def test_left_empty_the_format_of_the_logs_and_the_example_are_those_of_the_stack() -> None:
    settings = StackSettings("native", environment={"LOG_FORMAT": "", "EXAMPLE_RECEIVER_URL": ""})

    assert service_environment(settings)["LOG_FORMAT"] == "json"
    assert service_environment(settings)["EXAMPLE_RECEIVER_URL"] == settings.callback_url
    assert host_environment(settings)["LOG_FORMAT"] == "console"


def test_the_services_log_in_the_format_that_is_set() -> None:
    settings = StackSettings("native", environment={"LOG_FORMAT": "console"})

    assert service_environment(settings)["LOG_FORMAT"] == "console"
