"""The queues of a retired task type, on a real LocalStack: who shows them."""

import json
from typing import Any
from uuid import uuid4

import pytest

from services.dead_letters.unclaimed import list_names, look_for_unclaimed
from services.messages import encode_task
from services.primitives.sqs_limits import MAX_MESSAGE_BYTES
from services.queueing.client import open_sqs
from services.queueing.definition import QueueDefinition
from services.queueing.queues import Queues
from services.queues import define_pair
from services.runtime.settings import ServiceSettings
from tests.integration.services.conftest import LOCALSTACK_ACCOUNT, Broker
from tests.integration.services.console.conftest import console_settings, queue, running_console
from tests.integration.services.dlq.conftest import Commands, commands, deny, intercepted  # noqa: F401  # a fixture
from tests.service_fixtures import Serve

RETIRED = "word-count"
TASK = encode_task("task-1", RETIRED, '{"callback_url":"http://receiver/","message":[]}')


async def make_pair(broker: Broker, name: str, prefix: str, *, retention: int | None = None) -> Queues:
    """Make the queues as an earlier release did."""
    definitions: dict[str, QueueDefinition] = {each.name: each for each in define_pair(name, 5)}
    for each in reversed(list(definitions.values())):
        attributes: dict[Any, str] = {
            "MessageRetentionPeriod": str(retention or each.retention_seconds),
            "MaximumMessageSize": str(MAX_MESSAGE_BYTES),
        }
        if each.max_attempts:
            arn = f"arn:aws:sqs:{broker.client.meta.region_name}:{LOCALSTACK_ACCOUNT}:{prefix}{name}-dlq"
            attributes["RedrivePolicy"] = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})
        await broker.client.create_queue(QueueName=f"{prefix}{each.name}", Attributes=attributes)
    return Queues(broker.client, definitions, name_prefix=prefix)


@pytest.fixture
async def retired(broker: Broker) -> Queues:
    queues = await make_pair(broker, RETIRED, broker.environment["queue_name_prefix"])
    await queues[RETIRED].send(TASK)
    await queues[f"{RETIRED}-dlq"].send(TASK, {"reason": "ValueError: no", "attempts": "5"})
    return queues


@pytest.mark.usefixtures("retired")
async def test_the_command_names_them_with_what_they_hold_and_looks_into_none(
    broker: Broker,
    commands: Commands,  # noqa: F811  # the fixture
) -> None:
    done = await commands.run("list")
    as_json = json.loads((await commands.run("list", "--json")).output)

    assert f"No task type claims {RETIRED} (1 message), {RETIRED}-dlq (1 message): nobody works" in done.output
    assert "ValueError" not in done.output
    assert [(each["name"], each["messages"]) for each in as_json["unclaimed"]] == [(RETIRED, 1), (f"{RETIRED}-dlq", 1)]
    assert as_json["messages"] == []
    assert await broker.in_queue("undelivered") == (0, 0)


@pytest.mark.usefixtures("retired")
async def test_the_dlq_of_a_retired_type_is_listed_when_it_is_named(
    broker: Broker,
    commands: Commands,  # noqa: F811  # the fixture
) -> None:
    for name in (f"{RETIRED}-dlq", f"{broker.environment['queue_name_prefix']}{RETIRED}-dlq"):
        [message] = json.loads((await commands.run("list", name, "--json")).output)["messages"]
        assert (message["task_id"], message["reason"], message["attempts"]) == ("task-1", "ValueError: no", 5)

    unknown = await commands.run("list", RETIRED)
    assert unknown.exit_code == 2
    assert f"undelivered, {RETIRED}-dlq." in unknown.errors


@pytest.mark.usefixtures("retired")
async def test_the_console_shows_them_as_what_they_are(broker: Broker) -> None:
    async with running_console(console_settings(broker.environment)) as console:
        state = await console.state_when(lambda state: any(each["name"] == RETIRED for each in state["queues"]))

    row, dlq = queue(state, RETIRED), queue(state, f"{RETIRED}-dlq")
    assert (row["kind"], row["consumer"], row["dead_letter_queue"], row["waiting"]) == (
        "unclaimed",
        None,
        f"{RETIRED}-dlq",
        1,
    )
    assert (dlq["kind"], dlq["consumer"], dlq["waiting"]) == ("dlq", None, 1)
    assert state["unclaimed_problem"] is None


async def test_without_a_prefix_a_pair_counts_that_is_made_as_ours_and_no_other(broker: Broker) -> None:
    ours, foreign = f"a{uuid4().hex[:12]}", f"b{uuid4().hex[:12]}"
    await make_pair(broker, ours, "")
    await make_pair(broker, foreign, "", retention=60)

    unclaimed = await look_for_unclaimed(broker.client, broker.definitions, name_prefix="")

    assert unclaimed.problem is None
    assert unclaimed.definitions.keys() >= {ours, f"{ours}-dlq"}
    assert not unclaimed.definitions.keys() & {foreign, f"{foreign}-dlq"}


async def test_all_pages_of_the_list_are_read(broker: Broker) -> None:
    prefix = broker.environment["queue_name_prefix"]

    names = {name async for name in list_names(broker.client, prefix, page_size=2)}

    assert names == {f"{prefix}{name}" for name in broker.definitions}
    assert broker.requests.counts["ListQueues"] > 1


async def test_who_may_not_list_queues_sees_that(broker: Broker, serve: Serve) -> None:
    async with (
        intercepted(broker, serve, deny("ListQueues")) as denying,
        open_sqs(ServiceSettings(**denying)) as client,
    ):
        unclaimed = await look_for_unclaimed(client, broker.definitions, name_prefix="")

    assert unclaimed.definitions == {}
    assert unclaimed.problem == "Queues that no task type claims are not shown: ListQueues is not allowed."
