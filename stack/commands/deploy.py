"""The command `deploy`: brings the services, or the receiver, to AWS, or shows what that would change."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stack.aws.account import Account, open_account, refusals_said
from stack.aws.change_set import Change, change_line, change_sets, changes_of, remove_change_sets
from stack.aws.deploy import ENVIRONMENT, Deployment, install_sam, progress_line
from stack.aws.deploy import deploy as run_deployment
from stack.aws.deployed_queues import held_messages, kept_messages, let_run_dry, messages_said, queue_urls
from stack.aws.deployed_stack import TAG, DeployedStack, find_stack, refuse_to_deploy, require_stack_name
from stack.aws.intake import closed
from stack.aws.lint import check
from stack.aws.queue_resources import PREFIX_PARAMETER
from stack.aws.secrets import store_secrets, stored_secrets, unstored_parameters
from stack.aws.stack_events import events, events_since, failures
from stack.aws.target import Services, TargetOnAws, queue_name_prefix, queue_names, require_parameters
from stack.aws.targets import target_on_aws
from stack.aws.uploads import bucket_of_sam, remove_uploads, uploads
from stack.aws.yaml_text import yaml_text
from stack.commands.lock import alone
from stack.config import DeploymentTarget, Machine, directory_for_aws, stack_directory
from stack.environment import deployment_environment, passed_over_in_deployments
from stack.errors import StackError
from stack.interpreter import environment_python
from stack.task_types import task_packages_of, task_types_of
from stack.terminal import OnProgress, say, say_aside, show_json
from stack.whole_file import write_whole


@dataclass(frozen=True)
class DeploymentRequest:
    """What a person asks for."""

    stack: str
    target: DeploymentTarget
    machine: Machine = "x86_64"
    parameters: Sequence[str] = ()
    """Of the template, each as `Name=value`."""


@dataclass(frozen=True)
class Plan:
    """What is deployed, as far as it is known before AWS is asked."""

    stack: str
    target_name: DeploymentTarget
    target: TargetOnAws
    services: Services
    parameters: Mapping[str, str]
    """Those of the template that somebody has given."""

    @property
    def environment(self) -> Mapping[str, str]:
        """The settings of the user."""
        return self.services.environment

    @property
    def secrets(self) -> Mapping[str, str]:
        """Those of the settings that are stored for it."""
        return {name: self.environment.get(name, "") for name in self.target.secret_settings(self.services)}


@dataclass(frozen=True)
class Build:
    """What was put together, and checked."""

    artefact: str
    """How the target knows it."""
    template: Path
    prefix: Mapping[str, str]
    """The parameter that the queues' names begin by, where there are queues."""
    removed: Mapping[str, str]
    """The URLs of those queues, by their names, that are there and no more in the template."""


@dataclass(frozen=True)
class Trial:
    """What a deployment would change."""

    changes: list[Change]
    secrets: list[str]
    """The names of those that would be stored."""


def deploy(request: DeploymentRequest, *, dry_run: bool, as_json: bool) -> None:
    """Deploy, and say where it is; or show what would change, and leave all as it was.

    Raises `StackError` with what keeps it from that.
    """
    on_progress = say_aside if as_json else say
    stack, environment = request.stack, deployment_environment()
    plan = plan_deployment(request, environment)
    if passed_over := passed_over_in_deployments():
        on_progress(f"Of the stack on this machine, and so passed over in .env: {', '.join(passed_over)}.")
    with alone(f"make deploy STACK={stack}", stack_directory(environment), on_progress), refusals_said():
        account = open_account()
        what = f"What would change of {stack} in" if dry_run else f"Deploying {stack} to"
        on_progress(f"{what} account {account.number}, {account.region}, by {account.endpoint}.")
        if dry_run:
            _show_trial(_dry_run(plan, account, on_progress), stack, as_json=as_json)
        else:
            _show_deployed(_deployed(plan, account, on_progress), plan, account, as_json=as_json)


def plan_deployment(request: DeploymentRequest, environment: Mapping[str, str]) -> Plan:
    """Check what can be checked without AWS. Raises `StackError`, which names what cannot work."""
    require_stack_name(request.stack)
    services = Services(task_types_of(environment), task_packages_of(environment), environment)
    target = target_on_aws(request.target, request.machine)
    target.check(services, request.stack)
    given = _given(request.parameters)
    require_parameters(given, target, services)
    return Plan(request.stack, request.target, target, services, given)


