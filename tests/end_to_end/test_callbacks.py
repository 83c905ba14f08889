"""How outcomes are delivered: signed, repeated until taken, kept where nobody takes them."""

from tests.end_to_end.client import Client, wait_for

CALCULATION = "/v1/calculation/basic"
ITEM = {"name": "a", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 0}


def test_a_callback_carries_the_headers_of_standard_webhooks(client: Client) -> None:
    task_id = client.submit(CALCULATION, [ITEM])
    delivery = client.wait_for_deliveries(task_id)[0]
    assert delivery["headers"]["webhook-id"] == task_id
    assert delivery["headers"]["webhook-timestamp"].isdigit()
    assert delivery["headers"]["content-type"] == "application/json"
    assert delivery["signature"]["verdict"] == "valid"


def test_a_refused_callback_is_repeated_to_the_byte_until_it_is_taken(client: Client) -> None:
    task_id = client.submit(CALCULATION, [ITEM], f"{client.callback_url}?status=503&times=4")
    deliveries = client.wait_for_deliveries(task_id, 5)
    assert [delivery["status"] for delivery in deliveries] == [503, 503, 503, 503, 200]
    assert len({delivery["raw_body"] for delivery in deliveries}) == 1
    assert {delivery["headers"]["webhook-id"] for delivery in deliveries} == {task_id}
    assert {delivery["signature"]["verdict"] for delivery in deliveries} == {"valid"}


def test_a_receiver_that_answers_too_late_hears_again(client: Client) -> None:
    # Once alone: the callbacks of other tests go to the same receiver, and would be put off as long as it is slow.
    task_id = client.submit(CALCULATION, [ITEM], f"{client.callback_url}?delay=30&times=1")
    assert len(client.wait_for_deliveries(task_id, 2)) == 2


def test_a_redirect_is_refused_and_not_followed(client: Client) -> None:
    task_id = client.submit(CALCULATION, [ITEM], f"{client.callback_url}?status=302&times=1")
    assert [delivery["status"] for delivery in client.wait_for_deliveries(task_id, 2)][:2] == [302, 200]


def test_the_work_is_not_repeated_for_a_receiver_that_refuses(unreliable: Client) -> None:
    item = unreliable.unreliable_item()
    task_id = unreliable.submit("/v1/tests/unreliable", [item], f"{unreliable.callback_url}?status=500&times=4")
    unreliable.wait_for_deliveries(task_id, 5)
    assert len(unreliable.deliveries(item["probe_id"])) == 1


def test_410_is_final_and_a_person_hears_of_it(client: Client) -> None:
    task_id = client.submit(CALCULATION, [ITEM], f"{client.callback_url}?status=410")
    alert = client.wait_for_alert(task_id)
    assert "410" in str(alert["blocks"])
    assert "undelivered" in alert["text"]
    assert len(client.deliveries(task_id)) == 1


def test_an_outcome_that_nobody_takes_is_kept_and_a_person_hears_of_it(client: Client) -> None:
    task_id = client.submit(CALCULATION, [ITEM], f"{client.callback_url}?status=500")
    alert = client.wait_for_alert(task_id)
    assert "500" in str(alert["blocks"])
    assert "undelivered" in alert["text"]


def test_an_unreachable_receiver_is_an_alert_too(client: Client) -> None:
    task_id = client.submit(CALCULATION, [ITEM], "http://nowhere.invalid/")
    assert "cannot be resolved" in str(client.wait_for_alert(task_id)["blocks"])


def test_each_delivery_attempt_is_listed_once(client: Client) -> None:
    task_id = client.submit(CALCULATION, [ITEM], f"{client.callback_url}?status=503&times=2")
    client.wait_for_deliveries(task_id, 3)
    wait_for(lambda: [each["attempt"] for each in client.deliveries(task_id)] == [1, 2, 3], "the attempts 1, 2, 3")
