"""aws/kubernetes/: what the manifests say, and that kustomize takes them."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.task_types.loading import load_task_types
from stack.aws.kubernetes import kubernetes_files

TASK_TYPES = load_task_types(["services.tasks"])
FILES = kubernetes_files(TASK_TYPES, {})
KUSTOMIZATION: dict[str, Any] = yaml.safe_load(FILES["kustomization.yaml"])
WORKERS = ["worker-calculation", "worker-data", "worker-callbacks"]
DEPLOYMENTS = ["api", *WORKERS, "dlq-watcher"]


def manifests(files: dict[str, str] = FILES) -> list[dict[str, Any]]:
    return [each for name, text in files.items() if name != "kustomization.yaml" for each in yaml.safe_load_all(text)]


def of_kind(kind: str, files: dict[str, str] = FILES) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in manifests(files) if each["kind"] == kind}


def pod(name: str, files: dict[str, str] = FILES) -> dict[str, Any]:
    found: dict[str, Any] = of_kind("Deployment", files)[name]["spec"]["template"]["spec"]
    return found


def container(name: str) -> dict[str, Any]:
    (found,) = pod(name)["containers"]
    return dict(found)


def test_kustomize_is_given_every_file_once() -> None:
    assert sorted(KUSTOMIZATION["resources"]) == sorted(FILES.keys() - {"kustomization.yaml"})
    assert len(set(KUSTOMIZATION["resources"])) == len(KUSTOMIZATION["resources"])


def test_there_is_a_deployment_for_every_program_but_the_console_and_the_receiver() -> None:
    assert {name: container(name)["command"] for name in of_kind("Deployment")} == {
        "api": ["python", "-m", "services.api"],
        "worker-calculation": ["python", "-m", "services.worker", "calculation"],
        "worker-data": ["python", "-m", "services.worker", "data"],
        "worker-callbacks": ["python", "-m", "services.worker", "callbacks"],
        "dlq-watcher": ["python", "-m", "services.dlq_watcher"],
    }


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_a_pod_is_hardened(name: str) -> None:
    assert pod(name)["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "runAsGroup": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container(name)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container(name)["resources"]["limits"]["memory"] == "512Mi"
    assert pod(name)["automountServiceAccountToken"] is False


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_kubernetes_sets_no_variable_that_is_a_setting(name: str) -> None:
    # It would set API_PORT to tcp://10.0.0.1:80, as there is a Service `api`.
    assert pod(name)["enableServiceLinks"] is False


@pytest.mark.parametrize("name", [*WORKERS, "dlq-watcher"])
def test_a_consumer_may_take_longer_to_stop_than_its_drain(name: str) -> None:
    files = kubernetes_files(TASK_TYPES, {"DRAIN_TIMEOUT_SECONDS": "300", "SQS_WAIT_TIME_SECONDS": "15"})
    assert pod(name, files)["terminationGracePeriodSeconds"] == 300 + 15 + 20


def test_the_api_is_told_to_stop_when_nobody_calls_it_any_more() -> None:
    pause = container("api")["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pause == 5
    assert pod("api")["terminationGracePeriodSeconds"] == pause + 30


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_a_pod_lives_by_its_health_port_and_is_ready_where_its_readiness_is_served(name: str) -> None:
    found = container(name)
    ports = {each["name"]: each["containerPort"] for each in found["ports"]}
    probes = {kind: found[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")}

    assert {kind: (probe["path"], ports[probe["port"]]) for kind, probe in probes.items()} == {
        "startup": ("/healthcheck", 8081),
        "liveness": ("/healthcheck", 8081),
        "readiness": ("/readyz", 8000 if name == "api" else 8081),
    }


def test_the_settings_say_where_the_probes_ask() -> None:
    data = of_kind("ConfigMap")["async-tasks-settings"]["data"]
    everywhere = "0.0.0.0"  # noqa: S104  # of the pod
    assert (data["API_HOST"], data["API_PORT"]) == (everywhere, "8000")
    assert (data["HEALTH_HOST"], data["HEALTH_PORT"]) == (everywhere, "8081")


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_a_pod_has_all_settings_and_only_the_secrets_that_it_reads(name: str) -> None:
    secrets = {"api": {"API_KEYS"}, "dlq-watcher": {"CALLBACK_SIGNING_SECRET", "SLACK_BOT_TOKEN"}}
    assert container(name)["envFrom"] == [{"configMapRef": {"name": "async-tasks-settings"}}]
    assert {each["name"] for each in container(name)["env"]} == secrets.get(name, {"CALLBACK_SIGNING_SECRET"})


def test_the_secret_is_named_and_not_contained_and_without_keys_the_api_does_not_start() -> None:
    assert of_kind("Secret") == {}
    references = [each["valueFrom"]["secretKeyRef"] for name in DEPLOYMENTS for each in container(name)["env"]]
    assert {each["name"] for each in references} == {"async-tasks-secrets"}
    assert {each["key"] for each in references if not each["optional"]} == {"API_KEYS"}


def test_a_secret_of_a_user_stands_in_no_file() -> None:
    names = ["API_KEYS", "CALLBACK_SIGNING_SECRET", "SLACK_BOT_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
    files = kubernetes_files(TASK_TYPES, dict.fromkeys(names, "not-to-be-told"))
    assert [name for name, text in files.items() if "not-to-be-told" in text] == []


def test_nothing_that_no_program_reads_is_in_the_config_map() -> None:
    foreign = {"CONSOLE_PORT": "8081", "HOME": "/home/somebody", "LOG_FORMAT": "console", "MODE": "native"}
    assert kubernetes_files(TASK_TYPES, foreign) == FILES


def test_settings_of_a_user_are_in_the_config_map_and_reach_what_scales() -> None:
    mine = {"QUEUE_NAME_PREFIX": "mine-", "AWS_DEFAULT_REGION": "eu-central-1", "TASK_TIMEOUT_SECONDS": "120"}
    files = kubernetes_files(TASK_TYPES, mine)
    data = of_kind("ConfigMap", files)["async-tasks-settings"]["data"]
    assert mine.items() <= data.items()
    for name, scaled in of_kind("ScaledObject", files).items():
        (trigger,) = scaled["spec"]["triggers"]
        assert trigger["metadata"]["queueURL"] == "mine-" + name.removeprefix("worker-")
        assert trigger["metadata"]["awsRegion"] == "eu-central-1"


def test_all_that_is_referred_to_by_name_is_there() -> None:
    for name in DEPLOYMENTS:
        assert pod(name)["serviceAccountName"] in of_kind("ServiceAccount")
        labels = of_kind("Deployment")[name]["spec"]["template"]["metadata"]["labels"]
        assert of_kind("Deployment")[name]["spec"]["selector"]["matchLabels"].items() <= labels.items()
    labels_of_api = of_kind("Deployment")["api"]["spec"]["template"]["metadata"]["labels"]
    service, budget = of_kind("Service")["api"]["spec"], of_kind("PodDisruptionBudget")["api"]["spec"]
    assert service["selector"] == budget["selector"]["matchLabels"] == labels_of_api
    assert budget["minAvailable"] < of_kind("Deployment")["api"]["spec"]["replicas"]


def test_there_is_never_a_second_dlq_watcher() -> None:
    spec = of_kind("Deployment")["dlq-watcher"]["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


# --- what KEDA reads: there are no schemas of it to validate with, so this says what its documentation says ----


class Strict(BaseModel):
    """Nothing that is not documented."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Named(Strict):
    name: str


