"""How outcomes are delivered: signed, repeated until taken, kept where nobody takes them."""

from tests.end_to_end.client import Client

CALCULATION = "/v1/calculation/basic"
ITEM = {"name": "a", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 0}


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
