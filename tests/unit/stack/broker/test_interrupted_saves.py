"""What is in the file, and what can be received, when a broker fails in the midst of a save or a restore."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from stack.broker.saved_messages import SavedMessage, restore, save
from stack.brokers import MOTO
from stack.config import StackSettings
from stack.errors import StackError
from stack.state import saved_messages_file
from tests.unit.stack.conftest import Answer, Serve

SAVED = 25
NO_ANSWER_OF_SQS: Answer = (200, "<html>")


class OneQueue:
    """A broker with one queue, which answers the next calls that send, or delete, as it is told."""

    def __init__(self, *answers: Answer) -> None:
        self.messages = [
            {"MessageId": "a", "ReceiptHandle": "of a", "Body": "{}", "Attributes": {"SentTimestamp": "1"}},
            {"MessageId": "b", "ReceiptHandle": "of b", "Body": "{}", "Attributes": {"SentTimestamp": "2"}},
        ]
        for message in self.messages:
            message["Attributes"]["ApproximateReceiveCount"] = "1"  # type: ignore[index]  # a dictionary
        self.shown_again: list[str] = []
        self._answers = iter(answers)

    def answer(self, _request: str, body: bytes) -> Answer:
        match json.loads(body):
            case {"Entries": [{"MessageBody": _}, *_] as entries}:
                return next(self._answers, (200, {"Successful": entries}))
            case {"Entries": [{"ReceiptHandle": _}, *_]}:
                return next(self._answers)
            case {"MaxNumberOfMessages": _}:
                messages, self.messages = self.messages, []
                return 200, {"Messages": messages}
            case {"VisibilityTimeout": 0, "ReceiptHandle": handle}:
                self.shown_again.append(handle)
                return 200, {}
            case {"AttributeNames": _}:
                return 200, {"Attributes": {}}
        return 200, {"QueueUrls": ["http://localhost/000000000000/work"]}


def settings_for(port: int, directory: Path) -> StackSettings:
    return StackSettings("native", localstack_port=port, directory=directory, broker=MOTO)


def saved_in(directory: Path) -> list[str]:
    file = saved_messages_file(directory)
    return [message["message_id"] for message in json.loads(file.read_text())["messages"]] if file.exists() else []


def confirmed(first: int, number: int) -> Answer:
    return 200, {"Successful": [{"Id": str(each)} for each in range(first, first + number)]}


def test_what_was_confirmed_before_a_restore_ends_early_is_not_sent_again(serve: Serve, tmp_path: Path) -> None:
    settings = settings_for(serve(OneQueue(confirmed(0, 10), confirmed(10, 10), NO_ANSWER_OF_SQS).answer), tmp_path)
    messages = [asdict(SavedMessage(str(number), "work", "{}", {})) for number in range(SAVED)]
    saved_messages_file(tmp_path).write_text(json.dumps({"messages": messages}))

    with pytest.raises(StackError, match="moto answers SendMessageBatch as SQS does not"):
        restore(settings)

    assert saved_in(tmp_path) == [str(number) for number in range(20, SAVED)]
    assert restore(settings) == SAVED - 20
    assert saved_in(tmp_path) == []


@pytest.mark.parametrize(
    ("answer", "saved", "reason"),
    [
        (
            (200, {"Failed": [{"Id": "1", "Code": "InternalError"}]}),
            ["a"],
            "refused to delete 1 message: InternalError",
        ),
        # Whether they are deleted is not known: in two places they are not lost.
        (NO_ANSWER_OF_SQS, ["a", "b"], "moto answers DeleteMessageBatch as SQS does not"),
    ],
)
def test_what_is_saved_and_not_deleted_can_be_received_again_and_is_saved_only_where_it_may_be_deleted(
    serve: Serve, tmp_path: Path, answer: Any, saved: list[str], reason: str
) -> None:
    broker = OneQueue(answer)

    with pytest.raises(StackError, match=reason):
        save(settings_for(serve(broker.answer), tmp_path))

    assert saved_in(tmp_path) == saved
    assert broker.shown_again == ["of a", "of b"]
