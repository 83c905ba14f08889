"""Task type `link-check`, on a real stack: API, queue, worker and callback."""

from links.tasks import link_check
from stack.testing import RunningStack


def test_links_are_checked(stack: RunningStack) -> None:
    source = stack.settings.source_url
    links = [{"name": "here", "url": source}, {"name": "gone", "url": f"{source}?status=404"}]

    done = stack.run(link_check, links)

    assert done.results == [{"here": 200}]
    assert done.errors == [{"gone": "the link is dead: 404"}]


def test_a_callback_that_is_refused_is_tried_again(stack: RunningStack) -> None:
    links = [{"name": "here", "url": stack.settings.source_url}]

    done = stack.run(link_check, {"callback_url": f"{stack.callback_url}?status=503&times=1", "message": links})

    assert [delivery["status"] for delivery in done.deliveries] == [503, 200]
