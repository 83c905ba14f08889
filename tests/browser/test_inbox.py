"""The inbox in a browser: what a person sees of callbacks and alerts, and does with the receiver."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import Complaints, Held
from tests.browser.receiver_process import SUCCESS, ReceiverProcess

Open = Callable[..., Page]

FAILED = "0f004eca-5c24-4fc5-b939-c14fce35ab09"
FAILURE = {
    "results": [],
    "errors": [{"details": "no worker reported back", "message": {"callback_url": "x"}}],
}
ALERT_BLOCKS = [
    {"type": "section", "text": {"type": "mrkdwn", "text": f":rotating_light: *Task {FAILED} (data) failed for good*"}},
    {"type": "divider"},
    {
        "type": "section",
        "fields": [{"type": "mrkdwn", "text": "*Attempts:* 3"}, {"type": "plain_text", "text": "*as it is*"}],
    },
    {"type": "section", "text": {"type": "mrkdwn", "text": f'*Next:* `make dlq ARGS="show {FAILED}"`'}},
    {"type": "section", "text": {"type": "mrkdwn", "text": "```raise Error(&lt;img src=x&gt; &amp; *more*)```"}},
    {"type": "context", "elements": [{"type": "mrkdwn", "text": "see <https://example.org/docs|the _docs_>"}]},
]


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReceiverProcess]:
    process = ReceiverProcess(tmp_path_factory.mktemp("receiver"))
    process.start()
    yield process
    process.close()


@pytest.fixture
def receiver(process: ReceiverProcess) -> ReceiverProcess:
    """The receiver with nothing in it, that takes every delivery."""
    for path in ("/callbacks", "/slack/messages", "/misbehaviour"):
        process.client.delete(path)
    return process


@pytest.fixture
def filled(receiver: ReceiverProcess) -> ReceiverProcess:
    """One task of each state, the oldest first, and an alert."""
    receiver.deliver("done", {**SUCCESS, "errors": [{"item": "division by zero"}]})
    receiver.deliver("refused", {"results": [{"café": 1}], "errors": []}, "status=503")
    receiver.deliver("no-outcome", {"hello": "world"})
    receiver.deliver(FAILED, FAILURE, "status=500&times=1")
    receiver.deliver(FAILED, FAILURE)
    receiver.alert(text="failed", blocks=ALERT_BLOCKS)
    return receiver


def rows(page: Page) -> Locator:
    return page.locator("#tasks a")


def row(page: Page, task_id: str) -> Locator:
    return page.locator(f'#tasks a[data-key="{task_id}"]')


def story(page: Page) -> Locator:
    return page.locator(".story")


def live(page: Page) -> Page:
    expect(page.locator("header .state")).to_contain_text("live")
    return page


def test_an_empty_inbox_says_what_to_run(receiver: ReceiverProcess, open_page: Open) -> None:
    page = open_page(receiver.url)
    expect(page.locator(".first-steps")).to_contain_text("make demo")
    expect(page.locator(".first-steps pre")).to_contain_text(f"curl {receiver.url}/callback")
    expect(page.locator(".alerts")).to_contain_text("No alert has come")


def test_a_callback_appears_without_a_reload_on_top(receiver: ReceiverProcess, open_page: Open) -> None:
    page = live(open_page(receiver.url))
    for number, task_id in enumerate(["first", "second"]):
        receiver.deliver(task_id)
        expect(rows(page)).to_have_count(number + 1)
    expect(rows(page).first).to_contain_text("second")


def test_a_task_is_one_row_with_its_attempts_and_its_state_in_a_word(
    receiver: ReceiverProcess, open_page: Open
) -> None:
    page = live(open_page(receiver.url))
    receiver.deliver("retried", query="status=503&times=1")
    expect(row(page, "retried")).to_contain_text("not taken")
    expect(row(page, "retried")).to_contain_text("503")
    receiver.deliver("retried", query="status=503&times=1")
    expect(row(page, "retried")).to_contain_text("success")
    expect(row(page, "retried")).to_contain_text("2 attempts")
    expect(rows(page)).to_have_count(1)


def test_each_state_is_shown_by_a_sign_and_a_word(filled: ReceiverProcess, open_page: Open) -> None:
    page = open_page(filled.url)
    for task_id, shown in {
        "done": "✓success",
        "refused": "!not taken",
        "no-outcome": "–no outcome",  # noqa: RUF001  # the dash is meant
        FAILED: "✕failure",
    }.items():
        expect(row(page, task_id).locator(".of-state")).to_have_text(shown)


@pytest.mark.parametrize(
    ("typed", "found"),
    [(FAILED[:9], [FAILED]), ("DIVISION", ["done"]), ("café", ["refused"]), ("100%", []), ("_", [FAILED])],
    ids=["the id", "text of a body", "text beyond ASCII", "no pattern", "a sign of SQL's"],
)
def test_the_list_is_filtered_by_task_id_and_text(
    filled: ReceiverProcess, open_page: Open, typed: str, found: list[str]
) -> None:
    page = open_page(filled.url)
    page.locator("#filter").fill(typed)
    page.wait_for_url(re.compile(r"text="))
    expect(rows(page)).to_have_count(len(found))
    for task_id in found:
        expect(row(page, task_id)).to_be_visible()


def test_the_list_is_filtered_by_state_and_the_address_keeps_it(filled: ReceiverProcess, open_page: Open) -> None:
    page = open_page(filled.url)
    page.get_by_role("button", name=re.compile("failure 1")).click()
    expect(rows(page)).to_have_count(1)
    expect(row(page, FAILED)).to_be_visible()
    page.reload()
    expect(row(page, FAILED)).to_be_visible()
    expect(rows(page)).to_have_count(1)


def test_what_comes_and_does_not_match_the_filter_is_not_shown(filled: ReceiverProcess, open_page: Open) -> None:
    page = live(open_page(f"{filled.url}/?state=failure"))
    expect(rows(page)).to_have_count(1)
    filled.deliver("another", SUCCESS)
    filled.deliver("too", FAILURE)
    expect(row(page, "too")).to_be_visible()
    expect(rows(page)).to_have_count(2)


def test_a_filter_that_finds_nothing_can_be_cleared(filled: ReceiverProcess, open_page: Open) -> None:
    page = open_page(f"{filled.url}/?text=nowhere")
    page.get_by_role("button", name="Show all").click()
    expect(rows(page)).to_have_count(4)


def test_the_story_shows_every_attempt_and_the_reason(filled: ReceiverProcess, open_page: Open) -> None:
    page = open_page(filled.url)
    row(page, FAILED).click()
    expect(story(page).locator(".summary")).to_contain_text("Failed for good: no worker reported back")
    attempts = story(page).locator(".attempt")
    expect(attempts).to_have_count(2)
    expect(attempts.nth(0)).to_contain_text("Answered 500 Internal Server Error: refused")
    expect(attempts.nth(1)).to_contain_text("later")
    expect(attempts.nth(1)).to_contain_text("Answered 200 OK")
    expect(attempts.nth(1)).to_contain_text("unchecked")
    expect(attempts.nth(1)).to_contain_text("CALLBACK_SIGNING_SECRET is not set")


def test_the_story_has_headers_and_pretty_json_to_copy(receiver: ReceiverProcess, open_page: Open) -> None:
    receiver.client.post("/callback", content='{"results":[{"n":2.680}],"errors":[],"task_id":"t"}')
    page = open_page(f"{receiver.url}/?task=t")
    pretty = '{\n  "results": [\n    {\n      "n": 2.680\n    }\n  ],\n  "errors": [],\n  "task_id": "t"\n}'
    expect(story(page).locator("pre")).to_have_text(pretty)
    story(page).locator("pre + button").click()
    expect(story(page).locator("pre + button")).to_contain_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == pretty
    story(page).get_by_text("Headers").click()
    expect(story(page).locator(".headers")).to_contain_text("content-length")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("hang=true", "Never answered: the receiver let it hang"),
        ("drip=true", "Answered a byte a second, without end"),
        ("close=true", "The connection was reset in the middle of the answer"),
        ("delay=300", "The sender left before it was answered"),
    ],
)
def test_a_fault_is_shown_in_words(receiver: ReceiverProcess, open_page: Open, query: str, words: str) -> None:
    page = live(open_page(f"{receiver.url}/?task=t"))
    with receiver.delivering("t", query):
        expect(row(page, "t")).to_be_visible()
    expect(story(page).locator(".attempt")).to_contain_text(words)
    expect(story(page).locator(".attempt")).to_contain_text("after")
    expect(row(page, "t")).to_contain_text("not taken")


def test_an_open_story_goes_on_live(receiver: ReceiverProcess, open_page: Open) -> None:
    page = live(open_page(f"{receiver.url}/?task=t"))
    expect(story(page)).to_contain_text("No delivery of this task has come yet")
    receiver.deliver("t", query="status=503&times=1")
    expect(story(page).locator(".attempt")).to_have_count(1)
    receiver.deliver("t", query="status=503&times=1")
    expect(story(page).locator(".attempt")).to_have_count(2)


def test_back_closes_the_story(filled: ReceiverProcess, open_page: Open) -> None:
    page = open_page(filled.url)
    row(page, "done").click()
    page.wait_for_url(re.compile(r"\?task=done$"))
    expect(story(page)).to_be_visible()
    page.go_back()
    expect(story(page)).to_have_count(0)


def test_an_alert_is_shown_as_slack_shows_it(filled: ReceiverProcess, open_page: Open) -> None:
    message = open_page(filled.url).locator(".alerts .message")
    expect(message.locator("b", has_text="failed for good")).to_be_visible()
    expect(message.locator("code")).to_have_text(f'make dlq ARGS="show {FAILED}"')
    expect(message.locator("pre")).to_have_text("raise Error(<img src=x> & *more*)")
    expect(message.locator(".fields")).to_contain_text("*as it is*")
    expect(message.locator("hr")).to_be_visible()
    expect(message.locator(".context a")).to_have_attribute("href", "https://example.org/docs")
    expect(message.locator(".context")).to_contain_text("see the _docs_")


def test_an_alert_appears_live_and_leads_to_its_story_which_shows_it_too(
    receiver: ReceiverProcess, open_page: Open
) -> None:
    page = live(open_page(receiver.url))
    receiver.deliver(FAILED, FAILURE)
    receiver.alert(text="failed", blocks=ALERT_BLOCKS)
    page.locator(".alerts a", has_text=FAILED).click()
    expect(story(page).locator(".summary")).to_contain_text("Failed for good")
    expect(story(page).locator(".message")).to_contain_text("failed for good")


def test_what_came_stays_text(receiver: ReceiverProcess, open_page: Open) -> None:
    script = "<img src=x onerror=alert(1)><script>alert(1)</script>"
    receiver.client.post("/callback", json={"task_id": script, "results": [script], "errors": []})
    receiver.alert(text=f"{script} <javascript:alert(1)|click>", username=script)
    page = open_page(receiver.url)
    rows(page).first.click()
    expect(story(page).locator("h2")).to_contain_text(script)
    expect(page.locator("main script, main img")).to_have_count(0)
    expect(page.locator("a[href^=javascript]")).to_have_count(0)


def test_misbehaviour_changes_how_deliveries_are_answered_until_it_is_lifted(
    receiver: ReceiverProcess, open_page: Open
) -> None:
    page = live(open_page(receiver.url))
    page.get_by_role("button", name="Misbehave …").click()
    page.get_by_label("Status").fill("429")
    page.get_by_label("Retry-After").fill("7")
    page.get_by_label("How long").select_option("always")
    page.get_by_role("button", name="Misbehave", exact=True).click()
    expect(page.locator(".misbehaviour")).to_contain_text(
        "Deliveries are answered 429 Too Many Requests, with Retry-After: 7"
    )
    assert receiver.deliver("t") == 429
    page.get_by_role("button", name="Take deliveries again").click()
    expect(page.locator(".misbehaviour")).to_contain_text("Deliveries are answered 200 OK")
    assert receiver.deliver("t") == 200


def test_what_is_left_of_a_misbehaviour_is_shown(receiver: ReceiverProcess, open_page: Open) -> None:
    page = live(open_page(receiver.url))
    page.get_by_role("button", name="Misbehave …").click()
    page.get_by_label("How many").fill("2")
    page.get_by_role("button", name="Misbehave", exact=True).click()
    expect(page.locator(".scope")).to_have_text("(2 more deliveries)")
    assert receiver.deliver("a") == 503
    expect(page.locator(".scope")).to_have_text("(1 more delivery)")
    assert receiver.deliver("b") == 503
    expect(page.locator(".scope")).to_have_count(0)
    assert receiver.deliver("c") == 200


def test_misbehaviour_ordered_elsewhere_is_shown(receiver: ReceiverProcess, open_page: Open) -> None:
    page = live(open_page(receiver.url))
    receiver.client.put("/misbehaviour", json={"hang": True})
    expect(page.locator(".misbehaviour")).to_contain_text("Deliveries are never answered")


def test_what_was_read_before_a_misbehaviour_was_set_does_not_hide_it(
    receiver: ReceiverProcess, open_page: Open
) -> None:
    page = open_page("about:blank")
    reading = re.compile(r"/misbehaviour\?")
    held: list[Route] = []

    # With `times=1` Playwright looks at no request once this one is answered, and may miss that which comes then.
    def hold_the_first(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    page.route(reading, hold_the_first)
    with page.expect_request(reading):
        page.goto(receiver.url)
    live(page)
    [route] = held
    answer_of_before = route.fetch()
    receiver.client.put("/misbehaviour", json={"hang": True})
    expect(page.locator(".misbehaviour")).to_contain_text("Deliveries are never answered")

    with page.expect_request(reading):
        route.fulfill(response=answer_of_before)
    expect(page.locator(".misbehaviour")).to_contain_text("Deliveries are never answered")


def test_the_inbox_is_emptied_after_a_question(filled: ReceiverProcess, open_page: Open) -> None:
    page = live(open_page(filled.url))
    page.get_by_role("button", name="Empty …").click()
    page.get_by_role("button", name="Cancel").click()
    expect(rows(page)).to_have_count(4)
    page.get_by_role("button", name="Empty …").click()
    page.get_by_role("button", name="Empty it").click()
    expect(page.locator(".first-steps")).to_be_visible()
    expect(page.locator(".alerts")).to_contain_text("No alert has come")
    filled.deliver("after")
    expect(rows(page)).to_have_count(1)


def test_two_thousand_callbacks_are_a_few_elements_and_all_can_be_reached(
    receiver: ReceiverProcess, open_page: Open
) -> None:
    page = live(open_page(receiver.url))
    for number in range(2000):
        receiver.deliver(f"task-{number}")
    expect(rows(page).first).to_contain_text("task-1999")
    expect(page.get_by_role("button", name=re.compile("all 2,000"))).to_be_visible()
    assert page.locator("*").count() < 1500
    # What is loaded grows as the list is scrolled, until the oldest has come.
    to_the_end = """() => {
        const list = document.getElementById("tasks");
        list.scrollTop = list.scrollHeight;
        return list.querySelector("[data-key=task-0]") !== null;
    }"""
    page.wait_for_function(to_the_end)
    expect(row(page, "task-0")).to_be_visible()
    assert page.locator("*").count() < 1500


def test_what_comes_does_not_move_what_is_read(receiver: ReceiverProcess, open_page: Open) -> None:
    for number in range(60):
        receiver.deliver(f"task-{number}")
    page = live(open_page(receiver.url))
    row(page, "task-59").wait_for()
    page.locator("#tasks").evaluate("list => { list.scrollTop = 360 }")
    read = row(page, "task-40")
    before = read.bounding_box()
    receiver.deliver("new")
    receiver.deliver("task-45")
    waiting = page.locator(".waiting button")
    expect(waiting).to_have_text("↑ 2 new")
    assert read.bounding_box() == before
    waiting.click()
    expect(rows(page).first).to_contain_text("task-45")
    expect(waiting).to_have_count(0)


def test_an_open_story_keeps_the_list_still(filled: ReceiverProcess, open_page: Open) -> None:
    page = live(open_page(filled.url))
    row(page, "done").click()
    expect(story(page)).to_contain_text("division by zero")
    filled.deliver("new")
    expect(page.locator(".waiting button")).to_have_text("↑ 1 new")
    expect(rows(page).first).to_contain_text(FAILED)


def test_a_filter_chosen_beside_an_open_story_shows_its_tasks_with_none_waiting(
    filled: ReceiverProcess, open_page: Open
) -> None:
    page = live(open_page(f"{filled.url}/?task=done"))
    expect(rows(page)).to_have_count(4)
    page.get_by_role("button", name=re.compile("failure 1")).click()
    expect(rows(page)).to_have_count(1)
    expect(row(page, FAILED)).to_be_visible()
    expect(page.locator(".waiting button")).to_have_count(0)


def test_the_page_comes_back_by_itself_and_has_missed_nothing(
    receiver: ReceiverProcess, open_page: Open, complaints: Complaints
) -> None:
    complaints.expect("ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE")
    page = live(open_page(receiver.url))
    receiver.stop()
    expect(page.locator("header .state")).to_contain_text("reconnecting")
    receiver.start()
    receiver.deliver("while away")
    expect(page.locator("header .state")).to_contain_text("live")
    expect(row(page, "while away")).to_be_visible()


def test_rows_of_another_filter_cannot_be_clicked_while_a_filter_is_read(
    filled: ReceiverProcess, open_page: Open
) -> None:
    page = live(open_page(filled.url))
    expect(rows(page)).to_have_count(4)
    held = Held(page, "**/tasks?*text=*")
    page.locator("#filter").fill("division")
    expect(page.locator("#tasks")).to_have_attribute("inert", "")
    held.release()
    expect(rows(page)).to_have_count(1)
    expect(page.locator("#tasks[inert]")).to_have_count(0)


def test_a_reading_that_fails_is_shown_and_made_again(
    filled: ReceiverProcess, open_page: Open, complaints: Complaints
) -> None:
    complaints.expect("503")
    page = live(open_page(f"{filled.url}/?task=done"))
    expect(story(page)).to_contain_text("Done: 1 result")
    for path in ("tasks", "callbacks"):
        page.route(f"**/{path}?*", lambda route: route.fulfill(status=503, json={"detail": "the disk is gone"}))
    filled.deliver("done")
    expect(page.locator(".tasks .error")).to_have_text("The inbox could not be read: the disk is gone.")
    expect(story(page)).to_contain_text("The story could not be read: the disk is gone.")
    page.unroute_all()
    expect(page.locator(".tasks .error")).to_have_count(0)
    expect(story(page)).to_contain_text("2 delivery attempts")
    expect(rows(page)).to_have_count(4)


def test_what_the_receiver_refuses_to_do_is_shown_until_something_else_is_wanted(
    filled: ReceiverProcess, open_page: Open, complaints: Complaints
) -> None:
    complaints.expect("507")
    page = live(open_page(filled.url))
    rows(page).first.wait_for()

    def refuse(route: Route) -> None:
        if route.request.method == "GET":
            route.continue_()
        else:
            route.fulfill(status=507, json={"detail": "no room"})

    page.route(re.compile("/(callbacks|misbehaviour)$"), refuse)
    page.get_by_role("button", name="Empty …").click()
    page.get_by_role("button", name="Empty it").click()
    expect(page.get_by_role("dialog")).to_contain_text("Not emptied: no room.")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Empty …").click()
    expect(page.get_by_role("dialog")).not_to_contain_text("Not emptied")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Misbehave …").click()
    page.get_by_role("button", name="Misbehave", exact=True).click()
    error = page.locator(".misbehaviour .error")
    expect(error).to_have_text("Not done: no room.")
    page.get_by_label("Status").fill("500")
    expect(error).to_have_count(0)


def test_the_keyboard_is_enough(filled: ReceiverProcess, open_page: Open) -> None:
    page = live(open_page(filled.url))
    rows(page).first.wait_for()
    page.keyboard.press("/")
    expect(page.locator("#filter")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    expect(row(page, FAILED)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#story-heading")).to_be_focused()
    page.keyboard.press("Escape")
    expect(story(page)).to_have_count(0)
    expect(row(page, FAILED)).to_be_focused()


def test_escape_clears_the_filter(filled: ReceiverProcess, open_page: Open) -> None:
    page = open_page(f"{filled.url}/?text=division")
    expect(rows(page)).to_have_count(1)
    page.locator("#filter").press("Escape")
    expect(rows(page)).to_have_count(4)


def test_the_system_s_theme_holds_until_another_is_chosen_and_remembered(
    receiver: ReceiverProcess, open_page: Open
) -> None:
    page = open_page(receiver.url, theme="dark")

    def background() -> Any:
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    dark = background()
    page.get_by_role("button", name="Light or dark").click()
    light = background()
    page.reload()
    assert background() == light != dark


def test_the_documentation_is_dark_where_the_system_is(receiver: ReceiverProcess, open_page: Open) -> None:
    page = open_page(f"{receiver.url}/docs", theme="dark")
    expect(page.locator("html.dark-mode .opblock").first).to_be_visible()


def test_news_is_announced_to_those_who_hear_the_page(receiver: ReceiverProcess, open_page: Open) -> None:
    page = live(open_page(receiver.url))
    receiver.deliver("heard")
    expect(page.locator("#heard")).to_contain_text("task heard, success, attempt 1")


@pytest.mark.parametrize("width", [1280, 1600, 400])
def test_everybody_can_use_it(
    filled: ReceiverProcess, open_page: Open, assert_accessible: Callable[[Page], None], width: int
) -> None:
    filled.client.put("/misbehaviour", json={"status": 503})
    page = live(open_page(filled.url, width=width))
    rows(page).first.wait_for()
    page.get_by_role("button", name="Change").click()
    assert_accessible(page)
    row(page, FAILED).click()
    story(page).get_by_text("Headers").first.click()
    expect(story(page).locator(".headers")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Empty …").click()
    assert_accessible(page)


def test_everybody_can_use_the_empty_inbox(
    receiver: ReceiverProcess, open_page: Open, assert_accessible: Callable[[Page], None]
) -> None:
    page = live(open_page(receiver.url))
    page.locator(".first-steps").wait_for()
    assert_accessible(page)


def test_a_narrow_window_shows_one_pane_at_a_time_and_never_scrolls_sideways(
    filled: ReceiverProcess, open_page: Open
) -> None:
    page = live(open_page(filled.url, width=400))
    expect(row(page, FAILED)).to_be_visible()
    page.get_by_role("button", name="Alerts 1").click()
    expect(page.locator(".alerts")).to_be_visible()
    page.reload()
    expect(page.locator(".alerts")).to_be_visible()
    page.locator(".alerts a", has_text=FAILED).click()
    expect(story(page)).to_be_visible()
    expect(page.locator(".tasks")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
