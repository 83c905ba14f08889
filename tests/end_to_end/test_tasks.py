"""What the two example task types answer, as the callback hears it."""

from typing import Any

import pytest

from tests.end_to_end.client import Client

CALCULATION = "/v1/calculation/basic"
DATA = "/v1/data/from-api"


# As text, so that no client rounds a number on its way.
THE_FOUR = """[
    {"name": "calc_0", "num_1": 123, "num_2": 0.75647, "operation": "+", "result_rounding": 2},
    {"name": "calc_1", "num_1": 785687256, "num_2": 0.75647, "operation": "-", "result_rounding": 4},
    {"name": "calc_2", "num_1": 0.877666663555222222, "num_2": 1000, "operation": "*", "result_rounding": -1},
    {"name": "calc_3", "num_1": 1, "num_2": 0, "operation": "/", "result_rounding": 0}]"""


def test_the_four_calculations_of_the_design_to_the_digit(client: Client) -> None:
    body = f'{{"callback_url": "{client.callback_url}", "message": {THE_FOUR}}}'
    accepted = client.api.post(CALCULATION, content=body, headers={"content-type": "application/json"}).json()
    delivery = client.wait_for_deliveries(accepted["task_id"])[0]
    assert delivery["raw_body"] == (
        '{"results":[{"calc_0":123.76},{"calc_1":785687255.2435},{"calc_2":880}],'
        f'"errors":[{{"calc_3":"division by zero"}}],"task_id":"{accepted["task_id"]}"}}'
    )


def test_data_is_fetched_by_get_and_by_post(client: Client) -> None:
    message: list[dict[str, Any]] = [
        {"name": "got", "url": client.source_url, "headers": {"x-asked-by": "test"}, "payload": {}},
        {"name": "posted", "url": client.source_url, "method": "POST", "payload": [{"page": 1.50}]},
    ]
    got, posted = client.outcome(client.submit(DATA, message))["results"]
    assert got["got"]["method"] == "GET"
    assert got["got"]["payload"] is None
    assert got["got"]["headers"]["x-asked-by"] == "test"
    assert posted["posted"]["method"] == "POST"
    assert posted["posted"]["payload"] == [{"page": 1.5}]


@pytest.mark.parametrize("copies", [25])
def test_concurrent_tasks_each_have_their_own_outcome(client: Client, copies: int) -> None:
    item = {"name": "n", "num_2": 1, "operation": "*", "result_rounding": 0}
    task_ids = [client.submit(CALCULATION, [{**item, "num_1": number}]) for number in range(copies)]
    assert len(set(task_ids)) == copies
    for number, task_id in enumerate(task_ids):
        assert client.outcome(task_id) == {"results": [{"n": number}], "errors": [], "task_id": task_id}
