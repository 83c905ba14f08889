"""The console in a real browser, on a real stack: what it shows, and what a person can do with it."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import Complaints, Held
from tests.end_to_end.client import PATIENCE_SECONDS, SOON_CLOSED, Client
from tests.end_to_end.stack_control import SETTINGS, StackControl

OpenPage = Callable[..., Page]
Check = Callable[[Page], None]

# Longer than it takes a busy machine to show a task at work: each sample, then what the page makes of it.
HOLD_SECONDS = 15
CALCULATION = {"name": "sum", "num_1": 1, "num_2": 2, "operation": "+", "result_rounding": 0}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackControl]:
    directory = tmp_path_factory.mktemp("stack")
    stack = StackControl(directory, mode="native", settings={**SETTINGS, "CONSOLE_SAMPLE_SECONDS": "1"})
    try:
        stack.up()
        yield stack
    finally:
        stack.remove()


@pytest.fixture(scope="module")
def client(stack: StackControl) -> Iterator[Client]:
    client = Client(stack.api_url, stack.receiver_url, stack.receiver_url)
    yield client
    client.close()


@pytest.fixture
def console(stack: StackControl, open_page: OpenPage) -> OpenPage:
    """Open the console at one of its views; the other arguments are a page's."""

    def opened(view: str = "overview", **arguments: Any) -> Page:
        page = open_page(f"{stack.console_url}/#{view}", **arguments)
        expect(page.locator("#links")).to_contain_text("live")
        expect(page.locator(f"#view-{view.partition('/')[0]}")).to_be_visible()
        return page

    return opened


@pytest.fixture
def undelivered(stack: StackControl, client: Client) -> Iterator[Callable[[int], list[str]]]:
    """Make outcomes that nobody takes; `undelivered` is empty before and after."""

    def made(number: int) -> list[str]:
        # Gone is final (Standard Webhooks): no attempt follows it.
        ids = [
            client.submit("/v1/calculation/basic", [CALCULATION], f"{client.callback_url}?status=410&times=1")
            for _ in range(number)
        ]
        for task_id in ids:
            client.wait_for_alert(task_id)
        return ids

    yield made
    with httpx.Client(base_url=stack.console_url, timeout=PATIENCE_SECONDS, limits=SOON_CLOSED) as console:
        console.post("/api/redrive", json={"queue": "undelivered", "all": True}).raise_for_status()


def queue_row(page: Page, name: str) -> Locator:
    return page.locator(f'tr[data-queue="{name}"]')


def cell(row: Locator, label: str) -> Locator:
    return row.locator(f'td[data-label="{label}"]')


def letter_rows(page: Page) -> Locator:
    return page.locator("tr[data-message]")


def call(page: Page, module: str, expression: str, argument: Any = None) -> Any:
    """Evaluate an expression with the module as `m` and the argument as `a`, in the page."""
    return page.evaluate(
        f"async (a) => {{ const m = await import('/static/{module}'); return {expression}; }}", argument
    )


# What it shows


def test_all_is_well_with_everybody_there(console: OpenPage) -> None:
    page = console()
    line = page.locator("#verdict .verdict-line")
    expect(line).to_contain_text("All well")
    expect(line).to_contain_text("workers")
    expect(line).to_contain_text("the DLQ watcher")
    expect(page).to_have_title("Console")


def test_each_queue_is_a_row_with_its_dlq_beside_it(console: OpenPage) -> None:
    page = console()
    for name in ("calculation", "data", "callbacks"):
        expect(cell(queue_row(page, name), "DLQ").get_by_role("link")).to_have_attribute(
            "href", f"#dead-letters/{name}-dlq"
        )
    expect(queue_row(page, "alerts")).to_be_visible()
    expect(queue_row(page, "undelivered").get_by_role("link")).to_have_attribute("href", "#dead-letters/undelivered")
    expect(queue_row(page, "calculation").get_by_role("img")).to_have_attribute(
        "aria-label", re.compile("at most 0 waiting")
    )


