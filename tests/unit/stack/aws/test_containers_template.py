"""aws/containers.yaml: who may do what, how tasks are run, stopped and scaled."""

from typing import Any, get_args

import pytest
from pydantic import SecretStr

from services.api.__main__ import KEEP_ALIVE_SECONDS
from services.api.settings import ApiSettings
from services.dlq_watcher.settings import WatcherSettings
from services.settings import Settings
from services.task_types.loading import load_task_types
from services.worker.settings import WorkerSettings
from stack.aws.containers_template import containers_template, render_containers
from stack.errors import StackError

TASK_TYPES = load_task_types(["services.tasks"])


def template_with(**environment: str) -> dict[str, Any]:
    return containers_template(TASK_TYPES, environment)


TEMPLATE = template_with()
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
SERVICES = ["Api", "WorkerCalculation", "WorkerData", "WorkerCallbacks", "DlqWatcher"]
WORKERS = {"calculation": "WorkerCalculation", "data": "WorkerData", "callbacks": "WorkerCallbacks"}


def properties(name: str) -> dict[str, Any]:
    found: dict[str, Any] = RESOURCES[name]["Properties"]
    return found


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    return {name: each["Properties"] for name, each in RESOURCES.items() if each["Type"] == kind}


def container(service: str, resources: dict[str, Any] = RESOURCES) -> dict[str, Any]:
    (found,) = resources[f"{service}TaskDefinition"]["Properties"]["ContainerDefinitions"]
    return dict(found)


def environment_of(service: str, resources: dict[str, Any] = RESOURCES) -> dict[str, Any]:
    return {each["Name"]: each["Value"] for each in container(service, resources)["Environment"]}


# --- who may do what -----------------------------------------------------------------------------------------

FIND = {"GetQueueUrl"}
LOOK = FIND | {"GetQueueAttributes"}
SEND = FIND | {"SendMessage"}
CONSUME = LOOK | {"ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility"}

MAY = {
    "Api": {"calculation": LOOK | SEND, "calculation-dlq": LOOK, "data": LOOK | SEND, "data-dlq": LOOK},
    "WorkerCalculation": {
        "calculation": CONSUME,
        "calculation-dlq": LOOK | SEND,
        "callbacks": LOOK | SEND,
        "callbacks-dlq": LOOK | SEND,
    },
    "WorkerData": {"data": CONSUME, "data-dlq": LOOK | SEND, "callbacks": LOOK | SEND, "callbacks-dlq": LOOK | SEND},
    "WorkerCallbacks": {"callbacks": CONSUME, "callbacks-dlq": LOOK | SEND},
    "DlqWatcher": {
        "calculation": LOOK,
        "calculation-dlq": CONSUME,
        "data": LOOK,
        "data-dlq": CONSUME,
        "callbacks": LOOK | SEND,
        "callbacks-dlq": CONSUME | SEND,
        "alerts": CONSUME | SEND,
        "undelivered": LOOK | SEND,
    },
}


def allowed_on_queues(service: str) -> dict[str, set[str]]:
    """The actions that a task role allows, by the queue; anything that is no queue of the stack fails."""
    (policy,) = properties(f"{service}TaskRole")["Policies"]
    allowed: dict[str, set[str]] = {}
    for statement in policy["PolicyDocument"]["Statement"]:
        assert statement.keys() == {"Effect", "Action", "Resource"}
        assert statement["Effect"] == "Allow"
        for resource in statement["Resource"]:
            queue, attribute = resource["Fn::GetAtt"]
            assert (RESOURCES[queue]["Type"], attribute) == ("AWS::SQS::Queue", "Arn")
            name = properties(queue)["QueueName"]["Fn::Sub"].removeprefix("${QueueNamePrefix}")
            allowed.setdefault(name, set()).update(action.removeprefix("sqs:") for action in statement["Action"])
    return allowed


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_may_do_on_queues_what_it_does_and_no_more(service: str) -> None:
    assert allowed_on_queues(service) == MAY[service]


@pytest.mark.parametrize("service", SERVICES)
def test_a_task_has_no_role_but_its_own(service: str) -> None:
    role = properties(f"{service}TaskDefinition")["TaskRoleArn"]
    assert role == {"Fn::GetAtt": [f"{service}TaskRole", "Arn"]}
    assert properties(f"{service}TaskRole").keys() == {"AssumeRolePolicyDocument", "Policies"}