class SqsMetadata(Strict):
    """https://keda.sh/docs/latest/scalers/aws-sqs/ : every value is text."""

    queueURL: str  # noqa: N815  # as it is spelt there
    awsRegion: str  # noqa: N815
    queueLength: str = Field(pattern=r"^[1-9]\d*$")  # noqa: N815
    scaleOnInFlight: Literal["true", "false"]  # noqa: N815


class Trigger(Strict):
    type: Literal["aws-sqs-queue"]
    authenticationRef: Named  # noqa: N815
    metadata: SqsMetadata


class ScaledSpec(Strict):
    """https://keda.sh/docs/latest/reference/scaledobject-spec/ ; `advanced` has Kubernetes' own HPA behaviour."""

    scaleTargetRef: Named  # noqa: N815
    minReplicaCount: int  # noqa: N815
    maxReplicaCount: int  # noqa: N815
    advanced: dict[Literal["horizontalPodAutoscalerConfig"], dict[Literal["behavior"], dict[str, Any]]]
    triggers: list[Trigger]


class ScaledObject(Strict):
    apiVersion: Literal["keda.sh/v1alpha1"]  # noqa: N815
    kind: Literal["ScaledObject"]
    metadata: Named
    spec: ScaledSpec


class PodIdentity(Strict):
    """https://keda.sh/docs/latest/authentication-providers/aws/ ."""

    provider: Literal["aws"]