def test_a_task_at_work_is_seen_without_a_reload_and_leads_to_its_story(
    stack: StackControl, console: OpenPage, client: Client
) -> None:
    page = console()
    worker = page.locator('tr[data-service="worker-unreliable"]')
    expect(cell(worker, "Works on")).to_contain_text("nothing at the moment")
    task_id = client.submit("/v1/tests/unreliable", [client.unreliable_item(hold_seconds=HOLD_SECONDS)])
    expect(cell(queue_row(page, "unreliable"), "In flight")).to_have_text("1")
    link = worker.get_by_role("link", name=task_id[:8])
    expect(link).to_have_attribute("href", f"{stack.receiver_url}/?task={task_id}")
    expect(cell(worker, "Slots busy")).to_contain_text("1 of ")
    expect(cell(worker, "Works on")).to_contain_text("nothing at the moment")


def test_tasks_at_work_move_nothing_and_make_nothing_wider(console: OpenPage, client: Client) -> None:
    page = console()
    worker = page.locator('tr[data-service="worker-unreliable"]')

    def heights() -> dict[int, float]:
        found = {}
        for width in (1600, 1280, 1130, 400):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            found[width] = worker.evaluate("row => row.getBoundingClientRect().height")
        return found

    expect(cell(worker, "Works on")).to_contain_text("nothing at the moment")
    quiet = heights()
    items = [client.unreliable_item(hold_seconds=HOLD_SECONDS) for _ in range(3)]
    task_ids = [client.submit("/v1/tests/unreliable", [item]) for item in items]
    expect(cell(worker, "Works on")).to_contain_text("and 1 more")
    assert heights() == quiet
    expect(cell(worker, "Works on")).to_contain_text("and 1 more")
    for task_id in task_ids:
        client.outcome(task_id)


def test_a_worker_that_is_dead_is_shown_so_with_the_reason_until_it_is_back(
    stack: StackControl, console: OpenPage
) -> None:
    page = console()
    worker = page.locator('tr[data-service="worker-data"]')
    expect(cell(worker, "State")).to_contain_text("ready")
    stack.stop("worker-data")
    try:
        expect(cell(worker, "State")).to_contain_text("dead")
        expect(cell(worker, "State").locator(".reason")).not_to_be_empty()
        expect(page.locator("#verdict .verdict-line")).to_contain_text("worker-data does not answer")
        expect(page).to_have_title("(1) Console")
    finally:
        stack.start("worker-data")
    expect(page.locator("#verdict .verdict-line")).to_contain_text("All well")


def test_plots_say_in_words_and_as_a_table_what_they_draw(console: OpenPage, client: Client) -> None:
    page = console()
    client.outcome(client.submit("/v1/calculation/basic", [CALCULATION]))
    tasks = page.locator('[data-plot="throughput"]')
    expect(tasks.get_by_role("img")).to_have_attribute("aria-label", re.compile(r"done last .*at most [0-9.]*[1-9]"))
    tasks.get_by_text("As a table").click()
    expect(tasks.get_by_role("columnheader")).to_have_text(["From", "accepted", "done", "failed"])
    expect(tasks.locator("tbody tr").first).to_be_visible()


def test_the_cursor_shows_the_values_of_one_moment_in_all_plots(console: OpenPage) -> None:
    page = console()
    over = page.locator('[data-plot="throughput"] .u-over')
    over.scroll_into_view_if_needed()
    over.hover()
    for plot in ("throughput", "end-to-end"):
        expect(page.locator(f'[data-plot="{plot}"] .u-cursor-x:not(.u-off)')).to_have_count(1)


# Dead letters


def test_what_could_not_be_delivered_appears_with_its_reason(
    console: OpenPage, undelivered: Callable[[int], list[str]]
) -> None:
    page = console("dead-letters/undelivered")
    expect(page.locator("#dead-messages .empty")).to_contain_text("undelivered is empty")
    (task_id,) = undelivered(1)
    row = letter_rows(page)
    expect(row).to_contain_text(task_id)
    expect(cell(row, "Reason")).to_contain_text("the receiver answered 410")
    expect(page.locator("#verdict .verdict-line")).to_contain_text("1 message waits in undelivered")


def test_the_line_on_top_leads_to_what_is_wrong(console: OpenPage, undelivered: Callable[[int], list[str]]) -> None:
    undelivered(1)
    page = console()
    page.locator("#verdict").get_by_role("link", name="look at it").click()
    expect(letter_rows(page)).to_have_count(1)


