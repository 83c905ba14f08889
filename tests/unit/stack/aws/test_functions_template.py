"""What the template of the functions says: which functions there are, what triggers them, and what each may do."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.api.settings import ApiFunctionSettings
from services.dlq_watcher.settings import WatcherFunctionSettings
from services.queues import define_queues
from services.runtime.settings import FunctionSettings
from services.settings import Settings
from services.task_types.loading import load_task_types
from services.tasks.calculation import TASK_TYPE as CALCULATION
from services.worker.settings import WorkerFunctionSettings
from stack.aws.functions_template import functions_template, render_functions
from stack.aws.generated_files import FUNCTIONS_TEMPLATE
from stack.commands.generate import stale_files
from stack.errors import StackError

TASK_TYPES = load_task_types(["services.tasks"])

SETTINGS_CLASSES: Mapping[str, type[Settings]] = {
    "services.api.aws_lambda.handler": ApiFunctionSettings,
    "services.worker.aws_lambda.handler": WorkerFunctionSettings,
    "services.dlq_watcher.aws_lambda.handler": WatcherFunctionSettings,
}
"""What the handlers read when they start."""


def resources(**settings: str) -> dict[str, Any]:
    return dict(functions_template(TASK_TYPES, settings)["Resources"])


def of_type(kind: str, **settings: str) -> dict[str, dict[str, Any]]:
    return {name: each["Properties"] for name, each in resources(**settings).items() if each["Type"] == kind}


def functions(**settings: str) -> dict[str, dict[str, Any]]:
    """The functions' properties, by how they are called behind the name of the stack."""
    found = of_type("AWS::Serverless::Function", **settings).values()
    return {each["FunctionName"]["Fn::Sub"].removeprefix("${AWS::StackName}-"): each for each in found}