class TriggerAuthentication(Strict):
    apiVersion: Literal["keda.sh/v1alpha1"]  # noqa: N815
    kind: Literal["TriggerAuthentication"]
    metadata: Named
    spec: dict[Literal["podIdentity"], PodIdentity]


@pytest.mark.parametrize("name", WORKERS)
def test_keda_understands_how_a_worker_is_scaled(name: str) -> None:
    scaled = ScaledObject.model_validate(of_kind("ScaledObject")[name])
    assert scaled.spec.scaleTargetRef.name in of_kind("Deployment")
    (trigger,) = scaled.spec.triggers
    authentication = of_kind("TriggerAuthentication")[trigger.authenticationRef.name]
    TriggerAuthentication.model_validate(authentication)


def test_every_worker_is_scaled_and_nothing_else_is() -> None:
    assert sorted(of_kind("ScaledObject")) == sorted(WORKERS)
    assert "replicas" not in of_kind("Deployment")["worker-data"]["spec"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["spec", "minReplicas"], 1),
        (["spec", "triggers", 0, "metadata", "scaleOnInflight"], "false"),
        (["spec", "triggers", 0, "metadata", "scaleOnInFlight"], False),
        (["spec", "triggers", 0, "metadata", "queueLength"], 5),
    ],
)
def test_what_keda_would_not_understand_is_noticed(path: list[str | int], value: object) -> None:
    broken: Any = json.loads(json.dumps(of_kind("ScaledObject")["worker-data"]))
    *way, last = path
    place = broken
    for step in way:
        place = place[step]
    place[last] = value
    with pytest.raises(ValidationError):
        ScaledObject.model_validate(broken)


def test_messages_that_wait_out_a_retry_start_no_worker_and_the_last_one_stays() -> None:
    for scaled in of_kind("ScaledObject").values():
        (trigger,) = scaled["spec"]["triggers"]
        assert trigger["metadata"]["scaleOnInFlight"] == "false"
        assert scaled["spec"]["minReplicaCount"] == 1


# --- what kustomize makes of them ----------------------------------------------------------------------------


def overlay_of_the_comment() -> str:
    """The example of an overlay that stands at the top of kustomization.yaml."""
    lines = [line.removeprefix("#") for line in FILES["kustomization.yaml"].splitlines() if line.startswith("#")]
    begin = lines.index("   apiVersion: kustomize.config.k8s.io/v1beta1")
    end = lines.index("", begin)
    return "\n".join(line.removeprefix("   ") for line in lines[begin:end])


def built(directory: Path) -> list[dict[str, Any]]:
    command = ["kubectl", "kustomize", str(directory)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl, which has kustomize in it")
def test_kustomize_builds_them_and_the_overlay_of_the_example(tmp_path: Path) -> None:
    base, overlay = tmp_path / "kubernetes", tmp_path / "mine"
    base.mkdir()
    overlay.mkdir()
    for name, text in FILES.items():
        (base / name).write_text(text)
    (overlay / "kustomization.yaml").write_text(overlay_of_the_comment())

    found = {(each["kind"], each["metadata"]["name"]): each for each in built(overlay)}

    assert found.keys() == {(each["kind"], each["metadata"]["name"]) for each in manifests()}
    assert {each["metadata"]["namespace"] for each in found.values()} == {"async-tasks"}
    assert {each["metadata"]["labels"]["app.kubernetes.io/part-of"] for each in found.values()} == {"async-tasks"}
    assert found["ConfigMap", "async-tasks-settings"]["data"]["AWS_DEFAULT_REGION"] == "eu-central-1"
    for name in WORKERS:
        (trigger,) = found["ScaledObject", name]["spec"]["triggers"]
        assert trigger["metadata"]["awsRegion"] == "eu-central-1"
    for name in DEPLOYMENTS:
        (each,) = found["Deployment", name]["spec"]["template"]["spec"]["containers"]
        assert each["image"] == "123456789012.dkr.ecr.eu-central-1.amazonaws.com/async-tasks:1"
    annotations = found["ServiceAccount", "async-tasks"]["metadata"]["annotations"]
    assert annotations == {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/async-tasks"}
