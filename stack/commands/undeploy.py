"""The command `undeploy`: removes from AWS what `deploy` has brought there."""

import shutil
import time
from collections.abc import Iterator, Mapping
from typing import Any

from stack.aws.account import Account, open_account, refusals_said
from stack.aws.deployed_queues import kept_messages, let_run_dry, messages_said, queue_urls
from stack.aws.deployed_stack import DeployedStack, find_stack, refuse_to_remove, require_stack_name
from stack.aws.images import remove_images
from stack.aws.intake import closed
from stack.aws.secrets import remove_secrets, stored_secrets
from stack.aws.stack_events import Event, event_line, events, events_since, failures
from stack.aws.uploads import bucket_of_sam, remove_uploads
from stack.commands.lock import alone
from stack.config import directory_for_aws, stack_directory
from stack.environment import deployment_environment
from stack.errors import StackError
from stack.terminal import OnProgress, say, say_aside, show_json

_POLL_SECONDS = 1
_REMOVED = "DELETE_COMPLETE"
_NOT_REMOVED = "DELETE_FAILED"


def undeploy(stack: str, *, force: bool, as_json: bool) -> None:
    """Remove the stack, its secrets and what was uploaded for it.

    Raises `StackError` where there is no such stack, or messages would be lost and nothing forces it.
    """
    on_progress = say_aside if as_json else say
    require_stack_name(stack)
    environment = deployment_environment()
    with alone(f"make undeploy STACK={stack}", stack_directory(environment), on_progress), refusals_said():
        account = open_account()
        on_progress(f"Removing {stack} from account {account.number}, {account.region}, by {account.endpoint}.")
        _remove(stack, account, on_progress, force=force)
        shutil.rmtree(directory_for_aws(environment) / stack, ignore_errors=True)
    if as_json:
        show_json({"removed": stack})


def _remove(stack: str, account: Account, on_progress: OnProgress, *, force: bool) -> None:
    cloudformation, secrets_manager = account.client("cloudformation"), account.client("secretsmanager")
    found, stored = find_stack(cloudformation, stack), stored_secrets(secrets_manager, stack)
    if found is None and stored.version is None:
        raise StackError(f"There is no stack {stack} in account {account.number}, {account.region}.")
    if found:
        refuse_to_remove(found)
        if not force:
            _let_run_dry(account, found, on_progress)
        _remove_stack(account, found, on_progress)
        if found.target == "containers" and remove_images(account.client("ecr"), stack):
            on_progress(f"  removed: the repository {stack}, with its images")
    if stored.version is not None:
        remove_secrets(secrets_manager, stored)
        on_progress(f"  removed: the secret {stored.name}")
    on_progress(f"{stack} is removed.")
    if bucket := bucket_of_sam(cloudformation):
        remove_uploads(account.client("s3"), bucket, stack)
        on_progress(f"What the SAM CLI has made for all stacks stays: the bucket {bucket}.")


def _let_run_dry(account: Account, found: DeployedStack, on_progress: OnProgress) -> None:
    """Let the API take no more tasks, and return when the queues are empty.

    Raises `StackError` where they do not become so; then it takes tasks again.
    """
    urls = queue_urls(account.client("cloudformation"), found)
    if not urls:
        return
    _refuse_losses(found, kept_messages(account, urls))
    on_progress("Its API takes no more tasks. It is removed when its queues have been empty for a while.")
    with closed(account, found, for_good=True):
        _refuse_losses(found, let_run_dry(account, urls, on_progress))


def _refuse_losses(found: DeployedStack, held: Mapping[str, int]) -> None:
    if held:
        raise StackError(
            f"The queues of {found.name} have messages, which would be lost: {messages_said(held)}."
            " Let them be worked first, or have it removed all the same by --force (`make`: FORCE=1)."
            " Nothing is removed, and its API takes tasks."
        )


def _remove_stack(account: Account, found: DeployedStack, on_progress: OnProgress) -> None:
    """Remove the stack, and show what becomes of its resources until it is gone."""
    cloudformation = account.client("cloudformation")
    last = next((event.id for event in events(cloudformation, found.id)), None)
    cloudformation.delete_stack(StackName=found.id)
    seen: list[Event] = []
    for event in _until_gone(cloudformation, found.id, last):
        seen.append(event)
        if line := event_line(event):
            on_progress(line)
    # What has failed once may have been removed when CloudFormation has tried again.
    if (left := find_stack(cloudformation, found.id)) and left.status != _REMOVED:
        said = failures(seen) or [left.status]
        raise StackError(f"{found.name} could not be removed: {said[0]}", "\n".join(said))


def _until_gone(cloudformation: Any, stack: str, last: str | None) -> Iterator[Event]:
    """Yield what becomes of the resources, after the event of that id, until the stack of that id is worked on no more.

    That of a removed stack is known by its id for 90 days, and so are its events.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
    """
    while True:
        # Before its events: after that there are no more.
        now = find_stack(cloudformation, stack)
        for event in events_since(events(cloudformation, stack), last):
            last = event.id
            yield event
        if now is None or now.status in (_REMOVED, _NOT_REMOVED):
            return
        time.sleep(_POLL_SECONDS)