def test_only_tasks_of_this_account_may_have_a_role() -> None:
    roles = of_type("AWS::IAM::Role")
    assert set(roles) == {"ExecutionRole", *(f"{service}TaskRole" for service in SERVICES)}
    for role in roles.values():
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
        assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_what_starts_tasks_may_read_the_one_secret_write_to_their_logs_and_pull_images_of_the_account() -> None:
    (policy,) = properties("ExecutionRole")["Policies"]
    statements = policy["PolicyDocument"]["Statement"]
    (of_secret,) = (each["Fn::If"] for each in statements if "Fn::If" in each)
    assert (of_secret[0], of_secret[2]) == ("HasSettingsSecretArn", {"Ref": "AWS::NoValue"})
    allowed = {
        action: statement["Resource"]
        for statement in (*(each for each in statements if "Fn::If" not in each), of_secret[1])
        for action in statement["Action"]
    }

    images = {"Fn::Sub": "arn:${AWS::Partition}:ecr:*:${AWS::AccountId}:repository/*"}
    logs = [{"Fn::GetAtt": [f"{service}LogGroup", "Arn"]} for service in SERVICES]
    assert allowed == {
        "ecr:GetAuthorizationToken": "*",  # it takes no other: https://docs.aws.amazon.com/service-authorization/
        "ecr:BatchCheckLayerAvailability": images,
        "ecr:BatchGetImage": images,
        "ecr:GetDownloadUrlForLayer": images,
        "secretsmanager:GetSecretValue": {"Ref": "SettingsSecretArn"},
        "logs:CreateLogStream": logs,
        "logs:PutLogEvents": logs,
    }


# --- settings and secrets ------------------------------------------------------------------------------------


def holds_secret(annotation: Any) -> bool:
    return annotation is SecretStr or any(holds_secret(each) for each in get_args(annotation))


def secrets_read_by(settings: type[Settings]) -> list[str]:
    return sorted(name.upper() for name, field in settings.model_fields.items() if holds_secret(field.annotation))


READS: dict[str, type[Settings]] = {
    "Api": ApiSettings,
    "DlqWatcher": WatcherSettings,
    **dict.fromkeys(WORKERS.values(), WorkerSettings),
}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_the_secrets_that_it_reads_and_no_other(service: str) -> None:
    names = secrets_read_by(READS[service])
    assert names
    where_set = [each["Fn::If"] for each in container(service)["Secrets"]]
    assert [secret["Name"] for _, secret, _ in where_set] == names
    assert all(otherwise == {"Ref": "AWS::NoValue"} for _, _, otherwise in where_set)


def test_a_secret_is_that_of_the_parameters_where_it_is_set() -> None:
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
    value = {"Fn::Sub": "${SettingsSecretArn}:${SlackBotToken}"}
    assert container("DlqWatcher")["Secrets"][-1] == {
        "Fn::If": ["HasSlackBotToken", {"Name": "SLACK_BOT_TOKEN", "ValueFrom": value}, {"Ref": "AWS::NoValue"}]
    }


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_told_where_it_runs(service: str) -> None:
    settings = environment_of(service)
    assert settings["AWS_DEFAULT_REGION"] == {"Ref": "AWS::Region"}
    assert settings["QUEUE_NAME_PREFIX"] == {"Ref": "QueueNamePrefix"}
    assert settings["LOG_FORMAT"] == "json"


def test_without_settings_of_a_user_no_service_is_told_more() -> None:
    common = {"AWS_DEFAULT_REGION", "QUEUE_NAME_PREFIX", "LOG_FORMAT", "HEALTH_HOST", "HEALTH_PORT"}
    assert {service: set(environment_of(service)) - common for service in SERVICES} == {
        service: {"API_HOST", "API_PORT"} if service == "Api" else set() for service in SERVICES
    }


def test_what_a_user_has_set_is_given_to_the_programs_that_read_it() -> None:
    mine = {
        "CALLBACK_TIMEOUT_SECONDS": "12",
        "DATA_CONCURRENCY": "5",
        "DRAIN_TIMEOUT_SECONDS": "7",
        "ENQUEUE_MAX_PENDING": "7",
        "LOG_LEVEL": "DEBUG",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector.example.com",
        "SLACK_CHANNEL": "#tasks",
        "TASK_TIMEOUT_SECONDS": "120",
    }
    resources = template_with(**mine)["Resources"]
    given = {
        service: {key: value for key, value in environment_of(service, resources).items() if key in mine}
        for service in SERVICES
    }

    everywhere = {"LOG_LEVEL", "OTEL_EXPORTER_OTLP_ENDPOINT"}
    consumer = everywhere | {"CALLBACK_TIMEOUT_SECONDS", "DRAIN_TIMEOUT_SECONDS"}
    worker = consumer | {"TASK_TIMEOUT_SECONDS"}
    assert {service: set(each) for service, each in given.items()} == {
        "Api": everywhere | {"ENQUEUE_MAX_PENDING"},
        "WorkerCalculation": worker,
        "WorkerData": worker | {"DATA_CONCURRENCY"},
        "WorkerCallbacks": worker,
        "DlqWatcher": consumer | {"SLACK_CHANNEL"},
    }
    assert all(mine.items() >= each.items() for each in given.values())


