"""`aws/kubernetes/`: the stack on Kubernetes, by kustomize, its workers scaled by KEDA. The queues are AWS's.

One file for all that belongs to one service. What a person adds, such as the image, goes into an overlay.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from services.queues import define_queues
from services.task_types.loading import TaskTypes
from stack.aws.container_settings import API_PORT, HEALTH_PORT, LOG_FORMAT, SCRATCH_MEBIBYTES, USER_AND_GROUP
from stack.aws.programs import Program, programs, settings_of_containers
from stack.aws.scaling import SECONDS_BETWEEN_SCALING_IN, WORKER_BACKLOG
from stack.aws.stopping import api_stop_seconds, consumer_stop_seconds
from stack.aws.user_settings import API_KEYS
from stack.aws.yaml_text import yaml_text

Manifest = dict[str, Any]

DEFAULT_REGION = "us-east-1"

_GENERATED = "Written by `make generate` from the queues (services/queues.py)."
_NAME = "async-tasks"
_IMAGE = "async-tasks-services"
_SETTINGS = "async-tasks-settings"
_SECRETS = "async-tasks-secrets"
_KEDA_IDENTITY = "async-tasks-queues"

_API_REPLICAS = 2
_MOST_WORKERS = 10

# What a pod needs to be told that it is to end, before it is: Kubernetes does both at once.
_SECONDS_UNTIL_NOBODY_CALLS = 5

_KUSTOMIZATION_COMMENT = f"""\
The stack on Kubernetes. {_GENERATED}

What is yours goes into an overlay, which `kubectl apply --kustomize` takes, such as

  apiVersion: kustomize.config.k8s.io/v1beta1
  kind: Kustomization
  namespace: async-tasks
  resources: [../kubernetes]
  images:
  - {{name: {_IMAGE}, newName: 123456789012.dkr.ecr.eu-central-1.amazonaws.com/async-tasks, newTag: "1"}}
  patches:
  - target: {{kind: ServiceAccount, name: {_NAME}}}
    patch: |
      - op: add
        path: /metadata/annotations
        value: {{eks.amazonaws.com/role-arn: "arn:aws:iam::123456789012:role/async-tasks"}}
  - target: {{kind: ConfigMap, name: {_SETTINGS}}}
    patch: |
      - {{op: replace, path: /data/AWS_DEFAULT_REGION, value: eu-central-1}}
  - target: {{kind: ScaledObject}}
    patch: |
      - {{op: replace, path: /spec/triggers/0/metadata/awsRegion, value: eu-central-1}}

First the queues, by aws/queues.yaml, and the secret, in the same namespace; only API_KEYS has to be in it, and what
task types need of their own secrets:

  kubectl create secret generic {_SECRETS} \\
    --from-literal=API_KEYS=… --from-literal=CALLBACK_SIGNING_SECRET=… --from-literal=SLACK_BOT_TOKEN=…

A QUEUE_NAME_PREFIX goes into the ConfigMap, and before the queueURL of each ScaledObject. Nothing outside the cluster
reaches the Service `api`: an Ingress or a Gateway, with TLS, is yours."""

_SERVICE_ACCOUNT_COMMENT = f"""\
Whom AWS knows the services by, through IRSA (an annotation, see kustomization.yaml) or EKS Pod Identity. {_GENERATED}
Its role may, on the queues of aws/queues.yaml: sqs:GetQueueUrl, GetQueueAttributes, SendMessage, ReceiveMessage,
DeleteMessage, ChangeMessageVisibility; and what task types declare besides (iam_statements)."""

_SETTINGS_COMMENT = f"""\
The settings that are no secrets (.env.example has all). {_GENERATED}"""

_KEDA_COMMENT = f"""\
How KEDA looks at the queues: as its own operator, whose role may sqs:GetQueueAttributes. {_GENERATED}
https://keda.sh/docs/latest/authentication-providers/aws/"""

_WORKER_COMMENT = f"""\
The worker of the queue {{queue}}. {_GENERATED}

KEDA adds one where more messages wait for each than is acceptable (stack/aws/scaling.py). Those in flight do not count:
many only wait out a retry. So KEDA does not see that a worker is at work, and the last one stays: to take it away would
cut its attempts short, and the first task after a pause would wait for a new one.
https://keda.sh/docs/latest/scalers/aws-sqs/"""