def triggers(function: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The event sources by the logical ids of their queues."""
    events = [event["Properties"] for event in function.get("Events", {}).values()]
    return {event["Queue"]["Fn::GetAtt"][0]: event for event in events}


def variables(function: Mapping[str, Any]) -> dict[str, Any]:
    return dict(function["Environment"]["Variables"])


def test_a_function_does_the_work_of_each_queue_and_two_watch() -> None:
    assert {name: (each["Handler"], list(triggers(each))) for name, each in functions().items()} == {
        "api": ("services.api.aws_lambda.handler", []),
        "worker-calculation": ("services.worker.aws_lambda.handler", ["CalculationQueue"]),
        "worker-data": ("services.worker.aws_lambda.handler", ["DataQueue"]),
        "worker-callbacks": ("services.worker.aws_lambda.handler", ["CallbacksQueue"]),
        "dlq-watcher": (
            "services.dlq_watcher.aws_lambda.handler",
            ["CalculationDlqQueue", "DataDlqQueue", "CallbacksDlqQueue"],
        ),
        "alerts": ("services.dlq_watcher.aws_lambda.handler", ["AlertsQueue"]),
    }


def test_what_a_function_failed_at_comes_again_and_what_does_not_match_is_not_deleted() -> None:
    for function in functions().values():
        for event in triggers(function).values():
            assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
            assert "FilterCriteria" not in event


def test_a_function_whose_messages_must_not_be_repeated_takes_them_one_by_one() -> None:
    sizes = {name: event["BatchSize"] for each in functions().values() for name, event in triggers(each).items()}

    assert TASK_TYPES["data"].max_attempts == 1
    assert sizes == {
        "CalculationQueue": 10,
        "DataQueue": 1,
        "CallbacksQueue": 10,
        "CalculationDlqQueue": 10,
        "DataDlqQueue": 10,
        "CallbacksDlqQueue": 10,
        "AlertsQueue": 100,
    }


def test_how_many_batches_are_worked_at_a_time_is_for_a_parameter_and_alerts_come_two_at_a_time_at_the_most() -> None:
    concurrency = {
        name: event["ScalingConfig"]["MaximumConcurrency"]
        for each in functions().values()
        for name, event in triggers(each).items()
    }

    assert concurrency.pop("AlertsQueue") == 2
    assert {str(each) for each in concurrency.values()} == {"{'Ref': 'MaximumConcurrency'}"}
    assert functions_template(TASK_TYPES, {})["Parameters"]["MaximumConcurrency"]["MinValue"] == 2


@pytest.mark.parametrize(
    ("alert_window_seconds", "window", "batch_size"),
    [("0.5", 0, 10), ("1", 1, 100), ("7.2", 8, 100), ("60", 60, 100), ("3600", 300, 100)],
)
def test_alerts_are_gathered_as_long_as_a_user_wants_and_lambda_allows(
    alert_window_seconds: str, window: int, batch_size: int
) -> None:
    settings = {"ALERT_WINDOW_SECONDS": alert_window_seconds}
    event = triggers(functions(**settings)["alerts"])["AlertsQueue"]

    assert (event["MaximumBatchingWindowInSeconds"], event["BatchSize"]) == (window, batch_size)
    # What is gathered is hidden from then on: it has to be until the function is done.
    hidden = of_type("AWS::SQS::Queue", **settings)["AlertsQueue"]["VisibilityTimeout"]
    assert hidden == define_queues(TASK_TYPES)["alerts"].visibility_timeout_seconds + window


def test_each_function_has_the_time_that_its_queues_are_made_for() -> None:
    queues = of_type("AWS::SQS::Queue")
    for name, function in functions().items():
        for queue, event in triggers(function).items():
            own = variables(function)
            assert own["FUNCTION_TIMEOUT_SECONDS"] == str(function["Timeout"]), name
            window = event["MaximumBatchingWindowInSeconds"]
            assert own["VISIBILITY_TIMEOUT_SECONDS"] == str(queues[queue]["VisibilityTimeout"] - window), name


def test_a_request_has_room_besides_its_wait_for_sqs() -> None:
    assert functions()["api"]["Timeout"] == 25
    assert functions(ENQUEUE_TIMEOUT_SECONDS="7.5")["api"]["Timeout"] == 28


def test_a_callback_that_may_take_longer_gives_more_time_to_whoever_delivers() -> None:
    timeouts = {name: each["Timeout"] for name, each in functions(CALLBACK_TIMEOUT_SECONDS="100").items()}

    assert timeouts == {
        "api": 25,
        "worker-calculation": 630,
        "worker-data": 630,
        "worker-callbacks": 120,
        "dlq-watcher": 330,
        "alerts": 330,
    }


@pytest.mark.parametrize(("task_timeout", "timeout"), [("600", 660), ("300", 360), ("30", 90)])
def test_functions_and_queues_have_the_time_that_an_attempt_may_take_and_a_killed_one_is_not_hidden_for_longer(
    task_timeout: str, timeout: int
) -> None:
    settings = {"TASK_TIMEOUT_SECONDS": task_timeout}

    assert functions(**settings)["worker-calculation"]["Timeout"] == timeout
    assert of_type("AWS::SQS::Queue", **settings)["CalculationQueue"]["VisibilityTimeout"] == 6 * timeout


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"ENQUEUE_TIMEOUT_SECONDS": "1000"}, r"^ENQUEUE_TIMEOUT_SECONDS \(1000\) may be 880 at the most"),
        (
            {"TASK_TIMEOUT_SECONDS": "900"},
            r"^Lambda ends a function after 900 seconds, and 954 are needed: an attempt may take 948.44 seconds \(TASK",
        ),
        (
            {"TASK_DELAY_SECONDS": "700"},
            r"\(TASK_TIMEOUT_SECONDS 300, TASK_DELAY_SECONDS 700, and CALLBACK_TIMEOUT_SEC",
        ),
        (
            {"CALLBACK_TIMEOUT_SECONDS": "400"},
            "^Lambda ends a function .* Lower that, or run the services in containers",
        ),
        ({"DATA_CONCURRENCY": "none"}, "^The function worker-data could not start: DATA_CONCURRENCY: "),
        ({"LOG_LEVEL": "LOUD"}, "^LOG_LEVEL: "),
    ],
)
def test_with_settings_by_which_a_function_could_not_start_there_is_no_template(
    settings: Mapping[str, str], line: str
) -> None:
    with pytest.raises(StackError, match=line):
        render_functions(TASK_TYPES, settings)


@pytest.mark.parametrize("name", functions())
def test_each_function_starts_with_the_variables_that_it_is_given(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # In a folder without `.env`.
    monkeypatch.chdir(tmp_path)
    function = functions()[name]
    common = functions_template(TASK_TYPES, {})["Globals"]["Function"]["Environment"]["Variables"]
    for variable, value in {**common, **variables(function), "API_KEYS": "k" * 16}.items():
        monkeypatch.setenv(variable, value if isinstance(value, str) else "")

    settings = SETTINGS_CLASSES[function["Handler"]]()

    assert settings.log_format == "json"
    if isinstance(settings, FunctionSettings):
        assert settings.function_timeout_seconds == function["Timeout"]
        # It is not set: its default has to do.
        assert settings.heartbeat_seconds < settings.visibility_timeout_seconds


USER_SETTINGS = {
    "ALLOWED_PRIVATE_TARGETS": "10.0.0.0/8",
    "CALLBACK_TIMEOUT_SECONDS": "12",
    "DATA_CONCURRENCY": "5",
    "ENQUEUE_MAX_PENDING": "7",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector.example.com",
    "SLACK_CHANNEL": "#tasks",
    "TASK_TIMEOUT_SECONDS": "200",
}


def test_what_a_user_has_set_is_given_to_the_functions_that_read_it() -> None:
    given = {
        name: {key: value for key, value in variables(each).items() if key in USER_SETTINGS}
        for name, each in functions(**USER_SETTINGS).items()
    }

    everywhere = {"ALLOWED_PRIVATE_TARGETS", "OTEL_EXPORTER_OTLP_ENDPOINT"}
    worker = everywhere | {"CALLBACK_TIMEOUT_SECONDS", "TASK_TIMEOUT_SECONDS"}
    watcher = everywhere | {"CALLBACK_TIMEOUT_SECONDS", "SLACK_CHANNEL"}
    assert {name: set(each) for name, each in given.items()} == {
        "api": everywhere | {"ENQUEUE_MAX_PENDING"},
        "worker-calculation": worker,
        "worker-data": worker | {"DATA_CONCURRENCY"},
        "worker-callbacks": worker,
        "dlq-watcher": watcher,
        "alerts": watcher,
    }
    assert all(value == USER_SETTINGS[key] for each in given.values() for key, value in each.items())


def test_how_much_is_logged_is_for_the_user() -> None:
    common = functions_template(TASK_TYPES, {"LOG_LEVEL": "DEBUG"})["Globals"]["Function"]["Environment"]["Variables"]

    assert common["LOG_LEVEL"] == "DEBUG"


def test_what_aws_decides_and_what_is_of_another_stack_is_given_to_no_function() -> None:
    foreign = {
        "API_HOST": "0.0.0.0",  # noqa: S104  # as the containers have it
        "AWS_ENDPOINT_URL": "http://localhost:4566",
        "AWS_SECRET_ACCESS_KEY": "of-somebody",
        "CONSOLE_SERVICES": "api=http://api:8081",
        "DRAIN_TIMEOUT_SECONDS": "6",
        "HEALTH_PORT": "8082",
        "HEARTBEAT_SECONDS": "10",
        "LOG_FORMAT": "console",
        "METRICS_ENABLED": "true",
        "MODE": "native",
        "QUEUE_NAME_PREFIX": "mine-",
        "SQS_WAIT_TIME_SECONDS": "4",
        "VISIBILITY_TIMEOUT_SECONDS": "30",
        "WORKER_QUEUE": "another",
        # Empty is unset.
        "SLACK_CHANNEL": "",
    }

    assert render_functions(TASK_TYPES, foreign) == render_functions(TASK_TYPES, {})


def test_nothing_of_the_shell_in_which_it_is_generated_gets_into_the_template(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    expected = render_functions(TASK_TYPES, {})
    (tmp_path / ".env").write_text("ALERT_WINDOW_SECONDS=7\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("ENQUEUE_TIMEOUT_SECONDS", "7")

    assert render_functions(TASK_TYPES, {}) == expected


SECRETS = {
    "API_KEYS": "a-key-of-a-client-which-is-secret",
    "CALLBACK_SIGNING_SECRET": "whsec_b2YgYSBzZXJ2aWNlLCBhbmQgc2VjcmV0IHRvbw==",
    "SLACK_BOT_TOKEN": "xoxb-of-a-bot",
}


def test_a_secret_is_never_in_the_template() -> None:
    text = render_functions(TASK_TYPES, {**SECRETS, "SLACK_CHANNEL": "#tasks"})

    assert not [value for value in SECRETS.values() if value in text]


def test_each_function_has_the_secrets_that_it_uses_from_where_a_parameter_says() -> None:
    given = {
        name: {key: value for key, value in variables(each).items() if key in SECRETS}
        for name, each in functions().items()
    }

    assert {name: set(each) for name, each in given.items()} == {
        "api": {"API_KEYS"},
        "worker-calculation": {"CALLBACK_SIGNING_SECRET"},
        "worker-data": {"CALLBACK_SIGNING_SECRET"},
        "worker-callbacks": {"CALLBACK_SIGNING_SECRET"},
        "dlq-watcher": {"CALLBACK_SIGNING_SECRET", "SLACK_BOT_TOKEN"},
        "alerts": {"SLACK_BOT_TOKEN"},
    }
    assert given["api"]["API_KEYS"] == {
        "Fn::If": [
            "HasApiKeys",
            {"Fn::Sub": "{{resolve:secretsmanager:${SettingsSecretArn}:SecretString:${ApiKeys}}}"},
            {"Ref": "AWS::NoValue"},
        ]
    }


@pytest.mark.parametrize("settings_class", list(dict.fromkeys(SETTINGS_CLASSES.values())))
def test_a_secret_that_is_empty_is_unset(settings_class: type[Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.setenv(name, "")
    # Where the queues are not AWS's, a function of the API needs no keys.
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:4566")
    monkeypatch.setenv("FUNCTION_TIMEOUT_SECONDS", "360")
    monkeypatch.setenv("VISIBILITY_TIMEOUT_SECONDS", "2160")
    monkeypatch.setenv("WORKER_QUEUE", "calculation")

    settings = settings_class(_env_file=None)

    read = {name.lower() for name in SECRETS} & set(type(settings).model_fields)
    assert read
    assert all(getattr(settings, name) is None for name in read)


LOOK = {"GetQueueAttributes", "GetQueueUrl"}
SEND = {"SendMessage", "GetQueueUrl"}
RECEIVE = LOOK | {"ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility"}

DLQS = ("CalculationDlqQueue", "DataDlqQueue", "CallbacksDlqQueue")

# To the queue that triggers it a function sends too, as it gives back what it has not begun by sending it anew.
ALLOWED: dict[str, dict[str, set[str]]] = {
    "api": {
        "CalculationQueue": LOOK | SEND,
        "CalculationDlqQueue": LOOK,
        "DataQueue": LOOK | SEND,
        "DataDlqQueue": LOOK,
    },
    "worker-calculation": {
        "CalculationQueue": RECEIVE | SEND,
        "CalculationDlqQueue": LOOK | SEND,
        "CallbacksQueue": LOOK | SEND,
        "CallbacksDlqQueue": LOOK | SEND,
    },
    "worker-data": {
        "DataQueue": RECEIVE | SEND,
        "DataDlqQueue": LOOK | SEND,
        "CallbacksQueue": LOOK | SEND,
        "CallbacksDlqQueue": LOOK | SEND,
    },
    "worker-callbacks": {"CallbacksQueue": RECEIVE | SEND, "CallbacksDlqQueue": LOOK | SEND},
    "dlq-watcher": {
        **dict.fromkeys(DLQS, RECEIVE | SEND),
        "CallbacksQueue": LOOK | SEND,
        "AlertsQueue": LOOK | SEND,
        "UndeliveredQueue": LOOK | SEND,
    },
    # It is the same program as the watcher, which compares all of its queues with how they are declared.
    "alerts": {
        **dict.fromkeys((*DLQS, "CallbacksQueue"), LOOK),
        "AlertsQueue": RECEIVE | SEND,
        "UndeliveredQueue": LOOK | SEND,
    },
}
"""What each function may do, on which queue."""


def statements(function: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each action that the function's role allows, and the logical id of what it allows it on."""
    role = resources()[function["Role"]["Fn::GetAtt"][0]]["Properties"]
    assert "ManagedPolicyArns" not in role
    for policy in role["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            for action in statement["Action"]:
                for resource in statement["Resource"]:
                    yield action, resource["Fn::GetAtt"][0]


@pytest.mark.parametrize("name", ALLOWED)
def test_a_function_may_do_what_its_code_does_and_no_more(name: str) -> None:
    function = functions()[name]
    on_queues: dict[str, set[str]] = defaultdict(set)
    others = set()
    for action, target in statements(function):
        service, _, operation = action.partition(":")
        if service == "sqs":
            on_queues[target].add(operation)
        else:
            others.add((action, target))

    assert on_queues == ALLOWED[name]
    log_group = function["LoggingConfig"]["LogGroup"]["Ref"]
    assert others == {("logs:CreateLogStream", log_group), ("logs:PutLogEvents", log_group)}


def test_each_function_has_a_log_of_its_own_that_is_kept_for_as_long_as_a_parameter_says() -> None:
    groups = of_type("AWS::Logs::LogGroup")

    assert {name: groups[each["LoggingConfig"]["LogGroup"]["Ref"]] for name, each in functions().items()} == {
        name: {
            "LogGroupName": {"Fn::Sub": f"/aws/lambda/${{AWS::StackName}}-{name}"},
            "RetentionInDays": {"Ref": "LogRetentionDays"},
        }
        for name in functions()
    }


def test_task_types_that_cloudformation_could_not_tell_apart_are_refused() -> None:
    alike = {name: replace(CALCULATION, name=name, route=f"/{name}") for name in ("word-1", "word1")}

    with pytest.raises(StackError, match="differ by hyphens alone"):
        render_functions(alike, {})


def test_the_file_says_that_it_is_generated_and_how_it_is_deployed() -> None:
    text = render_functions(TASK_TYPES, {})
    comment = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))

    assert "Generated from the code" in comment
    assert "`make deploy TARGET=lambda STACK=name`" in comment
    assert text.startswith(comment)
    assert yaml.safe_load(text) == functions_template(TASK_TYPES, {})


def test_the_file_that_is_committed_follows_from_the_code() -> None:
    assert FUNCTIONS_TEMPLATE not in stale_files()