def test_what_the_place_decides_and_what_is_of_this_machine_is_given_to_no_program() -> None:
    foreign = {
        "API_PORT": "8001",
        "AWS_ENDPOINT_URL": "http://localhost:4566",
        "AWS_PROFILE": "mine",
        "CONSOLE_SERVICES": "api=http://api:8081",
        "HEALTH_PORT": "8082",
        "HOME": "/home/somebody",
        "LOG_FORMAT": "console",
        "PATH": "/usr/bin",
        "QUEUE_NAME_PREFIX": "mine-",
        # Empty is unset.
        "SLACK_CHANNEL": "",
    }
    assert template_with(**foreign) == TEMPLATE


def test_with_settings_by_which_a_program_could_not_start_there_is_no_template() -> None:
    with pytest.raises(StackError, match=r"^The program worker-data could not start: DATA_CONCURRENCY: "):
        template_with(DATA_CONCURRENCY="none")


SECRETS_OF_A_USER = {
    "API_KEYS": "k1-secret",
    "CALLBACK_SIGNING_SECRET": "k2-secret",
    "SLACK_BOT_TOKEN": "k3-secret",
    "AWS_ACCESS_KEY_ID": "k4-secret",
    "AWS_SECRET_ACCESS_KEY": "k5-secret",
    "AWS_SESSION_TOKEN": "k6-secret",
}


def test_a_secret_of_a_user_stands_nowhere_in_the_template() -> None:
    assert "-secret" not in render_containers(TASK_TYPES, SECRETS_OF_A_USER)


# --- how tasks are run and stopped ---------------------------------------------------------------------------


def test_every_program_of_the_stack_runs_but_the_console_and_the_receiver() -> None:
    assert set(of_type("AWS::ECS::Service")) == {f"{service}Service" for service in SERVICES}
    assert {service: container(service)["Command"] for service in SERVICES} == {
        "Api": ["python", "-m", "services.api"],
        **{worker: ["python", "-m", "services.worker", queue] for queue, worker in WORKERS.items()},
        "DlqWatcher": ["python", "-m", "services.dlq_watcher"],
    }


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_is_hardened(service: str) -> None:
    found = container(service)
    assert found["User"] == "10001:10001"
    assert found["ReadonlyRootFilesystem"] is True
    assert found["LinuxParameters"] == {"InitProcessEnabled": True, "Capabilities": {"Drop": ["ALL"]}}


@pytest.mark.parametrize("service", SERVICES)
def test_a_deployment_that_fails_goes_back_to_what_ran(service: str) -> None:
    breaker = properties(f"{service}Service")["DeploymentConfiguration"]["DeploymentCircuitBreaker"]
    assert breaker == {"Enable": True, "Rollback": True}


def test_there_is_never_a_second_dlq_watcher() -> None:
    service = properties("DlqWatcherService")
    assert service["DesiredCount"] == 1
    assert service["DeploymentConfiguration"]["MaximumPercent"] == 100
    assert service["AvailabilityZoneRebalancing"] == "DISABLED"


def test_an_update_does_not_undo_what_the_scaling_has_decided() -> None:
    scaled = [name for name, service in of_type("AWS::ECS::Service").items() if "DesiredCount" not in service]
    assert scaled == [f"{service}Service" for service in SERVICES if service != "DlqWatcher"]


def stopped_too_soon(template: dict[str, Any], needed_seconds: int, given_seconds: int = 120) -> list[str]:
    """The containers that are killed before they have stopped, or that Fargate does not take (cfn-lint does)."""
    return [
        each["Name"]
        for resource in template["Resources"].values()
        for each in resource["Properties"].get("ContainerDefinitions", [])
        if not needed_seconds <= each["StopTimeout"] <= given_seconds
    ]


def test_a_task_may_take_longer_to_stop_than_its_drain() -> None:
    template = template_with(DRAIN_TIMEOUT_SECONDS="60", SQS_WAIT_TIME_SECONDS="10", ENQUEUE_TIMEOUT_SECONDS="40")
    assert stopped_too_soon(template, needed_seconds=70 + 10) == []