def kubernetes_files(task_types: TaskTypes, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the text of each file by its name, for these task types and the settings of a user.

    Raises `StackError` where a program could not start with them.
    """
    all_programs = list(programs(list(define_queues(task_types).values()), task_types))
    files = {
        "service-account.yaml": yaml_text(_SERVICE_ACCOUNT_COMMENT, _service_account()),
        "settings.yaml": yaml_text(_SETTINGS_COMMENT, _settings(all_programs, environment)),
        "keda-authentication.yaml": yaml_text(_KEDA_COMMENT, _keda_authentication()),
        **{f"{program.name}.yaml": _program_file(program, environment) for program in all_programs},
    }
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "labels": [{"pairs": {"app.kubernetes.io/part-of": _NAME}}],
        "resources": list(files),
    }
    return {"kustomization.yaml": yaml_text(_KUSTOMIZATION_COMMENT, kustomization), **files}


def _program_file(program: Program, environment: Mapping[str, str]) -> str:
    if program.kind == "Api":
        return yaml_text(f"All that is of the API. {_GENERATED}", *_api(program, environment))
    if program.queue is None:
        comment = f"The DLQ watcher, of which there is one. {_GENERATED}"
        return yaml_text(comment, _watcher(program, environment))
    comment = _WORKER_COMMENT.format(queue=program.queue)
    return yaml_text(comment, *_worker(program, program.queue, environment))


def _service_account() -> Manifest:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": _NAME}}


def _settings(all_programs: Sequence[Program], environment: Mapping[str, str]) -> Manifest:
    everywhere = "0.0.0.0"  # noqa: S104  # of the pod: the kubelet asks from outside of it
    data = {
        **settings_of_containers(all_programs, environment),
        "AWS_DEFAULT_REGION": _region(environment),
        "QUEUE_NAME_PREFIX": _prefix(environment),
        "API_HOST": everywhere,
        "API_PORT": str(API_PORT),
        "HEALTH_HOST": everywhere,
        "HEALTH_PORT": str(HEALTH_PORT),
        "LOG_FORMAT": LOG_FORMAT,
    }
    metadata = {"name": _SETTINGS}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(sorted(data.items()))}


def _region(environment: Mapping[str, str]) -> str:
    return environment.get("AWS_DEFAULT_REGION") or DEFAULT_REGION


def _prefix(environment: Mapping[str, str]) -> str:
    return environment.get("QUEUE_NAME_PREFIX", "")


def _api(program: Program, environment: Mapping[str, str]) -> Iterator[Manifest]:
    name = program.name
    container = _container(program, ports={"http": API_PORT, "health": HEALTH_PORT}, ready_at="http")
    container["lifecycle"] = {"preStop": {"sleep": {"seconds": _SECONDS_UNTIL_NOBODY_CALLS}}}
    stop_seconds = _SECONDS_UNTIL_NOBODY_CALLS + api_stop_seconds(environment)
    yield _deployment(name, container, stop_seconds, {"replicas": _API_REPLICAS, "strategy": _one_more_at_a_time()})
    yield {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": _labels(name), "ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
    }
    yield {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": _labels(name)}},
    }


def _worker(program: Program, queue: str, environment: Mapping[str, str]) -> Iterator[Manifest]:
    name = program.name
    container = _container(program)
    # Without a number of replicas: to apply it again would undo what KEDA has decided.
    yield _deployment(name, container, consumer_stop_seconds(environment), {"strategy": _one_more_at_a_time()})
    yield {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": name},
        "spec": {
            "scaleTargetRef": {"name": name},
            "minReplicaCount": 1,
            "maxReplicaCount": _MOST_WORKERS,
            "advanced": {"horizontalPodAutoscalerConfig": {"behavior": {"scaleDown": _one_fewer_at_a_time()}}},
            "triggers": [
                {
                    "type": "aws-sqs-queue",
                    "authenticationRef": {"name": _KEDA_IDENTITY},
                    "metadata": {
                        # A name is enough.
                        "queueURL": f"{_prefix(environment)}{queue}",
                        "awsRegion": _region(environment),
                        "queueLength": str(WORKER_BACKLOG),
                        "scaleOnInFlight": "false",
                    },
                }
            ],
        },
    }


def _watcher(program: Program, environment: Mapping[str, str]) -> Manifest:
    alone = {"replicas": 1, "strategy": {"type": "Recreate"}}
    return _deployment(program.name, _container(program), consumer_stop_seconds(environment), alone)


def _keda_authentication() -> Manifest:
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "TriggerAuthentication",
        "metadata": {"name": _KEDA_IDENTITY},
        "spec": {"podIdentity": {"provider": "aws"}},
    }


def _labels(name: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": name}


def _one_more_at_a_time() -> Manifest:
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


def _one_fewer_at_a_time() -> Manifest:
    return {
        "stabilizationWindowSeconds": SECONDS_BETWEEN_SCALING_IN,
        "policies": [{"type": "Pods", "value": 1, "periodSeconds": SECONDS_BETWEEN_SCALING_IN}],
    }


def _deployment(name: str, container: Manifest, stop_seconds: int, rollout: Manifest) -> Manifest:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            **rollout,
            "selector": {"matchLabels": _labels(name)},
            "template": {"metadata": {"labels": _labels(name)}, "spec": _pod(container, stop_seconds)},
        },
    }


def _pod(container: Manifest, stop_seconds: int) -> Manifest:
    return {
        "serviceAccountName": _NAME,
        # Those of Kubernetes itself: IRSA and Pod Identity bring a token of their own.
        "automountServiceAccountToken": False,
        # By the Service `api` it would set API_PORT to tcp://….
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": stop_seconds,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER_AND_GROUP,
            "runAsGroup": USER_AND_GROUP,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": f"{SCRATCH_MEBIBYTES}Mi"}}],
    }


def _container(program: Program, *, ports: Mapping[str, int] | None = None, ready_at: str = "health") -> Manifest:
    alive = {"httpGet": {"path": "/healthcheck", "port": "health"}, "timeoutSeconds": 5}
    ports = ports or {"health": HEALTH_PORT}
    return {
        "name": program.name,
        "image": _IMAGE,
        "command": list(program.command),
        "envFrom": [{"configMapRef": {"name": _SETTINGS}}],
        "env": [_secret(secret) for secret in program.secrets],
        "ports": [{"name": port, "containerPort": number} for port, number in ports.items()],
        "startupProbe": {**alive, "periodSeconds": 2, "failureThreshold": 30},
        "livenessProbe": {**alive, "periodSeconds": 15, "failureThreshold": 3},
        "readinessProbe": {
            "httpGet": {"path": "/readyz", "port": ready_at},
            "timeoutSeconds": 5,
            "periodSeconds": 15,
            "failureThreshold": 3,
        },
        "resources": {"requests": {"cpu": "250m", "memory": "256Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108  # the container's
    }


def _secret(name: str) -> Manifest:
    # Without keys the API would be open to everybody.
    key = {"name": _SECRETS, "key": name, "optional": name != API_KEYS}
    return {"name": name, "valueFrom": {"secretKeyRef": key}}
