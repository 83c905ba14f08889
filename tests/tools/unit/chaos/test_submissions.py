"""The tasks of the load: all of them good requests, and each knows which outcomes are right."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from services.outbound.targets import TargetRules
from services.task_types.loading import load_task_types
from services.task_types.task_type import ItemError
from services.tasks.calculation import CalculationItem, calculate
from tests.chaos.chaos_stack import TASK_PACKAGES
from tests.chaos.submissions import KINDS, LETHAL_KINDS, Addresses, Submission, Work, calculated, make_submissions
from tests.service_fixtures import policy_of

ADDRESSES = Addresses("http://localhost:9000", "http://localhost:1/callback", task_timeout_seconds=4)
SUBMISSIONS = make_submissions(1, 600, ADDRESSES, (*KINDS, *LETHAL_KINDS))


def work(kind: str) -> Work:
    return next(submission.work for submission in SUBMISSIONS if submission.work.kind == kind)


def test_the_same_seed_has_the_same_tasks() -> None:
    first, again = ([each.request for each in make_submissions(3, 50, ADDRESSES, KINDS)] for _ in range(2))
    assert first == again


def test_every_task_is_one_that_the_api_accepts() -> None:
    rules = TargetRules(policy_of("localhost"))
    task_types = {each.route: each for each in load_task_types(list(TASK_PACKAGES)).values()}
    for submission in SUBMISSIONS:
        task_types[submission.work.route].request_model.model_validate(submission.request, context=rules)


def test_every_kind_of_task_and_of_callback_is_among_them() -> None:
    assert {submission.work.kind for submission in SUBMISSIONS} == {
        "calculation",
        "data",
        "fails at first",
        "is slow",
        "always fails",
        "hangs",
        "has one attempt",
        "fails its one attempt",
        "kills its process",
        "kills at its one attempt",
    }
    assert {submission.callback.url for submission in SUBMISSIONS if not submission.callback.takes} == {
        "http://localhost:9000/callback?status=410",
        "http://localhost:9000/callback?status=500",
        "http://localhost:1/callback",
    }


def calculations() -> Iterator[Submission]:
    return (submission for submission in SUBMISSIONS if submission.work.kind == "calculation")


def outcome_of(message: Any) -> dict[str, Any]:
    """What the services' own calculation makes of it."""
    body: dict[str, Any] = {"results": [], "errors": []}
    for item in message:
        try:
            body["results"].append({item["name"]: calculate(CalculationItem.model_validate(item))})
        except ItemError as error:
            body["errors"].append({item["name"]: str(error)})
    return body


def test_the_results_of_calculations_are_reckoned_anew() -> None:
    for submission in calculations():
        assert submission.work.problem_of(outcome_of(submission.work.message)) is None


def test_a_wrong_result_is_a_problem() -> None:
    message = work("calculation").message
    body = outcome_of(message)
    body["results"][0] = {message[0]["name"]: calculated(message[0]) + Decimal("0.001")}
    assert work("calculation").problem_of(body)


@pytest.mark.parametrize("left_out", ["results", "errors"])
def test_an_item_that_is_left_out_is_a_problem(left_out: str) -> None:
    body = outcome_of(work("calculation").message)
    assert work("calculation").problem_of({**body, left_out: body[left_out][1:]})


def fetched(**results: Any) -> dict[str, Any]:
    names = [item["name"] for item in work("data").message]
    errors = [{name: "no answer"} for name in names if name not in results]
    return {"results": [{name: {"payload": payload}} for name, payload in results.items()], "errors": errors}


def test_data_is_what_its_source_was_posted_or_an_error() -> None:
    nonce = work("data").message[0]["payload"]
    assert work("data").problem_of(fetched(posted=nonce, got=None)) is None
    assert work("data").problem_of(fetched()) is None


@pytest.mark.parametrize(
    "body",
    [
        fetched(posted={"nonce": -1}),
        fetched(missing=None),
        {**fetched(), "errors": fetched()["errors"][1:]},
        {**fetched(), "errors": [dict.fromkeys(error, "") for error in fetched()["errors"]]},
    ],
)
def test_other_data_is_a_problem(body: dict[str, Any]) -> None:
    assert work("data").problem_of(body)


def test_a_task_that_fails_at_first_succeeds_no_sooner() -> None:
    failing = work("fails at first")
    attempts = failing.message[0]["fail_attempts"]
    assert failing.problem_of({"results": [{"it": attempts}], "errors": []})
    assert failing.problem_of({"results": [{"it": attempts + 1}], "errors": []}) is None


@pytest.mark.parametrize("kind", ["always fails", "fails its one attempt", "hangs"])
def test_a_task_that_fails_of_itself_must_fail(kind: str) -> None:
    assert work(kind).must_fail


@pytest.mark.parametrize("kind", ["kills its process", "kills at its one attempt"])
def test_a_task_that_kills_its_process_fails_for_no_reason_of_its_own(kind: str) -> None:
    assert work(kind).is_lethal
    assert not work(kind).must_fail


@pytest.mark.parametrize(
    "kind", ["always fails", "fails its one attempt", "hangs", "kills its process", "kills at its one attempt"]
)
def test_a_task_that_must_fail_does_not_succeed(kind: str) -> None:
    assert work(kind).problem_of({"results": [{"it": 3}], "errors": []})


def test_work_that_must_not_be_repeated_is_known_by_its_probe() -> None:
    for submission in SUBMISSIONS:
        probes = [item.get("probe_id", "") for item in submission.work.message]
        is_once = submission.work.route == "/v1/tests/single-attempt"
        assert [submission.work.only_probe] == (probes if is_once else [""])