@pytest.mark.parametrize("seconds", [79, 121])
def test_that_is_noticed_where_it_is_not_so(seconds: int) -> None:
    template = template_with(DRAIN_TIMEOUT_SECONDS="60", SQS_WAIT_TIME_SECONDS="10", ENQUEUE_TIMEOUT_SECONDS="40")
    (found,) = template["Resources"]["WorkerDataTaskDefinition"]["Properties"]["ContainerDefinitions"]
    found["StopTimeout"] = seconds
    assert stopped_too_soon(template, needed_seconds=70 + 10) == ["worker-data"]


def test_a_drain_that_fargate_does_not_wait_for_is_refused() -> None:
    with pytest.raises(StackError, match="the drain may take 80 seconds"):
        template_with(DRAIN_TIMEOUT_SECONDS="81")


# --- who reaches whom ----------------------------------------------------------------------------------------


def test_only_the_load_balancer_reaches_the_api_and_nobody_a_worker() -> None:
    (rule,) = properties("ApiSecurityGroup")["SecurityGroupIngress"]
    assert rule == {
        "IpProtocol": "tcp",
        "FromPort": 8000,
        "ToPort": 8000,
        "SourceSecurityGroupId": {"Fn::GetAtt": ["LoadBalancerSecurityGroup", "GroupId"]},
    }
    assert "SecurityGroupIngress" not in properties("WorkerSecurityGroup")
    groups = {
        service: properties(f"{service}Service")["NetworkConfiguration"]["AwsvpcConfiguration"]["SecurityGroups"]
        for service in SERVICES
    }
    assert groups == {
        service: [{"Ref": "ApiSecurityGroup" if service == "Api" else "WorkerSecurityGroup"}] for service in SERVICES
    }
    assert of_type("AWS::EC2::SecurityGroupIngress") == {}


def resolved(value: Any, *, has_certificate: bool) -> Any:
    """What CloudFormation makes of a value that depends on whether there is a certificate."""
    if isinstance(value, list):
        return [
            each
            for each in (resolved(part, has_certificate=has_certificate) for part in value)
            if each != {"Ref": "AWS::NoValue"}
        ]
    if not isinstance(value, dict):
        return value
    if "Fn::If" in value:
        _condition, then, otherwise = value["Fn::If"]
        return resolved(then if has_certificate else otherwise, has_certificate=has_certificate)
    parts = {key: resolved(part, has_certificate=has_certificate) for key, part in value.items()}
    return {key: part for key, part in parts.items() if part != {"Ref": "AWS::NoValue"}}


def ports_from_anywhere(*, has_certificate: bool) -> list[int]:
    rules = resolved(properties("LoadBalancerSecurityGroup")["SecurityGroupIngress"], has_certificate=has_certificate)
    assert all(rule["CidrIp"] == "0.0.0.0/0" and rule["FromPort"] == rule["ToPort"] for rule in rules)
    return [rule["FromPort"] for rule in rules]


def test_with_a_certificate_the_api_speaks_https_and_http_is_redirected_to_it() -> None:
    listener = resolved(properties("ApiListener"), has_certificate=True)
    assert (listener["Port"], listener["Protocol"]) == (443, "HTTPS")
    assert listener["Certificates"] == [{"CertificateArn": {"Ref": "CertificateArn"}}]
    (redirect,) = properties("RedirectListener")["DefaultActions"]
    assert redirect["RedirectConfig"] == {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}
    assert properties("RedirectListener")["Port"] == 80
    assert ports_from_anywhere(has_certificate=True) == [80, 443]
    assert resolved(TEMPLATE["Outputs"]["ApiUrl"], has_certificate=True)["Value"] == {
        "Fn::Sub": "https://${LoadBalancer.DNSName}"
    }


def test_without_a_certificate_it_speaks_http_and_nothing_is_redirected() -> None:
    listener = resolved(properties("ApiListener"), has_certificate=False)
    assert (listener["Port"], listener["Protocol"]) == (80, "HTTP")
    assert not {"Certificates", "SslPolicy"} & listener.keys()
    assert RESOURCES["RedirectListener"]["Condition"] == "HasCertificate"
    assert ports_from_anywhere(has_certificate=False) == [80]
    assert resolved(TEMPLATE["Outputs"]["ApiUrl"], has_certificate=False)["Value"] == {
        "Fn::Sub": "http://${LoadBalancer.DNSName}"
    }


def test_the_load_balancer_closes_an_idle_connection_before_the_api_does() -> None:
    # Else it sends a request to one that is being closed, and answers 502.
    attributes = {each["Key"]: each["Value"] for each in properties("LoadBalancer")["LoadBalancerAttributes"]}
    assert int(attributes["idle_timeout.timeout_seconds"]) < KEEP_ALIVE_SECONDS


