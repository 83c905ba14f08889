"""`make screenshots`: photographs the pages for the README, on a stack of its own that has seen a bit of everything."""

import io
import os
import re
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from stack.config import ROOT
from tests.end_to_end.client import Client, wait_for
from tests.end_to_end.stack_control import StackControl

IMAGES = ROOT / "docs" / "images"
WIDTH, HEIGHT = 1280, 860
COLOURS = 256  # enough for pages, and a third of the bytes

SETTINGS = {
    "API_KEYS": "",
    "TASK_PACKAGES": "services.tasks",
    "TASK_DELAY_SECONDS": "0.4",  # so that workers are seen at work
    "TASK_TIMEOUT_SECONDS": "2",  # so that a slow source makes a task fail
    "CALLBACK_RETRY_SCHEDULE_SECONDS": "2,3,4",
    "ALERT_WINDOW_SECONDS": "1",
    "CONSOLE_SAMPLE_SECONDS": "1",
}

BUSY_SECONDS = 75
"""Long enough that the plots show something."""


def main() -> None:
    """Start a stack, keep it busy, and write the images."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if program is None:
        sys.exit("There is no chromium: run `make screenshots`, or set CHROMIUM.")
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, _stack(Path(directory)) as stack, sync_playwright() as playwright:
        arguments = [] if os.geteuid() else ["--no-sandbox"]  # Chromium's sandbox does not work for root
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        _photograph(browser, stack)
        browser.close()


@contextmanager
def _stack(directory: Path) -> Iterator[StackControl]:
    stack = StackControl(directory, mode="native", settings=SETTINGS)
    try:
        stack.up()
        yield stack
    finally:
        stack.remove()


def _photograph(browser: Browser, stack: StackControl) -> None:
    client = Client(stack.api_url, stack.receiver_url, stack.receiver_url)
    story = _submit_what_fails(client, f"{client.callback_url}?status=503&times=2")
    with _busy(client):
        time.sleep(BUSY_SECONDS)
        _leave_undelivered(client)
        _write("console", _open(browser, f"{stack.console_url}/#overview"), is_whole=True)
    _submit_what_fails(client)
    # Their alerts come above that of the failure, whose stack trace shows where this machine has the project.
    _leave_undelivered(client)
    _write("inbox", _open(browser, stack.receiver_url))
    _write("dead-letters", _dead_letters(_open(browser, f"{stack.console_url}/#dead-letters/undelivered")))
    _write("story", _open(browser, f"{stack.receiver_url}/?task={story}"))
    client.close()


def _submit_what_fails(client: Client, callback_url: str | None = None) -> str:
    """Submit a task that fails for good; return its id when its callback has taken that and the alert is there."""
    slow = [{"name": "report", "url": f"{client.source_url}?delay=5"}]
    task_id = client.submit("/v1/data/from-api", slow, callback_url)
    wait_for(lambda: any(each["status"] == httpx.codes.OK for each in client.deliveries(task_id)), "the failure")
    client.wait_for_alert(task_id)
    return task_id


def _leave_undelivered(client: Client) -> None:
    """Submit tasks whose outcome nobody takes."""
    for number in range(3):
        task_id = client.submit("/v1/calculation/basic", _calculations(number), f"{client.callback_url}?status=410")
        client.wait_for_alert(task_id)


@contextmanager
def _busy(client: Client) -> Iterator[None]:
    """Submit tasks of every kind, in waves, for as long as the block."""
    stop = threading.Event()
    thread = threading.Thread(target=_submit_in_waves, args=(client, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _submit_in_waves(client: Client, stop: threading.Event) -> None:
    number = 0
    while not stop.wait(0.1 + 0.25 * (number // 60 % 2)):
        number += 1
        refused = f"{client.callback_url}?status=503&times=2" if number % 12 == 0 else None
        client.submit("/v1/calculation/basic", _calculations(number), refused)
        if number % 9 == 0:
            client.submit("/v1/data/from-api", [{"name": "page", "url": client.source_url}])
        if number % 70 == 0:  # fails
            client.submit("/v1/data/from-api", [{"name": "report", "url": f"{client.source_url}?delay=5"}])


def _calculations(number: int) -> list[dict[str, Any]]:
    return [
        {"name": "sum", "num_1": number, "num_2": 0.75647, "operation": "+", "result_rounding": 2},
        {"name": "share", "num_1": 100, "num_2": number % 4, "operation": "/", "result_rounding": 3},
    ]


def _open(browser: Browser, url: str) -> Page:
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light", reduced_motion="reduce")
    page.goto(url)
    page.get_by_role("status").filter(has_text=re.compile("live$")).wait_for()
    page.wait_for_timeout(2000)  # a sample or two, and what is drawn of it
    return page


def _dead_letters(page: Page) -> Page:
    page.get_by_role("button", expanded=False).first.click()
    page.locator("tr.details pre.json").wait_for()
    return page


def _write(name: str, page: Page, *, is_whole: bool = False) -> None:
    with Image.open(io.BytesIO(page.screenshot(full_page=is_whole))) as image:
        image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(IMAGES / f"{name}.png", optimize=True)
    page.close()
    sys.stdout.write(f"{IMAGES / name}.png\n")


if __name__ == "__main__":
    main()
