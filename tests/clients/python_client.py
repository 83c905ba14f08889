"""Calls the API by the client that openapi-python-client has made, and reads callbacks by its types.

python python_client.py API_URL SIGNING_SECRET, with the client on the path: prints what the types have, as JSON.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from async_tasks_client import Client
from async_tasks_client.api.tasks import (
    submit_calculation,
    submit_characters,
    submit_data,
    submit_single_attempt,
    submit_words,
)
from async_tasks_client.models import (
    Accepted,
    CalculationItem,
    CalculationItemOperation,
    CalculationRequest,
    CalculationSuccess,
    CharactersRequest,
    CharactersResult,
    CharactersSuccess,
    DataItem,
    DataRequest,
    DataSuccess,
    SingleAttemptFailure,
    SingleAttemptRequest,
    TaskItem,
    UnreliableItem,
    WordsRequest,
    WordsResult,
    WordsSuccess,
)
from standardwebhooks import Webhook

API_URL, SECRET = sys.argv[1:]
SUBMIT = {
    CalculationRequest: submit_calculation,
    DataRequest: submit_data,
    SingleAttemptRequest: submit_single_attempt,
    CharactersRequest: submit_characters,
    WordsRequest: submit_words,
}


class Receiver(HTTPServer):
    """Hears callbacks."""

    heard: Any = None

    def outcome_of(self, task_id: str) -> Any:
        """Wait for the outcome of the task."""
        while not self.heard or self.heard["task_id"] != task_id:
            self.handle_request()
        return self.heard


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/callback":
            self.server.heard = Webhook(SECRET).verify(body, dict(self.headers))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_arguments: Any) -> None:
        """Keep silent."""


def outcome_of(receiver: Receiver, client: Client, request: Any) -> Any:
    accepted = SUBMIT[type(request)].sync(client=client, body=request)
    assert isinstance(accepted, Accepted), accepted
    return receiver.outcome_of(accepted.task_id)


def main() -> None:
    client = Client(base_url=API_URL)
    with Receiver(("127.0.0.1", 0), Handler) as receiver:
        url = f"http://127.0.0.1:{receiver.server_port}"
        add, divide = CalculationItemOperation.ADD, CalculationItemOperation.DIVIDE
        items = [CalculationItem("sum", 1, 2.5, add, 1), CalculationItem("quotient", 1, 0, divide, 0)]
        calculation = CalculationRequest(f"{url}/callback", items)
        calculated = CalculationSuccess.from_dict(outcome_of(receiver, client, calculation))
        data = DataRequest(f"{url}/callback", [DataItem(name="health", url=f"{API_URL}/healthcheck")])
        fetched = DataSuccess.from_dict(outcome_of(receiver, client, data))
        failing = UnreliableItem("it", API_URL, "probe", fail_attempts=1)
        request = SingleAttemptRequest(f"{url}/callback", [failing])
        failed = SingleAttemptFailure.from_dict(outcome_of(receiver, client, request))
        counting = CharactersRequest(f"{url}/callback", [TaskItem("noo")])
        characters = CharactersSuccess.from_dict(outcome_of(receiver, client, counting))
        splitting = WordsRequest(f"{url}/callback", [TaskItem("to be")])
        words = WordsSuccess.from_dict(outcome_of(receiver, client, splitting))
    [reason] = failed.errors
    counted, split = characters.results[0]["noo"], words.results[0]["to be"]
    assert isinstance(counted, CharactersResult)
    assert isinstance(split, WordsResult)
    shown = {
        "calculated": [each.additional_properties for each in calculated.results],
        "failedItems": [each.additional_properties for each in calculated.errors],
        "fetched": [each.additional_properties for each in fetched.results],
        "rows": [[[row.character, row.times] for row in counted.rows], [row.word for row in split.rows]],
        "details": reason.details,
        "failedRequest": [each.to_dict() for each in reason.message.message],
    }
    sys.stdout.write(json.dumps(shown))


main()