def test_a_row_opens_all_that_is_known(
    stack: StackControl, console: OpenPage, undelivered: Callable[[int], list[str]]
) -> None:
    (task_id,) = undelivered(1)
    page = console("dead-letters/undelivered")
    page.get_by_role("button", name=task_id).click()
    details = page.locator("tr.details")
    expect(details).to_contain_text("the receiver answered 410")
    expect(details.locator("pre.json")).to_contain_text('"sum": 3')
    expect(details.get_by_role("link", name="Its story")).to_have_attribute(
        "href", f"{stack.receiver_url}/?task={task_id}"
    )
    details.get_by_role("button", name="Copy the outcome").click()
    expect(details.get_by_role("button", name="Copied the outcome")).to_be_visible()
    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert copied == {"results": [{"sum": 3}], "errors": [], "task_id": task_id}


def test_filters_show_what_matches(console: OpenPage, undelivered: Callable[[int], list[str]]) -> None:
    undelivered(1)
    page = console("dead-letters/undelivered")
    expect(letter_rows(page)).to_have_count(1)
    page.get_by_label("Reason contains").fill("no such reason")
    page.get_by_role("button", name="Look again").click()
    expect(page.locator("#dead-messages .empty")).to_contain_text("No message in undelivered matches")
    page.get_by_label("Reason contains").fill("ANSWERED 410")
    page.get_by_label("Reason contains").press("Enter")
    expect(letter_rows(page)).to_have_count(1)
    page.get_by_label("Task type").select_option("data")
    expect(page.locator("#dead-messages .empty")).to_contain_text("No message in undelivered matches")


def test_one_is_redriven_when_confirmed_and_its_outcome_is_delivered(
    console: OpenPage, client: Client, undelivered: Callable[[int], list[str]]
) -> None:
    first, second = undelivered(2)
    page = console("dead-letters/undelivered")
    page.get_by_label(f"Choose {second}").check()
    page.get_by_role("button", name="Redrive the chosen").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("1 message goes from undelivered to callbacks")
    dialog.get_by_role("button", name="Redrive 1 message").click()
    expect(dialog).to_contain_text("1 message went from undelivered to callbacks")
    dialog.get_by_role("button", name="Close").click()
    expect(letter_rows(page)).to_have_count(1)
    expect(letter_rows(page)).to_contain_text(first)
    assert client.wait_for_deliveries(second, 2)[-1]["body"]["results"] == [{"sum": 3}]


def test_some_are_redriven(console: OpenPage, undelivered: Callable[[int], list[str]]) -> None:
    _, second, _ = undelivered(3)
    page = console("dead-letters/undelivered")
    page.get_by_label("Choose all shown").check()
    page.get_by_label(f"Choose {second}").uncheck()
    expect(page.get_by_text("2 of 3 messages chosen")).to_be_visible()
    page.get_by_role("button", name="Redrive the chosen").click()
    page.get_by_role("button", name="Redrive 2 messages").click()
    page.get_by_role("button", name="Close").click()
    expect(letter_rows(page)).to_have_count(1)
    expect(letter_rows(page)).to_contain_text(second)


def test_all_are_redriven(console: OpenPage, undelivered: Callable[[int], list[str]]) -> None:
    undelivered(2)
    page = console("dead-letters/undelivered")
    page.get_by_role("button", name="Redrive all").click()
    page.get_by_role("button", name="Redrive 2 messages").click()
    page.get_by_role("button", name="Close").click()
    expect(page.locator("#dead-messages .empty")).to_be_visible()


def test_what_is_not_confirmed_stays(console: OpenPage, undelivered: Callable[[int], list[str]]) -> None:
    undelivered(1)
    page = console("dead-letters/undelivered")
    page.get_by_role("button", name="Redrive all").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Redrive 1 message")).to_be_enabled()
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Redrive all").click()
    expect(dialog).to_contain_text("1 message goes")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Look again").click()
    expect(letter_rows(page)).to_have_count(1)