def _given(parameters: Sequence[str]) -> dict[str, str]:
    given = {}
    for each in parameters:
        name, equals, value = each.partition("=")
        if not equals:
            raise StackError(f"PARAMETERS: {each} is no parameter with its value, as AlarmTopicArn=arn:… is.")
        given[name] = value
    return given


def _deployed(plan: Plan, account: Account, on_progress: OnProgress) -> DeployedStack:
    deployed = _deployable(plan, account)
    build = _built(plan, account, deployed, on_progress)
    plan.target.publish(account, plan.stack, build.artefact, on_progress)
    parameters = _parameters(plan, account, build, deployed)
    with _nothing_lost(account, deployed, build.removed, on_progress), _failures_said(account, plan.stack):
        secrets = store_secrets(account.client("secretsmanager"), plan.stack, plan.secrets)
        _run(plan, build, {**parameters, **secrets}, on_progress)
    found = find_stack(account.client("cloudformation"), plan.stack)
    if found is None:
        raise StackError(f"The stack {plan.stack} is not there any more: somebody has removed it meanwhile.")
    return found


def _dry_run(plan: Plan, account: Account, on_progress: OnProgress) -> Trial:
    """Return what a deployment would change, and leave nothing behind."""
    deployed = _deployable(plan, account)
    build = _built(plan, account, deployed, on_progress, is_dry_run=True)
    _refuse_losses(held_messages(account.client("sqs"), build.removed))
    parameters = _parameters(plan, account, build, deployed)
    cloudformation = account.client("cloudformation")
    stored = stored_secrets(account.client("secretsmanager"), plan.stack)
    before = change_sets(cloudformation, plan.stack)
    with _uploads_removed(account, plan.stack, on_progress):
        try:
            secrets = unstored_parameters(stored, plan.secrets)
            _run(plan, build, {**parameters, **secrets}, on_progress, is_dry_run=True)
            made = change_sets(cloudformation, plan.stack) - before
            changes = [change for each in made for change in changes_of(cloudformation, each)]
            return Trial(changes, stored.changed_by(plan.secrets))
        finally:
            remove_change_sets(cloudformation, plan.stack, before, was_there=deployed is not None)


def _deployable(plan: Plan, account: Account) -> DeployedStack | None:
    """Return the stack as it is, None where there is none yet. Raises `StackError` where it cannot be deployed to."""
    deployed = find_stack(account.client("cloudformation"), plan.stack)
    refuse_to_deploy(deployed, plan.target_name)
    stored = stored_secrets(account.client("secretsmanager"), plan.stack)
    plan.target.require_secrets(stored.with_those_of(plan.secrets), plan.services)
    return deployed


def _built(
    plan: Plan, account: Account, deployed: DeployedStack | None, on_progress: OnProgress, *, is_dry_run: bool = False
) -> Build:
    """Put together what is deployed, and check it."""
    install_sam()
    directory = directory_for_aws(plan.environment)
    artefact = plan.target.build(plan.services, directory, on_progress)
    template = plan.target.template(plan.services, artefact)
    if is_dry_run:
        # It stores no secret, so that what the rules ask for may not be there yet; that it will be is known.
        template.pop("Rules", None)
    file = directory / plan.stack / plan.target.template_file
    write_whole(file, yaml_text(f"The template of the stack {plan.stack}, as `make deploy` writes it.\n", template))
    on_progress("Checking the template.")
    if faults := check(template, environment_python(ENVIRONMENT)).faults:
        raise StackError(f"{file} has faults by which it is not deployed: see above.", "\n".join(faults))
    prefix = _prefix(plan, deployed, template)
    kept = queue_names(template, prefix.get(PREFIX_PARAMETER, ""))
    urls = queue_urls(account.client("cloudformation"), deployed) if deployed else {}
    return Build(artefact, file, prefix, {name: url for name, url in urls.items() if name not in kept})


def _parameters(plan: Plan, account: Account, build: Build, deployed: DeployedStack | None) -> dict[str, str]:
    """Return the template's parameters, but for those of secrets."""
    known = {**(deployed.parameters if deployed else {}), **plan.parameters}
    decided = plan.target.parameters(account, plan.stack, build.artefact, known)
    return {**decided, **build.prefix, **plan.parameters}