def test_the_load_balancer_asks_the_api_where_it_listens_whether_it_lives() -> None:
    target = properties("ApiTargetGroup")
    assert target["HealthCheckPath"] == "/healthcheck"
    assert environment_of("Api")["API_HOST"] == "0.0.0.0"  # noqa: S104  # of the container
    assert str(target["Port"]) == environment_of("Api")["API_PORT"]
    (attached,) = properties("ApiService")["LoadBalancers"]
    (mapping,) = container("Api")["PortMappings"]
    assert target["Port"] == attached["ContainerPort"] == mapping["ContainerPort"]


def test_a_container_asks_itself_where_it_says_how_it_does() -> None:
    for service in SERVICES:
        settings = environment_of(service)
        (program,) = (part for part in container(service)["HealthCheck"]["Command"] if "urlopen" in part)
        assert f"http://{settings['HEALTH_HOST']}:{settings['HEALTH_PORT']}/healthcheck" in program


# --- how many there are --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("queue", "worker"), WORKERS.items())
def test_a_worker_is_scaled_by_the_messages_that_wait_for_each_of_its_tasks(queue: str, worker: str) -> None:
    policy = properties(f"{worker}ServiceBacklogPolicy")["TargetTrackingScalingPolicyConfiguration"]
    visible, running, backlog = policy["CustomizedMetricSpecification"]["Metrics"]

    assert visible["MetricStat"]["Metric"] == {
        "Namespace": "AWS/SQS",
        "MetricName": "ApproximateNumberOfMessagesVisible",
        "Dimensions": [{"Name": "QueueName", "Value": {"Fn::Sub": f"${{QueueNamePrefix}}{queue}"}}],
    }
    assert running["MetricStat"]["Metric"] == {
        "Namespace": "ECS/ContainerInsights",
        "MetricName": "RunningTaskCount",
        "Dimensions": [
            {"Name": "ClusterName", "Value": {"Ref": "Cluster"}},
            {"Name": "ServiceName", "Value": {"Fn::GetAtt": [f"{worker}Service", "Name"]}},
        ],
    }
    assert backlog == {"Id": "backlog", "Expression": f"{visible['Id']} / {running['Id']}", "ReturnData": True}
    assert [visible["ReturnData"], running["ReturnData"]] == [False, False]
    assert policy["TargetValue"] == {"Ref": "WorkerBacklog"}


def test_the_backlog_that_is_aimed_at_is_what_the_slowest_worker_does_within_the_acceptable_wait() -> None:
    assert TEMPLATE["Parameters"]["WorkerBacklog"]["Default"] == 30 * 45


def test_the_cluster_measures_what_the_scaling_is_computed_from() -> None:
    assert properties("Cluster")["ClusterSettings"] == [{"Name": "containerInsights", "Value": "enabled"}]


def test_tasks_that_wait_long_start_one_more_worker_and_outcomes_that_wait_for_their_schedule_none() -> None:
    by_age = {name for name, each in of_type("AWS::ApplicationAutoScaling::ScalingPolicy").items() if "Age" in name}
    assert by_age == {"WorkerCalculationServiceAgePolicy", "WorkerDataServiceAgePolicy"}
    for queue, policy in {
        "Calculation": "WorkerCalculationServiceAgePolicy",
        "Data": "WorkerDataServiceAgePolicy",
    }.items():
        (step,) = properties(policy)["StepScalingPolicyConfiguration"]["StepAdjustments"]
        assert step == {"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}
        alarm = properties(f"{queue}TooOldAlarm")
        assert alarm["AlarmActions"] == [{"Ref": policy}]
        assert alarm["Metrics"][-1]["Expression"] == "IF(visible > 0, age, 0)"


def test_every_service_but_the_dlq_watcher_has_its_minimum_and_its_maximum() -> None:
    targets = of_type("AWS::ApplicationAutoScaling::ScalableTarget")
    bounds = {each["ResourceId"]["Fn::Sub"]: (each["MinCapacity"], each["MaxCapacity"]) for each in targets.values()}
    kinds = {service: "Api" if service == "Api" else "Worker" for service in SERVICES if service != "DlqWatcher"}
    assert bounds == {
        f"service/${{Cluster}}/${{{service}Service.Name}}": ({"Ref": f"{kind}MinTasks"}, {"Ref": f"{kind}MaxTasks"})
        for service, kind in kinds.items()
    }


def test_a_worker_is_never_scaled_to_none_which_nothing_can_be_divided_by() -> None:
    assert TEMPLATE["Parameters"]["WorkerMinTasks"]["MinValue"] == 1
