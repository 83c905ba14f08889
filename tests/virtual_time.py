"""Tests that wait for as long as they like: on a clock that jumps from timer to timer."""

import functools
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec

from bench.scaling.virtual_time import run_in_virtual_time

ParametersT = ParamSpec("ParametersT")


def in_virtual_time(test: Callable[ParametersT, Coroutine[Any, Any, None]]) -> Callable[ParametersT, None]:
    """Run the test on a loop without sockets, in no time; one that waits for what can never happen fails."""

    @functools.wraps(test)
    def run(*arguments: ParametersT.args, **named: ParametersT.kwargs) -> None:
        run_in_virtual_time(test(*arguments, **named))

    return run
