"""Who logs an event and who reads it have its name from one place, so that none is logged under another one.

What the programs do log, and that a story can be read from it, is tested with these: test_logged_stories.py.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest

import receiver.log_events
import services.telemetry.log_events
from stack.config import ROOT
from stack.functions.log_events import FUNCTION_ENDED
from stack.logs.line import ROTATED_AWAY
from stack.stories.step import READERS

LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}

ROOMS_OF_TASKS = ("api", "worker", "delivery", "dlq_watcher", "queueing")
"""Those of `services` whose lines may be of a task."""

SHOWN_AS_THEY_ARE = {
    "a large task could not be validated",
    "a message cannot be read, and is left to SQS",
    "a receive is left behind: SQS does not answer",
    "a task that was left running has ended; nothing is made of it",
    "alert could not be sent, trying again",
    "attributes that do not fit are left out",
    "began with care: messages are in flight",
    "calls on messages are left to the SDK",
    "delivered although others may have the message: whether they do is not known",
    "draining",
    "given back without an attempt",
    "heartbeat failed",
    "not deleted before another is begun",
    "nothing is known here of its last attempt",
    "queue cannot be compared with its declaration",
    "queue is as declared again",
    "queue is not as declared",
    "queue takes smaller messages than SQS allows",
    "receive failed",
    "received again while in flight",
    "the broker cannot be used",
    "the broker does not give all times",
    "the message is not in flight any more; its work goes on",
    "the task ignores its cancellation, and is cancelled again",
    "the task ignores its cancellation, and is left running",
}
"""What these log beside: nobody reads it by name, and it changes nothing in how a task stands."""


def events_of(module: ModuleType) -> Mapping[str, str]:
    """What is logged, by its name."""
    return {name: value for name, value in vars(module).items() if name.isupper()}


OF_SERVICES = events_of(services.telemetry.log_events)
OF_RECEIVER = events_of(receiver.log_events)


@cache
def nodes_in(*folders: str) -> Sequence[ast.AST]:
    files = [path for folder in folders for path in Path(ROOT, folder).rglob("*.py")]
    assert files
    return [node for path in files for node in ast.walk(ast.parse(path.read_text()))]


def is_level(node: ast.AST) -> bool:
    """Whether it is `log.info` or the like."""
    match node:
        case ast.Attribute(ast.Name("log"), level):
            return level in LEVELS
    return False


def logged_in(*folders: str) -> Iterator[ast.expr]:
    """What stands for the event in each call of `log.info` and the like, or of what calls it with what follows."""
    for node in nodes_in(*folders):
        if isinstance(node, ast.Call):
            yield from (event for word, event in pairwise([node.func, *node.args]) if is_level(word))


def names_logged_in(*folders: str) -> set[str]:
    return {each.attr for each in logged_in(*folders) if isinstance(each, ast.Attribute)}


def sentences_logged_in(*folders: str) -> set[str]:
    """Those that have no name."""
    return {ast.unparse(each) for each in logged_in(*folders) if not isinstance(each, ast.Attribute)}


@pytest.mark.parametrize("name", OF_SERVICES)
def test_each_event_of_the_services_is_logged_by_its_name(name: str) -> None:
    assert name in names_logged_in("services")


@pytest.mark.parametrize("name", OF_RECEIVER)
def test_each_event_of_the_receiver_is_logged_by_its_name(name: str) -> None:
    assert name in names_logged_in("receiver")


def test_what_is_logged_of_a_task_has_a_name_or_is_known_to_need_none() -> None:
    sentences = sentences_logged_in(*(f"services/{room}" for room in ROOMS_OF_TASKS))

    assert sentences == set(map(repr, SHOWN_AS_THEY_ARE))


@pytest.mark.parametrize("folder", ["services", "receiver"])
def test_no_event_that_has_a_name_is_spelt_out(folder: str) -> None:
    assert sentences_logged_in(folder).isdisjoint(map(repr, [*OF_SERVICES.values(), *OF_RECEIVER.values()]))


def test_a_story_knows_what_each_event_means() -> None:
    assert READERS.keys() == {*OF_SERVICES.values(), *OF_RECEIVER.values(), FUNCTION_ENDED, ROTATED_AWAY}


def compared_with(node: ast.AST) -> Iterator[ast.expr]:
    """What a line's event is compared with there."""
    match node:
        case ast.Compare(ast.Attribute(attr="event"), comparators=others):
            yield from others
        case ast.Match(ast.Attribute(attr="event"), cases):
            patterns = (pattern for case in cases for pattern in ast.walk(case.pattern))
            yield from (pattern.value for pattern in patterns if isinstance(pattern, ast.MatchValue))


def test_whoever_reads_the_logs_has_an_events_name_from_there_too() -> None:
    comparisons = [other for node in nodes_in("stack", "tests/chaos") for other in compared_with(node)]

    assert comparisons
    assert [ast.unparse(each) for each in comparisons if isinstance(each, ast.Constant)] == []