def test_a_reason_that_is_typed_and_not_entered_counts_before_anything_is_redriven(
    console: OpenPage, undelivered: Callable[[int], list[str]]
) -> None:
    undelivered(2)
    page = console("dead-letters/undelivered")
    expect(letter_rows(page)).to_have_count(2)
    page.get_by_label("Reason contains").fill("503")
    expect(page.get_by_role("button", name="Redrive all that match")).to_be_disabled()
    page.keyboard.press("Tab")
    expect(page.locator("#dead-messages .empty")).to_contain_text("No message in undelivered matches")
    expect(page.get_by_role("button", name="Redrive all")).to_have_count(0)
    page.get_by_label("Reason contains").fill("answered 410")
    # What a person does who sees the button and does not press Enter first.
    page.get_by_text("A look receives the messages").click()
    expect(letter_rows(page)).to_have_count(2)
    page.get_by_role("button", name="Redrive all that match").click()
    expect(page.get_by_role("dialog")).to_contain_text("2 messages go")


def test_nothing_of_another_filter_can_be_chosen_while_a_filter_is_looked_for(
    console: OpenPage, undelivered: Callable[[int], list[str]]
) -> None:
    undelivered(1)
    page = console("dead-letters/undelivered")
    page.get_by_label("Choose all shown").check()
    held = Held(page, "**/api/dead-letters?*reason=*")
    page.get_by_label("Reason contains").fill("410")
    page.keyboard.press("Enter")
    expect(page.locator("#dead-messages .empty")).to_have_text("Looking …")
    expect(letter_rows(page)).to_have_count(0)
    expect(page.get_by_role("button", name="Redrive")).to_have_count(0)
    held.release()
    expect(letter_rows(page)).to_have_count(1)
    expect(page.get_by_text("0 of 1 message chosen")).to_be_visible()


def test_a_reload_and_the_back_button_keep_queue_filter_and_open_row(
    console: OpenPage, undelivered: Callable[[int], list[str]]
) -> None:
    first, second = undelivered(2)
    page = console("dead-letters/undelivered")
    page.get_by_label("Task type").select_option("calculation")
    page.get_by_label("Reason contains").fill("410 & more?")
    page.keyboard.press("Enter")
    expect(page.locator("#dead-messages .empty")).to_contain_text("No message in undelivered matches")
    page.go_back()
    expect(page.get_by_label("Reason contains")).to_have_value("")
    expect(page.get_by_label("Task type")).to_have_value("calculation")
    page.get_by_role("button", name=second).click()
    expect(page.locator("tr.details pre.json")).to_be_visible()
    page.reload()
    expect(page.locator("tr.details")).to_contain_text(second)
    expect(page.locator("tr.details")).not_to_contain_text(first)
    page.get_by_role("link", name="Overview").click()
    expect(page.locator("#view-overview")).to_be_visible()
    page.get_by_role("link", name="Dead letters").click()
    expect(page.locator("tr.details pre.json")).to_be_visible()
    expect(page.get_by_label("Task type")).to_have_value("calculation")
    page.go_back()
    expect(page.locator("#view-overview")).to_be_visible()


def test_the_queue_that_is_shown_first_is_shown_after_a_reload(console: OpenPage) -> None:
    page = console("dead-letters")
    expect(page).to_have_url(re.compile("#dead-letters/undelivered$"))


def test_an_error_goes_with_its_cause(
    console: OpenPage, undelivered: Callable[[int], list[str]], complaints: Complaints
) -> None:
    (task_id,) = undelivered(1)
    page = console("dead-letters/undelivered")
    expect(letter_rows(page)).to_have_count(1)
    complaints.expect("ERR_CONNECTION_REFUSED")
    page.route("**/api/dead-letters?*", lambda route: route.abort("connectionrefused"))
    page.route("**/api/dead-letters/*", lambda route: route.abort("connectionrefused"))
    page.get_by_role("button", name="Look again").click()
    error = page.locator("#dead-messages > .problem")
    expect(error).to_contain_text("The console does not answer")
    page.get_by_role("button", name=task_id).click()
    expect(page.locator("tr.details .problem")).to_contain_text("The console does not answer")
    page.unroute_all()
    expect(error).to_have_count(0)
    expect(page.locator("tr.details pre.json")).to_be_visible()
    expect(page.locator("#links")).to_contain_text("live")


# Submit a task


def test_the_example_is_submitted_as_it_is(stack: StackControl, console: OpenPage, client: Client) -> None:
    page = console("submit")
    page.get_by_role("button", name="Submit the task").click()
    accepted = page.locator(".accepted")
    expect(accepted).to_contain_text("accepted")
    task_id = accepted.locator("code").inner_text()
    expect(accepted.get_by_role("link")).to_have_attribute("href", f"{stack.receiver_url}/?task={task_id}")
    assert [*client.outcome(task_id)["results"][0]] == ["calc_0"]


