"""A command to try a deployed API with."""

import shlex
from urllib.parse import urlsplit

from services.primitives import exact_json
from services.queueing.client import is_aws
from services.task_types.example import make_example
from stack.aws.target import Services

_EXAMPLE_RECEIVER = "https://example.com/callback"


def curl(url: str, services: Services, endpoint: str) -> str:
    """Return a command that submits the example of the first task type, and names the key that it needs.

    `endpoint`: where CloudFormation is. Where that is no AWS, as LocalStack, it is there that the API is found too: no
    resolver knows the host of its URL.
    """
    task_type = next(iter(services.task_types.values()))
    receiver = services.environment.get("EXAMPLE_RECEIVER_URL") or _EXAMPLE_RECEIVER
    request = shlex.quote(exact_json.dumps(make_example(task_type, receiver)))
    headers = '-H "X-API-Key: $API_KEY" -H "Content-Type: application/json"'
    way = "" if is_aws(endpoint) else f"--connect-to ::{urlsplit(endpoint).netloc} "
    return f"curl {way}{url.rstrip('/')}{task_type.route} {headers} -d {request}"


def welcome_to_services(stack: str, url: str, services: Services, endpoint: str) -> list[str]:
    """Return what a person is told once an API takes tasks at this URL; `endpoint` is that of CloudFormation."""
    return [
        f"{stack} is deployed. Its API takes tasks at {url}",
        f"Try it, with a callback_url of yours and one of API_KEYS as API_KEY:\n{curl(url, services, endpoint)}",
    ]