def _prefix(plan: Plan, deployed: DeployedStack | None, template: Mapping[str, Any]) -> dict[str, str]:
    if PREFIX_PARAMETER not in template["Parameters"]:
        return {}
    known = deployed.parameters if deployed else {}
    return {PREFIX_PARAMETER: queue_name_prefix(plan.stack, plan.environment, known)}


@contextmanager
def _nothing_lost(
    account: Account, deployed: DeployedStack | None, removed: Mapping[str, str], on_progress: OnProgress
) -> Iterator[None]:
    """Let the block, which removes these queues, begin when they are empty, while the API takes no tasks.

    Raises `StackError` where they have messages that nobody works.
    """
    if not deployed or not removed:
        yield
        return
    _refuse_losses(kept_messages(account, removed))
    on_progress(f"The stack loses {', '.join(sorted(removed))}: until that is done its API takes no tasks.")
    with closed(account, deployed):
        _refuse_losses(let_run_dry(account, removed, on_progress))
        yield


def _refuse_losses(held: Mapping[str, int]) -> None:
    """Raise `StackError` where there are messages in queues that would be removed, as by another prefix of names."""
    if held:
        raise StackError(
            f"This deployment removes queues that have messages ({messages_said(held)}): let them be worked first, or"
            " have the queues emptied by `aws sqs purge-queue`. QUEUE_NAME_PREFIX and TASK_PACKAGES say which stay."
        )


def _run(
    plan: Plan, build: Build, parameters: Mapping[str, str], on_progress: OnProgress, *, is_dry_run: bool = False
) -> None:
    def show(line: str) -> None:
        if said := progress_line(line):
            on_progress(said)

    on_progress("Uploading what has changed.")
    tags = {TAG: plan.target_name}
    deployment = Deployment(build.template, plan.stack, parameters, tags=tags, is_dry_run=is_dry_run)
    run_deployment(deployment, os.environ, show)


@contextmanager
def _failures_said(account: Account, stack: str) -> Iterator[None]:
    """Let a deployment that fails, or is interrupted, say what CloudFormation says of it, and what to do."""
    cloudformation = account.client("cloudformation")
    before = find_stack(cloudformation, stack)
    last = next((event.id for event in events(cloudformation, before.id)), None) if before else None
    try:
        yield
    except KeyboardInterrupt:
        say_aside(f"Interrupted. What CloudFormation has begun it finishes; `make deploy STACK={stack}` goes on after.")
        raise
    except StackError as error:
        found = find_stack(cloudformation, stack)
        said = failures(events_since(events(cloudformation, found.id), last)) if found else []
        if not said or not found:
            raise
        raise StackError(f"{stack} could not be deployed, and is {found.status}: {said[0]}", "\n".join(said)) from error


@contextmanager
def _uploads_removed(account: Account, stack: str, on_progress: OnProgress) -> Iterator[None]:
    """Remove what the block uploads; say where a bucket came to be by it, which stays."""
    cloudformation, s3 = account.client("cloudformation"), account.client("s3")
    bucket_before = bucket_of_sam(cloudformation)
    before = uploads(s3, bucket_before, stack) if bucket_before else frozenset()
    try:
        yield
    finally:
        if bucket := bucket_of_sam(cloudformation):
            remove_uploads(s3, bucket, stack, before)
            if bucket != bucket_before:
                on_progress(f"The SAM CLI has made its bucket {bucket}, for all stacks: it stays, and is empty.")


def _show_trial(trial: Trial, stack: str, *, as_json: bool) -> None:
    if as_json:
        show_json({"stack": stack, **asdict(trial)})
        return
    say(f"{stack} would change by this:" if trial.changes or trial.secrets else f"Nothing of {stack} would change.")
    for change in trial.changes:
        say(change_line(change))
    if trial.secrets:
        say(f"  ~ its secrets: {', '.join(trial.secrets)}")
    say("Nothing is changed, as this was a dry run.")


def _show_deployed(deployed: DeployedStack, plan: Plan, account: Account, *, as_json: bool) -> None:
    if as_json:
        addresses = plan.target.addresses(deployed.outputs)
        show_json({"stack": deployed.name, "status": deployed.status, **addresses})
        return
    for paragraph in plan.target.welcome(deployed.name, deployed.outputs, plan.services, account.endpoint):
        say(f"\n{paragraph}")
    say(f"\nTo remove it: make undeploy STACK={deployed.name}")
