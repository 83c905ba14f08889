"""Showing one message."""

import json

from services.messages import encode_task
from tests.integration.services.conftest import Broker
from tests.integration.services.dlq.conftest import REFUSED, Commands, fill, outcome

REQUEST = '{"callback_url":"http://receiver/","message":[{"name":"a","num_1":0.877666663555222222}]}'


async def test_a_message_is_shown_by_how_its_task_id_begins_with_its_trace_and_its_request(
    broker: Broker, commands: Commands
) -> None:
    task = encode_task("6bc37fc0-8d01", "calculation", REQUEST)
    failed = {"reason": "ValueError: no", "attempts": "3", "trace": "Traceback:\n  line 1"}
    await fill(broker, "calculation-dlq", [task], failed)

    text = await commands.run("show", "6bc3")
    as_json = await commands.run("show", "6bc37fc0-8d01", "--json")

    assert (text.exit_code, text.errors) == (0, "")
    for known in (
        "6bc37fc0-8d01",
        "ValueError: no",
        "Traceback:\n  line 1",
        "http://receiver/",
        "0.877666663555222222",
    ):
        assert known in text.output
    shown = json.loads(as_json.output)
    assert (shown["queue"], shown["redrives_to"], shown["attributes"]) == ("calculation-dlq", "calculation", failed)
    assert shown["request"] == json.loads(REQUEST)
    assert shown["accepted_at"] <= shown["sent_at"]
    assert await broker.in_queue("calculation-dlq") == (1, 0)


async def test_a_message_is_shown_by_its_sqs_id(broker: Broker, commands: Commands) -> None:
    await fill(broker, "undelivered", ["garbage"], {"reason": "the message is no JSON"})
    [message] = json.loads((await commands.run("list", "--json")).output)["messages"]

    done = await commands.run("show", message["message_id"])

    assert done.exit_code == 0
    assert "nobody knows: use --to" in done.output
    assert done.output.endswith("body\ngarbage\n")


async def test_an_id_of_no_message_or_of_several_is_one_line_and_exit_code_1(
    broker: Broker, commands: Commands
) -> None:
    await fill(broker, "undelivered", [outcome(1), outcome(2)], REFUSED)

    none = await commands.run("show", "nothing")
    several = await commands.run("show", "task")

    assert (none.exit_code, none.output, none.errors.count("\n")) == (1, "", 1)
    assert none.errors.startswith("No message has the id nothing")
    assert (several.exit_code, several.output, several.errors.count("\n")) == (1, "", 1)
    assert several.errors.startswith("task could be 2 messages, give the SQS id of one: ")
