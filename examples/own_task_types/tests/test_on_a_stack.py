"""The task types on a real stack: API, queue, worker and callback."""

from acme.tasks import broken_links, invoice_pdf
from stack.testing import RunningStack


def test_the_links_of_a_page_are_followed(stack: RunningStack) -> None:
    source = stack.settings.source_url
    pages = [{"name": "here", "url": source}, {"name": "gone", "url": f"{source}?status=404"}]

    done = stack.run(broken_links, pages)

    assert done.results == [{"here": {"links": 0, "broken": []}}]
    assert done.errors == [{"gone": "the page answered 404 Not Found"}]


def test_the_example_of_the_documentation_is_drawn(stack: RunningStack) -> None:
    done = stack.run(invoice_pdf, list(invoice_pdf.TASK_TYPE.example))

    assert done.results[0]["invoice-1001"]["total"] == 60.3


def test_a_callback_that_is_refused_is_tried_again(stack: RunningStack) -> None:
    pages = [{"name": "here", "url": stack.settings.source_url}]

    done = stack.run(broken_links, {"callback_url": f"{stack.callback_url}?status=503&times=1", "message": pages})

    assert [delivery["status"] for delivery in done.deliveries] == [503, 200]