def test_numbers_are_submitted_to_the_digit(console: OpenPage, client: Client) -> None:
    page = console("submit")
    for _ in range(3):
        page.get_by_label("Remove message 2").click()
    page.get_by_label("num_1").fill("0.12345678901234567890")
    page.get_by_label("num_2").fill("0")
    page.get_by_label("result_rounding").fill("12")
    page.get_by_role("button", name="JSON").click()
    expect(page.get_by_label("Request")).to_have_value(re.compile("0.12345678901234567890"))
    page.get_by_role("button", name="Form").click()
    expect(page.get_by_label("num_1")).to_have_value("0.12345678901234567890")
    page.get_by_role("button", name="Submit the task").click()
    task_id = page.locator(".accepted code").inner_text()
    assert client.outcome(task_id)["results"] == [{"calc_0": 0.123456789012}]


def test_a_field_that_is_wrong_says_so_before_anything_is_sent(console: OpenPage) -> None:
    page = console("submit")
    field = page.get_by_label("num_1").first
    field.fill("1,5")
    page.get_by_role("button", name="Submit the task").click()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description("✕ a number, such as 12 or -0.5")
    expect(field).to_be_focused()
    expect(page.locator(".accepted")).to_have_count(0)


def test_what_the_api_refuses_is_shown_at_its_field(console: OpenPage) -> None:
    page = console("submit")
    field = page.get_by_label("callback_url")
    field.fill("http://10.0.0.1/callback")
    page.get_by_role("button", name="Submit the task").click()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile("not public"))
    field.fill("http://localhost:1/callback")


def test_what_was_wrong_with_a_field_is_said_until_it_is_changed(console: OpenPage) -> None:
    page = console("submit")
    first, second = (page.get_by_label("num_1").nth(index) for index in (0, 1))
    first.fill("x")
    second.fill("y")
    page.get_by_role("button", name="Submit the task").click()
    expect(first).to_have_attribute("aria-invalid", "true")
    first.fill("1")
    expect(first).to_have_attribute("aria-invalid", "false")
    expect(second).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Remove message 1").click()
    expect(page.locator("[aria-invalid=true]")).to_have_count(0)


def test_an_api_that_is_back_is_asked_again(console: OpenPage, complaints: Complaints) -> None:
    complaints.expect("502")
    page = console()
    page.route(
        "**/api/task-types*", lambda route: route.fulfill(status=502, json={"detail": "the API does not answer"})
    )
    page.get_by_role("link", name="Submit a task").click()
    expect(page.locator("#submission .problem")).to_contain_text("the API does not answer")
    page.unroute_all()
    expect(page.get_by_role("button", name="Submit the task")).to_be_visible()


def test_a_reload_keeps_the_task_type(console: OpenPage) -> None:
    page = console("submit")
    page.get_by_label("Task type").select_option(value="/v1/data/from-api")
    page.reload()
    expect(page.get_by_label("Task type")).to_have_value("/v1/data/from-api")
    expect(page.get_by_label("url").first).to_be_visible()


def test_the_same_as_a_curl_command(console: OpenPage, stack: StackControl) -> None:
    page = console("submit")
    page.get_by_label("name").first.fill("it's")
    page.get_by_text("The same as a curl command").click()
    command = page.locator(".curl pre").inner_text()
    assert command.startswith(f"curl -X POST '{stack.api_url}/v1/calculation/basic'")
    assert "it'\\''s" in command


def test_the_headers_that_are_filled_in_go_with_the_task(
    console: OpenPage, stack: StackControl, client: Client
) -> None:
    page = console("submit")
    page.get_by_text("Headers", exact=True).click()
    page.get_by_label("Message-Group-Id").fill("tenant-7")
    page.get_by_label("Delay-Seconds").fill("1")
    page.get_by_text("The same as a curl command").click()
    command = page.locator(".curl pre").inner_text()
    assert " -H 'Message-Group-Id: tenant-7' -H 'Delay-Seconds: 1' " in command
    page.get_by_role("button", name="Submit the task").click()
    task_id = page.locator(".accepted code").inner_text()
    assert client.outcome(task_id)["results"]
    story = json.loads(stack.command("trace", task_id, "--json").stdout)
    assert story["message_group_id"] == "tenant-7"
    assert "accepted: calculation of the message group tenant-7, delayed by 1s" in [
        step["text"] for step in story["steps"]
    ]


@pytest.mark.parametrize("mode", ["Form", "JSON"])
def test_a_header_that_is_wrong_says_so_before_anything_is_sent(console: OpenPage, mode: str) -> None:
    page = console("submit")
    page.get_by_role("button", name=mode, exact=True).click()
    page.get_by_text("Headers", exact=True).click()
    field = page.get_by_label("Delay-Seconds")
    field.fill("901")
    page.get_by_text("Headers", exact=True).click()
    page.get_by_role("button", name="Submit the task").click()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description("✕ at most 900")
    expect(field).to_be_focused()
    expect(page.locator(".accepted")).to_have_count(0)


def test_a_form_is_made_for_every_task_type(console: OpenPage) -> None:
    page = console("submit")
    page.get_by_label("Task type").select_option(value="/v1/data/from-api")
    expect(page.get_by_label("method").first.locator("option")).to_have_text(["GET, unless said", "GET", "POST"])
    expect(page.get_by_label("payload").first).to_have_js_property("tagName", "TEXTAREA")
    rows = page.locator("fieldset.row").count()
    page.get_by_role("button", name="Add one like the last").click()
    expect(page.locator("fieldset.row")).to_have_count(rows + 1)


# Whoever looks at it, and however


def test_dark_and_light_are_chosen_and_remembered(console: OpenPage) -> None:
    page = console(theme="light")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator("[data-theme-toggle]").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_keys_lead_everywhere(console: OpenPage) -> None:
    page = console()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Dead letters")
    page.keyboard.press("Escape")
    for key, view in (("2", "#view-dead-letters"), ("3", "#view-submit"), ("1", "#view-overview")):
        page.keyboard.press(key)
        expect(page.locator(view)).to_be_visible()
    page.reload()
    # There is no content to skip to before the first state has come.
    expect(page.locator("#view-overview")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()


@pytest.mark.parametrize("view", ["overview", "dead-letters", "submit"])
def test_no_view_is_wider_than_a_phone(console: OpenPage, view: str) -> None:
    page = console(view, width=400)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_everybody_can_use_each_view_and_dialog(
    console: OpenPage, undelivered: Callable[[int], list[str]], assert_accessible: Check
) -> None:
    (task_id,) = undelivered(1)
    page = console()
    for summary in page.get_by_text("As a table").all():
        summary.click()
    assert_accessible(page)
    page.keyboard.press("?")
    assert_accessible(page)
    page.keyboard.press("Escape")
    page.keyboard.press("2")
    page.get_by_role("button", name=task_id).click()
    expect(page.locator("tr.details pre.json")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Redrive all").click()
    expect(page.get_by_role("dialog")).to_contain_text("1 message goes")
    assert_accessible(page)
    page.keyboard.press("Escape")
    page.keyboard.press("3")
    page.get_by_label("num_1").first.fill("x")
    page.get_by_role("button", name="Submit the task").click()
    assert_accessible(page)
    page.get_by_role("button", name="JSON").click()
    assert_accessible(page)


def test_the_api_s_documentation_is_dark_where_the_system_is_and_its_example_has_every_digit(
    stack: StackControl, open_page: OpenPage, assert_readable: Check
) -> None:
    page = open_page(f"{stack.api_url}/docs", theme="dark")
    page.locator(".opblock-summary-control").first.click()
    page.get_by_role("button", name="Try it out").click()
    expect(page.locator("textarea.body-param__text")).to_have_value(re.compile('"num_1": 0.877666663555222222,'))
    with page.expect_request("**/v1/calculation/basic") as sent:
        page.get_by_role("button", name="Execute").click()
    assert '"num_1": 0.877666663555222222,' in (sent.value.post_data or "")
    expect(page.locator(".live-responses-table")).to_contain_text("task_id")
    for schema in page.locator(".json-schema-2020-12__title").all():
        schema.click()
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(28, 32, 34)"
    assert_readable(page)
    page.emulate_media(color_scheme="light")
    expect(page.locator("html.dark-mode")).to_have_count(0)


# The functions behind it


@pytest.fixture(scope="module")
def anywhere(browser: Browser, stack: StackControl) -> Iterator[Page]:
    """A page that modules can be imported in."""
    page = browser.new_page()
    page.goto(stack.console_url)
    yield page
    page.close()


def a_queue(name: str = "calculation", **differences: Any) -> dict[str, Any]:
    return {
        "name": name, "consumer": "worker", "kind": "source", "dead_letter_queue": f"{name}-dlq", "source_queue": None,
        "max_attempts": 3, "error": None, "waiting": 0, "in_flight": 0, "delayed": 0, "oldest_seconds": None,
        "oldest_is_at_least": False, "history": {"waiting": [0, 0], "in_flight": [0, 0]}, **differences,
    }  # fmt: skip


def a_service(name: str = "worker-calculation", **differences: Any) -> dict[str, Any]:
    consumer = {
        "queue": name.removeprefix("worker-"),
        "slots": 5,
        "busy": 0,
        "last_receive_seconds_ago": 1,
        "in_flight": [],
    }
    return {
        "name": name, "url": f"http://{name}", "host": "here", "pid": 1, "uptime_seconds": 1.0, "alive": True,
        "ready": True, "reasons": [], "error": None, "consumers": [consumer], **differences,
    }  # fmt: skip


def a_state(
    queues: list[dict[str, Any]], services: list[dict[str, Any]], failed: tuple[float, ...] = ()
) -> dict[str, Any]:
    series = {"at": [60.0 * index for index in range(len(failed))], "failed": list(failed)}
    return {
        "at": 0,
        "sample_seconds": 2,
        "links": {"inbox": None},
        "queues": queues,
        "services": services,
        "series": series,
    }


@pytest.mark.parametrize(
    ("state", "level", "text"),
    [
        (a_state([a_queue()], [a_service()]), None, ""),
        (
            a_state([a_queue()], [a_service(alive=False, error="connection refused")]),
            "bad",
            "does not answer (connection refused)",
        ),
        (a_state([a_queue()], [a_service(ready=False, reasons=["no Slack"])]), "bad", "is not ready: no Slack"),
        (
            a_state([a_queue(waiting=3)], [a_service(alive=False)]),
            "bad",
            "3 messages wait in calculation and nobody takes them",
        ),
        (a_state([a_queue()], [a_service("worker-data")]), "warn", "nobody takes from calculation"),
        (a_state([a_queue(error="timeout")], [a_service()]), "bad", "SQS does not answer: timeout"),
        (
            a_state([a_queue("undelivered", consumer=None, kind="other", in_flight=1)], [a_service()]),
            "bad",
            "1 message waits in undelivered",
        ),
        (
            a_state(
                [
                    a_queue("word-count", consumer=None, kind="unclaimed"),
                    a_queue("word-count-dlq", consumer=None, kind="dlq", waiting=2),
                ],
                [a_service()],
            ),
            "bad",
            "2 messages in word-count-dlq, which no task type claims: nobody works them, nor reports them",
        ),
        (
            a_state([a_queue("word-count", consumer=None, kind="unclaimed")], [a_service()]),
            "note",
            "no task type claims word-count",
        ),
        (
            a_state([a_queue("calculation-dlq", kind="dlq", waiting=2)], [a_service("calculation-dlq")]),
            "warn",
            "2 failed messages in calculation-dlq",
        ),
        (
            a_state(
                [
                    a_queue(
                        waiting=9,
                        oldest_seconds=90,
                        oldest_is_at_least=True,
                        history={"waiting": [3, 9], "in_flight": [5, 5]},
                    )
                ],
                [a_service()],
            ),
            "warn",
            "the oldest of 9 has waited at least 1 min 30 s; more come than go",
        ),
        (
            a_state([a_queue("callbacks", in_flight=2)], [a_service("worker-callbacks")]),
            "note",
            "2 outcomes wait for another delivery attempt",
        ),
        (
            {**a_state([a_queue()], [a_service()]), "made_anew": {"at": 0, "messages": 3, "text": "made anew: gone"}},
            "bad",
            "made anew: gone",
        ),
        (
            {**a_state([a_queue()], [a_service()]), "made_anew": {"at": 0, "messages": 0, "text": "made anew: empty"}},
            "note",
            "made anew: empty",
        ),
        (a_state([a_queue()], [a_service()], failed=(0, 0.05)), "note", "3 tasks failed for good in the last 1 min"),
    ],
)
def test_what_is_found_wrong(anywhere: Page, state: dict[str, Any], level: str | None, text: str) -> None:
    found = call(anywhere, "findings.js", "m.findings(a)", state)
    assert [one["level"] for one in found[:1]] == ([level] if level else [])
    assert text in " ".join(one["text"] for one in found)


def test_a_lost_connection_outweighs_what_was_known(anywhere: Page) -> None:
    said = call(
        anywhere,
        "verdict.js",
        "m.verdict(a, m2.findings(a), 'lost')".replace("m2", "(await import('/static/findings.js'))"),
        a_state([], []),
    )
    assert said["level"] == "bad"
    assert "what is shown is of" in said["text"]


def test_the_requests_of_a_form_follow_the_schema(anywhere: Page) -> None:
    schema = {
        "required": ["url", "count", "maybe", "items"],
        "properties": {
            "url": {"type": "string", "format": "uri", "minLength": 1},
            "count": {"type": "integer", "minimum": 1, "maximum": 9},
            "maybe": {"anyOf": [{"type": "number"}, {"type": "null"}]},
            "left_out": {"type": "string"},
            "is_it": {"type": "boolean"},
            "level": {"enum": [1, "two"]},
            "anything": {"anyOf": [{"type": "object"}, {"type": "array"}]},
            "items": {
                "type": "array",
                "minItems": 1,
                "items": {"properties": {"n": {"type": "number"}}, "required": ["n"]},
            },
        },
    }
    read = """(() => { const fields = m.fieldsOf(a.schema); const { request, errors } = m.requestOf(fields, a.texts);
        return { json: JSON.stringify(request), errors: Object.fromEntries(errors) }; })()"""
    right = {
        "url": "http://x/",
        "count": "3",
        "maybe": "",
        "left_out": "",
        "is_it": "true",
        "level": "1",
        "anything": "[1e2]",
        "items": [{"n": "1.50"}],
    }
    assert json.loads(call(anywhere, "schema-fields.js", read, {"schema": schema, "texts": right})["json"]) == {
        "url": "http://x/",
        "count": 3,
        "maybe": None,
        "is_it": True,
        "level": 1,
        "anything": [100],
        "items": [{"n": 1.5}],
    }
    wrong = {**right, "url": "ftp://x", "count": "10", "anything": "7", "items": [{"n": "one"}]}
    assert [*call(anywhere, "schema-fields.js", read, {"schema": schema, "texts": wrong})["errors"]] == [
        "url",
        "count",
        "anything",
        "items.0.n",
    ]


def test_numbers_keep_their_digits(anywhere: Page) -> None:
    text = '{"a":0.877666663555222222,"b":1e400,"c":1.50,"d":-0}'
    assert (
        call(anywhere, "exact-json.js", "m.stringify(m.parse(a))", text)
        == '{"a":0.877666663555222222,"b":1e400,"c":1.5,"d":0}'
    )


def test_a_sparkline_is_parted_where_a_sample_is_missing(anywhere: Page) -> None:
    drawn = call(anywhere, "sparkline.js", "m.line(a, (number, index) => `${index} ${number}`)", [1, 2, None, 3])
    assert drawn == "M0 1L1 2M3 3"


def test_an_address_names_a_view_and_what_in_it(anywhere: Page) -> None:
    fragments = ["", "#submit", "#dead-letters/data-dlq?reason=a+%26+b&open=", "#dead-letters/%", "#nothing?a=b"]
    assert call(anywhere, "views.js", "a.map(m.viewOf)", fragments) == [
        {"id": "overview", "detail": None, "parameters": {}},
        {"id": "submit", "detail": None, "parameters": {}},
        {"id": "dead-letters", "detail": "data-dlq", "parameters": {"reason": "a & b", "open": ""}},
        {"id": "dead-letters", "detail": "%", "parameters": {}},
        {"id": "overview", "detail": None, "parameters": {}},
    ]
    assert call(
        anywhere, "views.js", "m.addressOf('dead-letters', 'data-dlq', a)", {"reason": "a & b", "open": None}
    ) == ("#dead-letters/data-dlq?reason=a+%26+b")
